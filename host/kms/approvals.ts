// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes } from 'node:crypto';
import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, type TSchema, Type } from 'typebox';
import { Check } from 'typebox/value';
import { ConflictError, KeyError, NotFoundError } from '../errors.ts';
import { toHex } from '../wire/hex.ts';
import { createDurably, readPrivate } from './durable-file.ts';
import { Envelope, type Sealer } from './sealing.ts';

/** Notes that wait for another person, in sealed files beside the keys: every node sees them, nobody can forge one. */
export class SealedNotes<S extends TSchema> {
  readonly #folder: string;
  readonly #sealer: Sealer;
  readonly #kind: string;
  readonly #schema: S;

  /** @param kind ends the names of the files */
  constructor(folder: string, sealer: Sealer, kind: string, schema: S) {
    this.#folder = folder;
    this.#sealer = sealer;
    this.#kind = kind;
    this.#schema = schema;
  }

  /** @returns false when there is one of that name already */
  async write(name: string, note: Static<S>): Promise<boolean> {
    const plain = new TextEncoder().encode(JSON.stringify(note));
    const envelope = await this.#sealer.seal(plain, this.#context(name));
    plain.fill(0);
    return createDurably(this.#path(name), JSON.stringify(envelope));
  }

  async find(name: string): Promise<Static<S> | undefined> {
    const text = await readPrivate(this.#path(name));
    return text === undefined ? undefined : this.#opened(name, text);
  }

  /** Takes the note away. @returns false when somebody else did before */
  async take(name: string): Promise<boolean> {
    // The name of what was taken can be made once only, whoever else removes the file at this moment.
    if (!(await createDurably(`${this.#path(name)}.taken`, ''))) return false;
    await unlink(this.#path(name)).catch(ignoreGone);
    return true;
  }

  async remove(name: string): Promise<void> {
    await unlink(this.#path(name)).catch(ignoreGone);
  }

  async names(): Promise<string[]> {
    const end = `.${this.#kind}.json`;
    return (await readdir(this.#folder)).flatMap((file) => (file.endsWith(end) ? [file.slice(0, -end.length)] : []));
  }

  async #opened(name: string, text: string): Promise<Static<S>> {
    const envelope: unknown = JSON.parse(text);
    if (!Check(Envelope, envelope)) throw this.#unreadable(name);
    const plain = await this.#sealer.unseal(envelope, this.#context(name));
    const note: unknown = JSON.parse(new TextDecoder().decode(plain));
    plain.fill(0);
    if (this.#is(note)) return note;
    throw this.#unreadable(name);
  }

  readonly #is = (note: unknown): note is Static<S> => Check(this.#schema, note);
  readonly #context = (name: string): Uint8Array => new TextEncoder().encode(JSON.stringify([this.#kind, name]));
  readonly #path = (name: string): string => join(this.#folder, `${name}.${this.#kind}.json`);
  readonly #unreadable = (name: string): KeyError =>
    new KeyError('key-unreadable', `${this.#path(name)} is no note of this KMS`);
}

function ignoreGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** Name of a file for any text. */
export const fileStemOf = (...texts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 32);

export const newNoteId = (): string => toHex(randomBytes(16));

/** @throws ConflictError when its time is over */
export function requireInTime(expiresAt: string, now: Date): void {
  if (now.getTime() < Date.parse(expiresAt)) return;
  throw new ConflictError('approval-expired', 'This request waited too long: ask again', { expiresAt });
}

export const noSuchApproval = (): NotFoundError =>
  new NotFoundError('no-such-approval', 'There is no such request, or it was done already');

export const Text = Type.String({ maxLength: 200 });

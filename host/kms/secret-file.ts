// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { Check } from 'typebox/value';
import { UsageError } from '../errors.ts';
import { createDurably, readPrivate } from './durable-file.ts';
import { Envelope, type Sealer } from './sealing.ts';

/** A file of keys that somebody brings in clear, private to its owner; once it is sealed it has the end `.sealed`. */
export interface SecretFile {
  readonly file: string;
  /** What the sealed file belongs to: it opens for nothing else. */
  readonly context: string;
  /** Of the errors. */
  readonly code: string;
  /** What the file must hold, for whoever reads the error. */
  readonly wanted: string;
  /** The content in its one form, or undefined where it is malformed. */
  readonly canonical: (text: string) => string | undefined;
}

export interface OpenedSecret {
  readonly text: string;
  /** True: a file in clear is there, alone or beside its sealed one. */
  readonly clear: boolean;
}

/** Where the sealed form of this file lies. */
export const sealedFile = (file: string): string => `${file}.sealed`;

/**
 * Reads a secret in clear, or as it was sealed before.
 *
 * @throws UsageError with its `code` for a file that is absent, malformed, or beside a sealed one of other keys
 * @throws KeyError `key-unreadable` for a sealed file of another KMS or of something else
 */
export async function readSecret(secret: SecretFile, sealer: Sealer | undefined): Promise<OpenedSecret> {
  const { file, code, wanted, canonical } = secret;
  const clear = await readPrivate(file);
  const sealed = sealer === undefined ? undefined : await unsealed(secret, sealer);
  if (clear === undefined && sealed === undefined) throw new UsageError(code, `${file} is not there`, { file });
  const text = clear === undefined ? sealed : canonical(clear);
  if (text === undefined) throw new UsageError(code, `${file}: want ${wanted}`, { file });
  if (clear !== undefined && sealed !== undefined && text !== sealed)
    throw new UsageError(code, `${file} has other keys than ${sealedFile(file)}: remove the one that is old`, { file });
  return { text, clear: clear !== undefined };
}

async function unsealed({ file, context, code, canonical }: SecretFile, sealer: Sealer): Promise<string | undefined> {
  const stored = await readPrivate(sealedFile(file));
  if (stored === undefined) return undefined;
  const malformed = () => new UsageError(code, `${sealedFile(file)} is no sealed file of keys`, { file });
  const envelope = parsedJson(stored);
  if (!Check(Envelope, envelope)) throw malformed();
  const plain = await sealer.unseal(envelope, new TextEncoder().encode(context));
  try {
    const text = canonical(new TextDecoder().decode(plain));
    if (text === undefined) throw malformed();
    return text;
  } finally {
    plain.fill(0);
  }
}

/**
 * Puts the sealed file in the place of the one in clear.
 *
 * @returns false where nothing may be written; another node may do the same at this moment
 */
export async function sealSecret({ file, context }: SecretFile, text: string, sealer: Sealer): Promise<boolean> {
  const plain = new TextEncoder().encode(text);
  const envelope = await sealer.seal(plain, new TextEncoder().encode(context));
  plain.fill(0);
  try {
    await createDurably(sealedFile(file), `${JSON.stringify(envelope)}\n`);
    await rm(file, { force: true });
    return true;
  } catch (error) {
    if (/^(EACCES|EPERM|EROFS)$/.test(String((error as NodeJS.ErrnoException).code))) return false;
    throw error;
  }
}

const HEX_KEY = /^([0-9A-F]{32}|[0-9A-F]{48}|[0-9A-F]{64})\s*$/;

/** A file with one master key in hex. */
export const masterKeyFile = (file: string, code: string, context: string): SecretFile => ({
  file,
  code,
  context,
  wanted: 'a file with 32, 48 or 64 upper-case hex digits',
  canonical: (text) => HEX_KEY.exec(text)?.[1],
});

/** Reads a master key, and seals its file where there is a sealer. @returns hex, and whether it had to stay in clear */
export async function openMasterKey(secret: SecretFile, sealer: Sealer | undefined) {
  const { text, inClear } = await openSecret(secret, sealer);
  return { hex: text, inClear };
}

/** Reads a secret, and seals its file where there is a sealer. @returns whether it had to stay in clear, too */
export async function openSecret(secret: SecretFile, sealer: Sealer | undefined) {
  const { text, clear } = await readSecret(secret, sealer);
  const inClear = clear && !(sealer !== undefined && (await sealSecret(secret, text, sealer)));
  return { text, inClear };
}

/** The text itself is never repeated. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

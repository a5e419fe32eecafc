// SPDX-License-Identifier: Apache-2.0
import { createDecipheriv, createPrivateKey } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { InvariantError } from '../../errors.ts';

/** What the KMSs of a lab keep, opened with the sealing keys of their folders, and a search for it anywhere. */

export interface SealedSecret {
  /** The file's kind, what of it, and which file of whose: `purse 3 of kms-issuer 2`, `key p of kms-provider-a 1`. */
  readonly name: string;
  readonly bytes: Buffer;
  /** It stood in hex. */
  readonly isText?: boolean;
}

const SYMMETRIC_BYTES = 16;
/** In a file of text: a key in hex, and not an ICCID. */
const HEX_KEY = /[0-9A-F]{32,}/g;

/**
 * Every key in every KMS's folder, and in the files that somebody brought in clear and a KMS has sealed. GCM is
 * counter mode: who has the sealing key reads an envelope whatever it was bound to, so that no kind of file has to be
 * known here.
 */
export async function sealedSecretsOf(stateDir: string): Promise<SealedSecret[]> {
  const owners = await readdir(join(stateDir, 'keys'));
  const keys = await Promise.all(owners.map((owner) => sealingKey(stateDir, owner)));
  const found: SealedSecret[] = [];
  for (const [at, owner] of owners.entries()) {
    const folder = join(stateDir, 'keys', owner);
    for (const [number, name] of (await readdir(folder)).sort().entries()) {
      const [, kind] = /\.([a-z]+)\.json$/.exec(name) ?? [];
      const key = keys[at];
      if (kind === undefined || key === undefined) continue;
      found.push(...(await secretsOf(join(folder, name), { kind, of: `${owner} ${number}` }, key)));
    }
  }
  for (const name of await readdir(stateDir, { recursive: true })) {
    if (!name.endsWith('.sealed')) continue;
    // Which KMS has sealed it is what its text tells.
    const opened = await Promise.all(
      keys.map((key) => secretsOf(join(stateDir, name), { kind: basename(name), of: name }, key)),
    );
    const own = opened.filter((secrets) => secrets.some(({ isText }) => isText));
    if (own.length !== 1) throw new InvariantError('sealed', `${name} opens with ${own.length} sealing keys`);
    found.push(...own.flat());
  }
  return found;
}

const sealingKey = async (stateDir: string, owner: string): Promise<Buffer> =>
  Buffer.from((await readFile(join(stateDir, 'sealing', `${owner}.key`), 'utf8')).trim(), 'hex');

interface Source {
  readonly kind: string;
  /** Apart from every other one. */
  readonly of: string;
}

async function secretsOf(file: string, { kind, of }: Source, key: Buffer): Promise<SealedSecret[]> {
  const text = await readFile(file, 'utf8');
  // An earlier revision of a key is emptied.
  if (text === '') return [];
  return envelopesIn(JSON.parse(text)).flatMap((envelope, at) =>
    secretsIn(kind, opened(key, envelope)).map((secret) => ({
      ...secret,
      name: `${secret.name} of ${of}${at === 0 ? '' : ` (${at})`}`,
    })),
  );
}

interface Envelope {
  readonly nonce: string;
  readonly sealed: string;
}

function envelopesIn(value: unknown): Envelope[] {
  if (Array.isArray(value)) return value.flatMap(envelopesIn);
  if (typeof value !== 'object' || value === null) return [];
  const { nonce, sealed } = value as Partial<Record<string, unknown>>;
  if (typeof nonce === 'string' && typeof sealed === 'string') return [{ nonce, sealed }];
  return Object.values(value).flatMap(envelopesIn);
}

function opened(key: Buffer, { nonce, sealed }: Envelope): Buffer {
  const bytes = Buffer.from(sealed, 'hex');
  // The first block of counters is the tag's own.
  const counter = Buffer.concat([Buffer.from(nonce, 'hex'), Buffer.from([0, 0, 0, 2])]);
  return createDecipheriv('aes-256-ctr', key, counter).update(bytes.subarray(0, -16));
}

/** Of a private key what is private in it, of text its keys in hex, of anything else each 16 bytes. */
function secretsIn(kind: string, plain: Buffer): SealedSecret[] {
  const pair = privatePartsOf(plain);
  if (pair !== undefined) return pair.map(([part, bytes]) => ({ name: `${kind} ${part}`, bytes }));
  const text = plain.toString('latin1');
  if (/^[ -~]+\s*$/.test(text)) {
    const keys = text.match(HEX_KEY) ?? [];
    return keys.map((hex, at) => ({ name: `${kind} ${at}`, bytes: Buffer.from(hex, 'hex'), isText: true }));
  }
  const count = Math.floor(plain.length / SYMMETRIC_BYTES);
  return Array.from({ length: count }, (_, at) => ({
    name: `${kind} ${at}`,
    bytes: plain.subarray(at * SYMMETRIC_BYTES, (at + 1) * SYMMETRIC_BYTES),
  }));
}

function privatePartsOf(plain: Buffer): [string, Buffer][] | undefined {
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    try {
      const { d, p, q, dp, dq, qi } = createPrivateKey({ key: plain, format: 'der', type }).export({ format: 'jwk' });
      return Object.entries({ d, p, q, dp, dq, qi }).flatMap(([part, text]) =>
        typeof text === 'string' ? [[part, Buffer.from(text, 'base64url')] as [string, Buffer]] : [],
      );
    } catch {}
  }
  return undefined;
}

/** Raw, hex, base64 and base64url at each alignment, numbers with commas; of PEM the lines are joined before. */
function formsOf({ name, bytes }: SealedSecret): SealedSecret[] {
  const hex = bytes.toString('hex');
  const texts = [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    // Characters at both ends mix with neighbouring bytes.
    const inner = text.slice(Math.ceil((shift * 4) / 3), Math.floor(((shift + bytes.length) * 4) / 3));
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
  const spelled = [hex, hex.toUpperCase(), ...texts, [...bytes].join(','), [...bytes].join(', ')];
  return [bytes, ...[...new Set(spelled)].map((text) => Buffer.from(text))].map((form) => ({ name, bytes: form }));
}

const PREFIX = 4;

/** Finds any of many secrets in any form, in one pass over what is searched. */
export class SecretSearch {
  readonly #byPrefix = new Map<number, SealedSecret[]>();
  readonly #maybe = new Uint8Array(1 << 24);

  constructor(secrets: readonly SealedSecret[]) {
    for (const pattern of secrets.flatMap(formsOf)) {
      const prefix = pattern.bytes.readUInt32BE(0);
      this.#maybe[prefix & 0xff_ffff] = 1;
      this.#byPrefix.set(prefix, [...(this.#byPrefix.get(prefix) ?? []), pattern]);
    }
  }

  /** Names of the secrets that stand in these bytes, or in what they are without line ends. */
  in(bytes: Buffer): string[] {
    const joined = bytes.includes('-----BEGIN')
      ? [Buffer.from(bytes.toString('latin1').replaceAll(/\\+n|\s/g, ''))]
      : [];
    return [...new Set([bytes, ...joined].flatMap((text) => this.#scan(text)))];
  }

  #scan(bytes: Buffer): string[] {
    const found: string[] = [];
    let window = 0;
    for (let end = 0; end < bytes.length; end += 1) {
      window = ((window << 8) | (bytes[end] ?? 0)) >>> 0;
      if (end < PREFIX - 1 || this.#maybe[window & 0xff_ffff] === 0) continue;
      const start = end - PREFIX + 1;
      for (const pattern of this.#byPrefix.get(window) ?? [])
        if (bytes.subarray(start, start + pattern.bytes.length).equals(pattern.bytes)) found.push(pattern.name);
    }
    return found;
  }
}

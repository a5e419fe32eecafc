// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Static } from 'typebox';
import { readRevocationList } from '../crypto/revocation-list.ts';
import { UsageError } from '../errors.ts';
import type { TlsIdentity } from '../rest/identity.ts';
import { pointer } from '../rest/validation.ts';
import type { TlsFiles } from './config.ts';

type Files = Static<typeof TlsFiles>;

interface Revoked {
  readonly revoked: ReadonlySet<string>;
  /** When the first of the CRLs ends, in ms. */
  readonly revokedUntil: number;
}

/** A daemon's key, certificate and authority as they stand in its files, read again when it is told to. */
export class LiveTls implements TlsIdentity {
  readonly #files: Files;
  #current: TlsIdentity & Revoked;
  #version = 1;

  private constructor(files: Files, current: TlsIdentity & Revoked) {
    this.#files = files;
    this.#current = current;
  }

  /** @throws UsageError naming the field whose file cannot be used */
  static async open(files: Files): Promise<LiveTls> {
    return new LiveTls(files, await readTls(files));
  }

  /** Reads all files again; what was in use stays when one of them cannot be used. @throws UsageError */
  async reload(): Promise<void> {
    this.#current = await readTls(this.#files);
    this.#version += 1;
  }

  get key(): string {
    return this.#current.key;
  }

  get certificate(): string {
    return this.#current.certificate;
  }

  get authority(): string {
    return this.#current.authority;
  }

  get revoked(): ReadonlySet<string> {
    return this.#current.revoked;
  }

  get version(): number {
    return this.#version;
  }

  /** When the CA's CRL has ended (the first of several): what it names stays revoked, but later ones are missing. */
  get staleRevocations(): Date | undefined {
    const { revokedUntil } = this.#current;
    return revokedUntil <= Date.now() ? new Date(revokedUntil) : undefined;
  }

  /** When the daemon's own certificate ends. */
  get expiresAt(): Date {
    return new Date(new X509Certificate(this.#current.certificate).validTo);
  }
}

async function readTls(files: Files): Promise<TlsIdentity & Revoked> {
  const [key, certificate, authority] = await Promise.all(
    (['key', 'certificate', 'authority'] as const).map((field) => readField(files, field)),
  );
  const identity = { key: key ?? '', certificate: certificate ?? '', authority: authority ?? '' };
  requireAuthority(files, identity.authority);
  requirePair(files, identity);
  const list = files.revoked === undefined ? '' : await readField(files, 'revoked');
  return { ...identity, ...revokedOf(files, list, identity.authority) };
}

async function readField(files: Files, field: keyof Files): Promise<string> {
  const file = files[field] ?? '';
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw wrong(field, `cannot read ${file} (${reason})`, error);
  }
}

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const CRLS = /-----BEGIN X509 CRL-----([^-]+)-----END X509 CRL-----/g;

/** Without an authority of ours Node trusts those of the web, so nothing else will do. */
function requireAuthority(files: Files, text: string): void {
  const blocks = text.match(CERTIFICATES) ?? [];
  if (blocks.length === 0) throw wrong('authority', `${files.authority} holds no PEM certificate`);
  for (const block of blocks) {
    const certificate = parse(files, 'authority', block);
    if (!certificate.ca) throw wrong('authority', `${files.authority} holds a certificate that is no authority's`);
  }
}

function requirePair(files: Files, { key, certificate: text }: TlsIdentity): void {
  const certificate = parse(files, 'certificate', text);
  let fits: boolean;
  try {
    fits = certificate.checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    throw wrong('key', `${files.key} holds no PEM private key`, error);
  }
  if (!fits) throw wrong('key', `${files.key} is not the key of ${files.certificate}`);
  if (Date.parse(certificate.validTo) <= Date.now()) {
    throw wrong('certificate', `${files.certificate} ended on ${certificate.validTo}: bring a new one`);
  }
}

function parse(files: Files, field: 'authority' | 'certificate', text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (error) {
    throw wrong(field, `${files[field]} holds no PEM certificate`, error);
  }
}

/** CRLs of the authority in PEM, and what stands beside them. */
function revokedOf(files: Files, text: string, authority: string): Revoked {
  const keys = (authority.match(CERTIFICATES) ?? []).map((block) => new X509Certificate(block).publicKey);
  const lists = [...text.matchAll(CRLS)].map(([, body]) => {
    try {
      return readRevocationList(Buffer.from(body ?? '', 'base64'), keys);
    } catch (error) {
      const reason = error instanceof RangeError ? error.message : 'is no CRL';
      throw wrong('revoked', `${files.revoked}: a CRL in it ${reason}`, error);
    }
  });
  const lines = linesOf(files, text.replaceAll(CRLS, ''));
  return {
    revoked: new Set([...lines, ...lists.flatMap(({ serials }) => serials)]),
    revokedUntil: Math.min(...lists.map(({ nextUpdate }) => nextUpdate ?? Number.POSITIVE_INFINITY)),
  };
}

/** One certificate a line, by SHA-256 fingerprint or serial number in hex; `#` starts a comment. */
function linesOf(files: Files, text: string): readonly string[] {
  const entries = text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').replaceAll(/[:\s]/g, '').toUpperCase())
    .filter((entry) => entry !== '');
  const bad = entries.find((entry) => !/^[0-9A-F]{2,64}$/.test(entry));
  if (bad !== undefined)
    throw wrong('revoked', `${files.revoked}: ${bad.slice(0, 70)} is no fingerprint or serial number`);
  return entries;
}

const wrong = (field: keyof Files, message: string, cause?: unknown): UsageError =>
  new UsageError('config-field', `${pointer('/tls', field)}: ${message}`, { field: pointer('/tls', field) }, cause);

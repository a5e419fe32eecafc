// SPDX-License-Identifier: Apache-2.0
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { publicKeyOf } from '../../crypto/rsa.ts';
import { readConfig } from '../../daemon/config.ts';
import { LiveTls } from '../../daemon/live-tls.ts';
import { UsageError } from '../../errors.ts';
import { RestClient } from '../../rest/client.ts';
import { checkRow } from '../../service/issuer/card-batch-row.ts';
import { fromRsaPublicKey, toRsaPublicKey } from '../../wire/gp/public-key.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { RsaPublicKey } from '../../wire/message/common.ts';
import { CardCertificate } from '../../wire/message/kms.ts';
import { type BatchFormat, readBatchFile } from '../card-batch-file.ts';
import { OperatorConfig } from '../flow-client.ts';

/** CERT.SD.AUT for the ISDs of cards that are being made, by the word of an operator of the issuer's KMS. */

const PATH = '/v1/certificate-authority/security-domain-certificates';
/** Certificates under way at a time. */
const AT_ONCE = 8;
const RETRIES = 5;
/** What the CA takes: RSA of so many bytes at least, with this exponent. */
const MIN_BYTES = 128;
const EXPONENT = '010001';

/** A card of a batch and its ISD's key. */
export interface IsdRow {
  /** `kind:value`, by which flows find the card. */
  readonly card: string;
  readonly publicKey: RsaPublicKey;
}

/** The certificate follows from names and key, so that asking again gives the same one. */
export interface CertifiedIsd extends CardCertificate {
  readonly card?: string;
  readonly modulus: string;
}

export class IsdCertificates implements AsyncDisposable {
  readonly #rest: RestClient;

  private constructor(rest: RestClient) {
    this.#rest = rest;
  }

  /** @param configFile an operator's, whose platform is the KMS @throws UsageError */
  static async open(configFile: string): Promise<IsdCertificates> {
    const { platform, tls } = await readConfig(configFile, OperatorConfig);
    if (platform.role !== 'kms')
      throw new UsageError(
        'not-a-kms',
        `${configFile}: /platform is ${platform.role} ${platform.id}: want the issuer's KMS and its operator`,
      );
    return new IsdCertificates(
      new RestClient({ baseUrl: platform.url, tls: await LiveTls.open(tls), expectedPeer: platform }),
    );
  }

  /** @param holderReference 16 bytes in hex, the CHR; default from the key */
  async one(publicKey: RsaPublicKey, holderReference = isdHolderReference(publicKey)): Promise<CertifiedIsd> {
    const body = { holderReference, publicKey, withoutAttestation: true } as const;
    const call = { method: 'POST', path: PATH, body, response: CardCertificate, retries: RETRIES } as const;
    return { ...(await this.#rest.call(call)), modulus: publicKey.modulus };
  }

  /** In the order of the rows. */
  async *all(rows: AsyncIterable<IsdRow>): AsyncGenerator<CertifiedIsd> {
    const under: Promise<CertifiedIsd>[] = [];
    try {
      for await (const { card, publicKey } of rows) {
        const work = this.one(publicKey).then((certified) => ({ ...certified, card }));
        // Looked at when its turn comes; until then nobody else has to.
        work.catch(() => {});
        under.push(work);
        if (under.length < AT_ONCE) continue;
        const first = await under.shift();
        if (first !== undefined) yield first;
      }
      for (const work of under.splice(0)) yield await work;
    } finally {
      await Promise.allSettled(under);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rest.close();
  }
}

/** No two keys have the same, and the same key has the same again. */
function isdHolderReference({ modulus }: RsaPublicKey): string {
  const hash = createHash('sha256').update(fromHex(modulus, 512)).digest();
  return toHex(new Uint8Array(hash.subarray(0, 16)));
}

/** Public key in PEM (SubjectPublicKeyInfo, or PKCS #1). @throws UsageError */
export async function readIsdKey(file: string): Promise<RsaPublicKey> {
  const pem = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError('file-unreadable', `${file} cannot be read (${error.code})`, { file }, error);
  });
  // OpenSSL would take its public half, and who sends such files about has a key that was seen.
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem))
    throw new UsageError('private-key', `${file} holds a private key: give its public half (openssl rsa -pubout)`);
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (error) {
    throw new UsageError('file-malformed', `${file}: want one RSA public key in PEM`, { file }, error);
  }
  if (key.asymmetricKeyType !== 'rsa')
    throw new UsageError('key-type', `${file}: want an RSA key, not ${key.asymmetricKeyType}`);
  const publicKey = toRsaPublicKey(publicKeyOf(key));
  const fault = unfit(publicKey);
  if (fault !== undefined) throw new UsageError('key-unfit', `${file}: ${fault}`);
  return publicKey;
}

/** What the CA would refuse, seen before the first certificate is made. */
function unfit(key: RsaPublicKey): string | undefined {
  if (key.modulus.length < 2 * MIN_BYTES || key.exponent !== EXPONENT)
    return `want an RSA key of ${8 * MIN_BYTES} bits or more with exponent ${EXPONENT}`;
  try {
    fromRsaPublicKey(key);
    return undefined;
  } catch (error) {
    return `no RSA key: ${(error as Error).message}`;
  }
}

export interface IsdFault {
  readonly line: number;
  readonly message: string;
}

/** Everything that is wrong with a file of `tsm card-batch import` whose cards have ISDs of ours. */
export async function* isdFaults(file: string, format: BatchFormat): AsyncGenerator<IsdFault> {
  const lines = new Map<string, number>();
  for await (const { line, values } of readBatchFile(file, format)) {
    const checked = checkRow(values, false);
    if ('faults' in checked) {
      for (const { message } of checked.faults) yield { line, message };
      continue;
    }
    const publicKey = keyOf(checked.row.isdKey);
    const message = unfit(publicKey);
    if (message !== undefined) yield { line, message };
    const name = isdHolderReference(publicKey);
    const before = lines.get(name);
    if (before !== undefined) yield { line, message: `the same key as in line ${before}: each card needs its own` };
    else lines.set(name, line);
  }
  if (lines.size === 0) yield { line: 1, message: 'there is no card with an ISD key in this file' };
}

/** Rows of a file without faults. @throws UsageError where it was changed since */
export async function* readIsdRows(file: string, format: BatchFormat): AsyncGenerator<IsdRow> {
  for await (const { line, values } of readBatchFile(file, format)) {
    const checked = checkRow(values, false);
    if ('faults' in checked) throw new UsageError('file-malformed', `${file} line ${line}: the file was changed`);
    const { card, isdKey } = checked.row;
    yield { card: `${card.kind}:${card.value}`, publicKey: keyOf(isdKey) };
  }
}

const keyOf = (key: { readonly modulus: string; readonly exponent: string } | undefined): RsaPublicKey => ({
  modulus: key?.modulus ?? '',
  exponent: key?.exponent ?? '',
});

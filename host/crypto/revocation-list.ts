// SPDX-License-Identifier: Apache-2.0
import { type KeyObject, verify } from 'node:crypto';
import forge from 'node-forge';

type Node = forge.asn1.Asn1;

/** What a CA's list says once its signature is good. */
export interface RevocationList {
  /** In hex as Node writes `X509Certificate.serialNumber`: upper case, whole bytes, no leading 00. */
  readonly serials: readonly string[];
  /** When the CA brings the next one, in ms; absent where it does not say. */
  readonly nextUpdate: number | undefined;
}

/** Digest of a signature algorithm (RFC 4055, RFC 5758, RFC 8410: Ed25519 has none of its own). */
const DIGESTS: ReadonlyMap<string, string | null> = new Map([
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
  ['1.3.101.112', null],
]);
const DELTA_INDICATOR = '2.5.29.27';

/**
 * Reads a CRL in DER and verifies its signature; it may have ended, which the caller judges.
 *
 * @param authorities keys of which one must have signed it
 * @throws RangeError when it is no complete CRL, or none of them signed it; the message says which
 * @see RFC 5280 5.1
 */
export function readRevocationList(der: Uint8Array, authorities: readonly KeyObject[]): RevocationList {
  const { BITSTRING, SEQUENCE } = forge.asn1.Type;
  const list = parse(der);
  const [body, algorithm, signature, ...rest] = isType(list, SEQUENCE) ? children(list) : [];
  if (body === undefined || algorithm === undefined || !isType(signature, BITSTRING) || rest.length > 0) {
    throw new RangeError('is no CRL');
  }
  const digest = DIGESTS.get(oid(children(algorithm)[0]));
  if (digest === undefined) throw new RangeError('is signed by an algorithm that is not RSA PKCS#1, ECDSA or Ed25519');
  const signed = derOf(body);
  const value = bitsOf(signature);
  if (!authorities.some((key) => signedBy(digest, signed, key, value))) {
    throw new RangeError('is not signed by the authority');
  }
  return contentOf(children(body), derOf(algorithm));
}

function signedBy(digest: string | null, signed: Uint8Array, key: KeyObject, value: Uint8Array): boolean {
  try {
    return verify(digest, signed, key, value);
  } catch {
    // Key and algorithm do not fit.
    return false;
  }
}

/** `[version] signature issuer thisUpdate [nextUpdate] [revokedCertificates] [[0] extensions]` */
function contentOf(fields: readonly Node[], outer: Buffer): RevocationList {
  const { INTEGER, SEQUENCE } = forge.asn1.Type;
  const [inner, , thisUpdate, ...optional] = isType(fields[0], INTEGER) ? fields.slice(1) : fields;
  // The outer name of the algorithm is not signed.
  if (inner === undefined || !derOf(inner).equals(outer) || timeOf(thisUpdate) === undefined) {
    throw new RangeError('is no CRL');
  }
  const nextUpdate = timeOf(optional[0]);
  if (nextUpdate !== undefined) optional.shift();
  const revoked = isType(optional[0], SEQUENCE) ? children(optional.shift()) : [];
  const extensions = optional.flatMap((tagged) => children(tagged)).flatMap((list) => children(list));
  if (extensions.some((extension) => oid(children(extension)[0]) === DELTA_INDICATOR)) {
    throw new RangeError('names changes only (delta CRL): bring the complete one');
  }
  return { serials: revoked.map((entry) => serialOf(children(entry)[0])), nextUpdate };
}

const derOf = (node: Node): Buffer => Buffer.from(forge.asn1.toDer(node).getBytes(), 'binary');

function parse(der: Uint8Array): Node {
  try {
    return forge.asn1.fromDer(Buffer.from(der).toString('binary'));
  } catch (error) {
    throw new RangeError('is no CRL', { cause: error });
  }
}

const isType = (node: Node | undefined, type: forge.asn1.Type): node is Node =>
  node?.tagClass === forge.asn1.Class.UNIVERSAL && node.type === type;

function children(node: Node | undefined): Node[] {
  if (node === undefined || typeof node.value === 'string') throw new RangeError('is no CRL');
  return [...node.value];
}

/** One character a byte. */
function textOf(node: Node | undefined): string {
  if (typeof node?.value !== 'string') throw new RangeError('is no CRL');
  return node.value;
}

/** forge opens a BIT STRING that looks like ASN.1, as an ECDSA signature does: only its encoding is always there. */
function bitsOf(node: Node): Uint8Array {
  const encoded = derOf(node);
  const length = encoded[1] ?? 0;
  const header = length < 0x80 ? 2 : 2 + (length & 0x7f);
  // The first byte of the value counts unused bits.
  if (encoded[header] !== 0) throw new RangeError('is no CRL');
  return encoded.subarray(header + 1);
}

function oid(node: Node | undefined): string {
  if (!isType(node, forge.asn1.Type.OID)) throw new RangeError('is no CRL');
  return forge.asn1.derToOid(forge.util.createBuffer(textOf(node)));
}

function serialOf(node: Node | undefined): string {
  if (!isType(node, forge.asn1.Type.INTEGER)) throw new RangeError('is no CRL');
  const hex = Buffer.from(textOf(node), 'binary').toString('hex').toUpperCase();
  return hex.replace(/^(?:00)+(?=.)/, '');
}

function timeOf(node: Node | undefined): number | undefined {
  if (isType(node, forge.asn1.Type.UTCTIME)) {
    return forge.asn1.utcTimeToDate(textOf(node)).getTime();
  }
  if (!isType(node, forge.asn1.Type.GENERALIZEDTIME)) return undefined;
  return forge.asn1.generalizedTimeToDate(textOf(node)).getTime();
}

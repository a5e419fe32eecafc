import { X509Certificate } from 'node:crypto';
import { CertificateError } from '../errors.ts';

/** The parts that a certificate of this installation can name. */
export const ROLES = ['issuer', 'provider', 'ota', 'terminal', 'kms', 'front', 'operator'] as const;
export type Role = (typeof ROLES)[number];

/** Who is at the other end of a mutually authenticated link. */
export interface Peer {
  readonly role: Role;
  readonly id: string;
}

/** Key, certificate and the one authority that is trusted, all PEM. */
export interface TlsIdentity {
  readonly key: string;
  readonly certificate: string;
  readonly authority: string;
}

const NAME = /^urn:opentsm:([a-z]{1,16}):([A-Za-z0-9._-]{1,64})$/;

/** The URI name of a peer: `urn:opentsm:<role>:<id>`. */
export function peerUri(peer: Peer): string {
  return `urn:opentsm:${peer.role}:${peer.id}`;
}

/**
 * Reads the peer from the subject alternative names, as Node prints them.
 *
 * @throws CertificateError unless there is exactly one URI name of our form
 */
export function peerOfAltNames(subjectAltName: string | undefined): Peer {
  const uris = (subjectAltName ?? '')
    .split(', ')
    .filter((name) => name.startsWith('URI:'))
    .map((name) => name.slice('URI:'.length));
  const match = uris.length === 1 ? NAME.exec(uris[0] ?? '') : null;
  const role = ROLES.find((known) => known === match?.[1]);
  if (match?.[2] === undefined || role === undefined) {
    throw new CertificateError('peer-name', 'the certificate needs one URI name urn:opentsm:<role>:<id>', {
      uris: uris.length,
    });
  }
  return { role, id: match[2] };
}

/** The peer that a PEM certificate names. @throws CertificateError */
export function peerOfCertificate(pem: string): Peer {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (error) {
    throw new CertificateError('certificate-unreadable', 'the file holds no PEM certificate', {}, error);
  }
  return peerOfAltNames(certificate.subjectAltName);
}

/** `provider`, or `provider:a` for one peer only. */
export type Access = Role | `${Role}:${string}` | 'any-peer';

/** True when one of the entries lets this peer in. */
export function isAllowed(access: readonly Access[], peer: Peer): boolean {
  return access.some((entry) => entry === 'any-peer' || entry === peer.role || entry === `${peer.role}:${peer.id}`);
}

/** For `checkServerIdentity`: an error unless the server's certificate names the expected peer. */
export function wrongServer(expected: Peer, subjectAltName: string | undefined): Error | undefined {
  try {
    if (peerUri(peerOfAltNames(subjectAltName)) === peerUri(expected)) return undefined;
  } catch {
    // Falls through: no usable name is as wrong as another's name.
  }
  return Object.assign(new Error(`the server is not ${peerUri(expected)}`), { code: 'PEER_IDENTITY' });
}

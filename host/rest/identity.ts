// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { CertificateError } from '../errors.ts';

/** The parts that a certificate of this installation can name. */
export const ROLES = ['issuer', 'provider', 'ota', 'terminal', 'kms', 'front', 'operator'] as const;
/** A `user` shows a token at the app side of the front, and no certificate says that somebody is one. */
export type Role = (typeof ROLES)[number] | 'user';

/** Who is at the other end of a mutually authenticated link. */
export interface Peer {
  readonly role: Role;
  readonly id: string;
  /** The daemon that an operator rules, and no other; operators have it, nobody else does. */
  readonly platform?: Platform;
  /** Of a user: how he has logged in. */
  readonly authentication?: {
    readonly acr?: string;
    readonly amr: readonly string[];
    /** Seconds since 1970. */
    readonly authTime?: number;
  };
}

export interface Platform {
  readonly role: Role;
  readonly id: string;
}

/** Key, certificate and the one authority that is trusted, all PEM. */
export interface TlsIdentity {
  readonly key: string;
  readonly certificate: string;
  readonly authority: string;
  /** SHA-256 fingerprints or serial numbers of certificates that are not accepted any more, upper-case hex. */
  readonly revoked?: ReadonlySet<string>;
  /** Rises when the three were replaced; connections made before are closed then. */
  readonly version?: number;
}

const ID = '[A-Za-z0-9._-]{1,64}';
const NAME = new RegExp(`^urn:opentsm:([a-z]{1,16}):(${ID})$`);
const OPERATOR_NAME = new RegExp(`^urn:opentsm:operator:([a-z]{1,16}):(${ID})/(${ID})$`);

/**
 * The URI name of a peer: `urn:opentsm:<role>:<id>`, and for operators
 * `urn:opentsm:operator:<role of the platform>:<its id>/<name>`, as in `urn:opentsm:operator:provider:a/alice`.
 */
export function peerUri(peer: Peer): string {
  const { role, id, platform } = peer;
  return platform === undefined
    ? `urn:opentsm:${role}:${id}`
    : `urn:opentsm:${role}:${platform.role}:${platform.id}/${id}`;
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
  const peer = uris.length === 1 ? peerOfUri(uris[0] ?? '') : undefined;
  if (peer !== undefined) return peer;
  throw new CertificateError(
    'peer-name',
    'the certificate needs one URI name: urn:opentsm:<role>:<id>, or urn:opentsm:operator:<role>:<id>/<name>',
    { uris: uris.length },
  );
}

function peerOfUri(uri: string): Peer | undefined {
  const [, platformRole, platformId, name] = OPERATOR_NAME.exec(uri) ?? [];
  const [, plainRole, plainId] = NAME.exec(uri) ?? [];
  const role = ROLES.find((known) => known === (platformRole ?? plainRole));
  if (role === undefined) return undefined;
  if (platformId !== undefined && name !== undefined) {
    return role === 'operator' ? undefined : { role: 'operator', id: name, platform: { role, id: platformId } };
  }
  // An operator of everything would rule every tenant: there is none.
  return role === 'operator' || plainId === undefined ? undefined : { role, id: plainId };
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

/**
 * `public` is for whoever comes to the app side of the front, and lets nobody in elsewhere.
 * `provider`, or `provider:a` for one peer only; `operator` for operators of this daemon's own platform. */
export type Access = Role | `${Role}:${string}` | 'any-peer' | 'public';

/** True when one of the entries lets this peer in. @param self the daemon that is asked */
export function isAllowed(access: readonly Access[], peer: Peer, self: Platform): boolean {
  if (access.includes('any-peer')) return true;
  const { platform } = peer;
  if (platform !== undefined) {
    return access.includes('operator') && platform.role === self.role && platform.id === self.id;
  }
  return access.some((entry) => entry === peer.role || entry === `${peer.role}:${peer.id}`);
}

/** True when a certificate stands in the list, by fingerprint or serial number. */
export function isRevoked(
  { revoked }: Pick<TlsIdentity, 'revoked'>,
  certificate: { readonly fingerprint256: string; readonly serialNumber: string },
): boolean {
  if (revoked === undefined) return false;
  return revoked.has(certificate.fingerprint256.replaceAll(':', '')) || revoked.has(certificate.serialNumber);
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

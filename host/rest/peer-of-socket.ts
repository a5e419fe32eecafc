// SPDX-License-Identifier: Apache-2.0
import type { TLSSocket } from 'node:tls';
import { CertificateError, PolicyError } from '../errors.ts';
import type { RestApp } from './app.ts';
import { isRevoked, type Peer, peerOfAltNames, type TlsIdentity } from './identity.ts';

interface ShownCertificate {
  readonly expiresAt: number;
  readonly fingerprint256: string;
  readonly serialNumber: string;
}

interface Shown extends ShownCertificate {
  readonly peer: Peer;
}

const SWEEP_MS = 1_000;
const peers = new WeakMap<TLSSocket, Shown>();

/**
 * The peer of a connection, by the certificate that it showed when the connection was made.
 *
 * @throws CertificateError without a name of ours @throws PolicyError when the certificate has ended since or is on the
 *     list
 */
export function peerOfSocket(socket: TLSSocket, tls?: TlsIdentity): Peer {
  const shown = shownOf(socket);
  if (tls !== undefined && isRevoked(tls, shown)) {
    throw new PolicyError('certificate-revoked', 'The certificate of this connection is not accepted any more');
  }
  const { peer, expiresAt } = shown;
  if (expiresAt > Date.now()) return peer;
  throw new PolicyError('certificate-expired', 'The certificate of this connection has ended: connect with a new one');
}

function shownOf(socket: TLSSocket): Shown {
  const known = peers.get(socket);
  if (known !== undefined) return known;
  const certificate = socket.getPeerX509Certificate();
  const peer = peerOfAltNames(certificate?.subjectAltName);
  if (certificate === undefined) throw new CertificateError('peer-certificate', 'the connection has no certificate');
  const { fingerprint256, serialNumber, validTo } = certificate;
  const shown = { peer, expiresAt: Date.parse(validTo), fingerprint256, serialNumber };
  peers.set(socket, shown);
  return shown;
}

/**
 * Ends connections whose certificate is on the revocation list, at once and when the list is read again, and those
 * whose certificate ends while they last: requests, long polls and links of terminals alike.
 */
export function endOldConnections(app: RestApp, tls: TlsIdentity): void {
  // Read once: to read a certificate anew for each connection each second would cost more than the requests.
  const sockets = new Map<TLSSocket, ShownCertificate>();
  const endOld = (socket: TLSSocket, shown: ShownCertificate): void => {
    if (isRevoked(tls, shown) || shown.expiresAt <= Date.now()) socket.destroy();
  };
  app.server.on('secureConnection', (socket) => {
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return;
    const { fingerprint256, serialNumber, validTo } = certificate;
    const shown = { fingerprint256, serialNumber, expiresAt: Date.parse(validTo) };
    sockets.set(socket, shown);
    socket.once('close', () => sockets.delete(socket));
    endOld(socket, shown);
  });
  const sweep = setInterval(() => {
    for (const [socket, shown] of sockets) endOld(socket, shown);
  }, SWEEP_MS);
  sweep.unref();
  app.addHook('onClose', async () => clearInterval(sweep));
}

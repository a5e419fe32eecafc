// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { Agent, request } from 'undici';
import { CertificateError, PeerError, TransportError, TsmError } from '../../errors.ts';
import type { ProcessResult } from '../../wire/message/service-instance.ts';
import type { AddressGuard } from '../address-guard.ts';
import type { TlsIdentity } from '../identity.ts';

/** Servers of service providers take one small request; what they answer beyond a status nobody reads. */
const ANSWER_MS = 10_000;
const MAX_ANSWER = 4_096;

export interface SposTarget {
  /** SposConfig.url */
  readonly url: string;
  /** The certificate that was uploaded for it, PEM or DER: what its server shows, or whoever issued that. */
  readonly certificate: Uint8Array;
}

export type SendNotice = (target: SposTarget, result: ProcessResult) => Promise<void>;

/**
 * `POST <url>/process-results` with our own certificate and theirs checked: 200, or it was not taken. No redirection is
 * followed. @see BSI TR-03165 1.0.4, 4.3
 */
export function sposClient(identity: () => TlsIdentity, guard: AddressGuard, answerMs = ANSWER_MS): SendNotice {
  return async ({ url, certificate }, result) => {
    const target = new URL(url);
    target.pathname = `${target.pathname.replace(/\/+$/, '')}/process-results`;
    guard.requireHost(target.hostname);
    const { key, certificate: cert } = identity();
    const connect = { key, cert, ca: pemOf(certificate), lookup: guard.lookup, minVersion: 'TLSv1.2' } as const;
    const agent = new Agent({
      connect: { ...connect, allowPartialTrustChain: true, timeout: answerMs },
      headersTimeout: answerMs,
      bodyTimeout: answerMs,
      maxResponseSize: MAX_ANSWER,
      maxHeaderSize: 16_384,
    });
    try {
      const { statusCode, body } = await request(target, {
        dispatcher: agent,
        method: 'POST',
        signal: AbortSignal.timeout(2 * answerMs),
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(result),
      });
      body.on('error', () => {});
      body.destroy();
      if (statusCode !== 200)
        throw new PeerError('spos-answer', `The server answered ${statusCode}`, { status: statusCode });
    } catch (error) {
      if (error instanceof TsmError) throw error;
      const { code, message } = error as { code?: unknown; message?: string };
      throw new TransportError('spos-away', `${String(code ?? 'error')}: ${(message ?? '').slice(0, 200)}`, {}, error);
    } finally {
      await agent.destroy();
    }
  };
}

/** @throws CertificateError `spos-certificate` */
function pemOf(certificate: Uint8Array): string {
  try {
    return new X509Certificate(certificate).toString();
  } catch (error) {
    throw new CertificateError('spos-certificate', 'What was uploaded for this server is no certificate', {}, error);
  }
}

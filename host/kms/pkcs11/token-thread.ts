// SPDX-License-Identifier: Apache-2.0
import { parentPort } from 'node:worker_threads';
import { reasonOf, TokenError } from './connection.ts';
import type { TokenAnswer, TokenFailure, TokenRequest } from './token-messages.ts';
import { TokenOperations } from './token-operations.ts';

/**
 * The thread that holds the PKCS#11 module: a token that takes long, or never answers, keeps nothing else of the KMS
 * waiting.
 */

let token: TokenOperations | undefined;

async function answer({ call }: TokenRequest): Promise<readonly Uint8Array[]> {
  if (call.act === 'open') {
    const { default: pkcs11 } = await import('pkcs11js').catch(() => {
      throw new TokenError('module', 'pkcs11js');
    });
    token = new TokenOperations(pkcs11, call.settings);
    return [];
  }
  if (call.act === 'close') {
    token?.close();
    return [];
  }
  if (token === undefined) throw new TokenError('refused', 'not opened');
  return token.do(call);
}

const failureOf = (error: unknown): TokenFailure =>
  error instanceof TokenError ? error.failure : { kind: 'refused', reason: reasonOf(error) };

parentPort?.on('message', async (request: TokenRequest) => {
  const { number, call } = request;
  const sent: TokenAnswer = await answer(request).then(
    (result) => ({ number, result }),
    (error: unknown) => ({ number, failure: failureOf(error) }),
  );
  parentPort?.postMessage(sent);
  if (call.act === 'close') parentPort?.close();
});

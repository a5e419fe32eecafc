// SPDX-License-Identifier: Apache-2.0
import type { ContentKey } from '../crypto/content-key.ts';
import type { GpCommand } from '../wire/gp/command.ts';
import type { KeyReference } from '../wire/gp/key-reference.ts';
import { putEccPublicKey, putPublicKey } from '../wire/gp/put-key.ts';
import { type KeySealer, keySetCommand } from './key-set.ts';

export type { KeySealer } from './key-set.ts';

/**
 * The PUT KEY that gives a domain what it verifies tokens and DAPs with, or makes receipts with: the public half of a
 * pair, a secret under the session's DEK.
 *
 * @throws UsageError for a secret without a secure channel
 * @see GPCS 2.3.1 11.8, C
 */
export function contentKeyCommand(
  session: KeySealer,
  reference: KeyReference,
  { forCard }: Pick<ContentKey, 'forCard'>,
): GpCommand {
  switch (forCard.kind) {
    case 'rsa':
      return putPublicKey(reference, forCard.publicKey);
    case 'ecdsa':
      return putEccPublicKey(reference, forCard.point, forCard.curve);
    default:
      return keySetCommand(session, { reference, kind: forCard.kind, keys: [forCard.secret] }).command;
  }
}

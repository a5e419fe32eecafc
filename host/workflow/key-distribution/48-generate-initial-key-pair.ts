// SPDX-License-Identifier: Apache-2.0
import { aid } from '../../wire/gp/aid.ts';
import { toPlainCommand } from '../../wire/gp/command.ts';
import { decodePublicKey, generateKeyPair } from '../../wire/gp/generate-key-pair.ts';
import { installForPersonalization } from '../../wire/gp/install.ts';
import { KEY_REFERENCE, keyReferenceToHex } from '../../wire/gp/key-reference.ts';
import { toRsaPublicKey } from '../../wire/gp/public-key.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { auditRequest, type IssuerContext, type IssuerStart } from './issuer-context.ts';

/**
 * Steps 48 and 49: INSTALL [for personalization] names the SSD, which then makes its first pair with the
 * card's own generator and returns the public key. Done again after a break: a new first pair replaces the
 * one whose answer was lost, and nobody has used that.
 */
export async function* generateInitialKeyPair(facts: IssuerStart, context: IssuerContext) {
  const { ssdAid, keySizeBits } = facts.request;
  const keyReference = keyReferenceToHex(KEY_REFERENCE.INITIAL_KEY_PAIR);
  const audit = { numeral: '48', act: 'GENERATE ASYMMETRIC KEY PAIR', details: { keyReference, keySizeBits } };
  await auditRequest(context, facts, { ...audit, phase: 'before' });
  const responses: readonly CardResponse[] = yield [
    toPlainCommand(installForPersonalization(aid(ssdAid))),
    toPlainCommand(generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR, keySizeBits)),
  ];
  const publicKey = toRsaPublicKey(decodePublicKey(fromHex(responses[1]?.data ?? '', 1024)));
  await auditRequest(context, facts, { ...audit, phase: 'after' });
  return { initialKey: { keyReference, publicKey } };
}

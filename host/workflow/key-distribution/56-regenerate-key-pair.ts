// SPDX-License-Identifier: Apache-2.0
import { recordOwned } from '../../store/provider/security-domains.ts';
import { responseData, toPlainCommand } from '../../wire/gp/command.ts';
import { decodePublicKey, generateKeyPair } from '../../wire/gp/generate-key-pair.ts';
import { KEY_REFERENCE, keyReferenceToHex } from '../../wire/gp/key-reference.ts';
import { toRsaPublicKey } from '../../wire/gp/public-key.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { isOurs } from './41c-find-security-domain.ts';
import { type KnownCard, rowChanged, rowOfVisit } from './54-select-security-domain.ts';
import type { Trusted } from './54a-attest-security-domain.ts';
import { auditSecurityDomain, type ProviderContext, type ProviderStart } from './provider-context.ts';

/**
 * Steps 56 and 57: the SSD makes a new pair in the provider's own session; the first pair dies and the SSD is
 * owned. Once-only: when the pair that is live was made in such a session, nothing is generated again. Whether it was
 * says the CASD; on a card without one, our database or a certificate of ours, never the card's key list.
 */
export async function* regenerateKeyPair(facts: ProviderStart & KnownCard & Trusted, context: ProviderContext) {
  const row = await rowOfVisit(facts, context);
  const reference = KEY_REFERENCE.OWN_KEY_PAIR;
  const keyReference = keyReferenceToHex(reference);
  const { attestedCard, isolation, ownPair } = facts;
  if (ownPair || (isolation === 'honest-issuer' && row.keyReference === keyReference)) {
    if (isOurs(row)) return {};
    yield [];
    rowChanged(context, await recordOwned(context.database, facts.cardId, row, attestedCard));
    return {};
  }
  const command = generateKeyPair(reference, facts.keySizeBits);
  const audit = { numeral: '56', act: command.label, details: { keyReference, keySizeBits: facts.keySizeBits } };
  await auditSecurityDomain(context, facts.cardId, { ...audit, phase: 'before' });
  const responses: readonly CardResponse[] = yield [toPlainCommand(command)];
  const publicKey = toRsaPublicKey(decodePublicKey(responseData(command, responses[0])));
  const own = { keyReference, publicKey };
  rowChanged(context, await recordOwned(context.database, facts.cardId, own, attestedCard));
  await auditSecurityDomain(context, facts.cardId, { ...audit, phase: 'after' });
  return {};
}

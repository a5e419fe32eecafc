import { recordOwned } from '../../store/provider/security-domains.ts';
import { responseData, toPlainCommand } from '../../wire/gp/command.ts';
import { decodePublicKey, generateKeyPair } from '../../wire/gp/generate-key-pair.ts';
import { KEY_REFERENCE, keyReferenceToHex } from '../../wire/gp/key-reference.ts';
import { toRsaPublicKey } from '../../wire/gp/public-key.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { type KnownCard, requireRow } from './54-select-security-domain.ts';
import { auditSecurityDomain, type ProviderContext, type ProviderStart } from './provider-context.ts';

/**
 * Steps 56 and 57: the SSD makes a new pair in the provider's own session; the first pair dies and the SSD is
 * owned. Once-only: when the card has its own pair already (54), nothing is generated again.
 */
export async function* regenerateKeyPair(facts: ProviderStart & KnownCard, context: ProviderContext) {
  const row = await requireRow(facts, context);
  if (row.state !== 'reported') return {};
  const reference = KEY_REFERENCE.OWN_KEY_PAIR;
  const keyReference = keyReferenceToHex(reference);
  const command = generateKeyPair(reference, facts.keySizeBits);
  const audit = { numeral: '56', act: command.label, details: { keyReference, keySizeBits: facts.keySizeBits } };
  await auditSecurityDomain(context, facts.cardId, { ...audit, phase: 'before' });
  const responses: readonly CardResponse[] = yield [toPlainCommand(command)];
  const publicKey = toRsaPublicKey(decodePublicKey(responseData(command, responses[0])));
  await recordOwned(context.database, facts.cardId, { keyReference, publicKey });
  await auditSecurityDomain(context, facts.cardId, { ...audit, phase: 'after' });
  return {};
}

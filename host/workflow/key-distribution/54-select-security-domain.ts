import type { CardIdentity } from '../../card/identity.ts';
import { LifeCycleError } from '../../errors.ts';
import { findSecurityDomainRow, recordOwned, removeSecurityDomainRow } from '../../store/provider/security-domains.ts';
import { aid } from '../../wire/gp/aid.ts';
import { expecting, ifPresent, responseData, toCardCommand } from '../../wire/gp/command.ts';
import { decodePublicKey, readPublicKey } from '../../wire/gp/generate-key-pair.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { decodeKeyInformation } from '../../wire/gp/key-information.ts';
import { KEY_REFERENCE, keyReferenceToHex } from '../../wire/gp/key-reference.ts';
import { toRsaPublicKey } from '../../wire/gp/public-key.ts';
import { select } from '../../wire/gp/select.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { SecurityDomainRow } from '../../wire/message/key-distribution.ts';
import { SW } from '../../wire/status-word.ts';
import { RepeatVisit } from '../engine/retry.ts';
import type { Probe } from './41a-probe-security-domain.ts';
import { attestationScript } from './attestation.ts';
import { auditSecurityDomain, type ProviderContext } from './provider-context.ts';

export type KnownCard = CardIdentity & Probe & { readonly insertion: string };

/** The SSD of this card as our database has it. @throws LifeCycleError when it was deleted meanwhile */
export async function requireRow({ cardId }: CardIdentity, context: ProviderContext): Promise<SecurityDomainRow> {
  const row = await findSecurityDomainRow(context.database, cardId);
  if (row !== undefined) return row;
  throw new LifeCycleError('security-domain-gone', 'The SSD is not in our database any more: start a new distribution');
}

/**
 * Step 54: SELECT the SSD, and look which pair is live there. When the answer of 56 was lost, the card has
 * its own pair already: that is attested, recorded, and the visit starts again under the new key.
 */
export async function* selectSecurityDomain(facts: KnownCard, context: ProviderContext) {
  context.card.expectCard(facts);
  const row = await requireRow(facts, context);
  const responses: readonly CardResponse[] = yield [
    toCardCommand(expecting(select(aid(row.ssdAid)), SW.NO_ERROR, SW.NOT_FOUND)),
    ifPresent(getData(DATA_OBJECT.KEY_INFORMATION)),
  ];
  if (responses[0]?.sw !== '9000') {
    await removeSecurityDomainRow(context.database, facts.cardId);
    throw new LifeCycleError('security-domain-gone', 'The SSD was deleted from the card: start a new distribution');
  }
  const keys = decodeKeyInformation(responseData('GET DATA [key information]', responses[1]));
  const live = keys.map(({ reference }) => keyReferenceToHex(reference));
  if (live.includes(row.keyReference)) return {};
  const own = keyReferenceToHex(KEY_REFERENCE.OWN_KEY_PAIR);
  if (row.state !== 'reported' || !live.includes(own)) {
    throw new LifeCycleError('key-pair-gone', `The SSD does not have key pair ${row.keyReference} any more`, {
      keyReference: row.keyReference,
    });
  }
  await recordOwnPair(facts, row, context);
  throw new RepeatVisit('repeat-visit', 'The SSD has its own key pair already: the answer of 56 was lost');
}

/** Reads the new pair that the card made before the break, attested where the card can. */
async function recordOwnPair(facts: KnownCard, row: SecurityDomainRow, context: ProviderContext): Promise<void> {
  const reference = KEY_REFERENCE.OWN_KEY_PAIR;
  const attestation = await attestationScript(facts, context);
  const { responses } = await context.card.exchange([
    toCardCommand(select(aid(row.ssdAid))),
    toCardCommand(readPublicKey(reference)),
    ...attestation.commands,
  ]);
  const publicKey = toRsaPublicKey(decodePublicKey(responseData('READ PUBLIC KEY', responses[1])));
  const keyReference = keyReferenceToHex(reference);
  await attestation.verify(responses.slice(2), { keyReference, publicKey });
  await recordOwned(context.database, facts.cardId, { keyReference, publicKey });
  await auditSecurityDomain(context, facts.cardId, {
    phase: 'after',
    numeral: '57',
    act: 'found own key pair',
    details: { keyReference },
  });
}

// SPDX-License-Identifier: Apache-2.0
import type { CardIdentity } from '../../card/identity.ts';
import { ConflictError, LifeCycleError } from '../../errors.ts';
import {
  findSecurityDomainRow,
  putSecurityDomainRow,
  removeSecurityDomainRow,
} from '../../store/provider/security-domains.ts';
import { ifPresent, responseData } from '../../wire/gp/command.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { decodeKeyInformation } from '../../wire/gp/key-information.ts';
import { keyReferenceToHex } from '../../wire/gp/key-reference.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { SecurityDomainRow } from '../../wire/message/key-distribution.ts';
import { RepeatVisit } from '../engine/retry.ts';
import { type Probe, probe, probeOrEnd, refuseLocked, selectedExactly } from './41a-probe-security-domain.ts';
import { cardOf, isOurs, requireSameCard } from './41c-find-security-domain.ts';
import { attestationScript, isOwnPair } from './attestation.ts';
import { auditSecurityDomain, type ProviderContext } from './provider-context.ts';

export type KnownCard = CardIdentity & Probe & { readonly insertion: string };

/** The row as a flow has read or changed it last. */
const read = new WeakMap<ProviderContext, SecurityDomainRow>();

/** The SSD of this card as our database has it. @throws LifeCycleError when it was deleted meanwhile */
export async function requireRow({ cardId }: CardIdentity, context: ProviderContext): Promise<SecurityDomainRow> {
  const row = await findSecurityDomainRow(context.database, cardId);
  if (row !== undefined) {
    read.set(context, row);
    return row;
  }
  read.delete(context);
  throw new LifeCycleError('security-domain-gone', 'The SSD is not in our database any more: start a new distribution');
}

/** The same as 54 has read it in this visit: the card is this flow's alone. @throws LifeCycleError as `requireRow` */
export async function rowOfVisit(facts: CardIdentity, context: ProviderContext): Promise<SecurityDomainRow> {
  return read.get(context) ?? requireRow(facts, context);
}

/** The flow has changed the row, and this is what stands there now; nothing where it was deleted meanwhile. */
export function rowChanged(context: ProviderContext, row: SecurityDomainRow | undefined): void {
  if (row === undefined) read.delete(context);
  else read.set(context, row);
}

/**
 * Step 54: SELECT the SSD, and look which pair is live there. Where it is not the one of our database the CASD says
 * what the domain is, the row follows, and the visit starts again: the answer of 56 was lost, or the domain was deleted
 * and made anew.
 *
 * @throws LifeCycleError `security-domain-gone` for a domain that was never ours; `security-domain-missing`,
 *   `key-pair-gone` for one that is, when nobody who may be believed says what became of it; `card-locked`
 */
export async function* selectSecurityDomain(facts: KnownCard, context: ProviderContext) {
  context.card.expectCard(facts);
  return yield* selectDomain(await requireRow(facts, context), facts, context);
}

/**
 * The same in flows behind the key distribution, which attest nothing: only for a pair that our CA certified. A pair
 * that the issuer alone has named may be anybody's, and whoever has it could use what we sign for it at another domain
 * of ours; a domain that was made anew is nobody's yet.
 *
 * @throws ConflictError `security-domain-unfinished`
 */
export async function* selectFinishedDomain(facts: KnownCard, context: ProviderContext) {
  context.card.expectCard(facts);
  const row = await requireRow(facts, context);
  requireFinished(row);
  return yield* selectDomain(row, facts, context);
}

/** @throws ConflictError `security-domain-unfinished` before 60 of the key distribution */
export function requireFinished(row: SecurityDomainRow | undefined): void {
  if (row?.state === 'certified') return;
  throw new ConflictError(
    'security-domain-unfinished',
    'The domain on this card is not ours yet: distribute its keys first',
  );
}

async function* selectDomain(row: SecurityDomainRow, facts: KnownCard, context: ProviderContext) {
  const responses: readonly CardResponse[] = yield [
    probeOrEnd(row.ssdAid),
    ifPresent(getData(DATA_OBJECT.KEY_INFORMATION)),
  ];
  const [selected, keyInformation] = responses;
  if (!selectedExactly(selected, row.ssdAid)) throw await missing(facts, row, context);
  const keys = decodeKeyInformation(responseData('GET DATA [key information]', keyInformation));
  if (keys.some(({ reference }) => keyReferenceToHex(reference) === row.keyReference)) return {};
  await followAttested(facts, row, context);
  throw new RepeatVisit('repeat-visit', 'The SSD has another pair than our database: it is recorded now');
}

/** A bare "not found" ends what the issuer only reported; it removes nothing that was ours. */
async function missing({ cardId }: KnownCard, row: SecurityDomainRow, context: ProviderContext) {
  if (isOurs(row)) {
    return new LifeCycleError('security-domain-missing', 'The card does not show our SSD: try again with this card');
  }
  await removeSecurityDomainRow(context.database, cardId);
  return new LifeCycleError('security-domain-gone', 'The SSD was deleted from the card: start a new distribution');
}

/**
 * Asks the CASD which pair is live, and makes the row say so. @throws LifeCycleError when the CASD does not know it as
 * ours
 */
async function followAttested(facts: KnownCard, row: SecurityDomainRow, context: ProviderContext): Promise<void> {
  const attestation = await attestationScript({ ...facts, ...row.attestedCard }, context);
  const { endsAt: _endsAt, ...select } = probe(row.ssdAid);
  const { responses } = await context.card.exchange([select, ...attestation.commands]);
  refuseLocked(responses[0]);
  const found = await attestation.read(responses.slice(1));
  if (found.state !== 'ours') {
    if (!isOurs(row)) await removeSecurityDomainRow(context.database, facts.cardId);
    throw new LifeCycleError('key-pair-gone', `The SSD has not our key pair ${row.keyReference}: ${found.reason}`, {
      keyReference: row.keyReference,
    });
  }
  const own = isOwnPair(found.facts);
  if (isOurs(row) && !own) requireSameCard(row);
  const { keyReference, publicKey } = found.facts;
  const { certificate: _old, ...rest } = row;
  const state = own ? 'owned' : 'reported';
  const attestedCard = cardOf(found.facts);
  await putSecurityDomainRow(context.database, { ...rest, state, keyReference, publicKey, attestedCard });
  await auditSecurityDomain(context, facts.cardId, {
    phase: 'after',
    numeral: own ? '57' : '54',
    act: own ? 'found own key pair' : 'record SSD made anew',
    details: { keyReference },
  });
}

// SPDX-License-Identifier: Apache-2.0
import type { CardIdentity } from '../../card/identity.ts';
import { LifeCycleError } from '../../errors.ts';
import {
  findSecurityDomainRow,
  putSecurityDomainRow,
  removeSecurityDomainRow,
} from '../../store/provider/security-domains.ts';
import type { SecurityDomainRow } from '../../wire/message/key-distribution.ts';
import type { AttestationFacts } from '../../wire/message/kms.ts';
import { Stop } from '../engine/flow.ts';
import type { Probe } from './41a-probe-security-domain.ts';
import type { FoundDomain } from './41b-attest-found-domain.ts';
import { isOwnPair, ownKeys } from './attestation.ts';
import { certifiesOwnPair, verifyOwnCertificate } from './own-certificate.ts';
import { auditSecurityDomain, type ProviderContext } from './provider-context.ts';

/** Nothing to do: the CASD has shown our SSD with a live pair, and our certificate fits it. */
export interface AlreadyPresent {
  readonly outcome: 'already-present';
  readonly foundBy: FoundBy;
  readonly row: SecurityDomainRow;
}

export type FoundBy = 'database' | 'select';

/** Whether the issuer has to be asked, and what was found with a certificate of ours: 54 to 60 then confirm it. */
export interface Decision {
  readonly askIssuer: boolean;
  readonly foundBy?: FoundBy;
}

type Facts = CardIdentity & Probe & FoundDomain;
type Known = SecurityDomainRow | undefined;
type OwnedRow = SecurityDomainRow & { readonly state: 'owned' | 'certified' };

const ASK: Decision = { askIssuer: true };

/** A row of a domain that our own session has taken over: no bare answer removes it. */
export const isOurs = (row: Known): row is OwnedRow => row !== undefined && row.state !== 'reported';

/**
 * Is there already an SSD? (key-distribution.md section 3.) Our database by card id, what SELECT found, and what the
 * CASD says of it. An unfinished SSD goes on where it stopped; one that was made anew starts over.
 *
 * @throws CertificateError `foreign-security-domain` when the AID is taken by an SSD that our CA did not certify
 * @throws LifeCycleError `security-domain-missing`, `security-domain-replaced` when nobody who may be believed says
 *   what became of our SSD
 */
export async function findSecurityDomain(facts: Facts, context: ProviderContext) {
  const known = await findSecurityDomainRow(context.database, facts.cardId);
  const { found } = facts;
  if (!facts.ssdPresent) return askAgain(facts, known, context);
  if (found.state === 'ours' && isOwnPair(found.facts)) return recover(facts, found.facts, known, context);
  if (found.state === 'ours') return startOver(facts, found.facts, known, context);
  if (found.state === 'own-keys') throw ownKeys(found.reason);
  if (found.state === 'other') return replaceForeign(facts, found.reason, known, context);
  return trustNobody(facts, known, context);
}

/** The card, or who stands between, shows no SSD, or one that says nothing: the issuer finds out by 47. */
async function askAgain(facts: Facts, known: Known, context: ProviderContext): Promise<Decision> {
  if (!isOurs(known)) {
    await forget(facts, known, 'forget reported SSD', context);
    return ASK;
  }
  // The row stays until the CASD says that another domain stands in its place (54).
  if (facts.casdCertificate !== undefined) return ASK;
  throw new LifeCycleError(
    'security-domain-missing',
    'The card does not show the SSD that our database has as ours, and nobody vouches for that. If it was deleted, ' +
      'forget it with DELETE /v1/security-domains/{kind}/{value} and start again',
  );
}

/** The domain is ours and has its own pair, with or without a row of it. */
async function recover(facts: Facts, attested: AttestationFacts, known: Known, context: ProviderContext) {
  const { foundCertificate } = facts;
  const { keyReference, publicKey } = attested;
  // Another certificate in a domain of ours is overwritten in 59.
  const fits =
    foundCertificate !== undefined && certifiesOwnPair(foundCertificate, publicKey, facts.cardId, context.settings);
  if (fits && known?.state === 'certified' && known.certificate === foundCertificate) {
    return new Stop<AlreadyPresent>({ outcome: 'already-present', foundBy: 'database', row: known });
  }
  const isdAid = known?.isdAid ?? context.settings.defaultIsdAid;
  const row = { cardId: facts.cardId, ssdAid: context.settings.ssdAid, isdAid, keyReference, publicKey };
  await putSecurityDomainRow(context.database, { ...row, state: 'owned', attestedCard: cardOf(attested) });
  await auditSecurityDomain(context, facts.cardId, { phase: 'after', numeral: '41c', act: 'recover own SSD' });
  // A flow of ours that lost the last answer of 59-60 does them again.
  if (!fits || known?.state === 'owned') return { askIssuer: false } satisfies Decision;
  return { askIssuer: false, foundBy: 'select' } satisfies Decision;
}

/** A domain that the issuer made for us and that has no pair of ours yet. */
async function startOver(facts: Facts, attested: AttestationFacts, known: Known, context: ProviderContext) {
  if (known === undefined && !attested.owned) return ASK;
  if (isOurs(known)) requireSameCard(known);
  const { keyReference, publicKey } = attested;
  const same = known?.keyReference === keyReference && known.publicKey.modulus === publicKey.modulus;
  if (!isOurs(known) && same) return { askIssuer: false } satisfies Decision;
  const { cardId } = facts;
  const isdAid = known?.isdAid ?? context.settings.defaultIsdAid;
  const row = { cardId, ssdAid: context.settings.ssdAid, isdAid, keyReference, publicKey };
  await putSecurityDomainRow(context.database, { ...row, state: 'reported', attestedCard: cardOf(attested) });
  await auditSecurityDomain(context, cardId, { phase: 'after', numeral: '41c', act: 'record SSD made anew' });
  return { askIssuer: false } satisfies Decision;
}

/** The CASD says that another's keys are in the domain, or none of ours. */
async function replaceForeign(facts: Facts, reason: string, known: Known, context: ProviderContext) {
  if (facts.foundCertificate !== undefined && !isOurs(known)) {
    // Whose certificate it is tells whose domain it is; ours in a domain that is not would be a copy.
    verifyOwnCertificate(facts.foundCertificate, facts.cardId, context.settings);
  }
  if (isOurs(known)) requireSameCard(known);
  await forget(facts, known, `forget SSD: ${reason}`.slice(0, 120), context);
  return ASK;
}

/** No attestation: the certificate shows a pair of ours, and the session of 55 that it is live. */
async function trustNobody(facts: Facts, known: Known, context: ProviderContext): Promise<Decision> {
  const { foundCertificate, cardId } = facts;
  const { settings, database } = context;
  if (foundCertificate === undefined) {
    if (facts.casdCertificate !== undefined) return askAgain(facts, known, context);
    return known === undefined ? ASK : { askIssuer: false };
  }
  const key = verifyOwnCertificate(foundCertificate, cardId, settings);
  if (isOurs(known)) {
    const same = known.publicKey.modulus === key.publicKey.modulus;
    if (!same) throw replaced();
    if (known.state === 'owned') return { askIssuer: false };
    return { askIssuer: false, foundBy: known.certificate === foundCertificate ? 'database' : 'select' };
  }
  const isdAid = known?.isdAid ?? settings.defaultIsdAid;
  await putSecurityDomainRow(database, { cardId, ssdAid: settings.ssdAid, isdAid, state: 'reported', ...key });
  return { askIssuer: false, foundBy: 'select' };
}

export const cardOf = ({ iin, cin }: AttestationFacts) => ({ iin, cin });

const replaced = (): LifeCycleError =>
  new LifeCycleError(
    'security-domain-replaced',
    'The card holds another SSD under our AID than our database has, and cannot show that it is the same card. If ' +
      'ours was deleted, forget it with DELETE /v1/security-domains/{kind}/{value} and start again',
  );

/** What is attested of a card with the same ICCID counts for the row only when the row knows which card it was. */
export function requireSameCard(row: SecurityDomainRow): void {
  if (row.attestedCard === undefined) throw replaced();
}

async function forget(facts: Facts, known: Known, act: string, context: ProviderContext): Promise<void> {
  if (known === undefined || !(await removeSecurityDomainRow(context.database, facts.cardId))) return;
  await auditSecurityDomain(context, facts.cardId, { phase: 'after', numeral: '41c', act });
}

import type { CardIdentity } from '../../card/identity.ts';
import {
  findSecurityDomainRow,
  putSecurityDomainRow,
  removeSecurityDomainRow,
} from '../../store/provider/security-domains.ts';
import type { SecurityDomainRow } from '../../wire/message/key-distribution.ts';
import { Stop } from '../engine/flow.ts';
import type { Probe } from './41a-probe-security-domain.ts';
import { verifyOwnCertificate } from './own-certificate.ts';
import { auditSecurityDomain, type ProviderContext, type ProviderStart } from './provider-context.ts';

/** Nothing to do: the card has our SSD with its certificate. */
export interface AlreadyPresent {
  readonly outcome: 'already-present';
  readonly foundBy: 'database' | 'select';
  readonly row: SecurityDomainRow;
}

/**
 * Is there already an SSD? (key-distribution.md section 3.) Our database is asked first, by card id, then
 * what SELECT found. An SSD without certificate is an unfinished flow, which goes on.
 *
 * @throws CertificateError when the AID is taken by an SSD that our CA did not certify
 */
export async function findSecurityDomain(facts: ProviderStart & CardIdentity & Probe, context: ProviderContext) {
  const { database, settings } = context;
  const known = await findSecurityDomainRow(database, facts.cardId);
  const certified = facts.ssdPresent && known?.state === 'certified' && known.certificate === facts.foundCertificate;
  if (certified) return new Stop<AlreadyPresent>({ outcome: 'already-present', foundBy: 'database', row: known });
  // The card is the truth: what it does not hold as we remember was deleted there, or made anew.
  const stale = known !== undefined && (!facts.ssdPresent || known.state === 'certified');
  if (stale && (await removeSecurityDomainRow(database, facts.cardId))) {
    await auditSecurityDomain(context, facts.cardId, { phase: 'after', numeral: '41b', act: 'forget deleted SSD' });
  }
  if (!facts.ssdPresent) return {};
  const row = stale ? undefined : known;
  if (facts.foundCertificate === undefined) return {};
  const { keyReference, publicKey } = verifyOwnCertificate(facts.foundCertificate, facts.cardId, settings);
  const found: SecurityDomainRow = {
    cardId: facts.cardId,
    ssdAid: settings.ssdAid,
    isdAid: row?.isdAid ?? settings.defaultIsdAid,
    state: 'certified',
    keyReference,
    publicKey,
    certificate: facts.foundCertificate,
  };
  await putSecurityDomainRow(database, found);
  await auditSecurityDomain(context, facts.cardId, { phase: 'after', numeral: '41b', act: 'record SSD found on card' });
  // A flow of ours that lost the last answer of 59-60 finds its own work done.
  return new Stop<AlreadyPresent>({
    outcome: 'already-present',
    foundBy: row === undefined ? 'select' : 'database',
    row: found,
  });
}

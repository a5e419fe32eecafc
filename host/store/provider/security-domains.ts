// SPDX-License-Identifier: Apache-2.0
import type { Kysely, Selectable } from 'kysely';
import type { CardId } from '../../wire/message/common.ts';
import type { SecurityDomainRow } from '../../wire/message/key-distribution.ts';
import { cardIdOfText, cardIdText } from '../card-id.ts';
import type { ProviderTables } from './schema.ts';

/** The provider's database of created SSDs (key-distribution.md section 2). */

export type { SecurityDomainRow };

type Database = Kysely<ProviderTables>;

export interface SecurityDomainFilter {
  readonly limit: number;
  /** Card of the last row of the page before: `iccid:8986..`. */
  readonly after?: string;
  readonly state?: SecurityDomainRow['state'];
}

export async function findSecurityDomainRow(
  database: Database,
  cardId: CardId,
): Promise<SecurityDomainRow | undefined> {
  const row = await database
    .selectFrom('security_domains')
    .selectAll()
    .where('card', '=', cardIdText(cardId))
    .executeTakeFirst();
  return row === undefined ? undefined : toRow(row);
}

/** In the order of their cards. */
export async function listSecurityDomainRows(
  database: Database,
  { limit, after, state }: SecurityDomainFilter,
): Promise<SecurityDomainRow[]> {
  let query = database.selectFrom('security_domains').selectAll();
  if (after !== undefined) query = query.where('card', '>', after);
  if (state !== undefined) query = query.where('state', '=', state);
  const rows = await query.orderBy('card').limit(limit).execute();
  return rows.map(toRow);
}

/** Writes the whole row. */
export async function putSecurityDomainRow(database: Database, row: SecurityDomainRow): Promise<void> {
  const values = columnsOf(row);
  await database
    .insertInto('security_domains')
    .values(values)
    .onConflict((conflict) => conflict.column('card').doUpdateSet(values))
    .execute();
}

/**
 * Step 53: writes the whole row of a domain that the issuer reports, but over none that our own session has taken
 * over. Returns whether it did.
 */
export async function recordReported(database: Database, row: Omit<SecurityDomainRow, 'state'>): Promise<boolean> {
  const values = columnsOf({ ...row, state: 'reported' });
  const written = await database
    .insertInto('security_domains')
    .values(values)
    .onConflict((conflict) =>
      conflict.column('card').doUpdateSet(values).where('security_domains.state', '=', 'reported'),
    )
    .returning('card')
    .executeTakeFirst();
  return written !== undefined;
}

function columnsOf(row: SecurityDomainRow) {
  return {
    card: cardIdText(row.cardId),
    ssd_aid: row.ssdAid,
    isd_aid: row.isdAid,
    state: row.state,
    key_reference: row.keyReference,
    modulus: row.publicKey.modulus,
    exponent: row.publicKey.exponent,
    certificate: row.certificate ?? null,
    iin: row.attestedCard?.iin ?? null,
    cin: row.attestedCard?.cin ?? null,
  };
}

/** The issuer says that it has Delegated Management. */
export async function recordDelegated(database: Database, cardId: CardId): Promise<void> {
  await database
    .updateTable('security_domains')
    .set({ delegated: true })
    .where('card', '=', cardIdText(cardId))
    .execute();
}

export async function isDelegated(database: Database, cardId: CardId): Promise<boolean> {
  const row = await database
    .selectFrom('security_domains')
    .select('delegated')
    .where('card', '=', cardIdText(cardId))
    .executeTakeFirst();
  return row?.delegated === true;
}

/**
 * Step 57: the SSD made its own pair, on the card that the CASD named; where there was no CASD now, the card of which
 * an attestation has told before stays the row's. Returns the row, if it is still there.
 */
export async function recordOwned(
  database: Database,
  cardId: CardId,
  key: Pick<SecurityDomainRow, 'keyReference' | 'publicKey'>,
  attestedCard: SecurityDomainRow['attestedCard'] | undefined,
): Promise<SecurityDomainRow | undefined> {
  const row = await database
    .updateTable('security_domains')
    .set({
      state: 'owned',
      key_reference: key.keyReference,
      modulus: key.publicKey.modulus,
      exponent: key.publicKey.exponent,
      certificate: null,
      ...attestedCard,
    })
    .where('card', '=', cardIdText(cardId))
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? undefined : toRow(row);
}

/** Step 60: the certificate is on the card. */
export async function recordCertified(database: Database, cardId: CardId, certificate: string): Promise<void> {
  await database
    .updateTable('security_domains')
    .set({ state: 'certified', certificate })
    .where('card', '=', cardIdText(cardId))
    .execute();
}

export async function removeSecurityDomainRow(database: Database, cardId: CardId): Promise<boolean> {
  const removed = await database
    .deleteFrom('security_domains')
    .where('card', '=', cardIdText(cardId))
    .returning('card')
    .executeTakeFirst();
  return removed !== undefined;
}

function toRow(row: Selectable<ProviderTables['security_domains']>): SecurityDomainRow {
  return {
    cardId: cardIdOfText(row.card),
    ssdAid: row.ssd_aid,
    isdAid: row.isd_aid,
    state: row.state,
    keyReference: row.key_reference,
    publicKey: { modulus: row.modulus, exponent: row.exponent },
    ...(row.certificate === null ? {} : { certificate: row.certificate }),
    ...(row.iin === null || row.cin === null ? {} : { attestedCard: { iin: row.iin, cin: row.cin } }),
  };
}

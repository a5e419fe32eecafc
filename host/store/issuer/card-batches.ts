// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import { ConflictError, LifeCycleError, NotFoundError } from '../../errors.ts';
import type { CardBatch, CardBatchFault, StartCardBatch } from '../../wire/message/card-batches.ts';
import type { IsdKeySet } from '../../wire/message/operator.ts';
import type { IssuerTables } from './schema.ts';
import type { OwnDomainKey } from './secure-element-schema.ts';

/** Batches of cards while they come in: rows wait apart until the whole file is known to be right. */

type Database = Kysely<IssuerTables>;
type BatchRow = Selectable<IssuerTables['card_batches']>;

/** A row that is right, or what is wrong with it. */
export type StagedRow = { readonly line: number } & (
  | {
      readonly card: string;
      readonly names: readonly string[];
      readonly isdKeySet?: IsdKeySet;
      readonly isdKey?: OwnDomainKey;
    }
  | { readonly faults: readonly { readonly code: string; readonly message: string }[] }
);

/** Faults whose text is kept; the others are counted. */
const MAX_FAULTS = 1_000;

/** Begins a batch; the same one again goes on. @throws ConflictError `batch-taken` */
export async function addCardBatch(
  database: Database,
  batch: StartCardBatch & { readonly storageKey: string },
): Promise<void> {
  const values = {
    batch_id: batch.batchId,
    model_id: batch.modelId,
    storage_key: batch.storageKey,
    transport_key: batch.transportKey ?? null,
  };
  await database
    .insertInto('card_batches')
    .values(values)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const row = await batchRow(database, batch.batchId);
  const { batch_id, model_id, storage_key, transport_key } = row;
  const same = JSON.stringify(values) === JSON.stringify({ batch_id, model_id, storage_key, transport_key });
  if (row.state !== 'receiving' || !same)
    throw new ConflictError('batch-taken', `There is another batch ${batch.batchId}, or it has ended: choose a new id`);
}

/** @throws NotFoundError `no-such-batch` */
export async function batchRow(database: Database, batchId: string): Promise<BatchRow> {
  const row = await database.selectFrom('card_batches').selectAll().where('batch_id', '=', batchId).executeTakeFirst();
  if (row !== undefined) return row;
  throw new NotFoundError('no-such-batch', `There is no batch ${batchId}`, { batchId });
}

/** @throws NotFoundError `no-such-batch` */
export async function findCardBatch(database: Database, batchId: string): Promise<CardBatch> {
  const row = await batchRow(database, batchId);
  const counted =
    row.state === 'receiving' ? await countRows(database, batchId) : { rows: row.rows, bad: row.bad_rows };
  return {
    batchId,
    modelId: row.model_id,
    state: row.state,
    rows: counted.rows ?? 0,
    badRows: counted.bad ?? 0,
    startedAt: row.started_at.toISOString(),
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at.toISOString() }),
  };
}

async function countRows(database: Database, batchId: string): Promise<{ rows: number; bad: number }> {
  const { rows } = await sql<{ rows: string; bad: string }>`
    SELECT count(*) AS rows, count(*) FILTER (WHERE card IS NULL) AS bad FROM card_batch_rows
    WHERE batch_id = ${batchId}`.execute(database);
  return { rows: Number(rows[0]?.rows ?? 0), bad: Number(rows[0]?.bad ?? 0) };
}

/**
 * Rows of a batch; a line that has come before stays as it came.
 *
 * @throws LifeCycleError `batch-ended`
 */
export async function stageRows(database: Database, batchId: string, rows: readonly StagedRow[]): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    const batch = await transaction
      .selectFrom('card_batches')
      .select('state')
      .where('batch_id', '=', batchId)
      .forShare()
      .executeTakeFirst();
    if (batch?.state !== 'receiving') throw ended(batchId);
    const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value));
    await transaction
      .insertInto('card_batch_rows')
      .values(
        rows.map((row) => ({
          batch_id: batchId,
          line: row.line,
          ...('faults' in row
            ? { card: null, names: null, isd_key_set: null, isd_key: null }
            : { card: row.card, names: [...row.names], isd_key_set: json(row.isdKeySet), isd_key: json(row.isdKey) }),
        })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const faults = rows.flatMap((row) =>
      'faults' in row ? row.faults.map((fault) => ({ batch_id: batchId, line: row.line, ...fault })) : [],
    );
    await keepFaults(transaction, batchId, faults);
  });
}

/** The first ones. */
async function keepFaults(
  transaction: Database,
  batchId: string,
  faults: readonly { batch_id: string; line: number; code: string; message: string }[],
): Promise<void> {
  const kept = await transaction
    .selectFrom('card_batch_faults')
    .select((select) => select.fn.countAll<string>().as('count'))
    .where('batch_id', '=', batchId)
    .executeTakeFirstOrThrow();
  const room = faults.slice(0, Math.max(0, MAX_FAULTS - Number(kept.count)));
  if (room.length === 0) return;
  await transaction
    .insertInto('card_batch_faults')
    .values([...room])
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function listFaults(
  database: Database,
  batchId: string,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<CardBatchFault[]> {
  await batchRow(database, batchId);
  return database
    .selectFrom('card_batch_faults')
    .select(['line', 'code', 'message'])
    .where('batch_id', '=', batchId)
    .where('line', '>', after)
    .orderBy('line')
    .orderBy('code')
    .limit(limit)
    .execute();
}

/** Locks the batch to the transaction's end and counts its rows; names that are there twice or known become faults. */
export async function closeBatch(
  transaction: Transaction<IssuerTables>,
  batchId: string,
): Promise<BatchRow & { readonly counted: { readonly rows: number; readonly bad: number } }> {
  const row = await transaction
    .selectFrom('card_batches')
    .selectAll()
    .where('batch_id', '=', batchId)
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) throw new NotFoundError('no-such-batch', `There is no batch ${batchId}`, { batchId });
  if (row.state !== 'receiving') return { ...row, counted: { rows: row.rows ?? 0, bad: row.bad_rows ?? 0 } };
  await refuseNames(transaction, batchId);
  return { ...row, counted: await countRows(transaction, batchId) };
}

async function refuseNames(transaction: Database, batchId: string): Promise<void> {
  const { rows } = await sql<{ line: number; code: string; message: string }>`
    WITH names AS (
      SELECT line, unnest(names) AS name FROM card_batch_rows WHERE batch_id = ${batchId} AND card IS NOT NULL
    ), numbered AS (
      SELECT line, name, first_value(line) OVER (PARTITION BY name ORDER BY line) AS first FROM names
    )
    SELECT line, 'name-twice' AS code, name || ' stands in line ' || first || ' too' AS message
      FROM numbered WHERE line > first
    UNION ALL SELECT line, 'name-known', name || ' is the name of a card that the issuer has already'
      FROM names JOIN card_names USING (name)
    ORDER BY line`.execute(transaction);
  if (rows.length === 0) return;
  const lines = [...new Set(rows.map(({ line }) => line))];
  await sql`UPDATE card_batch_rows SET card = NULL WHERE batch_id = ${batchId} AND line = ANY(${lines})`.execute(
    transaction,
  );
  await keepFaults(
    transaction,
    batchId,
    rows.map((fault) => ({ batch_id: batchId, ...fault })),
  );
}

/** Makes cards of all rows, NEW. */
export async function importRows(transaction: Database, batchId: string): Promise<void> {
  await sql`
    INSERT INTO cards (card, isd_aid, casd_aid, isd_key_set, isd_key_reference, isd_modulus, isd_exponent, state,
      model_id, batch_id)
    SELECT card, isd_aid, casd_aid, isd_key_set, isd_key->>'reference', isd_key->>'modulus', isd_key->>'exponent',
      'NEW', model_id, batch_id
    FROM card_batch_rows JOIN card_batches USING (batch_id) JOIN chip_models USING (model_id)
    WHERE batch_id = ${batchId}`.execute(transaction);
  await sql`
    INSERT INTO card_names (name, card) SELECT unnest(names), card FROM card_batch_rows
    WHERE batch_id = ${batchId}`.execute(transaction);
}

/** The rows go, the figures stay. */
export async function endBatch(
  transaction: Database,
  batchId: string,
  end: { readonly state: 'imported' | 'refused' | 'cancelled'; readonly rows: number; readonly bad: number },
): Promise<void> {
  await transaction.deleteFrom('card_batch_rows').where('batch_id', '=', batchId).execute();
  await sql`UPDATE card_batches SET state = ${end.state}, rows = ${end.rows}, bad_rows = ${end.bad}, ended_at = now()
    WHERE batch_id = ${batchId}`.execute(transaction);
}

export const ended = (batchId: string): LifeCycleError =>
  new LifeCycleError('batch-ended', `Batch ${batchId} is over: take a new id for another file`, { batchId });

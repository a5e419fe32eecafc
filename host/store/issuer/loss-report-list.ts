// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import type { LossReportEntry } from '../../wire/message/platform.ts';
import { cardIdOfText } from '../card-id.ts';
import type { IssuerTables } from './schema.ts';

/** Loss reports for whoever looks for one, the newest first. */
export async function listLossReports(
  database: Kysely<IssuerTables>,
  query: {
    readonly limit: number;
    readonly card?: string;
    readonly state?: LossReportEntry['state'];
    /** Id of the last of the page before. */
    readonly after?: string;
  },
): Promise<LossReportEntry[]> {
  const { limit, card = null, state = null, after = null } = query;
  const { rows } = await sql<{
    id: string;
    card: string;
    reason: string;
    reported_by: string;
    state: LossReportEntry['state'];
    at: Date;
    products: string[];
  }>`
    SELECT id, card, reason, reported_by, state, at, ARRAY(SELECT product_id FROM loss_report_products
      WHERE report_id = id ORDER BY product_id) AS products
    FROM loss_reports AS report
    WHERE (${card}::text IS NULL OR card = ${card}) AND (${state}::text IS NULL OR state = ${state})
      AND (${after}::text IS NULL OR (at, id) < (SELECT at, id FROM loss_reports WHERE id = ${after}))
    ORDER BY at DESC, id DESC LIMIT ${limit}`.execute(database);
  return rows.map((row) => ({
    id: row.id,
    cardId: cardIdOfText(row.card),
    state: row.state,
    productIds: row.products,
    reason: row.reason,
    reportedBy: row.reported_by,
    at: row.at.toISOString(),
  }));
}

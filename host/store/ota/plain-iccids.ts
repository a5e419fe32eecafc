// SPDX-License-Identifier: Apache-2.0
import type { Migration } from '../database.ts';
import { PLAIN_ICCID_FUNCTION_SQL, renameCardsSql } from '../plain-iccids.ts';

/**
 * Cards lose the filler of their ICCID here too: else their numbers are not found. A card that was entered again has
 * the number that it was entered with then, and counts on behind the greater counter: below it every packet is refused.
 */
export const PLAIN_ICCIDS_MIGRATION: Migration = {
  number: 11,
  name: 'ICCIDs without filler',
  sql: `
    ${PLAIN_ICCID_FUNCTION_SQL}
    UPDATE subscriptions s SET until = now() WHERE s.until IS NULL AND EXISTS (
      SELECT 1 FROM subscriptions o WHERE o.until IS NULL AND o.id > s.id AND o.card <> s.card
        AND pg_temp.plain_iccid(o.card) = pg_temp.plain_iccid(s.card));
    INSERT INTO packet_counters (card, key_set, counter)
      SELECT pg_temp.plain_iccid(card), key_set, max(counter) FROM packet_counters
      WHERE card <> pg_temp.plain_iccid(card) GROUP BY 1, 2
      ON CONFLICT (card, key_set) DO UPDATE SET counter = greatest(packet_counters.counter, excluded.counter);
    DELETE FROM packet_counters WHERE card <> pg_temp.plain_iccid(card);
    ${renameCardsSql("column_name = 'card'", 'stays')}
  `,
};

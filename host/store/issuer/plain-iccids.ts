// SPDX-License-Identifier: Apache-2.0
import { PLAIN_ICCID_FUNCTION_SQL, renameCardsSql } from '../plain-iccids.ts';

/** States from the mildest to the strictest, of cards and of products on them. */
const CARD_STATES = "ARRAY['NEW', 'ACTIVE', 'BLOCKED', 'REPLACED', 'RETIRED']";
const PRODUCT_STATES = "ARRAY['VALID', 'SUSPENDED', 'INVALID', 'TERMINATED']";

/**
 * Of cards that are there under two names: the stricter state is the card's and its products', reports of a loss count
 * for what was under either name, and providers are told, with numbers behind those of both names, what they have not
 * taken under either: they take no number twice, and have both in one row then. An operator may have
 * noticed and named the one as successor of the other: it has not lost its place to itself.
 */
const MERGE_SQL = `
  UPDATE cards SET state = s.state, replaced_by = s.replaced_by, changed_at = now() FROM (
    SELECT DISTINCT ON (t.plain) t.plain, c.state, c.replaced_by FROM cards c JOIN twice t USING (card)
    WHERE NOT t.by_itself ORDER BY t.plain, array_position(${CARD_STATES}, c.state) DESC, c.card = t.plain DESC) AS s
    WHERE cards.card = s.plain AND cards.state <> s.state;
  INSERT INTO loss_report_products (report_id, product_id)
    SELECT DISTINCT r.id, p.product_id FROM loss_reports r JOIN twice t USING (card)
    JOIN twice other ON other.plain = t.plain JOIN card_products p ON p.card = other.card
    WHERE r.state = 'open' AND r.all_products ON CONFLICT DO NOTHING;
  CREATE TEMP TABLE merged ON COMMIT DROP AS
    SELECT t.plain, p.product_id, (array_agg(p.state ORDER BY p.card = t.plain DESC, p.card))[1] AS was,
      count(DISTINCT p.state) > 1 AS differ, (${PRODUCT_STATES})[greatest(
        coalesce(max(array_position(${PRODUCT_STATES}, p.state)) FILTER (WHERE NOT t.by_itself),
          max(array_position(${PRODUCT_STATES}, p.state))),
        CASE (SELECT state FROM cards WHERE card = t.plain)
          WHEN 'BLOCKED' THEN 2 WHEN 'REPLACED' THEN 4 WHEN 'RETIRED' THEN 4 ELSE 1 END,
        (SELECT 3 FROM loss_reports r JOIN loss_report_products named ON named.report_id = r.id
          WHERE r.card IN (SELECT card FROM twice WHERE plain = t.plain) AND r.state = 'open'
            AND named.product_id = p.product_id LIMIT 1))] AS state
    FROM card_products p JOIN twice t USING (card) GROUP BY t.plain, p.product_id;
  UPDATE card_products p SET state = m.state FROM merged m JOIN twice t USING (plain)
    WHERE p.card = t.card AND p.product_id = m.product_id;
  CREATE TEMP TABLE waiting ON COMMIT DROP AS
    SELECT DISTINCT t.plain, o.product_id FROM outbox o JOIN twice t USING (card) WHERE o.delivered_at IS NULL;
  UPDATE outbox o SET card = n.plain, sequence = n.sequence FROM (
    SELECT event_id, t.plain, (SELECT max(sequence) FROM outbox every JOIN twice USING (card)
        WHERE plain = t.plain AND every.provider_id = o.provider_id)
      + row_number() OVER (PARTITION BY o.provider_id, t.plain ORDER BY event_id) AS sequence
    FROM outbox o JOIN twice t USING (card) WHERE t.card <> t.plain) AS n
    WHERE o.event_id = n.event_id;
  INSERT INTO outbox (provider_id, card, sequence, product_id, from_state, to_state, at)
    SELECT products.provider_id, m.plain, coalesce((SELECT max(sequence) FROM outbox o
        WHERE o.card = m.plain AND o.provider_id = products.provider_id), 0)
      + row_number() OVER (PARTITION BY products.provider_id, m.plain ORDER BY m.product_id),
      m.product_id, m.was, m.state, clock_timestamp()
    FROM merged m JOIN products USING (product_id)
    WHERE m.differ OR m.was <> m.state OR (m.plain, m.product_id) IN (SELECT plain, product_id FROM waiting)
    ORDER BY m.plain, m.product_id;
`;

/**
 * Cards whose ICCID was taken with its filler lose it: no flow has found them so. One that was entered both ways keeps
 * the keys that it was entered with without it, and what hangs on the other one goes over where it has nothing of its
 * own. Rows of batches are there while a batch comes in, no longer.
 */
export const PLAIN_ICCIDS_SQL = `
  ${PLAIN_ICCID_FUNCTION_SQL}
  CREATE TEMP TABLE twice ON COMMIT DROP AS
    SELECT card, plain, by_itself FROM (
      SELECT card, pg_temp.plain_iccid(card) AS plain,
        coalesce(pg_temp.plain_iccid(replaced_by) = pg_temp.plain_iccid(card), false) AS by_itself,
        count(*) OVER (PARTITION BY pg_temp.plain_iccid(card)) AS names
      FROM cards) AS named WHERE names > 1;
  INSERT INTO cards SELECT (jsonb_populate_record(c, jsonb_build_object('card', pg_temp.plain_iccid(c.card)))).*
    FROM cards AS c WHERE c.card <> pg_temp.plain_iccid(c.card) ON CONFLICT DO NOTHING;
  ${MERGE_SQL}
  ${renameCardsSql(
    `column_name = 'replaced_by' OR column_name = 'card' AND table_name <> 'cards'
        OR column_name = 'name' AND table_name = 'card_names'`,
    'deleted',
  )}
  DELETE FROM cards WHERE card <> pg_temp.plain_iccid(card);
  UPDATE card_batch_rows SET names = ARRAY(SELECT pg_temp.plain_iccid(name) FROM unnest(names) AS name)
    WHERE names IS NOT NULL;
`;

// SPDX-License-Identifier: Apache-2.0
import { INSTANCE_STATE } from '../../wire/message/platform.ts';
import { PLAIN_ICCID_FUNCTION_SQL, renameCardsSql } from '../plain-iccids.ts';

const PRODUCT_STATES = "ARRAY['VALID', 'SUSPENDED', 'INVALID', 'TERMINATED']";

/**
 * Cards lose the filler of their ICCID here too. Where both names were taken, what the issuer said last is what it said
 * last of either, and the stricter state is that of the product. An instance or a domain of a card that has another one
 * of its kind under its plain name stays as it is, found by its own id.
 */
export const PLAIN_ICCIDS_SQL = `
  ${PLAIN_ICCID_FUNCTION_SQL}
  INSERT INTO state_change_sequences (card, last)
    SELECT pg_temp.plain_iccid(card), max(last) FROM state_change_sequences WHERE card <> pg_temp.plain_iccid(card)
    GROUP BY 1 ON CONFLICT (card) DO UPDATE SET last = greatest(state_change_sequences.last, excluded.last);
  DELETE FROM state_change_sequences WHERE card <> pg_temp.plain_iccid(card);
  UPDATE service_instances i SET product_state = s.strictest, revision = i.revision + 1,
      state = CASE WHEN i.state = ${INSTANCE_STATE.OPERATIONAL} THEN ${INSTANCE_STATE.SUSPENDED} ELSE i.state END
    FROM (SELECT pg_temp.plain_iccid(card) AS plain, product_id,
        (${PRODUCT_STATES})[max(array_position(${PRODUCT_STATES}, product_state))] AS strictest
      FROM service_instances GROUP BY 1, 2 HAVING count(DISTINCT product_state) > 1) AS s
    WHERE pg_temp.plain_iccid(i.card) = s.plain AND i.product_id = s.product_id AND i.product_state <> s.strictest;
  ${renameCardsSql("column_name IN ('card', 'only_card', 'old_card', 'new_card')", 'stays')}
  DELETE FROM state_changes_taken WHERE card <> pg_temp.plain_iccid(card);
`;

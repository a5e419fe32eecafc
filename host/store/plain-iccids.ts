// SPDX-License-Identifier: Apache-2.0

/**
 * SQL for migrations of every owner of cards: names of cards that were stored with the filler of their ICCID lose it.
 */

/** `pg_temp.plain_iccid(name)`: a card's name without the filler of an ICCID; what is none stays. */
export const PLAIN_ICCID_FUNCTION_SQL = String.raw`
  CREATE FUNCTION pg_temp.plain_iccid(name text) RETURNS text LANGUAGE sql IMMUTABLE AS
    'SELECT regexp_replace(name, ''^(iccid:[0-9A-F]{17,18}[0-9A-E])F{1,2}$'', ''\1'')';
`;

/**
 * Renames cards in all tables of the schema.
 *
 * @param columns condition on `table_name` and `column_name`: which of the text columns name cards
 * @param taken what becomes of a row whose place the card has taken under its plain name already
 */
export const renameCardsSql = (columns: string, taken: 'deleted' | 'stays'): string => `
  DO $$
  DECLARE
    place record;
    entry record;
  BEGIN
    FOR place IN SELECT table_name AS tab, column_name AS col FROM information_schema.columns
      JOIN information_schema.tables USING (table_schema, table_name)
      WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND data_type = 'text' AND (${columns})
    LOOP
      FOR entry IN EXECUTE format(
        'SELECT ctid AS at, pg_temp.plain_iccid(%1$I) AS plain FROM %2$I WHERE %1$I <> pg_temp.plain_iccid(%1$I)',
        place.col, place.tab)
      LOOP
        BEGIN
          EXECUTE format('UPDATE %I SET %I = $1 WHERE ctid = $2', place.tab, place.col) USING entry.plain, entry.at;
        EXCEPTION WHEN unique_violation THEN
          IF ${taken === 'deleted'} THEN
            EXECUTE format('DELETE FROM %I WHERE ctid = $1', place.tab) USING entry.at;
          END IF;
        END;
      END LOOP;
    END LOOP;
  END $$;
`;

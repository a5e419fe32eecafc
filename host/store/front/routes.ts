// SPDX-License-Identifier: Apache-2.0
import { type Kysely, sql } from 'kysely';
import type { Route, Rule } from '../../wire/message/front.ts';
import { BELL_CHANNEL } from '../bells.ts';
import type { FrontTables } from './schema.ts';

/** Routes that operators enter: every version stays, the last one of a name counts. */

type Database = Kysely<FrontTables>;

/** Rings at every node when a route has changed. */
export const ROUTES_BELL = 'routes';
const ROUTES_LOCK = 0x6f74_7373;

/** The last version of each name, also of those that were removed. */
export async function lastRoutes(
  database: Database,
): Promise<readonly { readonly name: string; readonly version: number; readonly route?: Route }[]> {
  const rows = await database
    .selectFrom('routes')
    .distinctOn('name')
    .selectAll()
    .orderBy('name')
    .orderBy('version', 'desc')
    .execute();
  return rows.map(({ name, version, rule, valid_from: from, valid_to: to }) => {
    if (rule === null) return { name, version };
    const validity = {
      ...(from === null ? {} : { validFrom: from.toISOString() }),
      ...(to === null ? {} : { validTo: to.toISOString() }),
    };
    // It was checked when it came.
    return { name, version, route: { rule: rule as Rule, version, ...validity } };
  });
}

/** Runs `act` while no other change of a route is made, and rings when it is kept. */
export function changingRoutes<T>(database: Database, act: (transaction: Database) => Promise<T>): Promise<T> {
  return database.transaction().execute(async (transaction) => {
    await sql`SELECT pg_advisory_xact_lock(${ROUTES_LOCK})`.execute(transaction);
    const value = await act(transaction);
    await sql`SELECT pg_notify(${BELL_CHANNEL}, ${ROUTES_BELL})`.execute(transaction);
    return value;
  });
}

/** @param rule absent: the route ends with this version */
export async function addRouteVersion(
  database: Database,
  version: { readonly name: string; readonly version: number; readonly route?: Omit<Route, 'version'> },
): Promise<void> {
  const { name, route } = version;
  const date = (text: string | undefined) => (text === undefined ? null : new Date(text));
  await database
    .insertInto('routes')
    .values({
      name,
      version: version.version,
      rule: route === undefined ? null : JSON.stringify(route.rule),
      valid_from: date(route?.validFrom),
      valid_to: date(route?.validTo),
    })
    .execute();
}

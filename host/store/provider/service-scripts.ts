// SPDX-License-Identifier: Apache-2.0
import { type ColumnType, type Kysely, sql } from 'kysely';
import type { ServiceScript } from '../../wire/script/service-script.ts';

/** Service scripts by service, name and version, and the action codes that name them (docs/service-scripts.md). */

export const SERVICE_SCRIPTS_SQL = `
  CREATE TABLE service_scripts (
    service_id uuid NOT NULL REFERENCES tsms_entities ON DELETE CASCADE, name text NOT NULL, version text NOT NULL,
    document jsonb NOT NULL, published boolean NOT NULL DEFAULT false, PRIMARY KEY (service_id, name, version)
  );
  CREATE TABLE service_actions (
    service_id uuid NOT NULL, action_code text NOT NULL, name text NOT NULL, version text NOT NULL,
    PRIMARY KEY (service_id, action_code),
    FOREIGN KEY (service_id, name, version) REFERENCES service_scripts ON DELETE CASCADE
  );
  CREATE FUNCTION refuse_published_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
      IF OLD.published THEN RAISE EXCEPTION 'a published script is never changed'; END IF;
      RETURN NEW;
    END $$;
  CREATE TRIGGER service_scripts_immutable BEFORE UPDATE ON service_scripts
    FOR EACH ROW EXECUTE FUNCTION refuse_published_change();
`;

export interface ScriptTables {
  service_scripts: {
    service_id: string;
    name: string;
    version: string;
    document: ColumnType<ServiceScript, string, string>;
    published: ColumnType<boolean, boolean | undefined, boolean>;
  };
  service_actions: { service_id: string; action_code: string; name: string; version: string };
}

type Database = Kysely<ScriptTables>;
export interface ScriptKey {
  readonly serviceId: string;
  readonly name: string;
  readonly version: string;
}

/** @returns false for one that is published */
export async function putScript(database: Database, { serviceId, name, version }: ScriptKey, script: ServiceScript) {
  const document = JSON.stringify(script);
  const row = await database
    .insertInto('service_scripts')
    .values({ service_id: serviceId, name, version, document })
    .onConflict((conflict) =>
      conflict
        .columns(['service_id', 'name', 'version'])
        .doUpdateSet({ document })
        .where('service_scripts.published', '=', false),
    )
    .returning('name')
    .executeTakeFirst();
  return row !== undefined;
}

export async function findScript(database: Database, { serviceId, name, version }: ScriptKey) {
  return database
    .selectFrom('service_scripts')
    .select(['document', 'published'])
    .where('service_id', '=', serviceId)
    .where('name', '=', name)
    .where('version', '=', version)
    .executeTakeFirst();
}

/** Published again is published. @returns false when there is none */
export async function publishScript(database: Database, key: ScriptKey): Promise<boolean> {
  const { serviceId, name, version } = key;
  await database
    .updateTable('service_scripts')
    .set({ published: true })
    .where('service_id', '=', serviceId)
    .where('name', '=', name)
    .where('version', '=', version)
    .where('published', '=', false)
    .execute();
  return (await findScript(database, key)) !== undefined;
}

/** From now on this code means this script. @returns false when there is no such script that is published */
export async function putAction(database: Database, actionCode: string, key: ScriptKey): Promise<boolean> {
  const { rows } = await sql`
    INSERT INTO service_actions (service_id, action_code, name, version)
    SELECT service_id, ${actionCode}, name, version FROM service_scripts
    WHERE service_id = ${key.serviceId} AND name = ${key.name} AND version = ${key.version} AND published
    ON CONFLICT (service_id, action_code) DO UPDATE SET name = excluded.name, version = excluded.version
    RETURNING 1`.execute(database);
  return rows.length > 0;
}

/** The script that an action code of a service means now. */
export async function scriptOfAction(
  database: Database,
  serviceId: string,
  actionCode: string,
): Promise<ServiceScript | undefined> {
  const row = await database
    .selectFrom('service_actions')
    .innerJoin('service_scripts', (join) =>
      join
        .onRef('service_scripts.service_id', '=', 'service_actions.service_id')
        .onRef('service_scripts.name', '=', 'service_actions.name')
        .onRef('service_scripts.version', '=', 'service_actions.version'),
    )
    .select('document')
    .where('service_actions.service_id', '=', serviceId)
    .where('action_code', '=', actionCode)
    .executeTakeFirst();
  return row?.document;
}

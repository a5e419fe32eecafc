// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { BellsByDatabase } from '../../store/bells.ts';
import { openDatabase } from '../../store/database.ts';
import { WORKFLOW_TRACE_SQL, WORKFLOWS_SQL, type WorkflowTables } from '../../store/workflows.ts';
import { Engine, type EngineOptions } from '../../workflow/engine/durable.ts';

const MIGRATIONS = [
  { number: 1, name: 'workflows', sql: WORKFLOWS_SQL },
  { number: 2, name: 'traces', sql: WORKFLOW_TRACE_SQL },
];

export type TestEngineOptions = Pick<EngineOptions, 'nodeId' | 'workflows'> &
  Partial<Pick<EngineOptions, 'window' | 'version' | 'beatMs' | 'deadAfterMs' | 'unheardMs' | 'onEnded'>>;

/** An engine on a database of its own tables only. */
export async function openTestEngine(url: string, options: TestEngineOptions) {
  const database: Kysely<WorkflowTables> = await openDatabase<WorkflowTables>({ url, migrations: MIGRATIONS });
  const listener = await BellsByDatabase.listen({ url, onError: () => {} });
  const { bells } = listener;
  const engine = await Engine.start({ database, bells, version: '1', window: 4, ...options });
  const close = async () => {
    await engine.stop();
    await listener[Symbol.asyncDispose]();
    await database.destroy();
  };
  return { engine, bells, database, close };
}

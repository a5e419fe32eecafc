// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import type { FlowTables } from '../service/durable-flow.ts';
import { pruneAudit } from '../store/audit-log.ts';
import type { BellsByDatabase } from '../store/bells.ts';
import { databasePlace, type Migration, openDatabase } from '../store/database.ts';
import { type FlowTablesOfPlatform, pruneFlows } from '../store/retention.ts';
import { countQueued } from '../store/workflows.ts';
import { Engine } from '../workflow/engine/durable.ts';
import type { DurableRun, Workflow } from '../workflow/engine/execution.ts';
import { defaultNodeId, openNode } from './node.ts';
import { WORKFLOW_VERSION } from './platform-config.ts';
import { poolGauge } from './pool-gauge.ts';
import { waitFor } from './wait-for.ts';

/** Database, bells and engine: what issuer and provider stand on. */

export interface FlowPlatformConfig {
  readonly database: { readonly url: string };
  readonly listen: { readonly port: number };
  readonly nodeId?: string;
  readonly flowWindow?: number;
  readonly retention?: { readonly flowDays?: number; readonly auditDays?: number };
}

const DEFAULT_WINDOW = 32;
const RECONCILE_MS = 60_000;
const PRUNE_MS = 3_600_000;

export interface FlowPlatform<Tables> extends AsyncDisposable {
  readonly database: Kysely<Tables>;
  readonly bells: BellsByDatabase;
  /** Name of this node, its own on this database. */
  readonly nodeId: string;
  /** Begins to work; `reconcile` runs now and every minute. */
  work(part: {
    readonly workflows: Readonly<Record<string, Workflow>>;
    attach(engine: Engine): void;
    ended(run: DurableRun): void;
    /** Which rows go with a flow that is forgotten. */
    readonly flowTables: FlowTablesOfPlatform;
    reconcile(): Promise<number>;
  }): Promise<Engine>;
}

/** @throws UsageError `node-id-taken` when another process has this node id on the same database */
export async function openFlowPlatform<Tables extends FlowTables>(
  {
    config,
    logger,
    metrics,
  }: { readonly config: FlowPlatformConfig; readonly logger: Logger; readonly metrics: Registry },
  migrations: readonly Migration[],
): Promise<FlowPlatform<Tables>> {
  const { url } = config.database;
  const nodeId = config.nodeId ?? defaultNodeId(config.listen.port);
  const onError = (error: Error) => logger.warn({ reason: error.message }, 'database connection failed');
  const database = await waitFor(logger, `the database at ${databasePlace(url)}`, () =>
    openDatabase<Tables>({ url, migrations, onError, observe: (pool) => poolGauge(pool, metrics) }),
  );
  const bells = await openNode({ url, nodeId, logger, onError }).catch(async (error: unknown) => {
    await database.destroy();
    throw error;
  });
  let engine: Engine | undefined;
  let timer: NodeJS.Timeout | undefined;
  let pruning: NodeJS.Timeout | undefined;
  return {
    database,
    bells,
    nodeId,
    work: async ({ workflows, attach, ended, flowTables, reconcile }) => {
      const log = { info: (text: string) => logger.info(text), error: (text: string) => logger.error(text) };
      const window = config.flowWindow ?? DEFAULT_WINDOW;
      engine = await Engine.start({
        ...{ database, bells: bells.bells, nodeId, window, workflows, log, version: WORKFLOW_VERSION },
        attach,
        onEnded: ended,
      });
      const started = engine;
      const compare = async () => {
        const taken = await started.reconcile();
        const brought = await reconcile();
        if (taken + brought > 0) logger.warn({ taken, brought }, 'flows were brought back');
      };
      await compare();
      const forget = () => prune(database, flowTables, config.retention ?? {}, logger).catch(onError);
      void forget();
      pruning = setInterval(() => void forget(), PRUNE_MS);
      pruning.unref();
      timer = setInterval(() => void compare().catch(onError), RECONCILE_MS);
      timer.unref();
      new Gauge({
        name: 'opentsm_flows_at_work',
        help: 'flows at work on this node',
        registers: [metrics],
        collect() {
          this.set(started.atWork);
        },
      });
      new Gauge({
        name: 'opentsm_flows_queued',
        help: 'flows of this platform that wait for a node',
        registers: [metrics],
        async collect() {
          // A database that is away must not take all other figures with it.
          const queued = await countQueued(database).catch(() => undefined);
          if (queued !== undefined) this.set(queued);
        },
      });
      return started;
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      clearInterval(pruning);
      await engine?.stop();
      await bells[Symbol.asyncDispose]();
      await database.destroy();
    },
  };
}

async function prune<Tables extends FlowTables>(
  database: Kysely<Tables>,
  tables: FlowTablesOfPlatform,
  { flowDays, auditDays }: NonNullable<FlowPlatformConfig['retention']>,
  logger: Logger,
): Promise<void> {
  const flows = flowDays === undefined ? 0 : await pruneFlows(database, { days: flowDays, tables });
  const records = auditDays === undefined ? 0 : await pruneAudit(database, auditDays);
  if (flows + records > 0) logger.info({ flows, records }, 'forgot what was old enough');
}

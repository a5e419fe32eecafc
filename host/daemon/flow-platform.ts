// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import { DurableFlow, type FlowTables } from '../service/durable-flow.ts';
import { pruneAudit } from '../store/audit-log.ts';
import type { BellsByDatabase } from '../store/bells.ts';
import { databasePlace, type Migration, openDatabase } from '../store/database.ts';
import { type FlowTablesOfPlatform, pruneFlows } from '../store/retention.ts';
import { countQueued } from '../store/workflows.ts';
import { Engine } from '../workflow/engine/durable.ts';
import type { Workflow } from '../workflow/engine/execution.ts';
import { flowWatch } from './flow-watch.ts';
import { defaultNodeId, openNode } from './node.ts';
import { DEFAULTS, WORKFLOW_VERSION } from './platform-config.ts';
import { poolGauge } from './pool-gauge.ts';
import { waitFor } from './wait-for.ts';

/** Database, bells and engine: what issuer and provider stand on. */

export interface FlowPlatformConfig {
  readonly database: { readonly url: string };
  readonly listen: { readonly port: number };
  readonly nodeId?: string;
  readonly flowWindow?: number;
  readonly resumeWindowMs?: number;
  readonly retention?: { readonly flowDays?: number; readonly auditDays?: number };
}

interface FlowPlatformContext {
  readonly config: FlowPlatformConfig;
  readonly logger: Logger;
  readonly metrics: Registry;
}

/** What the platform's flows do. */
export interface PlatformWork {
  readonly workflows: Readonly<Record<string, Workflow>>;
  /** Which rows go with a flow that is forgotten. */
  readonly flowTables: FlowTablesOfPlatform;
  /** Forgets what else came to its end more than so many days ago. Returns how many. */
  readonly forget?: (days: number) => Promise<number>;
  /** Runs now and every minute: brings back or ends what nothing works on. Returns how many. */
  reconcile(): Promise<number>;
  /** Time between two passes; a minute when absent. */
  readonly reconcileMs?: number;
}

const DEFAULT_WINDOW = 32;
const RECONCILE_MS = 60_000;
const PRUNE_MS = 3_600_000;

/** @throws UsageError `node-id-taken` when another process has this node id on the same database */
export async function openFlowPlatform<Tables extends FlowTables>(
  context: FlowPlatformContext,
  migrations: readonly Migration[],
): Promise<FlowPlatform<Tables>> {
  const { config, logger, metrics } = context;
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
  return new FlowPlatform({ ...context, database, bells, nodeId });
}

interface FlowPlatformParts<Tables> extends FlowPlatformContext {
  readonly database: Kysely<Tables>;
  readonly bells: BellsByDatabase;
  readonly nodeId: string;
}

export class FlowPlatform<Tables extends FlowTables> implements AsyncDisposable {
  readonly database: Kysely<Tables>;
  readonly bells: BellsByDatabase;
  /** Name of this node, its own on this database. */
  readonly nodeId: string;
  /** Runs the platform's flows, once `work` was called. */
  readonly flow: DurableFlow<Tables>;
  readonly #context: FlowPlatformContext;
  readonly #timers: NodeJS.Timeout[] = [];
  #engine: Engine | undefined;

  constructor({ database, bells, nodeId, ...context }: FlowPlatformParts<Tables>) {
    this.database = database;
    this.bells = bells;
    this.nodeId = nodeId;
    this.#context = context;
    this.flow = new DurableFlow({
      database,
      bells: bells.bells,
      windowMs: context.config.resumeWindowMs ?? DEFAULTS.resumeWindowMs,
      watch: flowWatch(context),
    });
  }

  /** Begins to work. */
  async work({ workflows, flowTables, reconcile, reconcileMs = RECONCILE_MS, ...also }: PlatformWork): Promise<Engine> {
    const { config, logger } = this.#context;
    const log = { info: (text: string) => logger.info(text), error: (text: string) => logger.error(text) };
    const { database, bells, nodeId, flow } = this;
    const engine = await Engine.start({
      database,
      bells: bells.bells,
      nodeId,
      window: config.flowWindow ?? DEFAULT_WINDOW,
      workflows,
      log,
      version: WORKFLOW_VERSION,
      attach: (started) => flow.attach(started),
      onEnded: (run) => flow.ended(run),
    });
    this.#engine = engine;
    const compare = async () => {
      const taken = await engine.reconcile();
      const brought = await reconcile();
      if (taken + brought > 0) logger.warn({ taken, brought }, 'flows were brought back');
    };
    await compare();
    const forget = () => this.#prune(flowTables, also.forget);
    this.#every(reconcileMs, compare);
    this.#every(PRUNE_MS, forget);
    void forget().catch(this.#failed);
    this.#showFlows(engine);
    return engine;
  }

  #every(ms: number, act: () => Promise<void>): void {
    this.#timers.push(setInterval(() => void act().catch(this.#failed), ms).unref());
  }

  readonly #failed = (error: Error): void => {
    this.#context.logger.warn({ reason: error.message }, 'database connection failed');
  };

  async #prune(tables: FlowTablesOfPlatform, forget?: PlatformWork['forget']): Promise<void> {
    const { flowDays, auditDays } = this.#context.config.retention ?? {};
    const flows = flowDays === undefined ? 0 : await pruneFlows(this.database, { days: flowDays, tables });
    const others = flowDays === undefined ? 0 : ((await forget?.(flowDays)) ?? 0);
    const records = auditDays === undefined ? 0 : await pruneAudit(this.database, auditDays);
    if (flows + others + records > 0)
      this.#context.logger.info({ flows, others, records }, 'forgot what was old enough');
  }

  #showFlows(engine: Engine): void {
    const { metrics } = this.#context;
    const { database } = this;
    new Gauge({
      name: 'opentsm_flows_at_work',
      help: 'flows at work on this node',
      registers: [metrics],
      collect() {
        this.set(engine.atWork);
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
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#engine?.stop();
    await this.bells[Symbol.asyncDispose]();
    await this.database.destroy();
  }
}

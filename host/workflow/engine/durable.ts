import { DBOS } from '@dbos-inc/dbos-sdk';
import { InvariantError } from '../../errors.ts';
import { NodeWatch } from './node-watch.ts';

/**
 * Port to the durable engine (DBOS Transact on PostgreSQL): the only file that knows it.
 * A workflow's body is replayed after a break; what stands inside `run.step` is not, once its
 * result is recorded. A step is therefore at-least-once, and its result must be plain JSON facts.
 */
export interface DurableRun {
  readonly workflowId: string;
  /** Runs `act`, or returns what it returned before the break. `act` must not throw what may pass by itself. */
  step<T>(name: string, act: () => Promise<T>): Promise<T>;
}

export type WorkflowBody = (input: unknown, run: DurableRun) => Promise<unknown>;

export interface EngineOptions {
  /** PostgreSQL URL of the engine's own database; it is created when absent. */
  readonly databaseUrl: string;
  /** Scopes the workflows: the daemon's role and id. */
  readonly name: string;
  /** Pinned: workflows are resumed only by nodes that run the same version of their bodies. */
  readonly version: string;
  /** Stable name of this process: after a restart under the same name it goes on with its own work. */
  readonly nodeId: string;
  readonly workflows: Readonly<Record<string, WorkflowBody>>;
  /** Gets the engine before it resumes the first workflow. */
  readonly attach?: (engine: Engine) => void;
  readonly log?: EngineLog;
  readonly beatMs?: number;
  readonly deadAfterMs?: number;
}

export interface EngineLog {
  info(message: string): void;
  error(message: string): void;
}

export interface WorkflowStatus {
  readonly state: 'running' | 'done' | 'failed';
  readonly result?: unknown;
}

export interface Engine {
  /** Starts the workflow under this id, or attaches to the one that has it. */
  start(workflow: string, id: string, input: unknown): Promise<void>;
  status(id: string): Promise<WorkflowStatus | undefined>;
  /** Fires when the engine stops: a step that waits must then hang instead of failing, so that it is resumed. */
  readonly stopping: AbortSignal;
  stop(): Promise<void>;
}

/** One engine per process: the library keeps its state in statics. */
let running = false;

/** Launches the engine, resumes this node's pending workflows and watches for dead nodes. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  if (running) throw new InvariantError('engine-running', 'One durable engine per process');
  running = true;
  const stop = new AbortController();
  const registered = new Map(
    Object.entries(options.workflows).map(([name, body]) => [name, DBOS.registerWorkflow(bodyOf(body), { name })]),
  );
  DBOS.setConfig({
    name: options.name,
    systemDatabaseUrl: withIdleTimeout(options.databaseUrl),
    systemDatabasePoolSize: 8,
    applicationVersion: options.version,
    executorID: options.nodeId,
    enableOTLP: false,
    logger: quiet(options.log),
  });
  const watch = new NodeWatch({
    databaseUrl: options.databaseUrl,
    nodeId: options.nodeId,
    beatMs: options.beatMs ?? 2_000,
    deadAfterMs: options.deadAfterMs ?? 10_000,
    takeOver: (nodeId) => takeOver(nodeId, options.version),
    onError: (error) => options.log?.error(`node watch: ${String(error)}`),
  });
  const engine: Engine = {
    stopping: stop.signal,
    start: async (workflow, id, input) => {
      const body = registered.get(workflow);
      if (body === undefined) throw new InvariantError('workflow-unknown', `No workflow ${workflow} is registered`);
      await DBOS.startWorkflow(body, { workflowID: id })(input);
    },
    status: statusOf,
    stop: async () => {
      if (stop.signal.aborted) return;
      stop.abort();
      await watch.stop();
      await DBOS.shutdown({ deregister: true });
      running = false;
    },
  };
  options.attach?.(engine);
  try {
    await DBOS.launch();
    await watch.start();
  } catch (error) {
    await engine.stop().catch(() => {});
    throw error;
  }
  return engine;
}

/** Ends transactions of a frozen node; set with the connection, because the library's own way overlaps two queries. */
function withIdleTimeout(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  const settings = [url.searchParams.get('options') ?? '', '-c idle_in_transaction_session_timeout=60000'];
  url.searchParams.set('options', settings.join(' ').trim());
  // The driver does not read a plus sign as a space.
  return url.href.replaceAll('+', '%20');
}

const bodyOf = (body: WorkflowBody) => (input: unknown) =>
  body(input, {
    workflowId: DBOS.workflowID ?? '',
    step: (name, act) => DBOS.runStep(act, { name }),
  });

async function statusOf(id: string): Promise<WorkflowStatus | undefined> {
  const status = await DBOS.getWorkflowStatus(id);
  if (status === null) return undefined;
  if (status.status === 'SUCCESS') return { state: 'done', result: status.output };
  const over = status.status === 'ERROR' || status.status === 'CANCELLED' || status.status.startsWith('MAX_');
  return { state: over ? 'failed' : 'running' };
}

/** Puts a dead node's unfinished workflows on the queue that every living node serves. */
async function takeOver(nodeId: string, version: string): Promise<number> {
  const pending = await DBOS.listWorkflows({
    executorId: nodeId,
    status: 'PENDING',
    applicationVersion: version,
    loadInput: false,
    loadOutput: false,
  });
  await DBOS.resumeWorkflows(pending.map((workflow) => workflow.workflowID));
  return pending.length;
}

/** The library's own lines: errors only, and never a workflow's input. */
const quiet = (log: EngineLog | undefined) => ({
  info: () => {},
  debug: () => {},
  warn: (entry: unknown) => log?.info(`engine: ${textOf(entry)}`),
  error: (entry: unknown) => log?.error(`engine: ${textOf(entry)}`),
});

const textOf = (entry: unknown): string => (entry instanceof Error ? entry.message : String(entry)).slice(0, 500);

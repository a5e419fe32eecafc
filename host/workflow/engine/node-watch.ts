import pg from 'pg';

export interface NodeWatchOptions {
  readonly databaseUrl: string;
  readonly nodeId: string;
  readonly beatMs: number;
  readonly deadAfterMs: number;
  /** Resumes what the dead node left; returns how many workflows that were. */
  readonly takeOver: (nodeId: string) => Promise<number>;
  readonly onError: (error: unknown) => void;
}

/** Any number that no other part uses for its advisory lock. */
const TAKE_OVER_LOCK = 0x6f74_736d;

/**
 * Heartbeats of the nodes of one daemon. The durable engine resumes only the work of its own node;
 * a node that stopped beating is found here and its work is taken over by one of the others.
 * Time is the database's, so that clocks of nodes need not agree.
 */
export class NodeWatch {
  readonly #options: NodeWatchOptions;
  readonly #pool: pg.Pool;
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> = Promise.resolve();

  constructor(options: NodeWatchOptions) {
    this.#options = options;
    this.#pool = new pg.Pool({ connectionString: options.databaseUrl, max: 1 });
    this.#pool.on('error', options.onError);
  }

  async start(): Promise<void> {
    await this.#pool.query(
      'CREATE TABLE IF NOT EXISTS engine_nodes (node_id text PRIMARY KEY, beat_at timestamptz NOT NULL)',
    );
    await this.beat();
    this.#timer = setInterval(() => {
      this.#beating = this.beat().catch(this.#options.onError);
    }, this.#options.beatMs);
    this.#timer.unref();
  }

  /** Records that this node lives and takes over from those that do not. */
  async beat(): Promise<void> {
    await this.#pool.query(
      'INSERT INTO engine_nodes VALUES ($1, now()) ON CONFLICT (node_id) DO UPDATE SET beat_at = now()',
      [this.#options.nodeId],
    );
    const client = await this.#pool.connect();
    try {
      await client.query('BEGIN');
      const lock = await client.query<{ held: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS held', [
        TAKE_OVER_LOCK,
      ]);
      if (lock.rows[0]?.held === true) {
        const dead = await client.query<{ node_id: string }>(
          "DELETE FROM engine_nodes WHERE beat_at < now() - $1 * interval '1 millisecond' RETURNING node_id",
          [this.#options.deadAfterMs],
        );
        for (const node of dead.rows) await this.#options.takeOver(node.node_id);
      }
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {});
      throw error;
    } finally {
      client.release();
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
    await this.#pool.end();
  }
}

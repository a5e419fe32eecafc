// SPDX-License-Identifier: Apache-2.0

import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { type Static, Type } from 'typebox';
import { Pool } from 'undici';
import { TransportError } from '../../errors.ts';
import type { PoolNode } from '../../wire/message/front.ts';
import { NodeHealth, type ProbeResult } from '../node-health.ts';
import { leastBusy } from '../node-pool.ts';

/** Service nodes behind static routes: known by config, by a name in DNS, or by their own heartbeat. */

const closed = { additionalProperties: false } as const;
const Origin = Type.String({ pattern: '^https?://[A-Za-z0-9.:\\[\\]-]+$', maxLength: 300 });

export const ServicePool = Type.Object(
  {
    /** Addresses of nodes. */
    nodes: Type.Optional(Type.Array(Origin, { maxItems: 64 })),
    /** A name whose addresses are nodes, asked again all the time. */
    dns: Type.Optional(Origin),
    /** URI name of the certificate with which nodes may say that they are there (`POST /v1/service-nodes`). */
    heartbeats: Type.Optional(Type.String({ pattern: '^urn:opentsm:[a-z]{1,16}:[A-Za-z0-9._-]{1,64}$' })),
    /** Asked every two seconds; without it a node counts as well until calls fail. */
    healthPath: Type.Optional(Type.String({ pattern: '^/[A-Za-z0-9._~/-]{0,200}$' })),
    /** PEM file of the authority of the nodes' certificates; default what the system trusts. */
    authorityFile: Type.Optional(Type.String({ minLength: 1, maxLength: 1_024, 'x-file-path': true })),
  },
  closed,
);
export type ServicePool = Static<typeof ServicePool>;

const LOOK_MS = 2_000;
const PROBE_MS = 5_000;
const CONNECTIONS = 64;

export interface ServiceNode {
  readonly origin: string;
  readonly pool: Pool;
  readonly health: NodeHealth;
  outstanding: number;
  calls: number;
  failures: number;
  probing: boolean;
}

export interface ServiceNodesOptions {
  readonly name: string;
  readonly config: ServicePool;
  /** Those that say they are there. */
  readonly heard?: () => readonly string[];
  readonly lookEveryMs?: number;
  /** Addresses of a name; default the system's. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  readonly onError: (error: Error) => void;
}

/** The nodes of one pool as they come and go. */
export class ServiceNodes implements AsyncDisposable {
  readonly #options: ServiceNodesOptions;
  readonly #ca: string | undefined;
  readonly #nodes = new Map<string, ServiceNode>();
  readonly #timer: NodeJS.Timeout;
  #named: readonly string[] = [];
  #looking: Promise<void>;

  constructor(options: ServiceNodesOptions) {
    this.#options = options;
    const { authorityFile } = options.config;
    this.#ca = authorityFile === undefined ? undefined : readFileSync(authorityFile, 'utf8');
    this.#looking = this.#look();
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.#look());
    }, options.lookEveryMs ?? LOOK_MS);
    this.#timer.unref();
  }

  /** After the first look for nodes. */
  ready(): Promise<void> {
    return this.#looking;
  }

  get nodes(): PoolNode[] {
    return [...this.#nodes.values()].map(({ origin, health, outstanding, calls, failures }) => {
      const { state, share, ejections, ejectedMs } = health;
      const figures = { state, share, outstanding, calls, failures, ejections, ejectedMs: Math.ceil(ejectedMs) };
      return { pool: this.#options.name, address: origin, ...figures };
    });
  }

  /**
   * Nodes to be tried one after the other, the one with the least to do first.
   *
   * @throws TransportError `no-node` when there is none at all
   */
  *choose(): Generator<ServiceNode, void> {
    const left = new Set(this.#nodes.values());
    if (left.size === 0)
      throw new TransportError('no-node', `No node of ${this.#options.name} is known: try again later`);
    while (left.size > 0) {
      const node = leastBusy(left);
      left.delete(node);
      yield node;
    }
  }

  get tls(): { readonly ca?: string } {
    return this.#ca === undefined ? {} : { ca: this.#ca };
  }

  async #look(): Promise<void> {
    const { config, heard, onError } = this.#options;
    if (config.dns !== undefined) {
      // While DNS is away, those that were there are still there.
      this.#named = await this.#addresses(config.dns).catch((error: Error) => {
        onError(error);
        return this.#named;
      });
    }
    const wanted = new Set([...(config.nodes ?? []), ...this.#named, ...(heard?.() ?? [])]);
    for (const [origin, node] of this.#nodes) {
      if (wanted.has(origin)) continue;
      this.#nodes.delete(origin);
      // What is under way may end.
      node.pool.close().catch(onError);
    }
    for (const origin of wanted) if (!this.#nodes.has(origin)) this.#nodes.set(origin, this.#newNode(origin));
    for (const node of this.#nodes.values()) void this.#probe(node);
  }

  async #addresses(origin: string): Promise<string[]> {
    const url = new URL(origin);
    const resolve =
      this.#options.resolve ?? (async (host) => (await lookup(host, { all: true })).map((a) => a.address));
    const addresses = await resolve(url.hostname);
    return addresses.map((address) => {
      const host = address.includes(':') ? `[${address}]` : address;
      return `${url.protocol}//${host}${url.port === '' ? '' : `:${url.port}`}`;
    });
  }

  #newNode(origin: string): ServiceNode {
    const { dns } = this.#options.config;
    const servername = dns === undefined ? undefined : new URL(dns).hostname;
    const named = servername !== undefined && this.#named.includes(origin) ? { servername } : {};
    const pool = new Pool(origin, {
      connections: CONNECTIONS,
      connect: { ...this.tls, ...named, timeout: 3_000 },
      pipelining: 1,
      maxHeaderSize: 16_384,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const health = new NodeHealth();
    if (this.#options.config.healthPath === undefined) health.probed('ready');
    return { origin, pool, health, outstanding: 0, calls: 0, failures: 0, probing: false };
  }

  async #probe(node: ServiceNode): Promise<void> {
    const { healthPath: path } = this.#options.config;
    if (path === undefined || node.probing) return;
    node.probing = true;
    try {
      node.health.probed(await probe(node.pool, path));
    } finally {
      node.probing = false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    await Promise.all([...this.#nodes.values()].map(({ pool }) => pool.destroy()));
  }
}

async function probe(pool: Pool, path: string): Promise<ProbeResult> {
  try {
    const { statusCode, body } = await pool.request({ method: 'GET', path, signal: AbortSignal.timeout(PROBE_MS) });
    await body.dump();
    return statusCode < 300 ? 'ready' : 'not-ready';
  } catch (error) {
    return isUnsent(error) ? 'refused' : 'silent';
  }
}

const UNSENT: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'],
  ...['ERR_TLS_CERT_ALTNAME_INVALID', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
]);

/** True when no connection came about, so that nothing was sent. */
export function isUnsent(error: unknown): boolean {
  const { code, errors } = (error ?? {}) as { readonly code?: unknown; readonly errors?: readonly unknown[] };
  if (Array.isArray(errors) && errors.length > 0) return errors.every(isUnsent);
  return typeof code === 'string' && UNSENT.has(code);
}

// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Static, TSchema } from 'typebox';
import { InvariantError, PeerError, TransportError } from '../errors.ts';
import type { NodeState, PoolNode } from '../wire/message/front.ts';
import { isPassing, pauseAfter, type RestCall, RestClient, type RestClientOptions } from './client.ts';
import { type CallResult, NodeHealth, type NodeHealthOptions, type ProbeResult } from './node-health.ts';

/** Whatever calls a daemon: one client, or a pool of its nodes. */
export type Caller = Pick<RestClient, 'call'>;

export interface NodePoolOptions extends RestClientOptions, NodeHealthOptions {
  /** How often each node is asked whether it is ready; default 2,000. */
  readonly probeEveryMs?: number;
}

interface Member {
  readonly address: string;
  readonly client: RestClient;
  readonly health: NodeHealth;
  outstanding: number;
  calls: number;
  failures: number;
  probing: Promise<void> | undefined;
}

const PROBE_EVERY_MS = 2_000;
const PROBE_MS = 5_000;
const LOTS = 2 ** 32;
/** Who may be asked, the best first. One that is down is asked when no other is left: it may have come back. */
const ORDER: readonly (readonly NodeState[])[] = [['up', 'starting'], ['suspect'], ['down', 'draining']];

/**
 * The nodes of one daemon, all of which do the same. A call goes to the one with the least to do. It goes on to another
 * when it was not sent or the node did nothing with it, and after any other failure only when it may run twice.
 */
export class NodePool implements Caller, AsyncDisposable {
  readonly #members: readonly Member[];
  readonly #timer: NodeJS.Timeout;
  readonly #stop = new AbortController();

  constructor({ probeEveryMs = PROBE_EVERY_MS, ...options }: NodePoolOptions) {
    this.#members = options.baseUrl.split(' ').map((address) => ({
      address,
      client: new RestClient({ ...options, baseUrl: address }),
      health: new NodeHealth(options),
      outstanding: 0,
      calls: 0,
      failures: 0,
      probing: undefined,
    }));
    this.#timer = setInterval(() => this.#probeAll(), probeEveryMs);
    this.#timer.unref();
    this.#probeAll();
  }

  /** All nodes, in the order of the config. */
  get nodes(): readonly Omit<PoolNode, 'pool'>[] {
    return this.#members.map(({ address, health, outstanding, calls, failures }) => {
      const { state, share, ejections, ejectedMs } = health;
      return { address, state, share, outstanding, calls, failures, ejections, ejectedMs: Math.ceil(ejectedMs) };
    });
  }

  /** As `call` of RestClient. @throws what the last node that was asked gave */
  async call<S extends TSchema>(call: RestCall<S>): Promise<Static<S>> {
    for (let round = 0; ; round += 1) {
      try {
        return await this.#toOneOfThem(call);
      } catch (error) {
        const again = isPassing(error) && round < (call.retries ?? 0);
        if (!again || isOver(call) || this.#stop.signal.aborted) throw error;
        await delay(pauseAfter(round, error));
      }
    }
  }

  /** Each node at most once. */
  async #toOneOfThem<S extends TSchema>(call: RestCall<S>): Promise<Static<S>> {
    const left = new Set(this.#members);
    for (;;) {
      const member = leastBusy(left);
      left.delete(member);
      try {
        return await this.#at(member, call);
      } catch (error) {
        const result = resultOf(error);
        const untouched = result === 'refused' || result === 'draining';
        const goesOn = untouched || (result === 'failed' && mayRunTwice(call));
        if (!goesOn || left.size === 0 || isOver(call)) throw error;
      }
    }
  }

  async #at<S extends TSchema>(member: Member, call: RestCall<S>): Promise<Static<S>> {
    member.outstanding += 1;
    member.calls += 1;
    try {
      const answer = await member.client.call({ ...call, retries: 0 });
      member.health.called('answered');
      return answer;
    } catch (error) {
      const result = resultOf(error);
      if (result !== undefined) member.health.called(result);
      if (result === 'failed' || result === 'refused') member.failures += 1;
      throw error;
    } finally {
      member.outstanding -= 1;
    }
  }

  #probeAll(): void {
    for (const member of this.#members) {
      // One that hangs is asked again when it has not answered.
      member.probing ??= this.#probe(member).finally(() => {
        member.probing = undefined;
      });
    }
  }

  async #probe({ client, health }: Member): Promise<void> {
    const { signal } = this.#stop;
    try {
      await client.call({ method: 'GET', path: '/health/ready', timeoutMs: PROBE_MS, signal });
      health.probed('ready');
    } catch (error) {
      if (!signal.aborted) health.probed(probeResultOf(error));
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await Promise.all(this.#members.map(({ client }) => client.close()));
    await Promise.all(this.#members.map(({ probing }) => probing));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Of the best state that there is, the one with the fewest calls for its share; of equals any. */
export function leastBusy<T extends { readonly health: NodeHealth; readonly outstanding: number }>(
  members: ReadonlySet<T>,
): T {
  const [only] = members;
  if (only !== undefined && members.size === 1) return only;
  const rank = ({ health }: T) => ORDER.findIndex((states) => states.includes(health.state));
  const load = ({ outstanding, health }: T) => (outstanding + 1) / health.share;
  const [best] = [...members]
    .map((member) => ({ member, rank: rank(member), load: load(member), lot: randomInt(LOTS) }))
    .sort((one, other) => one.rank - other.rank || one.load - other.load || one.lot - other.lot);
  if (best === undefined) throw new InvariantError('no-node', 'a pool without nodes was asked');
  return best.member;
}

/** What an error says of the node; undefined when it was the caller who gave up or was wrong. */
function resultOf(error: unknown): CallResult | undefined {
  if (error instanceof TransportError) {
    if (error.code === 'aborted') return undefined;
    return error.code === 'peer-unreachable' ? 'refused' : 'failed';
  }
  if (!(error instanceof PeerError)) return undefined;
  const { status, type } = error.context;
  if (error.code === 'draining' && status === 503) return 'draining';
  // Without a problem document it is not our code that spoke. 502 says that a peer of the node failed, not the node.
  const byNode = error.code === 'peer-answer' && type === undefined;
  return byNode || status === 500 || status === 503 ? 'failed' : 'answered';
}

function probeResultOf(error: unknown): ProbeResult {
  if (error instanceof TransportError) return error.code === 'peer-unreachable' ? 'refused' : 'silent';
  return error instanceof PeerError && error.code === 'draining' ? 'draining' : 'not-ready';
}

/** GET changes nothing, and who allows retries or gives a key has said so. */
const mayRunTwice = ({ method, retries = 0, idempotencyKey }: RestCall<TSchema>): boolean =>
  method === 'GET' || retries > 0 || idempotencyKey !== undefined;

const isOver = ({ signal }: RestCall<TSchema>): boolean => signal?.aborted === true;

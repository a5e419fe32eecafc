// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { COUNTERS_SETTLE_MS, databaseLoad } from '../host/lab/database-load.ts';
import { TERMINAL_ID } from '../host/lab/platforms.ts';
import { requestLoad } from '../host/lab/request-load.ts';
import { type InsertedCard, SingleProviderLab } from '../host/lab/single-provider-lab.ts';
import type { KeyDistributionState } from '../host/wire/message/key-distribution.ts';
import { cpuMsByName, daemonMemory } from './processes.ts';

/** Many cards at once: what a flow costs, where the CPU goes, and what the death of a daemon costs. */

export interface Load {
  readonly cards: number;
  readonly seconds: number;
  readonly flowsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cardCryptoShare: number;
  readonly transactionsPerFlow: number;
  readonly bytesWrittenPerFlow: number;
  /** HTTP requests over all daemons, and the same by daemon and route. */
  readonly requestsPerFlow: number;
  readonly requestsByRoute: Readonly<Record<string, number>>;
  /** Milliseconds of CPU for a flow, by process; cryptography of the cards apart from the rest of the simulator. */
  readonly cpuMsPerFlow: Readonly<Record<string, number>>;
  /** One flow alone, and one whose provider is killed after its first trip. */
  readonly aloneMs: number;
  readonly killedMs: number;
  /** Resident memory of all daemons that each flow costs while it waits for its turn. */
  readonly bytesPerQueuedFlow: number;
}

const QUEUED = 1_000;
const AT_ONCE = 20;

/** @throws Error when the flow ends otherwise: its time would mean nothing */
export async function distributed(lab: SingleProviderLab, seat: InsertedCard): Promise<KeyDistributionState> {
  const state = await lab.distribute(seat);
  if (state.outcome === 'distributed') return state;
  throw new Error(`a flow of the bench ended as ${state.outcome ?? state.state}: ${state.problem?.detail ?? ''}`);
}

const quantile = (numbers: readonly number[], share: number): number =>
  numbers.toSorted((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * share))] ?? Number.NaN;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

export async function measureLoad(cards: number): Promise<Load> {
  await using lab = await SingleProviderLab.open({
    link: 'direct',
    readers: cards,
    keySizeBits: 1024,
    keepAlive: true,
  });
  const load = async () => databaseLoad(lab.platforms.topology.postgres.adminUrl);
  await inReader(lab, (seat) => distributed(lab, seat));
  const aloneMs = await inReader(lab, (seat) => timed(() => distributed(lab, seat)));
  const killedMs = await inReader(lab, (seat) => timed(() => Promise.all([distributed(lab, seat), killOnce(lab)])));
  await lab.platforms.topology.ready('provider-a');
  // What a daemon compiles and connects in its first flows is not what a flow costs.
  const first = await insertAll(lab, cards);
  await Promise.all(first.map((seat) => distributed(lab, seat)));
  for (const seat of first) await seat[Symbol.asyncDispose]();
  const seats = await insertAll(lab, cards);
  await delay(COUNTERS_SETTLE_MS);
  const requestsBefore = await requestLoad(lab.platforms.topology);
  const before = await load();
  const cpuBefore = cpuMsByName();
  const cryptoBefore = await cryptoMs(seats);
  const times: number[] = [];
  const totalMs = await timed(() =>
    Promise.all(seats.map(async (seat) => times.push(await timed(() => distributed(lab, seat))))),
  );
  const cpu = difference(cpuMsByName(), cpuBefore);
  const crypto = (await cryptoMs(seats)) - cryptoBefore;
  const requests = difference(await requestLoad(lab.platforms.topology), requestsBefore);
  await delay(COUNTERS_SETTLE_MS);
  const after = await load();
  const bytesPerQueuedFlow = await measureQueue(lab);
  const cpuMs = Object.values(cpu).reduce((sum, ms) => sum + ms, 0);
  const split = { 'card cryptography': crypto, ...cpu, simulator: (cpu.simulator ?? 0) - crypto };
  return {
    cards,
    seconds: totalMs / 1000,
    flowsPerSecond: (cards * 1000) / totalMs,
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
    cardCryptoShare: crypto / cpuMs,
    transactionsPerFlow: (after.transactions - before.transactions) / cards,
    bytesWrittenPerFlow: (after.bytesWritten - before.bytesWritten) / cards,
    requestsPerFlow: Object.values(requests).reduce((sum, count) => sum + count, 0) / cards,
    requestsByRoute: perFlow(requests, cards),
    cpuMsPerFlow: perFlow(split, cards),
    aloneMs,
    killedMs,
    bytesPerQueuedFlow,
  };
}

/** To one decimal place. */
const perFlow = (totals: Readonly<Record<string, number>>, flows: number): Record<string, number> =>
  Object.fromEntries(Object.entries(totals).map(([name, total]) => [name, Math.round((10 * total) / flows) / 10]));

/** A new card in each reader; a few at a time, because a server lets one address begin only so many connections. */
async function insertAll(lab: SingleProviderLab, cards: number): Promise<InsertedCard[]> {
  const seats: InsertedCard[] = [];
  while (seats.length < cards) {
    const count = Math.min(AT_ONCE, cards - seats.length);
    seats.push(...(await Promise.all(Array.from({ length: count }, (_, index) => lab.insert(seats.length + index)))));
  }
  return seats;
}

/**
 * Flows for a reader that is not there: a window of them waits for it, the others for their turn. They end with the
 * lab.
 */
async function measureQueue(lab: SingleProviderLab): Promise<number> {
  const client = await lab.platforms.client(`provider-${lab.provider}`);
  const before = daemonMemory();
  for (let at = 0; at < QUEUED; at += AT_ONCE) {
    const starts = Array.from({ length: AT_ONCE }, () =>
      client.call({
        method: 'POST',
        path: '/v1/key-distributions',
        idempotencyKey: randomUUID(),
        body: { terminalId: TERMINAL_ID, readerName: 'none', keySizeBits: 1024 },
      }),
    );
    await Promise.all(starts);
  }
  return (daemonMemory() - before) / QUEUED;
}

async function inReader<T>(lab: SingleProviderLab, work: (seat: InsertedCard) => Promise<T>): Promise<T> {
  await using seat = await lab.insert();
  return await work(seat);
}

/** kill -9 of the provider once its flow is at work; the supervisor starts it again. */
async function killOnce(lab: SingleProviderLab): Promise<void> {
  await delay(100);
  await lab.platforms.topology.kill('provider-a');
}

async function cryptoMs(seats: readonly InsertedCard[]): Promise<number> {
  const all = await Promise.all(seats.map(async ({ card }) => (await card.statistics()).cryptoCpuMs));
  return all.reduce((sum, ms) => sum + ms, 0);
}

function difference(after: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...after].map(([name, ms]) => [name, ms - (before.get(name) ?? 0)]));
}

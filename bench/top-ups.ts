// SPDX-License-Identifier: Apache-2.0
import pg from 'pg';
import { InvariantError } from '../host/errors.ts';
import { ProductDesk } from '../host/lab/product-desk.ts';
import { buildPurseCap } from '../host/lab/purse-cap.ts';
import { type InsertedCard, SingleProviderLab } from '../host/lab/single-provider-lab.ts';
import { quantile } from './one-core.ts';
import { cpuMsByName } from './processes.ts';

/** Top-ups of many simulated cards at once, and one loss report of a card with many products. */

const TOP_UPS = 5;
/** Begun at a time while cards are made ready. */
const AT_ONCE = 20;
const PRODUCTS = 10_000;

export interface TopUps {
  readonly cards: number;
  readonly nodes: number;
  readonly topUpsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMsPerTopUp: number;
  /** Share of all CPU time that the cards' own cryptography takes. */
  readonly cardCryptoShare: number;
  readonly cpuMsByProcess: Readonly<Record<string, number>>;
  /** Milliseconds to the answer to a loss report of a card with 1 and with 10,000 products; with one node alone. */
  readonly lossReport?: { readonly products: number; readonly answeredMs: number; readonly withOneMs: number };
}

async function inTurns<T, R>(items: readonly T[], work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE)
    results.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map((item, index) => work(item, at + index)))));
  return results;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** @throws InvariantError when a flow ends otherwise than well: its time would mean nothing */
export async function measureTopUps(cards: number, nodes: number, withLossReport = false): Promise<TopUps> {
  const provider = ProductDesk.config(await buildPurseCap());
  await using lab = await SingleProviderLab.open({
    ...{ link: 'direct', readers: cards, keySizeBits: 1024, keepAlive: true, provider, nodes },
  });
  const desk = new ProductDesk(lab.platforms, lab.provider);
  await desk.register();
  const numbers = Array.from({ length: cards }, (_, index) => index);
  const seats = await inTurns(numbers, (index) => lab.insert(index));
  await inTurns(seats, async (seat) => {
    const { outcome } = await lab.distribute(seat);
    const { problem } = await desk.deploy(seat);
    if (outcome !== 'distributed' || problem !== undefined)
      throw new InvariantError('bench-flow', `a card is not ready: ${outcome} ${JSON.stringify(problem)}`);
  });
  const topUp = async (seat: InsertedCard): Promise<void> => {
    const { outcome, problem } = await desk.topUp(seat, 1);
    if (outcome !== 'credited') throw new InvariantError('bench-flow', `${outcome} ${JSON.stringify(problem)}`);
  };
  // What daemons compile and connect in their first flows is not what a top-up costs.
  await Promise.all(seats.map(topUp));
  const cpuBefore = cpuMsByName();
  const cryptoBefore = await cryptoMs(seats);
  const times: number[] = [];
  const totalMs = await timed(() =>
    Promise.all(
      seats.map(async (seat) => {
        for (let n = 0; n < TOP_UPS; n += 1) times.push(await timed(() => topUp(seat)));
      }),
    ),
  );
  const cpu = [...cpuMsByName()].map(([name, ms]) => [name, ms - (cpuBefore.get(name) ?? 0)] as const);
  const crypto = (await cryptoMs(seats)) - cryptoBefore;
  const cpuMs = cpu.reduce((sum, [, ms]) => sum + ms, 0);
  const [first] = seats;
  const lossReport = withLossReport && first !== undefined ? await measureLossReport(lab, desk, first) : undefined;
  return {
    ...{ cards, nodes, topUpsPerSecond: (times.length * 1_000) / totalMs },
    ...{ p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99) },
    ...{ cpuMsPerTopUp: cpuMs / times.length, cardCryptoShare: crypto / cpuMs },
    cpuMsByProcess: Object.fromEntries(cpu.map(([name, ms]) => [name, Math.round((10 * ms) / times.length) / 10])),
    ...(lossReport === undefined ? {} : { lossReport }),
  };
}

async function cryptoMs(seats: readonly InsertedCard[]): Promise<number> {
  const all = await Promise.all(seats.map(async ({ card }) => (await card.statistics()).cryptoCpuMs));
  return all.reduce((sum, ms) => sum + ms, 0);
}

async function measureLossReport(lab: SingleProviderLab, desk: ProductDesk, { cardId }: InsertedCard) {
  const report = async (): Promise<number> => {
    const start = performance.now();
    const { id } = await desk.reportLoss(cardId);
    const ms = performance.now() - start;
    await desk.found(id);
    return ms;
  };
  const withOneMs = await report();
  const client = new pg.Client({ connectionString: lab.platforms.topology.databaseUrl('issuer') });
  await client.connect();
  try {
    const card = `${cardId.kind}:${cardId.value}`;
    await client.query("INSERT INTO products SELECT 'p' || n, $1 FROM generate_series(2, $2) n", [
      lab.provider,
      PRODUCTS,
    ]);
    const rows = "INSERT INTO card_products (card, product_id, state) SELECT $1, product_id, 'VALID' FROM products";
    await client.query(`${rows} ON CONFLICT DO NOTHING`, [card]);
  } finally {
    await client.end();
  }
  return { products: PRODUCTS, answeredMs: await report(), withOneMs };
}

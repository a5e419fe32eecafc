// SPDX-License-Identifier: Apache-2.0
import pg from 'pg';
import { InvariantError } from '../host/errors.ts';
import { ProductDesk } from '../host/lab/product-desk.ts';
import { buildPurseCap } from '../host/lab/purse-cap.ts';
import { type InsertedCard, SingleProviderLab } from '../host/lab/single-provider-lab.ts';
import { quantile } from './one-core.ts';
import { cpuMsByName } from './processes.ts';

/** Top-ups of many simulated cards at once, and one loss report of a card with many products. */

/** In each of which every card is topped up once. */
const ROUNDS = 6;
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

/** What one round of a lab took: every card is topped up so often, all at once. */
interface Round {
  readonly times: readonly number[];
  readonly totalMs: number;
  readonly cpuMs: ReadonlyMap<string, number>;
  readonly cryptoMs: number;
}

/** Platforms of so many nodes each with cards that are ready for top-ups. */
class TopUpLab implements AsyncDisposable {
  readonly nodes: number;
  readonly rounds: Round[] = [];
  readonly #lab: SingleProviderLab;
  readonly #desk: ProductDesk;
  readonly #seats: readonly InsertedCard[];

  private constructor(nodes: number, lab: SingleProviderLab, desk: ProductDesk, seats: readonly InsertedCard[]) {
    this.nodes = nodes;
    this.#lab = lab;
    this.#desk = desk;
    this.#seats = seats;
  }

  /** @throws InvariantError when a flow ends otherwise than well: its time would mean nothing */
  static async open(cards: number, nodes: number): Promise<TopUpLab> {
    const provider = ProductDesk.config(await buildPurseCap());
    const lab = await SingleProviderLab.open({
      link: 'direct',
      readers: cards,
      keySizeBits: 1024,
      keepAlive: true,
      provider,
      nodes,
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
    const made = new TopUpLab(nodes, lab, desk, seats);
    // What daemons compile and connect in their first flows is not what a top-up costs.
    await made.#topUpAll([]);
    return made;
  }

  /** @throws InvariantError as `open` */
  async round(): Promise<void> {
    const cpuBefore = cpuMsByName();
    const cryptoBefore = await cryptoMs(this.#seats);
    const times: number[] = [];
    const totalMs = await timed(() => this.#topUpAll(times));
    const cpuMs = new Map([...cpuMsByName()].map(([name, ms]) => [name, ms - (cpuBefore.get(name) ?? 0)] as const));
    this.rounds.push({ times, totalMs, cpuMs, cryptoMs: (await cryptoMs(this.#seats)) - cryptoBefore });
  }

  async #topUpAll(times: number[]): Promise<void> {
    const topUp = async (seat: InsertedCard) => {
      const { outcome, problem } = await this.#desk.topUp(seat, 1);
      if (outcome !== 'credited') throw new InvariantError('bench-flow', `${outcome} ${JSON.stringify(problem)}`);
    };
    await Promise.all(this.#seats.map(async (seat) => times.push(await timed(() => topUp(seat)))));
  }

  /** All rounds together. */
  sum(): TopUps {
    const times = this.rounds.flatMap((round) => round.times);
    const total = (of: (round: Round) => number) => this.rounds.reduce((sum, round) => sum + of(round), 0);
    const cpuMs = total(cpuOf);
    const names = new Set(this.rounds.flatMap((round) => [...round.cpuMs.keys()]));
    const each = (name: string) => total((round) => round.cpuMs.get(name) ?? 0) / times.length;
    return {
      cards: this.#seats.length,
      nodes: this.nodes,
      topUpsPerSecond: (times.length * 1_000) / total(({ totalMs }) => totalMs),
      p50Ms: quantile(times, 0.5),
      p99Ms: quantile(times, 0.99),
      cpuMsPerTopUp: cpuMs / times.length,
      cardCryptoShare: total((round) => round.cryptoMs) / cpuMs,
      cpuMsByProcess: Object.fromEntries([...names].map((name) => [name, Math.round(10 * each(name)) / 10])),
    };
  }

  async lossReport(): Promise<TopUps['lossReport']> {
    const [first] = this.#seats;
    return first === undefined ? undefined : measureLossReport(this.#lab, this.#desk, first);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lab[Symbol.asyncDispose]();
  }
}

const cpuOf = ({ cpuMs }: Round): number => [...cpuMs.values()].reduce((sum, ms) => sum + ms, 0);

/** Top-ups at one node of each. @throws InvariantError when one ends otherwise than well */
export async function measureTopUps(cards: number): Promise<TopUps> {
  await using lab = await TopUpLab.open(cards, 1);
  for (let round = 0; round < ROUNDS; round += 1) await lab.round();
  return lab.sum();
}

/**
 * One node of each beside two. The labs take turns, and who begins changes from round to round, so that a busy machine
 * slows both alike; the ratios are medians of those of the rounds.
 *
 * @throws InvariantError when a flow ends otherwise than well
 */
export async function compareNodes(cards: number) {
  await using single = await TopUpLab.open(cards, 1);
  await using double = await TopUpLab.open(cards, 2);
  for (let round = 0; round < ROUNDS; round += 1) {
    const turns = [single, double];
    for (const lab of round % 2 === 0 ? turns : turns.toReversed()) await lab.round();
  }
  const over = (of: (round: Round) => number): number =>
    quantile(
      double.rounds.map((round, index) => of(round) / of(single.rounds[index] ?? round)),
      0.5,
    );
  const lossReport = await single.lossReport();
  const one: TopUps = { ...single.sum(), ...(lossReport === undefined ? {} : { lossReport }) };
  const twoNodes = { cpu: over(cpuOf), rate: 1 / over(({ totalMs }) => totalMs) };
  return { one, two: double.sum(), twoNodes };
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

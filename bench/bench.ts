import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type InsertedCard,
  SingleProviderLab,
  type SingleProviderLabOptions,
} from '../host/lab/single-provider-lab.ts';
import { ensurePcscd } from '../host/local/pcscd.ts';
import type { KeyDistributionState } from '../host/wire/message/key-distribution.ts';
import { toolchainBench, toolchainTable } from '../toolchain/bench.ts';
import { apduRates } from './apdu-rate.ts';
import { cpuMsOfTree } from './processes.ts';

/** `npm run bench`: prints a table and writes JSON. Compare ratios within one run, not runs with each other. */

const ADDED_DELAY_MS = 100;
const GENERATION = new Set(['48-49', '56-57']);

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(import.meta.dirname, '..', 'build', 'bench.json') },
    flows: { type: 'string', default: '5' },
    cards: { type: 'string', default: '200' },
    apdus: { type: 'string', default: '5000' },
  },
});
const flows = Number(values.flows);
const cards = Number(values.cards);

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
const sum = (numbers: readonly number[]): number => numbers.reduce((total, value) => total + value, 0);
const row = (name: string, ...columns: readonly (string | number)[]) =>
  console.log(`${name.padEnd(38)}${columns.map((column) => String(column).padStart(14)).join('')}`);

function flowCost(state: KeyDistributionState) {
  const total = (pick: (step: KeyDistributionState['steps'][number]) => number) => sum(state.steps.map(pick));
  const generationMs = sum(state.steps.filter(({ numeral }) => GENERATION.has(numeral)).map(({ ms }) => ms));
  return {
    roundTrips: total((step) => step.roundTrips),
    apdus: total((step) => step.apdus),
    bytesOut: total((step) => step.bytesOut),
    bytesIn: total((step) => step.bytesIn),
    generationMs,
  };
}

/** @throws Error when the flow ends otherwise: its time would mean nothing */
async function distributed(lab: SingleProviderLab, seat: InsertedCard): Promise<KeyDistributionState> {
  const state = await lab.distribute(seat);
  if (state.outcome === 'distributed') return state;
  throw new Error(`a flow of the bench ended as ${state.outcome ?? state.state}: ${state.problem?.detail ?? ''}`);
}

/** Several flows, each on a new card, one after the other. The first warms up and does not count. */
async function measureFlows(options: SingleProviderLabOptions) {
  await using lab = await SingleProviderLab.open(options);
  const times: number[] = [];
  let cost: ReturnType<typeof flowCost> | undefined;
  for (let i = 0; i <= flows; i += 1) {
    await using seat = await lab.insert();
    const start = performance.now();
    const state = await distributed(lab, seat);
    if (i > 0) times.push(performance.now() - start);
    cost = flowCost(state);
  }
  return { link: options.link, addedDelayMs: options.addedDelayMs ?? 0, medianMs: median(times), times, ...cost };
}

/** Many cards, all readers at once; the share of CPU time that the cards spend on cryptography. */
async function measureLoad() {
  await using lab = await SingleProviderLab.open({ link: 'direct', readers: cards, keySizeBits: 1024 });
  const seats = await Promise.all(Array.from({ length: cards }, (_, index) => lab.insert(index)));
  const cpuBefore = cpuMsOfTree();
  const start = performance.now();
  await Promise.all(seats.map((seat) => distributed(lab, seat)));
  const seconds = (performance.now() - start) / 1000;
  const cpuMs = cpuMsOfTree() - cpuBefore;
  const cryptoCpuMs = sum(await Promise.all(seats.map(async ({ card }) => (await card.statistics()).cryptoCpuMs)));
  return {
    cards,
    seconds,
    flowsPerSecond: cards / seconds,
    cryptoShareOfCpu: cryptoCpuMs / cpuMs,
  };
}

const pcscd = await ensurePcscd();
const withPcsc = !('missing' in pcscd);
if (!withPcsc) console.log(`PC/SC is left out: ${pcscd.missing}`);
try {
  const links = withPcsc ? (['pcsc', 'direct'] as const) : (['direct'] as const);
  const distributions: Awaited<ReturnType<typeof measureFlows>>[] = [];
  row('41 to 60, RSA 2048', 'median ms', 'round trips', 'APDUs', 'bytes out', 'bytes in');
  for (const addedDelayMs of [0, ADDED_DELAY_MS]) {
    for (const link of links) {
      const result = await measureFlows({ link, addedDelayMs, keySizeBits: 2048 });
      distributions.push(result);
      const name = `${link}${addedDelayMs > 0 ? `, ${addedDelayMs} ms added to each trip` : ''}`;
      const { medianMs, roundTrips = '', apdus = '', bytesOut = '', bytesIn = '' } = result;
      row(name, Math.round(medianMs), roundTrips, apdus, bytesOut, bytesIn);
    }
  }
  const load = await measureLoad();
  console.log();
  row('many cards, RSA 1024, direct', 'flows/s', 'card crypto');
  row(`${cards} cards at once`, load.flowsPerSecond.toFixed(2), `${Math.round(load.cryptoShareOfCpu * 100)} % of CPU`);
  const rates = await apduRates(Number(values.apdus), withPcsc);
  const stock = rates.at(-1)?.apdusPerSecond ?? Number.NaN;
  console.log();
  row('GET DATA, one after the other', 'APDUs/s', 'of stock');
  for (const { link, apdusPerSecond } of rates) {
    row(link, Math.round(apdusPerSecond), `${((apdusPerSecond / stock) * 100).toFixed(1)} %`);
  }
  const toolchain = await toolchainBench();
  console.log(`\n${toolchainTable(toolchain)}`);
  mkdirSync(join(values.out, '..'), { recursive: true });
  const machine = { cores: cpus().length, node: process.version };
  writeFileSync(values.out, `${JSON.stringify({ machine, distributions, load, rates, toolchain }, undefined, 2)}\n`);
  console.log(`\n${values.out}`);
} finally {
  if (!('missing' in pcscd)) await pcscd.stop();
}

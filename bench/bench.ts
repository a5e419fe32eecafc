// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SingleProviderLab, type SingleProviderLabOptions } from '../host/lab/single-provider-lab.ts';
import { ensurePcscd } from '../host/local/pcscd.ts';
import type { KeyDistributionState } from '../host/wire/message/key-distribution.ts';
import { toolchainBench, toolchainTable } from '../toolchain/bench.ts';
import { apduRates } from './apdu-rate.ts';
import { farmCost } from './farm.ts';
import { linkingCost } from './linking.ts';
import { distributed, measureLoad } from './load.ts';
import { writeResult } from './result-file.ts';
import { runtimeRates } from './runtime-rate.ts';

/** `npm run bench`: prints a table and writes JSON. Compare ratios within one run, not runs with each other. */

const ADDED_DELAY_MS = 100;
const GENERATION = new Set(['48-49', '56-57']);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string', default: join(import.meta.dirname, '..', 'build', 'bench.json') },
    flows: { type: 'string', default: '5' },
    cards: { type: 'string', default: '200' },
    apdus: { type: 'string', default: '5000' },
    idle: { type: 'string', default: '5000' },
    active: { type: 'string', default: '200' },
  },
});
if (positionals.includes('card')) {
  const { cardBench } = await import('./card.ts');
  writeResult(values.out, { card: await cardBench() });
  process.exit(0);
}
if (positionals.includes('platform')) {
  const { platformBench } = await import('./platform.ts');
  writeResult(values.out, { platform: await platformBench(Number(values.cards)) });
  process.exit(0);
}
if (positionals.includes('top-ups')) {
  const { topUpsBench } = await import('./platform.ts');
  writeResult(values.out, { topUps: await topUpsBench(Number(values.cards)) });
  process.exit(0);
}
if (positionals.includes('ota')) {
  const { otaBench } = await import('./ota.ts');
  writeResult(values.out, { ota: await otaBench({ idle: Number(values.idle), active: Number(values.active) }) });
  process.exit(0);
}
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

/**
 * Several flows, each on a new card, one after the other. The first warms up and does not count. Cards of one turn are
 * the same on every link: the time for a key pair is luck.
 */
async function measureFlows(options: SingleProviderLabOptions) {
  await using lab = await SingleProviderLab.open(options);
  const times: number[] = [];
  let cost: ReturnType<typeof flowCost> | undefined;
  for (let i = 0; i <= flows; i += 1) {
    const seed = createHash('sha256').update(`bench ${i}`).digest('hex');
    await using seat = await lab.insert(0, seed);
    await lab.platforms.cardPresent(seat.readerName);
    const start = performance.now();
    const state = await distributed(lab, seat);
    if (i > 0) times.push(performance.now() - start);
    cost = flowCost(state);
  }
  return { link: options.link, addedDelayMs: options.addedDelayMs ?? 0, medianMs: median(times), times, ...cost };
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
  const load = await measureLoad(cards);
  console.log();
  row('many cards, RSA 1024, direct', 'flows/s', 'p50 ms', 'p99 ms', 'transactions', 'bytes written', 'requests');
  const { flowsPerSecond, p50Ms, p99Ms, transactionsPerFlow, bytesWrittenPerFlow, requestsPerFlow } = load;
  const perFlow = [transactionsPerFlow, bytesWrittenPerFlow, requestsPerFlow].map((value) => Math.round(value));
  row(`${cards} cards at once`, flowsPerSecond.toFixed(2), Math.round(p50Ms), Math.round(p99Ms), ...perFlow);
  row('one alone, and with its provider killed', Math.round(load.aloneMs), Math.round(load.killedMs));
  row('a flow that waits for its turn, kB', (load.bytesPerQueuedFlow / 1_000).toFixed(1));
  console.log();
  row('CPU of a flow, by process', 'ms', 'share');
  const cpuMs = sum(Object.values(load.cpuMsPerFlow));
  for (const [name, ms] of Object.entries(load.cpuMsPerFlow)) row(name, ms, `${Math.round((100 * ms) / cpuMs)} %`);
  console.log();
  row('HTTP requests of a flow, by who answers', 'a flow');
  for (const [route, count] of Object.entries(load.requestsByRoute)) if (count > 0) row(route, count);
  const rates = await apduRates(Number(values.apdus), withPcsc);
  const stock = rates.at(-1)?.apdusPerSecond ?? Number.NaN;
  console.log();
  row('GET DATA, one after the other', 'APDUs/s', 'of stock');
  for (const { link, apdusPerSecond } of rates) {
    row(link, Math.round(apdusPerSecond), `${((apdusPerSecond / stock) * 100).toFixed(1)} %`);
  }
  const runtime = await runtimeRates(500);
  console.log();
  row('the same applet, commands/s', 'stock', 'ours', 'of stock', 'not instrum.', 'of stock');
  for (const kind of ['plain', 'aes', 'rsa1024', 'ecdsa'] as const) {
    const share = (rate: number): string => `${((rate / runtime.stock[kind]) * 100).toFixed(0)} %`;
    const { ours, plain, stock: before } = runtime;
    row(kind, before[kind], ours[kind], share(ours[kind]), plain[kind], share(plain[kind]));
  }
  const farm = await farmCost(Number(values.cards));
  console.log();
  row('an idle card of a farm, two domains', 'KiB of heap', 'of classes', 'made/s');
  row(`${farm.cards} cards`, ...[farm.heapKiB, farm.classKiB, farm.cardsPerSecond].map((value) => value.toFixed(1)));
  const linking = await linkingCost();
  console.log();
  row('a CAP on its way onto a card', 'link, first', 'link, ms/10 KiB', 'LOAD 24 KiB, ms');
  const { firstMsPer10KiB, msPer10KiB, load24KiBMs } = linking;
  row(`${linking.loadBytes} bytes`, ...[firstMsPer10KiB, msPer10KiB, load24KiBMs].map((value) => Math.round(value)));
  const toolchain = await toolchainBench();
  console.log(`\n${toolchainTable(toolchain)}`);
  const machine = { cores: cpus().length, node: process.version };
  const timesOf = (link: string) => distributions.find((entry) => entry.link === link)?.times ?? [];
  const direct = timesOf('direct');
  const ratios = timesOf('pcsc').map((ms, turn) => ms / (direct[turn] ?? Number.NaN));
  const pcscOverDirect = ratios.length === 0 ? null : median(ratios);
  const { cardCryptoShare } = load;
  console.log();
  row('PC/SC over the direct link', pcscOverDirect === null ? 'no PC/SC' : pcscOverDirect.toFixed(2));
  const head = { cardCryptoShare, transactionsPerFlow, requestsPerFlow, pcscOverDirect, flowsPerSecond };
  writeResult(values.out, { ...head, machine, distributions, load, rates, runtime, farm, linking, toolchain });
  console.log(`\n${values.out}`);
} finally {
  if (!('missing' in pcscd)) await pcscd.stop();
}

// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { SingleProviderLab } from '../host/lab/single-provider-lab.ts';
import { ensurePcscd, VPCD_PORT } from '../host/local/pcscd.ts';
import type { CardChannel } from '../host/transport/card-channel.ts';
import { PcscMonitor } from '../host/transport/pcsc-monitor.ts';
import { runScript } from '../host/transport/script-runner.ts';
import { TcpChannel } from '../host/transport/tcp.ts';
import { startSimulator } from '../simulator/src/index.ts';

/**
 * `node bench/links.ts`: what PC/SC costs beside the direct link. Flows 41 to 60 take turns on both links, so that a
 * busy machine slows both alike, each time with the same card; the ratio is the median of their ratios. Then opening,
 * reset, one APDU at a time, and a script of 64.
 */

const { values } = parseArgs({ options: { flows: { type: 'string', default: '10' } } });
const flows = Number(values.flows);
/** What daemons and the simulator compile in their first flows is not what a link costs. */
const WARM_UP = 3;
const SCRIPT = Array.from({ length: 64 }, () => ({ label: 'GET DATA', apdus: ['80CA004200'] }));

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
const row = (name: string, ...columns: readonly string[]) =>
  console.log(`${name.padEnd(38)}${columns.map((column) => column.padStart(12)).join('')}`);
const time = async (act: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await act();
  return performance.now() - start;
};

/** One flow on a new card. The card waits until its reader has seen it. @throws Error when it ends otherwise */
async function flowMs(lab: SingleProviderLab, seed: string): Promise<number> {
  await using inserted = await lab.insert(0, seed);
  await lab.platforms.cardPresent(inserted.readerName);
  // Awaited here: the card must not leave before.
  return await time(async () => {
    const { outcome, problem } = await lab.distribute(inserted);
    if (outcome !== 'distributed') throw new Error(`a flow of the bench ended otherwise: ${problem?.detail ?? ''}`);
  });
}

async function compareFlows(): Promise<void> {
  await using pcsc = await SingleProviderLab.open({ link: 'pcsc', keySizeBits: 2048 });
  await using direct = await SingleProviderLab.open({ link: 'direct', keySizeBits: 2048 });
  const times: Record<'pcsc' | 'direct', number[]> = { pcsc: [], direct: [] };
  for (let flow = 0; flow < WARM_UP + flows; flow += 1) {
    // The same card twice: the time for its key pairs, which is luck and most of a flow, is the same on both links.
    const seed = createHash('sha256').update(`bench ${flow}`).digest('hex');
    const turns = [['pcsc', pcsc] as const, ['direct', direct] as const];
    // Who goes first finds the machine's caches cold.
    for (const [link, lab] of flow % 2 === 0 ? turns : turns.toReversed()) {
      const ms = await flowMs(lab, seed);
      if (flow >= WARM_UP) times[link].push(ms);
    }
  }
  row('', 'PC/SC', 'direct', 'ratio');
  const [overPcsc, overDirect] = [median(times.pcsc), median(times.direct)];
  const ratio = median(times.pcsc.map((ms, flow) => ms / (times.direct[flow] ?? Number.NaN)));
  row(`41 to 60, RSA 2048, ms, median of ${flows}`, overPcsc.toFixed(0), overDirect.toFixed(0), ratio.toFixed(2));
}

async function measure(open: () => Promise<CardChannel>): Promise<number[]> {
  const rounds: number[][] = [];
  for (let round = 0; round < 10; round += 1) {
    const opened: { channel?: CardChannel } = {};
    const openMs = await time(async () => {
      opened.channel = await open();
    });
    const { channel } = opened;
    if (channel === undefined) continue;
    const resetMs = await time(() => channel.reset());
    const singleMs = await time(async () => {
      for (let i = 0; i < 64; i += 1) await channel.transmit(Uint8Array.of(0x80, 0xca, 0x00, 0x42, 0x00));
    });
    const scriptMs = await time(() => runScript(channel, SCRIPT));
    const closeMs = await time(() => channel.close());
    rounds.push([openMs, resetMs, singleMs / 64, scriptMs, closeMs]);
  }
  return ['open', 'reset', 'single', 'script', 'close'].map((_, column) => median(rounds.map((r) => r[column] ?? 0)));
}

async function compareLinks(): Promise<void> {
  const simulator = await startSimulator();
  try {
    await using monitor = await PcscMonitor.start((name) => name.endsWith('00 01'));
    const inReader = await simulator.insert('plain', { vpcd: { host: '127.0.0.1', port: VPCD_PORT + 1 } });
    const present = () => monitor.readers.find(({ cardPresent }) => cardPresent);
    while (present() === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
    const pcsc = await measure(() => monitor.open(present()?.readerName ?? ''));
    await inReader.remove();
    await using card = await simulator.insert('plain', { tcp: { port: 0 } });
    const direct = await measure(() => TcpChannel.open({ host: '127.0.0.1', port: card.tcpPort ?? 0 }));
    console.log();
    row('median of 10, ms', 'PC/SC', 'direct');
    for (const [index, name] of ['open', 'reset', 'one APDU', 'script of 64 APDUs', 'close'].entries()) {
      row(name, (pcsc[index] ?? 0).toFixed(2), (direct[index] ?? 0).toFixed(2));
    }
  } finally {
    await simulator.stop();
  }
}

const pcscd = await ensurePcscd();
if ('missing' in pcscd) throw new Error(pcscd.missing);
try {
  await compareFlows();
  await compareLinks();
} finally {
  await pcscd.stop();
}

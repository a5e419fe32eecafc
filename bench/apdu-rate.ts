// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { VPCD_PORT } from '../host/local/pcscd.ts';
import type { CardChannel } from '../host/transport/card-channel.ts';
import { PcscMonitor } from '../host/transport/pcsc-monitor.ts';
import { TcpChannel } from '../host/transport/tcp.ts';
import { startSimulator } from '../simulator/src/index.ts';

/** GET DATA '0042': a short answer without cryptography. */
const COMMAND = Uint8Array.of(0x80, 0xca, 0x00, 0x42, 0x00);
const root = join(import.meta.dirname, '..');

export interface ApduRate {
  readonly link: string;
  readonly apdusPerSecond: number;
}

/** The same command on the same card through each link, and stock jCardSim called in its own JVM. */
export async function apduRates(count: number, withPcsc: boolean): Promise<ApduRate[]> {
  const rates: ApduRate[] = [];
  const simulator = await startSimulator();
  try {
    if (withPcsc) {
      const card = await simulator.insert('plain', { vpcd: { host: '127.0.0.1', port: VPCD_PORT } });
      rates.push({ link: 'PC/SC (pcscd, vpcd)', apdusPerSecond: await pcscRate(count) });
      await card.remove();
    }
    await using direct = await simulator.insert('plain', { tcp: { port: 0 } });
    const channel = await TcpChannel.open({ host: '127.0.0.1', port: direct.tcpPort ?? 0 });
    rates.push({ link: 'direct (TCP)', apdusPerSecond: await rate(channel, count) });
    await channel.close();
    await direct.power('on');
    rates.push({ link: 'control (pipe to the JVM)', apdusPerSecond: await rate(direct, count) });
  } finally {
    await simulator.stop();
  }
  rates.push({ link: 'stock jCardSim, no link', apdusPerSecond: await stockRate(count * 50) });
  return rates;
}

async function pcscRate(count: number): Promise<number> {
  await using monitor = await PcscMonitor.start((name) => name.includes('Virtual PCD'));
  const present = () => monitor.readers.find(({ cardPresent }) => cardPresent);
  while (present() === undefined) {
    await new Promise<void>((resolve) => {
      const stop = monitor.onChange(() => {
        stop();
        resolve();
      });
    });
  }
  await using channel = await monitor.open(present()?.readerName ?? '');
  // Awaited here: the channel must not close before.
  return await rate(channel, count);
}

async function rate(channel: Pick<CardChannel, 'transmit'>, count: number): Promise<number> {
  for (let i = 0; i < count / 10; i += 1) await channel.transmit(COMMAND);
  const start = performance.now();
  for (let i = 0; i < count; i += 1) await channel.transmit(COMMAND);
  return (count * 1000) / (performance.now() - start);
}

async function stockRate(count: number): Promise<number> {
  const lib = join(root, 'simulator/java/target/lib');
  const jar = readdirSync(lib).find((name) => /^jcardsim-.*\.jar$/.test(name));
  if (jar === undefined) throw new Error(`no jcardsim jar in ${lib}: run npm run setup`);
  const { stdout } = await promisify(execFile)('java', [
    ...['-cp', join(lib, jar), join(root, 'bench/java/StockJCardSim.java'), String(count)],
  ]);
  const { apdus, seconds } = JSON.parse(stdout.split('\n').at(-2) ?? '') as { apdus: number; seconds: number };
  return apdus / seconds;
}

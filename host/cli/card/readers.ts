// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { NotFoundError, UsageError } from '../../errors.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import type { PcscMonitor } from '../../transport/pcsc-monitor.ts';
import type { ReaderState } from '../../transport/reader-monitor.ts';
import { TcpChannel } from '../../transport/tcp.ts';
import { takeReaders } from './early-readers.ts';

/** pcscd tells of its readers, and then of the cards in them, one by one: so long may a card take to show. */
const LIMIT_MS = 3000;
/** No news for so long: all readers have told. */
const QUIET_MS = 300;

/** The card to work with, and how to give all of it back. */
export interface OpenCard extends AsyncDisposable {
  readonly card: CardChannel;
  readonly readerName: string;
}

/** Until `done`, which is asked after each change, or the limit. */
async function watchUntil(monitor: PcscMonitor, done: () => boolean): Promise<void> {
  if (done()) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = monitor.onChange(() => {
    if (done()) resolve();
  });
  await Promise.race([promise, delay(LIMIT_MS, undefined, { ref: false })]);
  stop();
}

export async function listReaders(): Promise<readonly ReaderState[]> {
  await using monitor = await takeReaders();
  let heard = Date.now();
  const stop = monitor.onChange(() => {
    heard = Date.now();
  });
  const end = heard + LIMIT_MS;
  while (Date.now() < end && (monitor.readers.length === 0 || Date.now() - heard < QUIET_MS)) await delay(20);
  stop();
  return monitor.readers;
}

/** @throws UsageError for an address that is none @throws NotFoundError @throws TransportError */
export async function openCard(reader: string | undefined): Promise<OpenCard> {
  if (reader?.startsWith('tcp:') === true) return openDirect(reader);
  const monitor = await takeReaders();
  try {
    await watchUntil(monitor, () => candidates(monitor.readers, reader).length > 0);
    const { readerName } = chooseReader(monitor.readers, reader);
    const card = await monitor.open(readerName);
    const dispose = async () => {
      await card.close();
      await monitor.close();
    };
    return { card, readerName, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await monitor.close();
    throw error;
  }
}

async function openDirect(address: string): Promise<OpenCard> {
  const [, host = '', port = ''] = /^tcp:(.+):(\d{1,5})$/.exec(address) ?? [];
  if (host === '') throw new UsageError('reader', `${address}: want tcp:HOST:PORT`);
  const card = await TcpChannel.open({ host, port: Number(port) });
  return { card, readerName: address, [Symbol.asyncDispose]: () => card.close() };
}

const isNamed = (readerName: string, wanted: string): boolean =>
  readerName.toLowerCase().includes(wanted.toLowerCase());

/** Readers with a card whose name has these letters. */
const candidates = (readers: readonly ReaderState[], wanted = ''): readonly ReaderState[] =>
  readers.filter(({ readerName, cardPresent }) => cardPresent && isNamed(readerName, wanted));

/** Why there is none, and what to do. */
function noCard(readers: readonly ReaderState[], wanted: string | undefined): string {
  if (readers.length === 0) return 'No card and no reader: plug one in, tsm doctor says what PC/SC lacks';
  if (wanted === undefined) return 'No card in any reader: put one in';
  return readers.some(({ readerName }) => isNamed(readerName, wanted))
    ? `No card in a reader named ${wanted}: put one in`
    : `No reader has ${wanted} in its name: say which with --reader`;
}

/** The one reader that is meant: the only one with a card, or the one whose name has these letters. */
function chooseReader(readers: readonly ReaderState[], wanted: string | undefined): ReaderState {
  const [only, another] = candidates(readers, wanted);
  const names = readers
    .map(({ readerName, cardPresent }) => `${readerName}${cardPresent ? '' : ' (empty)'}`)
    .join('; ');
  if (only === undefined) throw new NotFoundError('no-card', `${noCard(readers, wanted)}; readers: ${names || 'none'}`);
  if (another !== undefined)
    throw new UsageError('reader', `Several readers have a card, name one with --reader: ${names}`);
  return only;
}

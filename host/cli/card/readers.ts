import { setTimeout as delay } from 'node:timers/promises';
import { NotFoundError, UsageError } from '../../errors.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import { PcscMonitor } from '../../transport/pcsc-monitor.ts';
import type { ReaderState } from '../../transport/reader-monitor.ts';
import { TcpChannel } from '../../transport/tcp.ts';

/** pcscd tells of its readers one by one: the first answer may be short. */
const SETTLE_MS = 700;

/** The card to work with, and how to give all of it back. */
export interface OpenCard extends AsyncDisposable {
  readonly card: CardChannel;
  readonly readerName: string;
}

async function settledMonitor(): Promise<PcscMonitor> {
  const monitor = await PcscMonitor.start();
  let heard: () => void = () => {};
  const first = new Promise<void>((resolve) => {
    heard = resolve;
  });
  const stop = monitor.onChange(() => heard());
  if (monitor.readers.length === 0) await Promise.race([first, delay(SETTLE_MS)]);
  stop();
  return monitor;
}

export async function listReaders(): Promise<readonly ReaderState[]> {
  await using monitor = await settledMonitor();
  return monitor.readers;
}

/** @throws UsageError for an address that is none @throws NotFoundError @throws TransportError */
export async function openCard(reader: string | undefined): Promise<OpenCard> {
  if (reader?.startsWith('tcp:') === true) return openDirect(reader);
  const monitor = await settledMonitor();
  try {
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

/** The one reader that is meant: the only one with a card, or the one whose name has these letters. */
function chooseReader(readers: readonly ReaderState[], wanted: string | undefined): ReaderState {
  const named = readers.filter(({ readerName }) => readerName.toLowerCase().includes((wanted ?? '').toLowerCase()));
  const withCard = named.filter(({ cardPresent }) => cardPresent);
  const [only, another] = withCard;
  const names = readers
    .map(({ readerName, cardPresent }) => `${readerName}${cardPresent ? '' : ' (empty)'}`)
    .join('; ');
  if (only === undefined)
    throw new NotFoundError(
      'no-card',
      `No card in ${wanted === undefined ? 'any reader' : `a reader named ${wanted}`}; readers: ${names || 'none'}`,
    );
  if (another !== undefined)
    throw new UsageError('reader', `Several readers have a card, name one with --reader: ${names}`);
  return only;
}

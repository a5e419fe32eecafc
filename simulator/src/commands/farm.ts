// SPDX-License-Identifier: Apache-2.0
import type { CardImage } from '../card-image.ts';
import { type CardLinks, startSimulator } from '../simulator.ts';
import {
  type Command,
  hostAndPort,
  imageOrCap,
  onlyWord,
  parseWords,
  portNumber,
  printLine,
  usage,
} from './command.ts';

const MAX_CARDS = 10_000;

/** The image of one card of a farm: a name, an ICCID and a CIN of its own, and randomness that no other has. */
export function numbered(image: CardImage, number: number): CardImage {
  const serial = `${number}`.padStart(6, '0');
  const { seed: _shared, ...rest } = image;
  const own: CardImage = { ...rest, name: `${image.name}-${serial}` };
  const iccid = image.iccid?.replace(/F+$/i, '');
  return {
    ...own,
    ...(iccid == null ? {} : { iccid: `${iccid.slice(0, -6)}${serial}`.padEnd(20, 'F') }),
    ...(image.cin == null ? {} : { cin: `${image.cin.slice(0, -6)}${serial}` }),
  };
}

function count(text: string | undefined, name: string): number {
  const value = text === undefined ? 0 : /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= MAX_CARDS)) throw usage(`--${name} is not a number up to ${MAX_CARDS}`);
  return value;
}

async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseWords(args, ['count', 'state', 'vpcd', 'readers', 'tcp', 'awake']);
  const file = onlyWord(words, 'one card image');
  const cards = count(values.count, 'count');
  if (cards === 0 || values.state === undefined) throw usage('needs --count N and --state DIR');
  const vpcd = values.vpcd === undefined ? undefined : hostAndPort(values.vpcd);
  const readers = vpcd === undefined ? 0 : Math.min(cards, count(values.readers ?? '2', 'readers'));
  const tcp = values.tcp === undefined ? undefined : portNumber(values.tcp);
  const awake = values.awake === undefined ? undefined : count(values.awake, 'awake');
  const { image, folder } = await imageOrCap(file);
  const simulator = await startSimulator({ stateDir: values.state, awake });
  const stopped = new Promise<void>((stop) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop());
  });
  try {
    for (let number = 1; number <= cards; number += 1) {
      const links: CardLinks = {
        vpcd: vpcd !== undefined && number <= readers ? { host: vpcd.host, port: vpcd.port + number - 1 } : undefined,
        tcp: tcp === undefined ? undefined : { port: tcp === 0 ? 0 : tcp + number - 1 },
      };
      const card = await simulator.insertLocated({ image: numbered(image, number), folder }, links);
      const place = card.tcpPort === undefined ? '' : ` at 127.0.0.1:${card.tcpPort}`;
      printLine(`card ${card.name}${place}`);
      if (links.vpcd !== undefined) card.onReader((state) => printLine(`card ${card.name}: ${state}`));
    }
    printLine(`${cards} cards`);
    const held = setInterval(() => undefined, 2 ** 30);
    await stopped;
    clearInterval(held);
    return 0;
  } finally {
    await simulator.stop();
  }
}

export const farm: Command = {
  usage: 'farm IMAGE --count N --state DIR [--vpcd HOST:PORT] [--readers K] [--tcp PORT] [--awake N]',
  summary: 'holds many cards made from one image, each with its own numbers, keys to come and state',
  help: `Names, ICCIDs and CINs end in the card's number. A card nobody uses is kept in its file alone.
  --vpcd HOST:PORT   puts the first K cards (2) into the slots of vpcd from that port on, one port each
  --tcp PORT         each card listens, from that port on; 0 takes free ones
  --awake N          how many stay in memory (64)`,
  run,
};

// SPDX-License-Identifier: Apache-2.0
import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { CardImage, NativeIssuerImage, SecurityDomainImage } from '../card-image.ts';
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

/** Where the serial number of the chip ends in a CPLC, in hex digits: behind fabricator, type, system and dates. */
const CPLC_SERIAL_END = 32;

/** The image of one card of a farm: a name, an ICCID, a CIN and a CPLC of its own, and randomness no other has. */
export function numbered(image: CardImage, number: number): CardImage {
  const serial = `${number}`.padStart(6, '0');
  const { seed: _shared, ...rest } = image;
  const own: CardImage = { ...rest, name: `${image.name}-${serial}` };
  const iccid = image.iccid?.replace(/F+$/i, '');
  return {
    ...own,
    ...(iccid == null ? {} : { iccid: `${iccid.slice(0, -6)}${serial}`.padEnd(20, 'F') }),
    ...(image.cin == null ? {} : { cin: `${image.cin.slice(0, -6)}${serial}` }),
    ...(image.cplc == null ? {} : { cplc: withSerial(image.cplc, serial) }),
  };
}

const withSerial = (cplc: string, serial: string): string =>
  cplc.slice(0, CPLC_SERIAL_END - serial.length) + serial + cplc.slice(CPLC_SERIAL_END);

/**
 * Key of one card: HMAC-SHA-256 over the card's name and the key's place, as long as the image's key, which is its
 * secret.
 */
function derived(key: string, place: string): string {
  const secret = Buffer.from(key, 'hex');
  return createHmac('sha256', secret).update(place).digest('hex').slice(0, key.length).toUpperCase();
}

type KeyNames = 'enc' | 'mac' | 'dek';

/** Three keys of this card's own in place of those at one place of it. */
function ownKeys<T extends Readonly<Record<KeyNames, string>>>(keys: T, place: string): T {
  const key = (name: KeyNames): string => derived(keys[name], `${place} ${name}`);
  return { ...keys, enc: key('enc'), mac: key('mac'), dek: key('dek') };
}

/** The image with static keys of this card's own in each domain, the same each time. */
export function withOwnKeys(image: CardImage): CardImage {
  const own = (domain: SecurityDomainImage): SecurityDomainImage => ({
    ...domain,
    ...(domain.keySets === undefined
      ? {}
      : { keySets: domain.keySets.map((set) => ownKeys(set, `${image.name} ${domain.aid} ${set.keyVersion}`)) }),
  });
  const { isd, nativeIsd, casd, ssds } = image;
  return {
    ...image,
    isd: isd === null ? null : own(isd),
    ...(nativeIsd == null
      ? {}
      : { nativeIsd: ownKeys(nativeIsd, `${image.name} ${nativeIsd.aid} ${nativeIsd.keyVersion}`) }),
    ...(casd == null ? {} : { casd: own(casd) }),
    ...(ssds === undefined ? {} : { ssds: ssds.map(own) }),
  };
}

/** The key set of a domain that is the card's own code, as the others have theirs. */
function nativeDomain({ aid, protocol, keyVersion, enc, mac, dek }: NativeIssuerImage): object {
  return { aid, keySets: [{ keyVersion, type: protocol === '02' ? 'DES' : 'AES', enc, mac, dek }] };
}

/** One line for each card: its name and numbers, and the key sets of its domains. */
export function keyList(images: readonly CardImage[]): string {
  const lines = images.map(({ name, iccid, cin, cplc, isd, nativeIsd, casd, ssds = [] }) => {
    const native = nativeIsd == null ? [] : [nativeDomain(nativeIsd)];
    const others = [isd, casd, ...ssds].filter((domain) => domain != null);
    const domains = [...native, ...others.map(({ aid, keySets = [] }) => ({ aid, keySets }))];
    return JSON.stringify({ name, iccid, cin, cplc, domains });
  });
  return `${lines.join('\n')}\n`;
}

function count(text: string | undefined, name: string): number {
  const value = text === undefined ? 0 : /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= MAX_CARDS)) throw usage(`--${name} is not a number up to ${MAX_CARDS}`);
  return value;
}

async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseWords(args, ['count', 'state', 'vpcd', 'readers', 'tcp', 'awake', 'keys']);
  const file = onlyWord(words, 'one card image');
  const cards = count(values.count, 'count');
  if (cards === 0 || values.state === undefined) throw usage('needs --count N and --state DIR');
  const vpcd = values.vpcd === undefined ? undefined : hostAndPort(values.vpcd);
  const readers = vpcd === undefined ? 0 : Math.min(cards, count(values.readers ?? '2', 'readers'));
  const tcp = values.tcp === undefined ? undefined : portNumber(values.tcp);
  const awake = values.awake === undefined ? undefined : count(values.awake, 'awake');
  const { image, folder } = await imageOrCap([file]);
  const images = Array.from({ length: cards }, (_, index) => numbered(image, index + 1));
  const own = values.keys === undefined ? images : images.map(withOwnKeys);
  if (values.keys !== undefined) await writeFile(values.keys, keyList(own), { mode: 0o600 });
  const simulator = await startSimulator({ stateDir: values.state, awake });
  const stopped = new Promise<void>((stop) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop());
  });
  try {
    for (const [index, made] of own.entries()) {
      const number = index + 1;
      const links: CardLinks = {
        vpcd: vpcd !== undefined && number <= readers ? { host: vpcd.host, port: vpcd.port + number - 1 } : undefined,
        tcp: tcp === undefined ? undefined : { port: tcp === 0 ? 0 : tcp + number - 1 },
      };
      const card = await simulator.insertLocated({ image: made, folder }, links);
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
  usage: 'farm IMAGE --count N --state DIR [--vpcd HOST:PORT] [--readers K] [--tcp PORT] [--awake N] [--keys FILE]',
  summary: 'holds many cards made from one image, each with its own numbers, keys and state',
  help: `Names, ICCIDs and CINs end in the card's number, as does the serial number in the CPLC.
A card nobody uses is kept in its file alone.
  --vpcd HOST:PORT   puts the first K cards (2) into the slots of vpcd from that port on, one port each
  --tcp PORT         each card listens, from that port on; 0 takes free ones
  --awake N          how many stay in memory (64)
  --keys FILE        each card has static keys of its own, which this writes to FILE, a line of JSON each; without it
                     all have the image's`,
  run,
};

// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type CardLinks, readCardImage, type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { ROOT } from '../../../toolchain/test/run.ts';
import { aesKeyCheckValue } from '../../crypto/aes.ts';
import { TransportError } from '../../errors.ts';
import { ensurePcscd, type PcscService, VPCD_PORT } from '../../local/pcscd.ts';
import { PcscMonitor } from '../../transport/pcsc-monitor.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';

/** The published test key of development cards. */
export const TEST_KEY = fromHex('404142434445464748494A4B4C4D4E4F');
/** The slot that these tests use: the first of the virtual reader. */
export const READER = 'Virtual PCD 00 00';

const ifThere = (path: string): string | undefined => (existsSync(path) ? path : undefined);
/**
 * Clients that others made, as setup/clients/prepare.mjs installs them. Where one is not, its file has one skipped
 * test.
 */
export const python = ifThere(join(ROOT, 'build/clients/bin/python'));
export const openscTool = ifThere('/usr/bin/opensc-tool');

/** PUT KEY of ENC, MAC and DEK alike, in clear, as the card maker sends it. */
function putTestKeys(version: number): Uint8Array {
  const field = concat(fromHex('881110'), TEST_KEY, Uint8Array.of(3), aesKeyCheckValue(TEST_KEY));
  const data = concat(Uint8Array.of(version), field, field, field);
  return concat(fromHex('80D80081'), Uint8Array.of(data.length), data, Uint8Array.of(0));
}

/** A SECURED card with our own domains: SCP03 under KVN 30 with the test key. */
export async function insertTestCard(
  links: CardLinks,
  changes: { readonly atr?: string } = {},
): Promise<SimulatedCard> {
  const simulator = await sharedSimulator();
  const { image } = await readCardImage('plain');
  const card = await simulator.insert({ ...image, ...changes, lifeCycle: 'OP_READY' }, links);
  await card.transmit(fromHex('00A4040000'));
  const answer = toHex(await card.transmit(putTestKeys(0x30)));
  if (!answer.endsWith('9000')) throw new TransportError('test-card', `PUT KEY answered ${answer}`);
  await card.transmit(fromHex('80F0800F00'));
  return card;
}

/** A card whose own issuer domain speaks SCP02 under KVN 20 with the test key, over T=0. */
export async function insertScp02Card(links: CardLinks): Promise<SimulatedCard> {
  const simulator = await sharedSimulator();
  return simulator.insert('uicc', links);
}

/** Such a card in a PC/SC reader. */
export class CardInReader implements AsyncDisposable {
  readonly card: SimulatedCard;
  readonly #service: PcscService;

  private constructor(card: SimulatedCard, service: PcscService) {
    this.card = card;
    this.#service = service;
  }

  /** @throws TransportError where there is no PC/SC: the set-up installs it */
  static async insert(make: (links: CardLinks) => Promise<SimulatedCard> = insertTestCard): Promise<CardInReader> {
    const service = await ensurePcscd();
    if ('missing' in service) throw new TransportError('link-unavailable', service.missing);
    await untilReader(false);
    const card = await make({ vpcd: { host: '127.0.0.1', port: VPCD_PORT } });
    await untilReader(true);
    return new CardInReader(card, service);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.card.remove();
    await untilReader(false);
    await this.#service.stop();
  }
}

/** pcscd looks at its virtual readers by polling. */
async function untilReader(cardPresent: boolean): Promise<void> {
  await using monitor = await PcscMonitor.start();
  for (let waited = 0; waited < 20_000; waited += 50) {
    const reader = monitor.readers.find(({ readerName }) => readerName === READER);
    if (reader?.cardPresent === cardPresent) return;
    await delay(50);
  }
  throw new TransportError('test-reader', `${READER} did not come to have ${cardPresent ? 'a' : 'no'} card`);
}

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export function runClient(command: string, args: readonly string[]): Promise<Outcome> {
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1' };
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

/** What became of one verb of a Python client. */
export interface VerbOutcome {
  readonly verb: string;
  readonly result?: unknown;
  readonly error?: string;
}

/** Runs one of the scripts of this folder to its end. */
export const runVerbs = (interpreter: string, script: string, ...args: readonly string[]) =>
  verbsOf(interpreter, script, [join(import.meta.dirname, script), ...args]);

/** Where the JDK looks for libpcsclite by itself, only the development package has a link. */
const [pcscLibrary] = globSync('/usr/lib/*/libpcsclite.so.1');

/** Compiles and runs one of the programs in `java/`. */
export const runJavaVerbs = (libraries: string, program: string, ...args: readonly string[]) =>
  verbsOf('java', program, [
    ...(pcscLibrary === undefined ? [] : [`-Dsun.security.smartcardio.library=${pcscLibrary}`]),
    ...['-cp', `${libraries}/*`, join(import.meta.dirname, 'java', program), ...args],
  ]);

async function verbsOf(
  command: string,
  script: string,
  args: readonly string[],
): Promise<ReadonlyMap<string, VerbOutcome>> {
  const { code, out, err } = await runClient(command, args);
  const lines = out.split('\n').filter((line) => line.startsWith('{"verb"'));
  const outcomes = lines.map((line): VerbOutcome => JSON.parse(line));
  if (code !== 0) throw new TransportError('client-ended', `${script} ended with ${code}: ${err.slice(-2000)}`);
  return new Map(outcomes.map((outcome) => [outcome.verb, outcome]));
}

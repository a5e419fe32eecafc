// SPDX-License-Identifier: Apache-2.0
import { copyFile, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { LocatedImage } from '../card-image.ts';
import { SimulatorError } from '../errors.ts';
import type { SimulatedCard } from '../simulated-card.ts';
import { type CardLinks, type Simulator, startSimulator } from '../simulator.ts';
import type { ReaderState } from '../simulator-process.ts';
import {
  CAP_HELP,
  CARD_OPTIONS,
  type Command,
  capOptions,
  hostAndPort,
  imageOrCap,
  parseWords,
  portNumber,
  printLine,
} from './command.ts';
import { type ControlRequest, serveControl } from './control.ts';

/** A card that is put into its links and taken out again by requests. */
class Holder {
  readonly #simulator: Simulator;
  readonly #located: LocatedImage;
  readonly #links: CardLinks;
  readonly #file: string;
  #card: SimulatedCard | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(simulator: Simulator, located: LocatedImage, links: CardLinks, stateDir: string) {
    this.#simulator = simulator;
    this.#located = located;
    this.#links = links;
    this.#file = join(stateDir, `${located.image.name}.card`);
  }

  async insert(): Promise<void> {
    if (this.#card !== undefined) {
      throw new SimulatorError('usage', 'the card is inserted already');
    }
    this.#card = await this.#simulator.insertLocated(this.#located, this.#links);
    const { name, tcpPort } = this.#card;
    printLine(`card ${name}: ${describe(this.#links, tcpPort)}`);
    if (this.#links.vpcd !== undefined) {
      const { host, port } = this.#links.vpcd;
      this.#card.onReader((state) => printLine(`card ${name}: ${tellState(state, `${host}:${port}`)}`));
    }
  }

  async remove(): Promise<void> {
    await this.#inserted().remove();
    this.#card = undefined;
  }

  #inserted(): SimulatedCard {
    if (this.#card === undefined) {
      throw new SimulatorError('card-removed', 'no card is inserted; insert it first');
    }
    return this.#card;
  }

  async #snapshot(file: string): Promise<void> {
    this.#inserted();
    await copyFile(this.#file, file);
  }

  /** The card goes on with its own state unless the other is one of this image and can be taken up. */
  async #restore(file: string): Promise<void> {
    const card = this.#inserted();
    const folder = await mkdtemp(join(dirname(this.#file), 'restore-'));
    try {
      // A copy that nobody changes, or has for its own: `file` may be any, and the card's own among them.
      const [taken, kept] = [join(folder, 'taken'), join(folder, 'kept')];
      await copyFile(file, taken);
      await this.#check(taken, folder);
      await card.remove();
      this.#card = undefined;
      let isKept = false;
      try {
        await copyFile(this.#file, kept);
        isKept = true;
        await rename(taken, this.#file);
        await this.insert();
      } catch (error) {
        if (isKept) await rename(kept, this.#file);
        await this.insert();
        throw error;
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Takes a saved state up in a card without links, which works on a copy in this folder. */
  async #check(file: string, folder: string): Promise<void> {
    await copyFile(file, join(folder, basename(this.#file)));
    await using _card = await this.#simulator.insertLocated(this.#located, {}, folder);
  }

  /** One of these after the other: each takes the card out, puts it in or copies its state. */
  #alone(act: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(act);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** Does what another process asks for; answers a line to print. */
  async handle(request: ControlRequest): Promise<string> {
    switch (request.verb) {
      case 'insert':
        await this.#alone(() => this.insert());
        return 'inserted';
      case 'remove':
        await this.#alone(() => this.remove());
        return 'removed';
      case 'apdu': {
        const command = Uint8Array.from(Buffer.from(request.argument ?? '', 'hex'));
        return Buffer.from(await this.#inserted().transmit(command))
          .toString('hex')
          .toUpperCase();
      }
      case 'snapshot':
        await this.#alone(() => this.#snapshot(request.argument ?? ''));
        return `saved to ${request.argument}`;
      case 'restore':
        await this.#alone(() => this.#restore(request.argument ?? ''));
        return `restored from ${request.argument}`;
      case 'reset':
        await this.#inserted().reset();
        return 'reset';
      case 'load': {
        const made = await this.#inserted().load(request.argument ?? '', request.parameters);
        return `loaded ${request.argument}: ${made.length === 0 ? 'no applet' : made.join(' ')}`;
      }
      default:
        throw new SimulatorError('usage', `no request ${String(request.verb)}`);
    }
  }
}

function tellState(state: ReaderState, place: string): string {
  switch (state) {
    case 'no-reader':
      return `nobody listens at ${place}; is pcscd running, with vpcd? Trying on`;
    case 'slot-taken':
      return `the slot at ${place} is taken by another card; waiting for it`;
    default:
      return `in the reader at ${place}`;
  }
}

function describe(links: CardLinks, tcpPort: number | undefined): string {
  const places = [];
  if (tcpPort !== undefined) {
    places.push(`listening on 127.0.0.1:${tcpPort}`);
  }
  if (links.vpcd !== undefined) {
    places.push(`goes to vpcd at ${links.vpcd.host}:${links.vpcd.port}`);
  }
  return places.length === 0 ? 'no link' : places.join(', ');
}

async function run(args: readonly string[]): Promise<number> {
  const own = ['vpcd', 'tcp', 'state', 'control', 'debug', 'lines'];
  const parsed = parseWords(args, [...own, ...CARD_OPTIONS.values], CARD_OPTIONS.others);
  const { values, words } = parsed;
  const links: CardLinks = {
    vpcd: values.vpcd === undefined ? undefined : hostAndPort(values.vpcd),
    tcp: values.tcp === undefined ? undefined : { port: portNumber(values.tcp) },
  };
  const debugPort = values.debug === undefined ? undefined : portNumber(values.debug);
  const located = await imageOrCap(words, capOptions(parsed));
  // A snapshot is a copy of the saved state, so there is one even when nobody asked for a folder.
  const temporary =
    values.state === undefined && values.control !== undefined
      ? await mkdtemp(join(tmpdir(), 'jcardsim-runner-'))
      : undefined;
  const stateDir = values.state ?? temporary;
  const simulator = await startSimulator({ stateDir, debugPort, reasons: true, lines: values.lines?.split(',') });
  const stopped = new Promise<void>((stop) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop());
  });
  const holder = new Holder(simulator, located, links, stateDir ?? '');
  try {
    const inserted = holder.insert();
    // An applet that never ends its install() must not keep the runner from ending.
    const done = await Promise.race([inserted.then(() => true), stopped.then(() => false)]);
    if (!done) {
      simulator.kill();
      await inserted.catch(() => undefined);
      return 1;
    }
    await using _control =
      values.control === undefined
        ? undefined
        : await serveControl(values.control, (request) => holder.handle(request));
    const held = setInterval(() => undefined, 2 ** 30);
    await stopped;
    clearInterval(held);
    return 0;
  } finally {
    await simulator.stop();
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  }
}

export const start: Command = {
  usage: [
    'start IMAGE|FILE.cap.. [--vpcd HOST:PORT] [--tcp PORT] [--state DIR] [--control SOCKET] [--debug PORT]',
    '[--lines CAP,..] [--library FILE.cap].. [--parameters HEX] [--toolkit]',
  ].join(' '),
  summary: 'holds one card until SIGTERM or SIGINT, which save it',
  help: `IMAGE is a card image, or the name of one that comes with the simulator; FILE.cap makes a card with the
applets of that CAP file, each by its own AID.
${CAP_HELP}
  --vpcd HOST:PORT   puts the card into a slot of vpcd, the virtual reader of pcscd, and tries until it is in
  --tcp PORT         listens on 127.0.0.1; 0 takes a free port
  --state DIR        keeps the card there
  --control SOCKET   takes insert, remove, snapshot, restore, apdu and load from other processes
  --debug PORT       lets a Java debugger attach on 127.0.0.1
  --lines CAP,..     code that comes by LOAD has the source lines of the CAP file with a Debug component it came from`,
  run,
};

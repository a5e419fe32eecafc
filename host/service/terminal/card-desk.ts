// SPDX-License-Identifier: Apache-2.0
import { TsmError } from '../../errors.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import type { FullResponse } from '../../transport/get-response.ts';
import type { ReaderMonitor, ReaderState } from '../../transport/reader-monitor.ts';
import { runScript } from '../../transport/script-runner.ts';
import { TRANSPORT_CODE, Turnstile, transportError } from '../../transport/transport-failure.ts';
import { toHex } from '../../wire/hex.ts';
import type {
  TerminalExchange,
  TerminalInfo,
  TerminalRelease,
  TerminalResult,
} from '../../wire/message/card-script.ts';
import type { ProactiveCommand } from '../../wire/uicc/proactive-command.ts';
import type { SmsPpDownload } from '../../wire/uicc/sms-pp-download.ts';
import { Handset, type HandsetOptions } from './handset/handset.ts';
import type { HandsetUser } from './handset/proactive-desk.ts';

export type ReaderInfo = TerminalInfo['readers'][number];

interface Desk {
  readonly turns: Turnstile;
  /** The channel that is open, for which session and which card. */
  held?: { readonly channel: CardChannel | Handset; readonly fence: number; readonly insertion: string };
  /** Highest fence seen for the card that is in now. */
  last: { readonly insertion: string; readonly fence: number };
}

export interface CardDeskOptions {
  /** An administration agent runs scripts on these readers too. */
  readonly bip?: boolean;
  /** The terminal is the handset of the cards in its readers; default a plain reader. */
  readonly handset?: HandsetOptions;
  /** Numbers that the cards in the readers have, and where what they send goes; for a handset alone. */
  readonly network?: CardNetwork;
  /** Told what the card in this reader shows. */
  readonly onText?: (readerName: string, text: CardText) => void;
  /** Told what the card in this reader asked for, and the general result. */
  readonly onCommand?: (readerName: string, command: ProactiveCommand, result: number) => void;
}

export type CardText = Parameters<NonNullable<HandsetUser['showText']>>[0];

export interface CardNetwork {
  /** By reader. */
  readonly numbers: ReadonlyMap<string, string>;
  /** False when the network does not take the message. */
  send(readerName: string, tpdu: Uint8Array): Promise<boolean>;
}

/** The terminal's readers: runs whole scripts, one at a time for each card, for the newest session only. */
export class CardDesk {
  readonly #monitors: readonly ReaderMonitor[];
  readonly #desks = new Map<string, Desk>();
  readonly #bip: { readonly bip?: true };
  readonly #handset: HandsetOptions | undefined;
  readonly #network: CardNetwork | undefined;
  readonly #told: Pick<CardDeskOptions, 'onText' | 'onCommand'>;

  constructor(monitors: readonly ReaderMonitor[], { bip = false, handset, network, ...told }: CardDeskOptions = {}) {
    this.#monitors = monitors;
    this.#bip = bip ? { bip } : {};
    this.#handset = handset;
    this.#network = network;
    this.#told = told;
  }

  /** What `ota` is told about the readers. */
  get readers(): ReaderInfo[] {
    return this.#states().map(({ name, state }) => ({
      readerName: name,
      link: state.link,
      cardPresent: state.cardPresent,
      atr: toHex(state.atr),
      insertion: state.insertion,
      ...this.#bip,
      ...this.#numberOf(name),
    }));
  }

  #numberOf(readerName: string): { readonly msisdn?: string } {
    const msisdn = this.#network?.numbers.get(readerName);
    return msisdn === undefined ? {} : { msisdn };
  }

  /** Calls back after each change of a reader; returns how to stop that. */
  onChange(listener: () => void): () => void {
    const stops = this.#monitors.map((monitor) => monitor.onChange(listener));
    return () => {
      for (const stop of stops) stop();
    };
  }

  /**
   * Runs one script on the card that was named. Whatever goes wrong is part of the result, so that
   * every script is answered exactly once.
   */
  run(script: TerminalExchange): Promise<TerminalResult> {
    return this.#desk(script.readerName).turns.run(async () => {
      const head = { type: 'result' as const, id: script.id };
      try {
        const channel = await this.#channel(script);
        const { responses, stopped, failure, apdus, bytesOut, bytesIn } = await runScript(channel, script.commands);
        if (failure !== undefined) await this.#drop(script.readerName);
        return {
          ...head,
          responses,
          stopped,
          apdus,
          bytesOut,
          bytesIn,
          ...(failure === undefined ? {} : { failure: told(failure) }),
        };
      } catch (error) {
        await this.#drop(script.readerName);
        const failure =
          error instanceof TsmError ? told(error) : { code: 'terminal-internal', message: 'the terminal failed' };
        return { ...head, responses: [], stopped: false, failure, apdus: 0, bytesOut: 0, bytesIn: 0 };
      }
    });
  }

  /**
   * Gives a short message to the card: in the session that holds it, or in one that any later session ends.
   *
   * @returns the card's answer for the deliver report
   * @throws TransportError `card-absent` when there is no card, or the terminal is no handset for it
   */
  deliver(readerName: string, message: SmsPpDownload): Promise<FullResponse> {
    return this.#desk(readerName).turns.run(async () => {
      const handset = await this.#handsetOf(readerName);
      try {
        return await handset.deliver(message);
      } catch (error) {
        await this.#drop(readerName);
        throw error;
      }
    });
  }

  async #handsetOf(readerName: string): Promise<Handset> {
    const found = this.#states().find(({ name, state }) => name === readerName && state.cardPresent);
    if (found === undefined) throw transportError(TRANSPORT_CODE.NO_CARD, `there is no card in ${readerName}`);
    const { monitor, state } = found;
    const desk = this.#desk(readerName);
    if (desk.held !== undefined && desk.held.insertion !== state.insertion) await this.#drop(readerName);
    desk.held ??= {
      channel: await this.#open(monitor, state.readerName, readerName),
      fence: 0,
      insertion: state.insertion,
    };
    const { channel } = desk.held;
    if (channel instanceof Handset) return channel;
    throw transportError(TRANSPORT_CODE.NO_CARD, `the terminal is no handset for ${readerName}`);
  }

  /** Gives the card back when it is still held for that session. */
  async release({ readerName, fence }: Omit<TerminalRelease, 'type'>): Promise<void> {
    const desk = this.#desks.get(readerName);
    await desk?.turns.run(async () => {
      if (desk.held !== undefined && desk.held.fence <= fence) await this.#drop(readerName);
    });
  }

  async close(): Promise<void> {
    for (const readerName of this.#desks.keys()) await this.#drop(readerName);
    await Promise.all(this.#monitors.map((monitor) => monitor.close()));
  }

  async #channel({ readerName, insertion, fence }: TerminalExchange): Promise<CardChannel> {
    const found = this.#states().find(({ name }) => name === readerName);
    if (found === undefined) throw new DeskRefusal('reader-not-found', `there is no reader ${readerName}`);
    const { monitor, state } = found;
    if (!state.cardPresent || state.insertion !== insertion)
      throw new DeskRefusal('card-removed', 'the card that was meant is not there');
    const desk = this.#desk(readerName);
    if (desk.last.insertion === insertion && fence < desk.last.fence)
      throw new DeskRefusal('stale-fence', 'a newer session holds the card');
    desk.last = { insertion, fence };
    if (desk.held !== undefined && (desk.held.fence !== fence || desk.held.insertion !== insertion))
      await this.#drop(readerName);
    desk.held ??= { channel: await this.#open(monitor, state.readerName, readerName), fence, insertion };
    return desk.held.channel;
  }

  async #open(monitor: ReaderMonitor, reader: string, readerName: string): Promise<CardChannel | Handset> {
    const channel = await monitor.open(reader);
    if (this.#handset === undefined) return channel;
    try {
      return await Handset.start(channel, this.#optionsFor(readerName, this.#handset));
    } catch (error) {
      await channel.close().catch(() => undefined);
      throw error;
    }
  }

  #optionsFor(readerName: string, handset: HandsetOptions): HandsetOptions {
    const network = this.#network;
    const { onText, onCommand } = this.#told;
    const sends = network?.numbers.has(readerName) === true;
    return {
      ...handset,
      user: {
        ...handset.user,
        ...(onText === undefined ? {} : { showText: (text) => onText(readerName, text) }),
        ...(onCommand === undefined ? {} : { asked: (command, result) => onCommand(readerName, command, result) }),
        ...(sends ? { sendShortMessage: (tpdu) => network.send(readerName, tpdu) } : {}),
      },
    };
  }

  /** Closing resets the card: the next session starts with nothing selected and no channel open. */
  async #drop(readerName: string): Promise<void> {
    const desk = this.#desks.get(readerName);
    const held = desk?.held;
    if (desk === undefined || held === undefined) return;
    delete desk.held;
    await held.channel.close().catch(() => undefined);
  }

  #desk(readerName: string): Desk {
    let desk = this.#desks.get(readerName);
    if (desk === undefined) {
      desk = { turns: new Turnstile(), last: { insertion: '', fence: 0 } };
      this.#desks.set(readerName, desk);
    }
    return desk;
  }

  #states(): { name: string; monitor: ReaderMonitor; state: ReaderState }[] {
    return this.#monitors.flatMap((monitor) =>
      monitor.readers.map((state) => ({ name: messageName(state.readerName), monitor, state })),
    );
  }
}

/** Refused before the card was touched. */
class DeskRefusal extends TsmError {}

/** Readers may have names that messages do not allow. */
function messageName(readerName: string): string {
  const name = readerName.replace(/[^A-Za-z0-9 ._:()[\]#/-]/g, '_').slice(0, 128);
  return name === '' ? 'reader' : name;
}

function told(error: TsmError): { code: string; message: string } {
  return { code: error.code.slice(0, 64), message: error.message.slice(0, 500) };
}

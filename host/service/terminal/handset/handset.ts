// SPDX-License-Identifier: Apache-2.0
import { TsmError, WireError } from '../../../errors.ts';
import type { CardChannel } from '../../../transport/card-channel.ts';
import { exchange, type FullResponse } from '../../../transport/get-response.ts';
import { Turnstile } from '../../../transport/transport-failure.ts';
import { type CommandApdu, decodeResponse, encodeCommand, encodeResponse } from '../../../wire/apdu.ts';
import { SW, statusWord } from '../../../wire/status-word.ts';
import { encodeTimerExpiration } from '../../../wire/uicc/event-download.ts';
import { decodeProactiveCommand } from '../../../wire/uicc/proactive-command.ts';
import { encodeSmsPpDownload, envelope, type SmsPpDownload } from '../../../wire/uicc/sms-pp-download.ts';
import { encodeTerminalProfile, type TerminalProfile, terminalProfile } from '../../../wire/uicc/terminal-profile.ts';
import { encodeTerminalResponse, fetchCommand, terminalResponse } from '../../../wire/uicc/terminal-response.ts';
import { CardTimers } from './card-timers.ts';
import { type ChannelPolicy, Channels } from './channels.ts';
import { type LocalInformation, localFeatures } from './local-information.ts';
import { type HandsetUser, ProactiveDesk } from './proactive-desk.ts';

/**
 * The terminal as the handset of a UICC: what the card asks for after a command is done before the next command. The
 * card is as hostile as any peer: what it may have at once, and how long it may go on, is bounded.
 *
 * @see TS 102 221 11.2, TS 102 223
 */

export interface HandsetOptions {
  readonly user?: HandsetUser;
  /** Where the card's channels may go; default nowhere. */
  readonly channels?: ChannelPolicy;
  /** TERMINAL PROFILE as it is sent, 1 to 255 bytes; default what this handset does. */
  readonly profile?: Uint8Array;
  /** What PROVIDE LOCAL INFORMATION tells. */
  readonly local?: LocalInformation;
  /** Pause before an envelope goes again to a card that is busy; default 100. */
  readonly busyPauseMs?: number;
  readonly onError?: (error: Error) => void;
}

/** What this handset does, and no more; with what it knows of itself, see `localFeatures`. */
const HANDSET_PROFILE: TerminalProfile = {
  features: [
    ...([
      'profileDownload',
      'smsPpDownload',
      'displayText',
      'moreTime',
      'playTone',
      'pollInterval',
      'pollingOff',
    ] as const),
    ...(['refresh', 'sendShortMessage', 'setUpMenu', 'setUpEventList'] as const),
    ...(['eventDataAvailable', 'eventChannelStatus', 'timerManagement', 'timerCurrentValue'] as const),
    ...([
      'openChannel',
      'closeChannel',
      'receiveData',
      'sendData',
      'getChannelStatus',
      'tcpClient',
      'udpClient',
    ] as const),
  ],
  channels: 7,
};

/** Commands of the card after one of the terminal's; a card that never ends is left alone. */
const MAX_COMMANDS = 512;
/** A card whose toolkit is busy (9300) is asked again, and after a pause as long as all of that once more. */
const BUSY = { times: 20, pauseMs: 100 } as const;
/** The longest interval of STATUS that a message waits for. */
const PATIENCE_MS = 60_000;
const SW_BUSY = statusWord(0x9300);
const STATUS: CommandApdu = { cla: 0x80, ins: 0xf2, p1: 0, p2: 0x0c, data: new Uint8Array() };

const pendingBytes = (sw: number): number | undefined => (sw >> 8 === 0x91 ? sw & 0xff || 256 : undefined);

export class Handset implements CardChannel {
  readonly #card: CardChannel;
  readonly #options: HandsetOptions;
  readonly #turns = new Turnstile();
  readonly #channels: Channels;
  readonly #timers: CardTimers;
  readonly #desk: ProactiveDesk;
  #polling: NodeJS.Timeout | undefined;
  /** The card is sent STATUS so often that a message may wait for it. */
  #pollsOften = false;
  /** It has no message before its next STATUS. */
  #holdsMessages = false;
  #again: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(card: CardChannel, options: HandsetOptions) {
    this.#card = card;
    this.#options = options;
    this.#channels = new Channels(options.channels ?? { allow: [] }, (event) => this.#tell(event));
    this.#timers = new CardTimers((expired) => {
      void this.#later(() => this.#envelope(encodeTimerExpiration(expired)));
    });
    this.#desk = new ProactiveDesk({
      channels: this.#channels,
      timers: this.#timers,
      user: options.user ?? {},
      local: options.local ?? {},
      poll: (ms) => this.#poll(ms),
    });
  }

  /** Takes over a card that has been reset: TERMINAL PROFILE, and what the card sets up then. @throws TransportError */
  static async start(card: CardChannel, options: HandsetOptions = {}): Promise<Handset> {
    const handset = new Handset(card, options);
    await handset.#turns.run(() => handset.#introduce());
    return handset;
  }

  get atr(): Uint8Array {
    return this.#card.atr;
  }

  /** As the card's channel; 91XX becomes 9000 when what the card asked for is done. */
  transmit(command: Uint8Array, options?: { readonly timeoutMs?: number }): Promise<Uint8Array> {
    return this.#turns.run(async () => {
      const answer = await this.#card.transmit(command, options);
      const { data, sw } = decodeResponse(answer);
      if (pendingBytes(sw) === undefined) return answer;
      await this.#serve(sw);
      return encodeResponse({ data, sw: SW.NO_ERROR });
    });
  }

  /**
   * Hands a short message to the card. A busy card that polls may wait for its STATUS to send what is left of an
   * answer, and gives that up for messages that come again and again: it has no other message until then.
   *
   * @returns its answer for the deliver report; 9300 where the network is to bring the message again
   */
  deliver(message: SmsPpDownload): Promise<FullResponse> {
    return this.#turns.run(async () => {
      if (this.#holdsMessages) return { data: new Uint8Array(), sw: SW_BUSY };
      const often = this.#pollsOften;
      const answer = await this.#envelope(encodeSmsPpDownload(message), often ? 0 : BUSY.times);
      this.#holdsMessages = often && answer.sw === SW_BUSY;
      return answer;
    });
  }

  async reset(): Promise<Uint8Array> {
    return this.#turns.run(async () => {
      this.#forget();
      const atr = await this.#card.reset();
      await this.#introduce();
      return atr;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#forget();
    await this.#card.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What belongs to the card's session ends with it. */
  #forget(): void {
    this.#poll(undefined);
    clearTimeout(this.#again);
    this.#again = undefined;
    this.#timers.clear();
    this.#channels.closeAll();
  }

  async #introduce(): Promise<void> {
    const { profile, local = {} } = this.#options;
    const features = [...HANDSET_PROFILE.features, ...localFeatures(local)];
    const own = () => encodeTerminalProfile({ ...HANDSET_PROFILE, features });
    const { sw } = await this.#send(terminalProfile(profile ?? own()));
    await this.#serve(sw);
  }

  async #envelope(data: Uint8Array, repeats: number = BUSY.times): Promise<FullResponse> {
    for (let tries = 0; ; tries += 1) {
      const answer = await this.#send(envelope(data));
      if (answer.sw !== SW_BUSY || tries === repeats) {
        await this.#serve(answer.sw);
        return pendingBytes(answer.sw) === undefined ? answer : { ...answer, sw: SW.NO_ERROR };
      }
      await new Promise((resolve) => setTimeout(resolve, this.#busyPauseMs));
    }
  }

  get #busyPauseMs(): number {
    return this.#options.busyPauseMs ?? BUSY.pauseMs;
  }

  /** Tells an event of the channels, which are asked again what there is to tell where the card was too busy. */
  async #tell(event: () => Uint8Array | undefined): Promise<boolean> {
    let isBusy = false;
    await this.#later(async () => {
      const data = event();
      isBusy = data !== undefined && (await this.#envelope(data)).sw === SW_BUSY;
    });
    if (isBusy && !this.#closed) {
      this.#again ??= setTimeout(() => {
        this.#again = undefined;
        this.#channels.tellAgain();
      }, BUSY.times * this.#busyPauseMs);
      this.#again.unref();
    }
    return !isBusy;
  }

  /** Does what the card asks for; what it asks wrongly is told, and the command before it keeps its answer. */
  async #serve(first: number): Promise<void> {
    try {
      await this.#serveAll(first);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#options.onError?.(error);
    }
  }

  async #serveAll(first: number): Promise<void> {
    let length = pendingBytes(first);
    for (let count = 0; length !== undefined && !this.#closed; count += 1) {
      if (count === MAX_COMMANDS)
        throw new WireError('card-endless', 'The card asks without end', { limit: MAX_COMMANDS });
      const { data, sw } = await this.#send(fetchCommand(length));
      if (sw !== SW.NO_ERROR) return;
      const command = decodeProactiveCommand(data);
      const response = await this.#desk.answer(command);
      this.#options.user?.asked?.(command, response.general);
      const { sw: after } = await this.#send(terminalResponse(encodeTerminalResponse(response)));
      length = pendingBytes(after);
    }
  }

  #send(command: CommandApdu): Promise<FullResponse> {
    return exchange(this.#card, encodeCommand(command));
  }

  #poll(ms: number | undefined): void {
    clearInterval(this.#polling);
    this.#pollsOften = ms !== undefined && ms <= PATIENCE_MS;
    this.#holdsMessages = false;
    if (ms === undefined) return;
    // While the card is busy with a long command one STATUS waits, and not one for each interval.
    let waits = false;
    this.#polling = setInterval(() => {
      if (waits) return;
      waits = true;
      void this.#later(async () => {
        waits = false;
        this.#holdsMessages = false;
        await this.#serve((await this.#send(STATUS)).sw);
      });
    }, ms);
    this.#polling.unref();
  }

  /** Something that the network or the clock brings: after what is at work. */
  #later(work: () => Promise<unknown>): Promise<void> {
    return this.#turns.run(async () => {
      try {
        if (!this.#closed) await work();
      } catch (error) {
        if (!(error instanceof TsmError)) throw error;
        this.#options.onError?.(error);
      }
    });
  }
}

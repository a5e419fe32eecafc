// SPDX-License-Identifier: Apache-2.0
import { ConflictError, SecureChannelError, UsageError, WireError } from '../errors.ts';
import { cardCommand, type GpCommand, responseData, splitStoreData, toCardCommand } from '../wire/gp/command.ts';
import { fromHex, toHex } from '../wire/hex.ts';
import type { CardCommand, CardResponse } from '../wire/message/card-script.ts';
import { isSuccessOrWarning, type StatusWord, SW, statusWordFromHex } from '../wire/status-word.ts';
import type { SecureChannel, SecureChannelState } from './secure-channel.ts';

/**
 * What a protocol does with one command and one response. `S` is what the next command depends on:
 * counters and chaining values. Pure: a script is made ahead of its answers, and the state goes back
 * to the last answer when the card stops it.
 */
export interface Messaging<S> {
  /** Plain data that fits one wrapped APDU, so the size of STORE DATA blocks. */
  readonly blockCapacity: number;
  /** True when success and error move the state differently: the outcome must be foreseen. */
  readonly stateDependsOnOutcome: boolean;
  /**
   * @param foreseen the status word that the card is expected to end with
   * @returns the command's APDUs and the state after the foreseen answer
   */
  wrap(state: S, command: GpCommand, foreseen: StatusWord): { readonly apdus: readonly Uint8Array[]; readonly next: S };
  /**
   * @param sent states before and after the command, as it was wrapped
   * @param current state after the answer before this one
   * @returns plain data, and the state after this answer
   * @throws SecureChannelError for anything that is not exactly the protocol's
   */
  unwrap(
    sent: Wrapped<S>,
    current: S,
    data: Uint8Array,
    sw: StatusWord,
  ): { readonly data: Uint8Array; readonly next: S };
}

/** States around one wrapped command. */
export interface Wrapped<S> {
  readonly before: S;
  /** After the foreseen answer. */
  readonly next: S;
}

/** Session keys at work. */
export interface Session<S> {
  readonly messaging: Messaging<S>;
  readonly state: S;
}

/** One secure channel protocol, host side: its opening, its authentication, its messaging. */
export interface ChannelProtocol<S> {
  /** Commands of the opening script, up to the card's challenge. */
  opening(): readonly GpCommand[];
  /**
   * Takes the answers to the opening, verifies what they prove, and gives the authentication. @throws
   * SecureChannelError
   */
  authentication(opening: readonly Uint8Array[]): readonly GpCommand[] | Promise<readonly GpCommand[]>;
  /** True when commands may travel with the authentication: the keys are there before it is answered. */
  readonly wrapsWithAuthentication: boolean;
  /** Keys before the authentication is answered; undefined where there are none yet. */
  earlySession(): Session<S> | undefined;
  /** Takes the answers to the authentication. @throws SecureChannelError */
  established(answers: readonly Uint8Array[]): Session<S> | Promise<Session<S>>;
  /**
   * Enciphers a key for PUT KEY under the key encryption key of the session.
   *
   * @throws UsageError where the protocol has none yet
   */
  encryptSensitive(data: Uint8Array): Uint8Array;
  wipe(): void;
}

/** One command of the script that is out. */
interface Sent<S> {
  readonly kind: 'authentication' | 'wrapped';
  readonly label: string;
  readonly expect: readonly StatusWord[];
  /** Absent for the authentication. */
  readonly wrapped?: Wrapped<S>;
  /** False for all blocks of a STORE DATA but the last: their good answers are not handed up. */
  readonly last: boolean;
}

const SUCCESS: readonly StatusWord[] = [SW.NO_ERROR];
const MAX_RESPONSE = 4096;

/** States, scripts and chaining that every secure channel protocol shares; see SecureChannel for the order of calls. */
export class ScriptedChannel<S> implements SecureChannel {
  readonly #protocol: ChannelProtocol<S>;
  #state: SecureChannelState = 'new';
  /** A key is at work elsewhere: nothing else may move the state meanwhile. */
  #busy = false;
  #session: Session<S> | undefined;
  /** After the last answer that was read. */
  #position: S | undefined;
  #opening: readonly string[] = [];
  #sent: readonly Sent<S>[] = [];
  #authenticationAnswers: Uint8Array[] = [];

  constructor(protocol: ChannelProtocol<S>) {
    this.#protocol = protocol;
  }

  get state(): SecureChannelState {
    return this.#state;
  }

  prepare(): CardCommand[] {
    this.#require('new');
    return this.#guarded(() => {
      const commands = this.#protocol.opening();
      this.#opening = commands.map(({ label }) => label);
      this.#state = 'prepared';
      return commands.map(toCardCommand);
    });
  }

  async authenticate(responses: readonly CardResponse[], commands: readonly GpCommand[]): Promise<CardCommand[]> {
    this.#require('prepared');
    if (commands.length > 0 && !this.#protocol.wrapsWithAuthentication) {
      throw new UsageError(
        'keys-not-agreed',
        'Key agreement has no keys before INTERNAL AUTHENTICATE: send these commands after it',
      );
    }
    return this.#alone(async () => {
      const authentication = await this.#protocol.authentication(this.#readOpening(responses));
      this.#requireAlive();
      this.#session = this.#protocol.earlySession();
      this.#position = this.#session?.state;
      const wrapped = this.#wrapAll(commands);
      const sent = authentication.map(
        ({ label }): Sent<S> => ({ kind: 'authentication', label, expect: SUCCESS, last: false }),
      );
      this.#sent = [...sent, ...wrapped.sent];
      this.#authenticationAnswers = [];
      this.#state = 'waiting';
      return [...authentication.map(toCardCommand), ...wrapped.commands];
    });
  }

  wrap(commands: readonly GpCommand[]): CardCommand[] {
    this.#require('open');
    const wrapped = this.#wrapAll(commands);
    this.#sent = wrapped.sent;
    this.#state = 'waiting';
    return wrapped.commands;
  }

  async unwrap(responses: readonly CardResponse[]): Promise<CardResponse[]> {
    this.#require('waiting');
    return this.#alone(async () => {
      const sent = this.#sent;
      if (responses.length > sent.length)
        throw new SecureChannelError('response-count', 'More responses than commands');
      const plain: CardResponse[] = [];
      let goesOn = true;
      for (const [index, response] of responses.entries()) {
        const entry = sent[index];
        if (entry === undefined || !goesOn)
          throw new SecureChannelError('response-count', 'Responses after the script stopped');
        const sw = statusWordFromHex(response.sw);
        goesOn = entry.expect.includes(sw);
        const data =
          entry.wrapped === undefined
            ? await this.#readAuthentication(index, entry, response)
            : this.#unwrapOne(entry.wrapped, response, sw);
        if (entry.kind === 'wrapped' && (entry.last || !goesOn)) plain.push({ data: toHex(data), sw: response.sw });
      }
      this.#state = 'open';
      this.#sent = [];
      // Without a reason of the card's to stop, the link broke: nobody knows what the card counted.
      if (goesOn && responses.length < sent.length) this.close();
      return plain;
    });
  }

  encryptSensitive(data: Uint8Array): Uint8Array {
    this.#liveSession();
    return this.#protocol.encryptSensitive(data);
  }

  close(): void {
    this.#state = 'closed';
    this.#sent = [];
    this.#session = undefined;
    this.#protocol.wipe();
  }

  /** Responses of the opening script: all 9000. */
  #readOpening(responses: readonly CardResponse[]): Uint8Array[] {
    const data = responses.map((response, index) => responseData(this.#opening[index] ?? 'opening', response));
    if (data.length !== this.#opening.length) {
      throw new SecureChannelError('response-count', 'The opening script was not answered to its end', {
        expected: this.#opening.length,
        got: data.length,
      });
    }
    return data;
  }

  /** Wraps ahead of the answers: every command before the last must end in a way that the state can foresee. */
  #wrapAll(commands: readonly GpCommand[]): { commands: CardCommand[]; sent: Sent<S>[] } {
    if (commands.length === 0) return { commands: [], sent: [] };
    const { messaging } = this.#liveSession();
    const script: CardCommand[] = [];
    const sent: Sent<S>[] = [];
    let state = this.#livePosition();
    for (const [index, command] of commands.entries()) {
      const { expect = SUCCESS, label } = command;
      if (index < commands.length - 1) requireForeseeable(messaging, label, expect);
      const blocks = splitStoreData(command, messaging.blockCapacity);
      for (const [order, block] of blocks.entries()) {
        const last = order === blocks.length - 1;
        const accepted = last ? expect : SUCCESS;
        const { apdus, next } = messaging.wrap(state, block, accepted[0] ?? SW.NO_ERROR);
        script.push(cardCommand(last ? block : { ...block, expect: SUCCESS }, apdus));
        sent.push({ kind: 'wrapped', label, expect: accepted, wrapped: { before: state, next }, last });
        state = next;
      }
    }
    return { commands: script, sent };
  }

  /** One answer to the authentication; the last one gives the session. */
  async #readAuthentication(index: number, { label }: Sent<S>, response: CardResponse): Promise<Uint8Array> {
    const data = responseData(label, response);
    this.#authenticationAnswers.push(data);
    if (this.#sent[index + 1]?.kind === 'authentication') return data;
    const session = await this.#protocol.established(this.#authenticationAnswers);
    this.#requireAlive();
    this.#position ??= session.state;
    this.#session = session;
    return data;
  }

  #unwrapOne(wrapped: Wrapped<S>, response: CardResponse, sw: StatusWord): Uint8Array {
    const data = fromHex(response.data, MAX_RESPONSE);
    const unwrapped = this.#liveSession().messaging.unwrap(wrapped, this.#livePosition(), data, sw);
    this.#position = unwrapped.next;
    return unwrapped.data;
  }

  #liveSession(): Session<S> {
    if (this.#session === undefined) throw new SecureChannelError('channel-state', 'There are no session keys');
    return this.#session;
  }

  #livePosition(): S {
    if (this.#position === undefined) throw new SecureChannelError('channel-state', 'There are no session keys');
    return this.#position;
  }

  #require(state: SecureChannelState): void {
    this.#requireAlive();
    if (this.#state === state && !this.#busy) return;
    const got = this.#busy ? 'busy' : this.#state;
    throw new ConflictError('channel-state', `The secure channel is not ready for this: it is ${got}`, {
      expected: state,
      got,
    });
  }

  #requireAlive(): void {
    if (this.#state === 'closed')
      throw new SecureChannelError('channel-closed', 'The secure channel is closed: open a new one');
  }

  /** Closed meanwhile, it stays closed: what came of the work is wiped. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    this.#busy = true;
    try {
      return await work();
    } catch (error) {
      throw this.#failed(error);
    } finally {
      this.#busy = false;
    }
  }

  /** Whatever fails inside has closed the channel before the caller hears of it. */
  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #failed(error: unknown): unknown {
    this.close();
    if (!(error instanceof WireError)) return error;
    return new SecureChannelError('channel-failed', 'The secure channel failed and was closed', {}, error);
  }
}

/** A command that may end in success or error leaves the next one's state open. */
function requireForeseeable<S>(messaging: Messaging<S>, label: string, expect: readonly StatusWord[]): void {
  if (!messaging.stateDependsOnOutcome || new Set(expect.map(isSuccessOrWarning)).size <= 1) return;
  throw new UsageError(
    'expect-ambiguous',
    `${label}: may end in success or error, so it must be the last of its script`,
    { command: label },
  );
}

// SPDX-License-Identifier: Apache-2.0
import { InvariantError, TsmError } from '../../errors.ts';
import type { CardCommand } from '../../wire/message/card-script.ts';
import type { ScriptChannel, ScriptOutcome } from '../script-runner.ts';
import { TRANSPORT_CODE, transportError } from '../transport-failure.ts';
import { told } from './messages.ts';
import type { WorkerProcess } from './worker-process.ts';

/** How long closing waits for a card: longer for one that has answered everything so far. */
const CLOSE_MS = { clean: 20_000, failed: 1_000 } as const;

export interface PcscChannelOptions {
  /** Holds the card already. */
  readonly process: WorkerProcess;
  /** ATR of the card that is in the reader now. */
  readonly atr: () => Uint8Array;
  /** Called once, when the card is given back, however late; `clean` is false after any failure. */
  readonly onClosed: (clean: boolean) => void;
  /** Called when closing does not wait any longer for a card that is silent; `onClosed` is still to come. */
  readonly onSilent: () => void;
}

/** A card in a PC/SC reader, held by another process; reset when it is given back. */
export class PcscChannel implements ScriptChannel {
  readonly #options: PcscChannelOptions;
  #failed = false;
  #ended: Promise<void> | undefined;

  constructor(options: PcscChannelOptions) {
    this.#options = options;
  }

  get atr(): Uint8Array {
    return this.#options.atr();
  }

  transmit(command: Uint8Array, options: { readonly timeoutMs?: number } = {}): Promise<Uint8Array> {
    const { timeoutMs } = options;
    return this.#watched((process) =>
      process.ask({ type: 'transmit', command, ...(timeoutMs === undefined ? {} : { timeoutMs }) }),
    );
  }

  async runScript(commands: readonly CardCommand[]): Promise<ScriptOutcome> {
    try {
      const { failure, ...outcome } = await this.#watched((process) => process.ask({ type: 'script', commands }));
      if (failure === undefined) return outcome;
      this.#failed = true;
      return { ...outcome, failure: told(failure) };
    } catch (error) {
      if (!(error instanceof TsmError) || error instanceof InvariantError) throw error;
      return { responses: [], stopped: false, failure: error, apdus: 0, bytesOut: 0, bytesIn: 0 };
    }
  }

  async reset(): Promise<Uint8Array> {
    await this.#watched((process) => process.ask({ type: 'reset' }));
    return this.atr;
  }

  close(): Promise<void> {
    this.#ended ??= this.#release();
    return this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #watched<T>(act: (process: WorkerProcess) => Promise<T>): Promise<T> {
    if (this.#ended !== undefined) throw transportError(TRANSPORT_CODE.CLOSED, 'The channel is closed');
    try {
      return await act(this.#options.process);
    } catch (error) {
      this.#failed = true;
      throw error;
    }
  }

  /** Waits for the card, but not for a silent one: that goes on in its own process. */
  async #release(): Promise<void> {
    const { process, onClosed, onSilent } = this.#options;
    const given = process.ask({ type: 'close' }).then(
      () => onClosed(!this.#failed),
      () => onClosed(false),
    );
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      const giveUp = () => {
        onSilent();
        resolve();
      };
      timer = setTimeout(giveUp, this.#failed ? CLOSE_MS.failed : CLOSE_MS.clean);
    });
    await Promise.race([given, limit]);
    clearTimeout(timer);
  }
}

// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import type { ReaderState, SimulatorProcess } from './simulator-process.ts';

/** Where a card's power ends: see {@link SimulatedCard.cutPower}. */
export type PowerCut =
  | { readonly afterApdus: number; readonly when: 'before-processing' | 'before-response' }
  | { readonly atWrite: number };

/** Counts since the card was inserted. */
export interface CardStatistics {
  readonly apdus: number;
  readonly persistentWrites: number;
  readonly allocationsAfterInstall: number;
  /** Bytes that the largest transaction so far has changed. */
  readonly largestTransaction: number;
  /** Pairs of keys that the card has made. */
  readonly keyPairs: number;
  /** CPU time spent in ciphers, signatures, digests and key generation. */
  readonly cryptoCpuMs: number;
}

/** What an instance holds, in bytes of a 16-bit card. */
export interface InstanceMemory {
  readonly persistent: number;
  readonly transientReset: number;
  readonly transientDeselect: number;
}

/** A card in the simulator, held by its control link. */
export class SimulatedCard {
  readonly #process: SimulatorProcess;
  readonly #id: number;
  readonly name: string;
  /** Answer to reset, as the image gives it. */
  readonly atr: Uint8Array;
  /** Port on 127.0.0.1 of the TCP link, when the card has one. */
  readonly tcpPort: number | undefined;

  constructor(process: SimulatorProcess, inserted: Record<string, unknown>) {
    this.#process = process;
    this.#id = inserted.card as number;
    this.name = inserted.name as string;
    this.atr = Uint8Array.from(Buffer.from(inserted.atr as string, 'hex'));
    this.tcpPort = inserted.tcpPort as number | undefined;
  }

  /**
   * Sends one command APDU and answers data and status word.
   * @throws {SimulatorError} `power-cut` when a planned cut strikes, `card-unpowered` after it
   */
  async transmit(command: Uint8Array): Promise<Uint8Array> {
    const { response } = await this.#call('transmit', { command: Buffer.from(command).toString('hex') });
    return Uint8Array.from(Buffer.from(response as string, 'hex'));
  }

  /** Warm reset: RAM is lost, the issuer domain is selected. */
  async reset(): Promise<void> {
    await this.#call('reset');
  }

  async power(state: 'off' | 'on'): Promise<void> {
    await this.#call('power', { state });
  }

  /**
   * Plans one loss of power. Links end as when a card is pulled out; power('on'), or a reader, brings it back.
   * @param cut `afterApdus: n`: n more commands are answered, and the power ends in the one that follows, before
   *   it is processed or when its answer is ready; `atWrite: n`: the n-th write to persistent memory from now
   *   (1 is the next) is not done, and 0 takes that plan back
   */
  async cutPower(cut: PowerCut): Promise<void> {
    await this.#call('cutPower', cut);
  }

  async statistics(): Promise<CardStatistics> {
    return (await this.#call('statistics')) as unknown as CardStatistics;
  }

  /** Tells how the card stands in its slot of vpcd, now and whenever that changes; one listener a card. */
  onReader(listener: (state: ReaderState) => void): void {
    this.#process.onReader(this.#id, listener);
  }

  /** Bytes that each instance holds, by its AID. */
  async memory(): Promise<Record<string, InstanceMemory>> {
    return (await this.#call('memory')) as unknown as Record<string, InstanceMemory>;
  }

  /**
   * Loads a CAP file by the card maker's hand, in place of one with the same AID, and makes an instance of each applet
   * by its own AID.
   * @param parameters contents of C9 for each instance, in hex
   * @returns AIDs of the instances
   * @throws {SimulatorError} `load-refused` with the reason
   */
  async load(file: string, parameters = ''): Promise<readonly string[]> {
    return (await this.#call('loadFile', { file: resolve(file), parameters })).instances as string[];
  }

  /** SHA-256 of persistent memory, in hex; two cards with the same memory have the same. */
  async fingerprint(): Promise<string> {
    return (await this.#call('fingerprint')).fingerprint as string;
  }

  /** Takes the card out for good: links are closed, its state is saved. */
  async remove(): Promise<void> {
    await this.#call('remove');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }

  #call(method: string, parameters: object = {}): Promise<Record<string, unknown>> {
    return this.#process.call(method, { card: this.#id, ...parameters });
  }
}

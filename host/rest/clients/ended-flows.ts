// SPDX-License-Identifier: Apache-2.0
import { PeerError } from '../../errors.ts';
import { ENDED_FLOWS_HEADER, MAX_ENDED_FLOWS } from '../incarnation.ts';

/** Tries more for a call of its own. */
const RETRIES = 3;
/** So long an ended flow waits for a request that takes its name along. */
const ALONE_AFTER_MS = 500;

/** Flows whose end the KMS is still to be told: the next request names them, and when none comes one of their own. */
export class EndedFlows {
  readonly #alone: (flow: string, retries: number) => Promise<unknown>;
  readonly #flows = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  /** @param alone tells the end of one flow by a request of its own */
  constructor(alone: (flow: string, retries: number) => Promise<unknown>) {
    this.#alone = alone;
  }

  note(flow: string): void {
    this.#flows.add(flow);
    this.#timer ??= setTimeout(() => void this.#tellAlone(), ALONE_AFTER_MS).unref();
  }

  /** Sends a request with the header that names them; a request that may not have arrived leaves them to the next. */
  async tell<T>(send: (headers: Readonly<Record<string, string>>) => Promise<T>): Promise<T> {
    const told = [...this.#flows].slice(0, MAX_ENDED_FLOWS);
    if (told.length === 0) return send({});
    for (const flow of told) this.#flows.delete(flow);
    try {
      return await send({ [ENDED_FLOWS_HEADER]: told.join(',') });
    } catch (error) {
      const refused = error instanceof PeerError && Number(error.context.status ?? 0) < 429;
      if (!refused) for (const flow of told) this.note(flow);
      throw error;
    }
  }

  /** A KMS that is away for good frees them by age, or with the next life of this process. */
  async #tellAlone(): Promise<void> {
    this.#timer = undefined;
    const flows = [...this.#flows];
    this.#flows.clear();
    await Promise.allSettled(flows.map((flow) => this.#alone(flow, RETRIES)));
  }
}

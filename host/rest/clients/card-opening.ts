// SPDX-License-Identifier: Apache-2.0
import { PeerError } from '../../errors.ts';
import type { CardSessionInfo, OpenCardSession } from '../../wire/message/card-script.ts';

/** So long an OTA server of an earlier release is asked without a script: it may be brought up to date meanwhile. */
const EARLIER_MS = 600_000;

/** Opens card sessions with their first script; at an OTA server of an earlier release, which refuses it, without. */
export class CardOpening {
  readonly #ask: (body: OpenCardSession) => Promise<CardSessionInfo>;
  readonly #now: () => number;
  #earlierUntil = Number.NEGATIVE_INFINITY;

  constructor(ask: (body: OpenCardSession) => Promise<CardSessionInfo>, now = performance.now.bind(performance)) {
    this.#ask = ask;
    this.#now = now;
  }

  /** @throws what the server says, but for a script that it does not know */
  async open(body: OpenCardSession): Promise<CardSessionInfo> {
    const { commands, ...bare } = body;
    if (commands === undefined || this.#now() < this.#earlierUntil) return this.#ask(bare);
    try {
      return await this.#ask(body);
    } catch (error) {
      if (!(error instanceof PeerError) || error.code !== 'invalid-request') throw error;
      this.#earlierUntil = this.#now() + EARLIER_MS;
      return this.#ask(bare);
    }
  }
}

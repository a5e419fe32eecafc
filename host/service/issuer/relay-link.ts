// SPDX-License-Identifier: Apache-2.0
import type { CardCommand, ExchangeResult } from '../../wire/message/card-script.ts';
import type { CardLink, CardRelays } from '../../workflow/ports.ts';

/** The issuer's way to a card: through the provider that asked for the SSD (key-distribution.md section 4). */
export class RelayLink implements CardLink {
  readonly #relays: CardRelays;
  readonly #relayId: string;

  constructor(relays: CardRelays, relayId: string) {
    this.#relays = relays;
    this.#relayId = relayId;
  }

  async exchange(commands: readonly CardCommand[]): Promise<ExchangeResult> {
    return this.#relays.exchange(this.#relayId, commands);
  }

  /** The lease is the provider's. */
  async close(): Promise<void> {}
}

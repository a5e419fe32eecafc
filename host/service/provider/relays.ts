// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { NotFoundError } from '../../errors.ts';
import { findCardRelay } from '../../store/provider/card-relays.ts';
import type { ProviderTables } from '../../store/provider/schema.ts';
import type { CardCommand, ExchangeResult } from '../../wire/message/card-script.ts';
import type { CardLinks } from '../card-links.ts';

/**
 * Carries the issuer's APDUs to the card while a flow waits for 52. The provider adds its own session and fence;
 * before 42 and after 52 there is no way through.
 */
export class Relays {
  readonly #database: Kysely<ProviderTables>;
  readonly #links: CardLinks;

  constructor(database: Kysely<ProviderTables>, links: CardLinks) {
    this.#database = database;
    this.#links = links;
  }

  /** @throws NotFoundError when the relay is not open for this issuer */
  async exchange(relayId: string, issuerId: string, commands: readonly CardCommand[]): Promise<ExchangeResult> {
    const relay = await findCardRelay(this.#database, relayId);
    if (relay === undefined || !relay.open || relay.issuerId !== issuerId) {
      throw new NotFoundError('no-such-relay', 'There is no open relay of this name for this issuer');
    }
    const link = this.#links.of(relayId, relay);
    link.expectCard(relay);
    return link.exchange(commands);
  }
}

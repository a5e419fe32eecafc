// SPDX-License-Identifier: Apache-2.0
import { PolicyError } from '../../errors.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { CreateSecurityDomain, IssuersReader } from '../../wire/message/security-domain-resource.ts';
import type { CardLink, CardRelays, SharedOtaServer } from '../../workflow/ports.ts';
import { LeasedCardLink } from '../card-links.ts';
import { CardSearch, FoundCardLink } from './card-search.ts';
import { RelayLink } from './relay-link.ts';

/** How the issuer comes to cards: through the provider who asked, or by a card session of its own. */

export interface CardWays {
  /** The relays of this provider, at the address of the issuer's own registry. */
  readonly relaysOf: (providerId: string, baseUrl: string) => CardRelays;
  /** The issuer's own OTA server, where it has one. */
  readonly ota?: SharedOtaServer;
  /** Where cards are at it. */
  readonly search?: CardSearch;
}

/** How long the issuer waits for another flow's lease on a card, in milliseconds. */
export const CARD_WAIT_MS = 30_000;
/** No insertion has this name: which card is in the reader is asked before anything else. */
const UNREAD = 'unread';

/** @throws PolicyError `no-own-transport` */
export function ownOta({ ota }: CardWays): SharedOtaServer {
  if (ota !== undefined) return ota;
  throw new PolicyError(
    'no-own-transport',
    'This issuer reaches cards through relays alone: name one of yours in transport, or ask for ota in its config',
  );
}

type OwnTransport = Extract<CreateSecurityDomain['transport'], { readonly kind: 'ota' }>;

export interface WayToCard {
  readonly transport: CreateSecurityDomain['transport'];
  readonly caller: string;
  readonly relayBaseUrl: string;
  readonly cardId: CardId;
  /** The flow: it owns the lease. */
  readonly owner: string;
}

export function wayToCard(ways: CardWays, way: WayToCard): CardLink {
  const { transport, caller, relayBaseUrl, cardId, owner } = way;
  if (transport.kind === 'relay') return new RelayLink(ways.relaysOf(caller, relayBaseUrl), transport.relayId);
  const at = (reader: IssuersReader) => {
    const link = new LeasedCardLink({ ota: ownOta(ways), ...reader, owner, waitMs: CARD_WAIT_MS });
    link.expectCard({ cardId, insertion: UNREAD });
    return link;
  };
  const named = readerOf(transport);
  if (named !== undefined) return at(named);
  return new FoundCardLink(async () => at(await placeOf(ways, transport, cardId, owner)));
}

/** The reader that a transport names, or the one that the card is found in. @throws TransportError `card-away` */
export async function placeOf(
  ways: CardWays,
  transport: OwnTransport,
  cardId: CardId,
  owner: string,
): Promise<IssuersReader> {
  const search = ways.search ?? new CardSearch(ownOta(ways));
  return readerOf(transport) ?? pick(await search.find(cardId, owner));
}

/** Undefined for a card that is to be found by its id. */
export const readerOf = (transport: OwnTransport): IssuersReader | undefined =>
  'terminalId' in transport ? pick(transport) : undefined;

const pick = ({ terminalId, readerName }: IssuersReader): IssuersReader => ({ terminalId, readerName });

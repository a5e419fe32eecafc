// SPDX-License-Identifier: Apache-2.0
import { Flow } from './engine/flow.ts';
import { bookLoad } from './top-up/book-load.ts';
import { checkProductState } from './top-up/check-product-state.ts';
import type { TopUpContext, TopUpStart } from './top-up/context.ts';
import { creditLoad } from './top-up/credit-load.ts';
import { initializeLoad } from './top-up/initialize-load.ts';
import { lookAtPurse } from './top-up/look-at-purse.ts';
import { reserveLoad } from './top-up/reserve-load.ts';
import { settleOpenLoad } from './top-up/settle-open-load.ts';

/**
 * Flow A, a top-up over the air. Numbers are those of the flow: 1 to 3 stand at the app and at the front, 4 is the
 * provider's check, 5 its script with the card. Rows of one `trip` travel together. The visit is one durable step:
 * after a break it is done again as a whole, and begins by settling what it may have left open. For readers:
 * docs/top-up.md.
 */

const card = 'card' as const;
const issuer = 'issuer' as const;
const provider = 'provider' as const;

export const topUpSteps = new Flow<TopUpContext, TopUpStart>()
  .elsewhere('the phone app and the front', 'A1', 'A2', 'A3')
  .host('A4', [provider, provider], 'repeatable', checkProductState)
  .visit('topUp', (visit) =>
    visit
      .trip((trip) => trip.row('A5a', [provider, card], 'check-first', lookAtPurse))
      .host('A5b', [provider, provider], 'repeatable', settleOpenLoad)
      .trip((trip) => trip.row('A5c', [provider, card], 'repeatable', initializeLoad))
      .host('A5d', [provider, issuer], 'check-first', reserveLoad)
      .trip((trip) => trip.row('A5e', [provider, card], 'once-only', creditLoad))
      .host('A5f', [provider, provider], 'repeatable', bookLoad),
  );

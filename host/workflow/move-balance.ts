// SPDX-License-Identifier: Apache-2.0
import { Flow } from './engine/flow.ts';
import { askForDebit } from './move-balance/ask-for-debit.ts';
import { bookDebit } from './move-balance/book-debit.ts';
import { checkReplaced } from './move-balance/check-replaced.ts';
import { debitPurse } from './move-balance/debit-purse.ts';
import { openDebit } from './move-balance/open-debit.ts';
import { reserveDebit } from './move-balance/reserve-debit.ts';
import { settleOpenDebit } from './move-balance/settle-open-debit.ts';
import type { TopUpContext, TopUpStart } from './top-up/context.ts';
import { lookAtPurse } from './top-up/look-at-purse.ts';
import { settleOpenLoad } from './top-up/settle-open-load.ts';

/**
 * Takes the balance off the purse of a card that was replaced: a purchase of all of it by the provider itself, so that
 * what is owed elsewhere can no longer be spent here. The visit is one durable step: after a break it is done again as
 * a whole, and begins by settling what it may have left open. A top-up of the new purse follows. For readers:
 * docs/loss-report.md section 4.
 */

const card = 'card' as const;
const provider = 'provider' as const;

/** Starts with the amount 0: nothing is loaded. */
export const moveBalanceSteps = new Flow<TopUpContext, TopUpStart>()
  .host('M1', [provider, provider], 'repeatable', checkReplaced)
  .visit('moveBalance', (visit) =>
    visit
      .trip((trip) =>
        trip
          .row('M2a', [provider, card], 'check-first', lookAtPurse)
          .row('M2b', [provider, card], 'repeatable', askForDebit),
      )
      .host('M2c', [provider, provider], 'repeatable', settleOpenLoad)
      .host('M2d', [provider, provider], 'repeatable', settleOpenDebit)
      .trip((trip) => trip.row('M2e', [provider, card], 'repeatable', openDebit))
      .host('M2f', [provider, provider], 'check-first', reserveDebit)
      .trip((trip) => trip.row('M2g', [provider, card], 'once-only', debitPurse))
      .host('M2h', [provider, provider], 'repeatable', bookDebit),
  );

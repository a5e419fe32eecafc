// SPDX-License-Identifier: Apache-2.0
import { changeContent } from './change-content/change-content.ts';
import type { ChangeContext, ChangeStart } from './change-content/context.ts';
import { lookAtContent, lookAtLoadFile } from './change-content/look-at-content.ts';
import { probeSecurityDomain, readIccid } from './change-content/read-card.ts';
import { reportReceipt } from './change-content/report-receipt.ts';
import { requestToken } from './change-content/request-token.ts';
import { Flow } from './engine/flow.ts';
import { selectFinishedDomain } from './key-distribution/54-select-security-domain.ts';
import { openProviderChannel } from './key-distribution/55-open-provider-channel.ts';

/**
 * Delegated management: the provider changes one thing in its own domain by a token of the issuer, which gets the
 * card's receipt. Rows, trips and visits as in `key-distribution.ts`. For readers: docs/delegated-management.md.
 */

const card = 'card' as const;
const issuer = 'issuer' as const;
const provider = 'provider' as const;

/** C1 to C6: the application provider management platform. */
export const changeSteps = new Flow<ChangeContext, ChangeStart>()
  .visit('readCard', (visit) =>
    visit.trip((trip) =>
      trip
        .row('C1', [provider, card], 'repeatable', readIccid)
        .row('C1a', [provider, card], 'repeatable', probeSecurityDomain),
    ),
  )
  .host('C2', [provider, issuer], 'repeatable', requestToken)
  .visit('change', (visit) =>
    visit
      .trip((trip) =>
        trip
          .row('C3', [provider, card], 'check-first', selectFinishedDomain)
          .row('C3a', [provider, card], 'repeatable', openProviderChannel),
      )
      .protected((trip) => trip.row('C4', [provider, card], 'repeatable', lookAtContent))
      .protected((trip) => trip.row('C4a', [provider, card], 'repeatable', lookAtLoadFile))
      .protected((trip) => trip.row('C5', [provider, card], 'once-only', changeContent)),
  )
  .host('C6', [provider, issuer], 'repeatable', reportReceipt);

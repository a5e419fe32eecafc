// SPDX-License-Identifier: Apache-2.0
import type { InstallContext } from './deploy-application/context.ts';
import { Flow } from './engine/flow.ts';
import { findCardForRemoval } from './key-distribution/44-find-card.ts';
import { openIssuerChannel } from './key-distribution/46-open-issuer-channel.ts';
import { checkRemovalPermission } from './remove-application/check-removal-permission.ts';
import type { RemovalStart } from './remove-application/context.ts';
import { deleteApplication } from './remove-application/delete-application.ts';
import { lookAtLoadFiles } from './remove-application/look-at-load-files.ts';
import { lookAtRegistry } from './remove-application/look-at-registry.ts';
import { recordRemoved } from './remove-application/record-removed.ts';
import { selectIssuer } from './remove-application/select-issuer.ts';

/** R3 to R8: the card issuer management platform deletes an application of a provider. For readers: docs/tsms.md. */

const card = 'card' as const;
const issuer = 'issuer' as const;

export const removeSteps = new Flow<InstallContext, RemovalStart>()
  .admit('R3', [issuer, issuer], 'repeatable', checkRemovalPermission)
  .admit('R4', [issuer, issuer], 'repeatable', findCardForRemoval)
  .visit('removeApplication', (visit) =>
    visit
      .trip((trip) =>
        trip
          .row('R5', [issuer, card], 'repeatable', selectIssuer)
          .row('R5a', [issuer, card], 'repeatable', openIssuerChannel),
      )
      .protected((trip) => trip.row('R6', [issuer, card], 'repeatable', lookAtRegistry))
      .protected((trip) => trip.row('R6a', [issuer, card], 'repeatable', lookAtLoadFiles))
      .protected((trip) => trip.row('R7', [issuer, card], 'check-first', deleteApplication))
      // In the visit, which begins again where its turn is lost.
      .host('R8', [issuer, 'provider'], 'repeatable', recordRemoved),
  );

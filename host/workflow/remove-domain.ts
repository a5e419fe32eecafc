// SPDX-License-Identifier: Apache-2.0
import type { InstallContext } from './deploy-application/context.ts';
import { Flow } from './engine/flow.ts';
import { findCard } from './key-distribution/44-find-card.ts';
import { openIssuerChannel } from './key-distribution/46-open-issuer-channel.ts';
import { selectIssuer } from './remove-application/select-issuer.ts';
import { checkDomainOwner } from './remove-domain/check-domain-owner.ts';
import type { DomainRemovalStart } from './remove-domain/context.ts';
import { deleteDomain } from './remove-domain/delete-domain.ts';
import { lookForDomain } from './remove-domain/look-for-domain.ts';
import { recordDomainDeleted } from './remove-domain/record-domain-deleted.ts';

/** E3 to E8: the issuer deletes a security domain at the word of its owner. For readers: docs/operations.md. */

const card = 'card' as const;
const issuer = 'issuer' as const;

export const removeDomainSteps = new Flow<InstallContext, DomainRemovalStart>()
  .admit('E3', [issuer, issuer], 'repeatable', checkDomainOwner)
  .admit('E4', [issuer, issuer], 'repeatable', findCard)
  .visit('removeDomain', (visit) =>
    visit
      .trip((trip) =>
        trip
          .row('E5', [issuer, card], 'repeatable', selectIssuer)
          .row('E5a', [issuer, card], 'repeatable', openIssuerChannel),
      )
      .protected((trip) => trip.row('E6', [issuer, card], 'repeatable', lookForDomain))
      .protected((trip) => trip.row('E7', [issuer, card], 'check-first', deleteDomain))
      // In the visit, which begins again where its turn is lost.
      .host('E8', [issuer, issuer], 'repeatable', recordDomainDeleted),
  );

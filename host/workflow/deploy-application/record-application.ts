// SPDX-License-Identifier: Apache-2.0
import { recordCreated } from '../../store/issuer/applications.ts';
import { recordCardProduct } from '../../store/issuer/card-arrivals.ts';
import type { Turn } from '../../store/issuer/content-turns.ts';
import { recordLoaded } from '../../store/issuer/load-files.ts';
import { inTurn } from '../content-turn.ts';
import { applicationRowOf, type InstallContext, type InstallFacts } from './context.ts';
import type { OnCard } from './read-registry.ts';

type Done = InstallFacts & {
  readonly turn: Turn;
  readonly onCard: OnCard;
  readonly librariesShown: readonly string[];
  readonly loadedFiles: readonly string[];
};

/**
 * D8: the product is on this card, and not valid where that was reported lost or blocked meanwhile; the flow's end
 * tells the provider. Of load files what this D7 has loaded is proved, and what the card has shown in the issuer's
 * domain, where D7s bring them alone.
 *
 * @throws RepeatVisit `turn-lost` when another flow has the card meanwhile
 */
export async function recordApplication(facts: Done, { database }: InstallContext) {
  const { request, turn, onCard, librariesShown, loadedFiles } = facts;
  const { cardId, providerId, loadFile, libraries, aid } = applicationRowOf(facts);
  const of = (names: readonly string[]) => [loadFile, ...libraries].filter((file) => names.includes(file.aid));
  await inTurn({ database }, { cardId, turn }, async (transaction) => {
    const whose = { cardId, providerId };
    await recordLoaded(transaction, { ...whose, files: of(loadedFiles) }, { from: ['sent'] });
    const shown = of([...onCard.shown, ...librariesShown]);
    await recordLoaded(transaction, { ...whose, files: shown }, { from: ['sent', 'released'] });
    await recordCreated(transaction, { ...whose, aid });
  });
  await recordCardProduct(database, request.cardId, request.productId);
  return {};
}

// SPDX-License-Identifier: Apache-2.0
import { developmentSsdAid } from '../../local/topology-plan.ts';
import { fromRsaPublicKey } from '../../wire/gp/public-key.ts';
import type { SecurityDomainRow } from '../../wire/message/key-distribution.ts';
import type { CardInReader } from '../multi-provider-lab.ts';
import type { PropertyReport } from '../run-report.ts';
import { AttackedCard } from './attacked-card.ts';
import type { Loot } from './loot.ts';
import { Property } from './property.ts';

export interface ProviderOnCard {
  readonly id: string;
  readonly loot: Loot;
  readonly row: SecurityDomainRow;
}

/** Row 4: two providers on one card cannot reach each other's SSD, with all keys of their own. */
export async function providersApart(
  target: CardInReader,
  providers: readonly [ProviderOnCard, ProviderOnCard],
): Promise<PropertyReport> {
  const property = new Property("two providers on one card cannot reach each other's SSD");
  const card = new AttackedCard(target.card);
  for (const [attacker, victim] of [providers, providers.toReversed()]) {
    if (attacker === undefined || victim === undefined) continue;
    const { offCardEntity: signer, certificate } = attacker.loot;
    const chains = [[certificate], [victim.loot.certificate], [victim.loot.certificate, certificate]];
    for (const certificates of chains) {
      for (const key of [victim.row, attacker.row]) {
        const securityDomainKey = fromRsaPublicKey(key.publicKey);
        const attempt = { aid: developmentSsdAid(victim.id), signer, certificates, securityDomainKey };
        const result = await card.openChannel(attempt);
        property.attempt(`${attacker.id} at ${victim.id}`, result.opened ? 'the card opened the channel' : undefined);
      }
    }
  }
  return property.report();
}

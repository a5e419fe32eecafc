// SPDX-License-Identifier: Apache-2.0
import { developmentSsdAid } from '../../local/topology-plan.ts';
import { KEY_REFERENCE } from '../../wire/gp/key-reference.ts';
import type { PublicKey } from '../../wire/gp/public-key.ts';
import type { CardInReader } from '../multi-provider-lab.ts';
import type { PropertyReport } from '../run-report.ts';
import { AttackedCard } from './attacked-card.ts';
import type { Loot } from './loot.ts';
import { Property } from './property.ts';

/** Row 2: the pair of 49 is dead after 57, even for the provider itself with its own key and certificate. */
export async function oldPairIsDead(
  target: CardInReader,
  known: { readonly provider: Loot; readonly reported: PublicKey; readonly own: PublicKey },
): Promise<PropertyReport> {
  const property = new Property('the pair of 49 is dead after 57');
  const card = new AttackedCard(target.card);
  const { offCardEntity: signer, certificate } = known.provider;
  const provider = { aid: developmentSsdAid('a'), signer, certificates: [certificate] };
  const old = { ...provider, securityDomainKey: known.reported };
  const attempts = [
    ['old key as KVN 10', { ...old, keyReference: KEY_REFERENCE.INITIAL_KEY_PAIR }],
    ['old key by default', old],
    ['old key as KVN 11', { ...old, keyReference: KEY_REFERENCE.OWN_KEY_PAIR }],
  ] as const;
  for (const [name, attempt] of attempts) {
    const result = await card.openChannel(attempt);
    property.attempt(name, result.opened ? 'the card opened the channel' : undefined);
  }
  // The same caller under the new key is let in: what was refused above was the pair, nothing else.
  const control = await card.openChannel({
    ...provider,
    securityDomainKey: known.own,
    keyReference: KEY_REFERENCE.OWN_KEY_PAIR,
  });
  property.attempt('control: the new pair', control.opened ? undefined : `refused at ${control.at}`);
  return property.report();
}

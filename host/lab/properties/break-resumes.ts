// SPDX-License-Identifier: Apache-2.0
import type { KeyDistributionState } from '../../wire/message/key-distribution.ts';
import { type CardInReader, isNative, type MultiProviderLab } from '../multi-provider-lab.ts';
import type { PropertyReport } from '../run-report.ts';
import { Property } from './property.ts';

/** Answers the commands of two and a half trips: the break falls into the issuer's session. */
const CUT_AFTER_APDUS = 30;

/**
 * Row 7: a break leaves a state from which the flow resumes. Here the card loses its power inside the issuer's session
 * and the provider is killed after 52; the tests cut at every command and kill every daemon. Without a CASD nobody says
 * whose pair stands in a domain after a lost answer of 56, which ends in a clean refusal (docs/cards.md): no kill
 * there.
 */
export async function breakResumes(lab: MultiProviderLab, target: CardInReader): Promise<PropertyReport> {
  const property = new Property('a break leaves a state from which the flow resumes');
  const { platforms } = lab;
  await target.card.cutPower({ afterApdus: CUT_AFTER_APDUS, when: 'before-response' });
  const kills = !isNative(target.made);
  let killed: Promise<void> | undefined;
  const kill = async () => {
    await platforms.topology.kill('provider-b');
    await platforms.topology.start('provider-b');
  };
  const onUpdate = ({ steps }: KeyDistributionState) => {
    if (kills && steps.some(({ numeral }) => numeral === '52')) killed ??= kill();
  };
  const state = await platforms.distribute('b', lab.request(target), { onUpdate });
  await killed;
  property.attempt(
    'power cut',
    state.outcome === 'distributed' ? undefined : `outcome ${state.outcome ?? state.state}`,
  );
  if (kills) {
    property.attempt('kill -9 of the provider', killed === undefined ? 'it was not killed in time' : undefined);
  }
  const rows = (await platforms.securityDomains('b')).filter(({ cardId }) => cardId.value === target.cardId.value);
  property.attempt(
    'one SSD, certified',
    rows.map((row) => row.state).join() === 'certified' ? undefined : 'other rows',
  );
  // Without its row the provider must find its SSD, with this certificate, on the card.
  await platforms.forget('b', target.cardId).catch(() => {});
  const again = await platforms.distribute('b', lab.request(target));
  const same = again.foundBy === 'select' && again.ssd?.certificate === state.ssd?.certificate;
  property.attempt(
    'certificate on the card',
    same ? undefined : `found by ${again.foundBy ?? 'nothing'}, or another one`,
  );
  return property.report();
}

// SPDX-License-Identifier: Apache-2.0
import type { TrafficEntry } from '../../service/ota/traffic-record.ts';
import type { CardInReader } from '../multi-provider-lab.ts';
import type { PropertyReport } from '../run-report.ts';
import { AttackedCard } from './attacked-card.ts';
import { Property } from './property.ts';

/** Commands that must never be answered 9000 when they are only replayed. */
const ACTS = /^(EXTERNAL AUTHENTICATE|INTERNAL AUTHENTICATE|INSTALL|GENERATE|PUT KEY|STORE DATA|DELETE|SET STATUS)/;

/** Row 5: a record of all OTA traffic gives nobody the keys: replayed, it opens nothing and changes nothing. */
export async function replayGivesNothing(
  target: CardInReader,
  traffic: readonly TrafficEntry[],
  ssdAids: readonly string[],
): Promise<PropertyReport> {
  const property = new Property('a record of all OTA traffic gives nobody the keys');
  const card = new AttackedCard(target.card);
  const looks = () => lookAll(card, ssdAids);
  const before = await looks();
  for (const entry of traffic) {
    const responses = await card.send(entry.commands);
    for (const [index, { label }] of entry.commands.entries()) {
      if (!ACTS.test(label)) continue;
      property.attempt(label, responses[index]?.sw === '9000' ? 'the card took the replayed command' : undefined);
    }
  }
  property.attempt(
    'the whole record',
    (await looks()) === before ? undefined : 'an SSD shows other keys or another certificate',
  );
  return property.report();
}

async function lookAll(card: AttackedCard, ssdAids: readonly string[]): Promise<string> {
  const shown: string[] = [];
  for (const ssdAid of ssdAids) shown.push(await card.look(ssdAid));
  return shown.join('\n\n');
}

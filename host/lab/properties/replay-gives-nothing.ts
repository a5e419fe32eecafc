// SPDX-License-Identifier: Apache-2.0
import { InvariantError } from '../../errors.ts';
import type { TrafficEntry } from '../../service/ota/traffic-record.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import type { CardInReader } from '../multi-provider-lab.ts';
import type { PropertyReport } from '../run-report.ts';
import { AttackedCard } from './attacked-card.ts';
import { Property } from './property.ts';

/** Commands that must never be answered 9000 when they are only replayed. */
const ACTS = /^(EXTERNAL AUTHENTICATE|INTERNAL AUTHENTICATE|INSTALL|GENERATE|PUT KEY|STORE DATA|DELETE|SET STATUS)/;

const REFUSED_SIGNATURE = '6300';

/**
 * Row 5: a record of all OTA traffic gives nobody the keys: replayed, script by script and as a whole without a reset
 * between, it opens nothing and changes nothing.
 *
 * @throws InvariantError when no replayed signature reached a domain that judged it: nothing would be proven
 */
export async function replayGivesNothing(
  target: CardInReader,
  traffic: readonly TrafficEntry[],
  ssdAids: readonly string[],
): Promise<PropertyReport> {
  const property = new Property('a record of all OTA traffic gives nobody the keys');
  const card = new AttackedCard(target.card);
  const looks = () => lookAll(card, ssdAids);
  const before = await looks();
  const all = traffic.flatMap((entry) => entry.commands);
  for (const { commands } of traffic) judge(commands, await card.send(commands), property);
  // A script is one trip: only the whole has a challenge before the signature that answered it.
  const answers = await card.send(all);
  judge(all, answers, property);
  const judged = all.filter(
    ({ label }, index) => label === 'EXTERNAL AUTHENTICATE' && answers[index]?.sw === REFUSED_SIGNATURE,
  );
  if (judged.length === 0) throw new InvariantError('attack-setting', 'No replayed signature reached a domain');
  property.attempt(
    'the whole record',
    (await looks()) === before ? undefined : 'an SSD shows other keys or another certificate',
  );
  return property.report();
}

function judge(commands: readonly CardCommand[], responses: readonly CardResponse[], property: Property): void {
  for (const [index, { label }] of commands.entries()) {
    if (!ACTS.test(label)) continue;
    property.attempt(label, responses[index]?.sw === '9000' ? 'the card took the replayed command' : undefined);
  }
}

async function lookAll(card: AttackedCard, ssdAids: readonly string[]): Promise<string> {
  const shown: string[] = [];
  for (const ssdAid of ssdAids) shown.push(await card.look(ssdAid));
  return shown.join('\n\n');
}

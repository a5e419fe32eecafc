// SPDX-License-Identifier: Apache-2.0
import { findDeployed } from '../../store/provider/service-processes.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { filledTemplate } from '../../wire/script/personalization-script.ts';
import { probe, refuseLocked } from '../key-distribution/41a-probe-security-domain.ts';
import type { OnItsCard, ServiceContext } from './context.ts';

/** Applications, by instance AID, whose SELECT shows that all is stored in them. */
export interface Looked {
  readonly personalized: readonly string[];
}

/** S6: SELECT of each application that is to be personalised: some may be so from an interrupted try. */
export async function* lookForApplications(facts: OnItsCard, context: ServiceContext) {
  const { applications, commands, serial, instanceId } = facts;
  context.card.expectCard(facts);
  // What an interrupted try has recorded: locked ones do not answer.
  const recorded = (await findDeployed(context.database, instanceId))?.applications ?? [];
  const personalized = recorded.filter((known) => known.personalized).map(({ instanceAid }) => instanceAid);
  const wanted = applications.filter(
    ({ instanceAid, scriptId }) => scriptId !== undefined && !personalized.includes(instanceAid),
  );
  if (!commands.includes('P') || wanted.length === 0) return { personalized } satisfies Looked as Looked;
  const responses: readonly CardResponse[] = yield wanted.map(({ instanceAid }) => probe(instanceAid));
  for (const [index, { instanceAid, scriptId = '' }] of wanted.entries()) {
    const { answerHolds } = (await context.personalizationScript(scriptId)).personalized;
    const answer = responses[index];
    refuseLocked(answer);
    if (answer?.sw === '9000' && answer.data.includes(filledTemplate(answerHolds, { serial })))
      personalized.push(instanceAid);
  }
  return { personalized } satisfies Looked as Looked;
}

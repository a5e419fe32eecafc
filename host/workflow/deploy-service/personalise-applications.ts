// SPDX-License-Identifier: Apache-2.0
import { setApplications, setChipChanged, setInstanceState } from '../../store/provider/service-processes.ts';
import { aid } from '../../wire/gp/aid.ts';
import { gpCommand, INS, toPlainCommand } from '../../wire/gp/command.ts';
import { installForPersonalization } from '../../wire/gp/install.ts';
import { fromHex } from '../../wire/hex.ts';
import type { PlainCommand } from '../../wire/message/kms.ts';
import { INSTANCE_STATE } from '../../wire/message/platform.ts';
import { filledTemplate, type PersonalizationScript } from '../../wire/script/personalization-script.ts';
import { rowOfVisit } from '../key-distribution/54-select-security-domain.ts';
import { auditSecurityDomain } from '../key-distribution/provider-context.ts';
import type { OnItsCard, ServiceContext } from './context.ts';
import type { Looked } from './look-for-applications.ts';

const MAX_DATA = 223;

/**
 * S10: INSTALL [for personalization] and STORE DATA of each application that has a script, keys filled in by the KMS
 * under the session's DEK. What was stored before a break is stored again from its beginning.
 */
export async function* personaliseApplications(facts: OnItsCard & Looked, context: ServiceContext) {
  const { applications, personalized, commands } = facts;
  if (!commands.includes('P')) return {};
  const wanted = applications.filter(
    ({ instanceAid, scriptId }) => scriptId !== undefined && !personalized.includes(instanceAid),
  );
  if (wanted.length === 0) return {};
  const parts: PlainCommand[] = [];
  for (const { instanceAid, scriptId = '' } of wanted) {
    const script = await context.personalizationScript(scriptId);
    parts.push(toPlainCommand(installForPersonalization(aid(instanceAid))), ...(await blocks(script, facts, context)));
  }
  await setChipChanged(context.database, context.workflowId, true);
  const audit = { numeral: 'S10', act: 'personalise applications', details: { applications: wanted.length } };
  await auditSecurityDomain(context, facts.cardId, { ...audit, phase: 'before' });
  yield parts;
  await auditSecurityDomain(context, facts.cardId, { ...audit, phase: 'after' });
  return {};
}

async function blocks(
  { storeData, keys }: PersonalizationScript,
  facts: OnItsCard,
  context: ServiceContext,
): Promise<PlainCommand[]> {
  const { serial, productId, keyOwner = '' } = facts;
  const { kms } = context;
  const { certificate } = await rowOfVisit(facts, context);
  const receiver = certificate === undefined ? {} : { receiver: certificate };
  const keySet = `purse ${productId}`;
  if (keys !== undefined) await kms.purse.createKeySet({ label: keySet, algorithm: keys.algorithm });
  return storeData.map(({ p1, data = '', keys: fills, cardKey }, p2) => {
    const command = toPlainCommand(
      gpCommand({
        label: 'STORE DATA',
        cla: 0x80,
        ins: INS.STORE_DATA,
        p1: Number.parseInt(p1, 16),
        p2,
        data: fromHex(filledTemplate(data, { serial }), MAX_DATA),
      }),
    );
    if (cardKey !== undefined)
      return { ...command, ...receiver, cardKey: { label: cardKey.key, dgi: cardKey.dgi, owner: keyOwner, serial } };
    return fills === true ? { ...command, ...receiver, purseKeys: { keySet, serial } } : command;
  });
}

/** S11: all of them are personalised. */
export async function recordPersonalised(facts: OnItsCard, { database }: ServiceContext) {
  const { applications, commands, instanceId } = facts;
  if (!commands.includes('P')) return {};
  const done = applications.map((application) => ({ ...application, personalized: true }));
  await setApplications(database, instanceId, done);
  await setInstanceState(database, instanceId, INSTANCE_STATE.PERSONALIZED);
  return { applications: done };
}

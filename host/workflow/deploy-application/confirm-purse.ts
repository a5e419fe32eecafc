// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { LifeCycleError } from '../../errors.ts';
import { responseData, toCardCommand } from '../../wire/gp/command.ts';
import { toHex } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { decodeLoadInitialized, initializeForLoad } from '../../wire/purse/commands.ts';
import { refuseLocked, selectUnlocked } from '../key-distribution/41a-probe-security-domain.ts';
import { openedLoad } from '../top-up/opened-load.ts';
import type { DeployContext, Named } from './context.ts';

/** D12: the purse has our keys: a query's MAC1 verifies. @throws LifeCycleError `purse-keys`, `card-locked` */
export async function* confirmPurse({ instance }: Named, { product, kms }: DeployContext) {
  const { serial } = instance;
  const query = { account: 'purse', keyIndex: 1, amount: 0, terminal: toHex(randomBytes(6)) } as const;
  const command = initializeForLoad(query);
  const responses: readonly CardResponse[] = yield [selectUnlocked(product.instanceAid), toCardCommand(command)];
  refuseLocked(responses[0]);
  const answer = decodeLoadInitialized(responseData(command, responses[1]));
  const load = openedLoad({ keySet: product.keySet, serial }, query, answer);
  if (!(await kms.purse.queryLoad({ load })).verified)
    throw new LifeCycleError('purse-keys', 'The purse on this card does not answer with our keys', { serial });
  return {};
}

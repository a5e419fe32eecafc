// SPDX-License-Identifier: Apache-2.0
import { cardKeysOf } from '../../wire/script/personalization-script.ts';
import { ScriptKms } from '../service-script/script-kms.ts';
import type { OnItsCard, ServiceContext } from './context.ts';

/**
 * S2a: the KMS has all keys that the personalization scripts name, for the service's provider.
 *
 * @throws PolicyError `script-key`, before anything is changed
 */
export async function requireKeys({ applications, commands, keyOwner = '' }: OnItsCard, context: ServiceContext) {
  if (!commands.includes('P')) return {};
  const labels: string[] = [];
  for (const { scriptId } of applications)
    if (scriptId !== undefined) labels.push(...cardKeysOf(await context.personalizationScript(scriptId)));
  if (labels.length > 0) await new ScriptKms(context.kms.keys, keyOwner).requireCardKeys(labels);
  return {};
}

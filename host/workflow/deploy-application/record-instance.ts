// SPDX-License-Identifier: Apache-2.0
import { recordDeployed } from '../../store/provider/service-instances.ts';
import type { DeployContext, Named } from './context.ts';

/** D13: the instance is operational, or suspended where a loss report came meanwhile. */
export async function recordInstance({ instance }: Named, { database }: DeployContext) {
  await recordDeployed(database, instance.instanceId);
  return {};
}

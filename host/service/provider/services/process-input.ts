// SPDX-License-Identifier: Apache-2.0
import type { ProcessOperation } from '../../../wire/message/service-instance.ts';
import type { ServiceStart } from '../../../workflow/deploy-service/context.ts';

/** What the engine keeps of a process. */
export type ProcessInput = {
  readonly start: ServiceStart;
  readonly request: ProcessOperation;
  /** Where the instance stands when all succeeds. */
  readonly to: number | undefined;
  /** Of an update: what is on the card then. */
  readonly version?: { readonly tag: string; readonly flavorId: string };
};

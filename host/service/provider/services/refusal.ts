// SPDX-License-Identifier: Apache-2.0
import { ConflictError, NotFoundError, PolicyError, type TsmError, UsageError } from '../../../errors.ts';
import { EXECUTION_STATUS } from '../../../wire/tsms/instance-state.ts';

type StatusName = keyof typeof EXECUTION_STATUS;

const CLASSES: Partial<Record<StatusName, typeof TsmError>> = {
  NOT_FOUND: NotFoundError,
  UNAUTHORIZED: PolicyError,
  INVALID_ARGUMENT: UsageError,
};

/** A request of the TSM-API that is not done: its number of the guideline travels in the context. */
export function refusal(status: StatusName, message: string): TsmError {
  const type = CLASSES[status] ?? ConflictError;
  const code = status.toLowerCase().replaceAll('_', '-');
  return new type(code, message, { executionStatus: EXECUTION_STATUS[status] });
}

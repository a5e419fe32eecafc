// SPDX-License-Identifier: Apache-2.0
import { ConflictError, NotFoundError, PeerError, PolicyError, type TsmError, UsageError } from '../errors.ts';
import { EXECUTION_STATUS } from '../wire/tsms/instance-state.ts';

type StatusName = keyof typeof EXECUTION_STATUS;

const CLASSES: Partial<Record<StatusName, typeof TsmError>> = {
  NOT_FOUND: NotFoundError,
  UNAUTHORIZED: PolicyError,
  INVALID_ARGUMENT: UsageError,
};

const codeOf = (status: string): string => status.toLowerCase().replaceAll('_', '-');

/** A request of the TSM-API that is not done: its number of the guideline travels in the context. */
export function refusal(status: StatusName, message: string): TsmError {
  const type = CLASSES[status] ?? ConflictError;
  return new type(codeOf(status), message, { executionStatus: EXECUTION_STATUS[status] });
}

/** A refusal of the platform behind, as it was; undefined for anything else. */
export function refusalOfPeer(error: unknown): TsmError | undefined {
  if (!(error instanceof PeerError)) return undefined;
  const name = Object.keys(EXECUTION_STATUS).find((status) => codeOf(status) === error.code);
  return name === undefined ? undefined : refusal(name as StatusName, error.message);
}

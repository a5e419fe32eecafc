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

/** The refusal that has this code; undefined for a code that is none of the guideline. */
export function refusalOfCode(code: string, message: string): TsmError | undefined {
  const name = Object.keys(EXECUTION_STATUS).find((status) => codeOf(status) === code);
  return name === undefined ? undefined : refusal(name as StatusName, message);
}

/** A refusal of the platform behind, as it was; undefined for anything else: one that failed has refused nothing. */
export function refusalOfPeer(error: unknown): TsmError | undefined {
  if (!(error instanceof PeerError) || Number(error.context.status ?? 500) >= 500) return undefined;
  return refusalOfCode(error.code, error.message);
}

const BY_CODE: Readonly<Record<string, number>> = {
  'card-not-yours': EXECUTION_STATUS.NO_ELIGIBLE_SC,
  'idempotency-key-reused': EXECUTION_STATUS.INVALID_ARGUMENT,
  overloaded: EXECUTION_STATUS.OVERLOAD,
  draining: EXECUTION_STATUS.MAINTENANCE,
};
const BY_STATUS: Readonly<Record<number, number>> = {
  400: EXECUTION_STATUS.INVALID_ARGUMENT,
  401: EXECUTION_STATUS.NOT_AUTHENTICATED,
  403: EXECUTION_STATUS.UNAUTHORIZED,
  404: EXECUTION_STATUS.NOT_FOUND,
  409: EXECUTION_STATUS.NOT_ALLOWED,
  413: EXECUTION_STATUS.INVALID_ARGUMENT,
  415: EXECUTION_STATUS.INVALID_ARGUMENT,
  422: EXECUTION_STATUS.INVALID_ARGUMENT,
  429: EXECUTION_STATUS.OVERLOAD,
  503: EXECUTION_STATUS.TSM_NOT_AVAILABLE,
};

/**
 * The guideline's number for a request of the TSM-API that is answered with a problem, whoever found it: the app
 * library knows no other.
 *
 * @param answer code and HTTP status of the problem, and the status with which a platform behind has answered
 */
export function statusOfRefusal(answer: {
  readonly code: string;
  readonly status: number;
  readonly behind?: number | undefined;
}): number {
  const { code, status, behind } = answer;
  const known = BY_CODE[code];
  if (known !== undefined) return known;
  if (behind !== undefined && [429, 503, 504].includes(behind)) return EXECUTION_STATUS.OVERLOAD;
  return BY_STATUS[status] ?? EXECUTION_STATUS.INTERNAL;
}

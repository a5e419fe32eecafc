// SPDX-License-Identifier: Apache-2.0
import {
  CertificateError,
  ConflictError,
  InvariantError,
  KeyError,
  LifeCycleError,
  LimitError,
  NotFoundError,
  PeerError,
  PolicyError,
  SecureChannelError,
  StatusWordError,
  TransportError,
  TsmError,
  UnacceptableError,
  UsageError,
  WireError,
  WorkflowError,
} from '../errors.ts';
import { databaseError, mayPass } from '../store/database-errors.ts';
import type { Problem } from '../wire/message/common.ts';
import type { FieldError } from './validation.ts';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';
const PREFIX = 'urn:opentsm:problem:';

/** A request that does not follow the route's schema. */
export class RequestError extends UsageError {
  readonly errors: readonly FieldError[];
  readonly status: number;

  constructor(code: string, message: string, errors: readonly FieldError[] = [], status = 400) {
    super(code, message);
    this.errors = errors;
    this.status = status;
  }
}

/** A user must log in again, in another way: told in the form of RFC 9470. */
const STEP_UP = 'insufficient-user-authentication';

/** Ours alone: a peer that answers with this code sends no user away. */
const wantsStepUp = (error: unknown): error is PolicyError => error instanceof PolicyError && error.code === STEP_UP;

/** What stands in `www-authenticate`. @see RFC 6750 3, RFC 9470 3 */
export function challengeOf(error: unknown): string {
  if (!wantsStepUp(error)) return 'Bearer';
  const { acrValues, maxAge } = error.context;
  const wanted = [
    'error="insufficient_user_authentication"',
    ...(typeof acrValues === 'string' ? [`acr_values="${acrValues}"`] : []),
    ...(typeof maxAge === 'number' ? [`max_age="${maxAge}"`] : []),
  ];
  return `Bearer ${wanted.join(', ')}`;
}

/** Most special class first; the first that matches decides. */
const STATUS: readonly (readonly [abstract new (...args: never[]) => TsmError, number, string])[] = [
  [UnacceptableError, 422, 'Not acceptable'],
  [UsageError, 400, 'The request is not right'],
  [PolicyError, 403, 'Not allowed'],
  [NotFoundError, 404, 'Not found'],
  [ConflictError, 409, 'Conflict'],
  [LifeCycleError, 409, 'Not possible in this state'],
  [WorkflowError, 409, 'The workflow stopped'],
  [LimitError, 429, 'Too much at once'],
  [CertificateError, 422, 'Certificate not accepted'],
  [KeyError, 422, 'Key not usable'],
  [StatusWordError, 502, 'The card refused'],
  [SecureChannelError, 502, 'The secure channel failed'],
  [WireError, 502, 'Bytes not understood'],
  [PeerError, 502, 'Another platform refused'],
  [TransportError, 503, 'Not reachable'],
];

/** `urn:opentsm:problem:<code>` */
export function problemType(code: string): string {
  return PREFIX + code;
}

/** The code of one of our problem types, or `problem` for foreign ones. */
export function problemCode(type: string): string {
  const code = type.startsWith(PREFIX) ? type.slice(PREFIX.length) : '';
  return /^[a-z0-9-]{1,64}$/.test(code) ? code : 'problem';
}

/**
 * Turns any error into an RFC 9457 problem document. An error of ours that is no caller's business
 * (InvariantError) and every unknown error become `internal`, without detail.
 */
export function problemOf(thrown: unknown, instance?: string): Problem {
  const error = mayPass(thrown) ? databaseError(thrown) : thrown;
  const at = instance === undefined ? {} : { instance: instance.slice(0, 200) };
  const row = error instanceof InvariantError ? undefined : STATUS.find(([type]) => error instanceof type);
  if (row === undefined || !(error instanceof TsmError)) return frameworkProblem(error, at);
  const status = error instanceof RequestError ? error.status : wantsStepUp(error) ? 401 : row[1];
  const { numeral, ...context } = error.context;
  return {
    type: problemType(error.code),
    title: row[2],
    status,
    detail: error.message.slice(0, 2000),
    ...at,
    ...(typeof numeral === 'string' ? { numeral: numeral.slice(0, 8) } : {}),
    ...(error instanceof RequestError && error.errors.length > 0 ? { errors: [...error.errors] } : {}),
    ...(Object.keys(context).length > 0 ? { context } : {}),
  };
}

/** Errors of Fastify carry a status of their own; only those of the caller are told. */
function frameworkProblem(error: unknown, at: { instance?: string }): Problem {
  const { statusCode, code } = (error ?? {}) as { statusCode?: unknown; code?: unknown };
  const known = FRAMEWORK.find(([status]) => status === statusCode);
  if (known !== undefined && typeof code === 'string' && code.startsWith('FST_')) {
    return { type: problemType(known[1]), title: known[2], status: known[0], ...at };
  }
  return { type: problemType('internal'), title: 'Internal error', status: 500, ...at };
}

const FRAMEWORK: readonly (readonly [number, string, string])[] = [
  [400, 'invalid-request', 'The request is not right'],
  [404, 'no-such-route', 'Not found'],
  [405, 'method-not-allowed', 'This path takes other methods'],
  [413, 'body-too-large', 'The body is too large'],
  [414, 'uri-too-long', 'The address is too long'],
  [415, 'media-type', 'Only application/json is understood'],
  [503, 'overloaded', 'Too much to do, try again later'],
];

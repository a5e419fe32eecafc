// SPDX-License-Identifier: Apache-2.0
import type { Problem } from '../wire/message/common.ts';
import type { Failure } from '../workflow/engine/run.ts';

/** Errors that are a final answer: repeating the request as it is gives the same. */
const REFUSALS: ReadonlyMap<string, number> = new Map([
  ['PolicyError', 403],
  ['NotFoundError', 404],
  ['ConflictError', 409],
  ['LifeCycleError', 409],
  ['CertificateError', 422],
]);

/** True when somebody said no, as opposed to a card, link or platform that failed. */
export function isRefusal(failure: Failure): boolean {
  if (REFUSALS.has(failure.kind)) return true;
  return failure.kind === 'PeerError' && (failure.status ?? 500) < 500;
}

/** RFC 9457 document of a failure that a workflow recorded. */
export function problemOfFailure(failure: Failure): Problem {
  const status = failure.kind === 'PeerError' ? (failure.status ?? 502) : (REFUSALS.get(failure.kind) ?? 503);
  return {
    type: `urn:opentsm:problem:${failure.code}`,
    title: isRefusal(failure) ? 'Refused' : 'The workflow failed',
    status,
    detail: failure.message,
    ...(failure.numeral === undefined ? {} : { numeral: failure.numeral.slice(0, 8) }),
  };
}

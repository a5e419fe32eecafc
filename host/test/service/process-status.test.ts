// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { statusOf } from '../../service/provider/services/process-status.ts';
import { EXECUTION_STATUS as S } from '../../wire/tsms/instance-state.ts';
import type { Failure } from '../../workflow/engine/run.ts';

/** Whose failure it was (BSI TR-03165 1.0.4, 4.2). */
describe('the number of a process that failed', () => {
  const CASES: readonly (readonly [number, Pick<Failure, 'kind' | 'code'> & Partial<Failure>])[] = [
    [S.NO_ELIGIBLE_SC, { kind: 'ConflictError', code: 'other-card' }],
    [S.SC_INACCESSIBLE, { kind: 'TransportError', code: 'card-removed' }],
    [S.SC_INACCESSIBLE, { kind: 'PeerError', code: 'reader-unknown', status: 404 }],
    [S.SC_INACCESSIBLE, { kind: 'PeerError', code: 'terminal-away', status: 503 }],
    [S.SC_INACCESSIBLE, { kind: 'PeerError', code: 'card-busy', status: 409 }],
    [S.ORPHANED, { kind: 'NotFoundError', code: 'load-file-gone' }],
    [S.ORPHANED, { kind: 'NotFoundError', code: 'script-gone' }],
    [S.SC_ERROR, { kind: 'LifeCycleError', code: 'application-gone' }],
    [S.INTERRUPTED, { kind: 'WorkflowError', code: 'script-gone' }],
    [S.TSM_NOT_AVAILABLE, { kind: 'TransportError', code: 'peer-unreachable' }],
    [S.TSM_NOT_AVAILABLE, { kind: 'PeerError', code: 'token-away', status: 503 }],
    [S.ISSUER_ERROR, { kind: 'PeerError', code: 'peer-unreachable', status: 503, numeral: 'D7' }],
    [S.ISSUER_ERROR, { kind: 'PeerError', code: 'aid-taken', status: 409, numeral: 'D3' }],
    [S.OVERLOAD, { kind: 'PeerError', code: 'too-many-sessions', status: 429 }],
    [S.OVERLOAD, { kind: 'PeerError', code: 'overloaded', status: 503 }],
    [S.INTERNAL, { kind: 'InvariantError', code: 'internal' }],
  ];
  for (const [status, failure] of CASES)
    it(`is ${status} for ${failure.kind} ${failure.code} ${failure.numeral ?? ''}`, () => {
      expect(statusOf({ message: '', ...failure })).to.equal(status);
    });
});

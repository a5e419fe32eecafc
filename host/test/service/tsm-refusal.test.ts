// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { PeerError, TransportError } from '../../errors.ts';
import { refusalOfPeer, statusOfRefusal } from '../../service/tsm-refusal.ts';

describe('refusals of the TSM-API', () => {
  it('are what the platform behind refused, and not that it failed', () => {
    const peer = (code: string, status: number) => refusalOfPeer(new PeerError(code, 'why', { status }));
    expect(peer('not-allowed', 409)?.context).to.deep.equal({ executionStatus: 13 });
    expect(peer('internal', 500)).to.equal(undefined);
    expect(peer('maintenance', 503)).to.equal(undefined);
    expect(peer('aid-taken', 409)).to.equal(undefined);
    expect(refusalOfPeer(new TransportError('network', 'why'))).to.equal(undefined);
  });

  it('have a number whatever they are', () => {
    const numbers = [400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 502, 503].map((status) =>
      statusOfRefusal({ code: 'problem', status }),
    );
    expect(numbers).to.deep.equal([4, 5, 15, 17, 13, 4, 4, 4, 18, 2, 2, 1]);
    expect(statusOfRefusal({ code: 'problem', status: 502, behind: 503 })).to.equal(18);
    expect(statusOfRefusal({ code: 'card-not-yours', status: 404 })).to.equal(8);
    expect(statusOfRefusal({ code: 'idempotency-key-reused', status: 409 })).to.equal(4);
  });
});

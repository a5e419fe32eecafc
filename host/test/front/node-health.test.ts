// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { type CallResult, NodeHealth, type ProbeResult } from '../../rest/node-health.ts';

const SLOW_START_MS = 1_000;
const EJECT_MS = 100;

describe('the health of a node', () => {
  let now = 0;
  let health: NodeHealth;
  beforeEach(() => {
    now = 0;
    health = new NodeHealth({ slowStartMs: SLOW_START_MS, ejectMs: EJECT_MS, now: () => now });
  });

  const probe = (...results: readonly ProbeResult[]) => {
    for (const result of results) health.probed(result);
    return health.state;
  };
  const call = (...results: readonly CallResult[]) => {
    for (const result of results) health.called(result);
    return health.state;
  };
  const up = () => {
    probe('ready');
    now += SLOW_START_MS;
    expect(health.state).to.equal('up');
  };

  it('starts with a small share that grows to the whole', () => {
    expect([health.state, health.share]).to.deep.equal(['starting', 0.1]);
    expect(probe('ready')).to.equal('starting');
    now = SLOW_START_MS / 2;
    expect([health.state, health.share]).to.deep.equal(['starting', 0.5]);
    now = SLOW_START_MS;
    expect([health.state, health.share]).to.deep.equal(['up', 1]);
  });

  it('is suspect after one probe that it did not pass and down after three', () => {
    up();
    expect(probe('silent')).to.equal('suspect');
    expect(probe('not-ready')).to.equal('suspect');
    expect(probe('silent')).to.equal('down');
  });

  it('is as it was after a single probe was lost', () => {
    up();
    probe('silent', 'ready');
    expect([health.state, health.share]).to.deep.equal(['up', 1]);
  });

  it('is down at once when nobody listens, and starts anew when it is back', () => {
    up();
    expect(call('refused')).to.equal('down');
    expect(probe('ready')).to.equal('starting');
    expect(health.share).to.equal(0.1);
  });

  it('is not down any more when it answers a call', () => {
    up();
    probe('refused');
    expect(call('answered')).to.equal('starting');
  });

  it('drains by its own word or by a call that it refuses', () => {
    up();
    expect(probe('draining')).to.equal('draining');
    expect(probe('ready')).to.equal('starting');
    expect(call('draining')).to.equal('draining');
  });

  it('is put out when three calls in a row fail although it says that it is well', () => {
    up();
    expect(call('failed', 'failed', 'answered', 'failed', 'failed')).to.equal('up');
    expect(call('failed')).to.equal('suspect');
    expect(probe('ready')).to.equal('suspect');
    expect(health.ejectedMs).to.equal(EJECT_MS);
    now += EJECT_MS;
    expect(health.state).to.equal('up');
  });

  it('stays out twice as long each time, until it has answered', () => {
    up();
    for (const expected of [1, 2, 4, 8, 16, 32, 32]) {
      call('failed', 'failed', 'failed');
      expect(health.ejectedMs).to.equal(expected * EJECT_MS);
      // Late answers of calls from before change nothing.
      call('answered', 'failed', 'failed', 'failed');
      expect(health.ejectedMs).to.equal(expected * EJECT_MS);
      now += expected * EJECT_MS;
    }
    call('answered');
    expect(health.ejections).to.equal(0);
  });

  it('comes back to its whole share from whatever happened, once it is well and time goes by', () => {
    const events = fc.array(
      fc.oneof(
        fc
          .constantFrom<ProbeResult>('ready', 'draining', 'not-ready', 'silent', 'refused')
          .map((probed) => ({ probed })),
        fc.constantFrom<CallResult>('answered', 'failed', 'draining', 'refused').map((called) => ({ called })),
        fc.integer({ min: 0, max: 2 * SLOW_START_MS }).map((ms) => ({ ms })),
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(events, (list) => {
        let at = 0;
        const any = new NodeHealth({ slowStartMs: SLOW_START_MS, ejectMs: EJECT_MS, now: () => at });
        for (const event of list) {
          if ('probed' in event) any.probed(event.probed);
          else if ('called' in event) any.called(event.called);
          else at += event.ms;
          expect(any.share).to.be.within(0.1, 1);
          expect(any.ejectedMs).to.be.within(0, 32 * EJECT_MS);
        }
        any.probed('ready');
        at += 32 * EJECT_MS + SLOW_START_MS;
        expect([any.state, any.share]).to.deep.equal(['up', 1]);
      }),
      { numRuns: soakRuns(100) },
    );
  });
});

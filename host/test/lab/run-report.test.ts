// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { fieldCostOf } from '../../lab/run-report.ts';
import type { StepRecord } from '../../wire/message/key-distribution.ts';

const step = (roundTrips: number, ms: number): StepRecord => ({
  numeral: '45',
  name: 'selectIssuerSecurityDomain',
  from: 'issuer',
  to: 'card',
  commands: [],
  roundTrips,
  ms,
  apdus: 1,
  bytesOut: 5,
  bytesIn: 2,
});
const steps = [step(2, 700), step(0, 100), step(4, 1_200)];
const radio = { messages: 2, bytes: 200, seconds: 0.9, packets: [] };

describe('a run at a network of 300 ms', () => {
  it('takes its exchanges and what both sides took, without the delay that was added', () => {
    const bare = { exchanges: 6, networkSeconds: 1.8, seconds: 3.8 };
    expect(fieldCostOf({ steps }, { bySms: false, delayMs: 0 })).to.deep.equal(bare);
    const slow = [step(2, 1_300), step(0, 100), step(4, 2_400)];
    expect(fieldCostOf({ steps: slow }, { bySms: false, delayMs: 300 })).to.deep.equal(bare);
  });

  it('takes the short messages beside a bearer too, and nothing else where they are the bearer', () => {
    const calls = { exchanges: 6, networkSeconds: 2.7, seconds: 4.7 };
    expect(fieldCostOf({ steps, radio }, { bySms: false, delayMs: 0 })).to.deep.equal(calls);
    const messages = { exchanges: 6, networkSeconds: 0.9, seconds: 2.9 };
    expect(fieldCostOf({ steps, radio }, { bySms: true, delayMs: 0 })).to.deep.equal(messages);
  });
});

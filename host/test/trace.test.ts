// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { noteWork, runAs, traceIdOf, traceparentOf, workNow } from '../trace.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

describe('trace context', () => {
  it('reads the trace id of a traceparent, also of a later version', () => {
    expect(traceIdOf(`00-${TRACE}-00f067aa0ba902b7-01`)).to.equal(TRACE);
    expect(traceIdOf(`cc-${TRACE}-00f067aa0ba902b7-01-more`)).to.equal(TRACE);
  });

  for (const header of [
    ...[undefined, '', 'x', `ff-${TRACE}-00f067aa0ba902b7-01`, `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ...[`00-${TRACE}-${'0'.repeat(16)}-01`, `00-${TRACE.toUpperCase()}-00f067aa0ba902b7-01`],
    `00-${TRACE}-00f067aa0ba902b7-01${'x'.repeat(300)}`,
  ]) {
    it(`takes ${String(header).slice(0, 60)} for none`, () => {
      expect(traceIdOf(header)).to.equal(undefined);
    });
  }

  it('goes with the work through everything that it waits for, apart from other work', async () => {
    const work = async (traceId: string) =>
      runAs({ traceId }, async () => {
        await new Promise((resolve) => setImmediate(resolve));
        noteWork({ step: traceId.slice(0, 2) });
        await Promise.resolve();
        return workNow();
      });
    const other = 'a'.repeat(32);
    expect(await Promise.all([work(TRACE), work(other)])).to.deep.equal([
      { traceId: TRACE, step: '4b' },
      { traceId: other, step: 'aa' },
    ]);
    expect(workNow()).to.equal(undefined);
    expect(traceIdOf(traceparentOf({ traceId: TRACE }))).to.equal(TRACE);
  });
});

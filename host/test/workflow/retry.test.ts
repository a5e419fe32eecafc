// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { TransportError } from '../../errors.ts';
import { Bells, readUntil } from '../../store/bells.ts';
import { persist } from '../../workflow/engine/retry.ts';

const HOUR_MS = 3_600_000;

/** The machine's clock is set, as by an operator or NTP, while something waits. */
async function withClockStep<T>(stepMs: number, work: (step: () => void) => Promise<T>): Promise<T> {
  const { now } = Date;
  try {
    return await work(() => {
      Date.now = () => now() + stepMs;
    });
  } finally {
    Date.now = now;
  }
}

describe('a clock that is set while a flow waits', () => {
  for (const [name, stepMs] of [
    ['forwards', HOUR_MS],
    ['backwards', -HOUR_MS],
  ] as const) {
    it(`${name} does not end the tries`, async () => {
      const outcome = await withClockStep(stepMs, (step) =>
        persist(
          async (attempt) => {
            if (attempt > 1) return attempt;
            step();
            throw new TransportError('terminal-away', 'away');
          },
          { windowMs: 10_000, stopping: new AbortController().signal },
        ),
      );
      expect(outcome).to.equal(2);
    });

    it(`${name} does not move the end of a wait`, async () => {
      const bells = new Bells();
      const started = performance.now();
      await withClockStep(stepMs, async (step) => {
        const waiting = readUntil(bells, 'news', async () => 0, { done: () => false, waitMs: 100 });
        step();
        await waiting;
      });
      expect(performance.now() - started).to.be.within(95, 5_000);
    });
  }

  it('lets tries end when their window is over', async () => {
    const failing = persist(
      async () => {
        throw new TransportError('terminal-away', 'away');
      },
      { windowMs: 100, stopping: new AbortController().signal },
    );
    expect(await failing.catch((error: unknown) => error)).to.have.property('code', 'terminal-away');
  });
});

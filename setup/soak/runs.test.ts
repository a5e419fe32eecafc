// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { gateSeed } from './runs.ts';

/** `runs.ts` as a process with these variables has it. */
async function runsWith(environment: Readonly<Record<string, string>>): Promise<typeof import('./runs.ts')> {
  const { OPENTSM_SOAK, OPENTSM_SOAK_SEED, ...rest } = process.env;
  const before = process.env;
  process.env = { ...rest, ...environment };
  try {
    return await import(`./runs.ts?${new URLSearchParams(environment)}`);
  } finally {
    process.env = before;
  }
}

describe('the cases of a run', () => {
  it('are the same ones each time in the gate', async () => {
    const [one, other] = [await runsWith({}), await runsWith({ any: 'more' })];
    expect([one.soaking, one.soakRuns(7), one.gateSeed]).to.deep.equal([false, 7, other.gateSeed]);
    expect(one.draws()(1_000_000)).to.equal(other.draws()(1_000_000));
  });

  it('are those of the seed in properties that do not say so', () => {
    const drawn = fc.sample(fc.nat(), 3);
    expect(fc.readConfigureGlobal().seed).to.equal(gateSeed.seed);
    expect(fc.sample(fc.nat(), 3)).to.deep.equal(drawn);
  });

  it('are those of the seed in a soak of any factor', async () => {
    const gate = await runsWith({});
    for (const factor of ['1', '20']) {
      const [one, other] = [
        await runsWith({ OPENTSM_SOAK: factor, OPENTSM_SOAK_SEED: '7' }),
        await runsWith({ OPENTSM_SOAK: factor, OPENTSM_SOAK_SEED: '8' }),
      ];
      expect(one.gateSeed, factor).to.deep.equal({ seed: 7 });
      expect(one.soakRuns(3), factor).to.equal(3 * Number(factor));
      const drawn = [gate, one, other].map(({ draws }) => draws()(1_000_000));
      expect(new Set(drawn).size, factor).to.equal(3);
    }
  });
});

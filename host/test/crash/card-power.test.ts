// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { gateCases, soaking } from '../../../setup/soak/runs.ts';
import { type InsertedCard, SingleProviderLab } from '../../lab/single-provider-lab.ts';
import type { KeyDistributionState } from '../../wire/message/key-distribution.ts';
import { expectDistributed } from './compare.ts';

const READERS = 3;
/** Rows whose last answer is lost while another flow waits for the card: what it changed is known to nobody then. */
const LOST_ANSWERS = ['50-51', '56-57', '59-60'];
/** Spread over all writes of a flow. */
const WRITE_CUTS = soaking ? 20 : 10;

/** The card loses its power at every single command of the flow, once before and once after it worked on it. */
describe('Key distribution, the card losing power at every APDU', function () {
  this.timeout(600_000);
  let lab: SingleProviderLab;
  let steps: KeyDistributionState['steps'] = [];
  let apdus = 0;
  let writes = 0;

  before(async () => {
    lab = await SingleProviderLab.open({ link: 'direct', keySizeBits: 1024, readers: READERS });
    await using inserted = await lab.insert();
    const before = await inserted.card.statistics();
    const state = await lab.distribute(inserted);
    expect(state.outcome).to.equal('distributed');
    steps = state.steps;
    const after = await inserted.card.statistics();
    apdus = after.apdus - before.apdus;
    writes = after.persistentWrites - before.persistentWrites;
  });

  after(async () => {
    await lab[Symbol.asyncDispose]();
  });

  for (const [first, when] of (['before-processing', 'before-response'] as const).entries()) {
    it(`ends with one owned domain when commands are cut ${when}`, async () => {
      expect(apdus).to.be.greaterThan(20);
      const cuts = Array.from({ length: apdus }, (_, afterApdus) => ({ afterApdus, when }));
      // In the gate each command is cut once, by turns before and after the card worked on it.
      await eachInReader(gateCases(cuts, 2, first), async (cut, inserted) => {
        await inserted.card.cutPower(cut);
        await expectDistributed(lab, inserted, await lab.distribute(inserted));
      });
    });
  }

  it('ends with one owned domain when the power ends at writes to persistent memory', async () => {
    expect(writes).to.be.greaterThan(50);
    const cuts = Array.from({ length: WRITE_CUTS }, (_, index) => ({
      atWrite: 1 + Math.floor((index * writes) / WRITE_CUTS),
    }));
    await eachInReader(cuts, async (cut, inserted) => {
      await inserted.card.cutPower(cut);
      await expectDistributed(lab, inserted, await lab.distribute(inserted));
    });
  });

  it('ends with one flow that made the domain when another waits for the card meanwhile', async () => {
    await eachInReader(LOST_ANSWERS, async (row, inserted) => {
      const before = steps.filter(({ numeral }) => numeral <= row).reduce((sum, step) => sum + step.apdus, 0);
      await inserted.card.cutPower({ afterApdus: before - 1, when: 'before-response' });
      const states = await Promise.all([lab.distribute(inserted), lab.distribute(inserted)]);
      const [found, made] = states.toSorted((a, b) => ((a.outcome ?? '') < (b.outcome ?? '') ? -1 : 1));
      expect([found?.outcome, made?.outcome], JSON.stringify(states.map(({ problem }) => problem))).to.deep.equal([
        ...['already-present', 'distributed'],
      ]);
      expect(found?.ssd).to.deep.equal(made?.ssd);
      if (made !== undefined) await expectDistributed(lab, inserted, made);
    });
  });

  /** Works through the cases in all readers at once; a failure names its case. */
  async function eachInReader<T>(cases: readonly T[], work: (value: T, inserted: InsertedCard) => Promise<void>) {
    const left = [...cases];
    const failures: string[] = [];
    const reader = async (index: number) => {
      for (let value = left.shift(); value !== undefined; value = left.shift()) {
        await using inserted = await lab.insert(index);
        await work(value, inserted).catch((error: Error) => {
          failures.push(`${JSON.stringify(value)}: ${error.message}`);
        });
      }
    };
    await Promise.all(Array.from({ length: READERS }, (_, index) => reader(index)));
    expect(failures).to.deep.equal([]);
  }
});

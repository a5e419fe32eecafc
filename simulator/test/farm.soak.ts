// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { farmCost } from '../../bench/farm.ts';
import { killWhileBusy } from './fixture/busy-farm.ts';

describe('a farm of a thousand cards', () => {
  it('is made in one process, and an idle one takes little memory', async () => {
    const { cards, heapKiB, classKiB } = await farmCost(1_000);
    console.log(`${cards} cards: ${heapKiB.toFixed(1)} KiB of heap and ${classKiB.toFixed(1)} KiB of classes each`);
    expect(heapKiB + classKiB).to.be.below(150);
  });

  it('loses no answered command when it is killed while all of them are busy', async () => {
    await killWhileBusy(1_000, 3);
  });
});

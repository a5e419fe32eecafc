// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { Turns } from '../../workflow/engine/turns.ts';

describe('turns of keys', () => {
  it('are remembered of all of them, in the order of the last ones', () => {
    const turns = new Turns();
    const keys = Array.from({ length: 1_000 }, (_, number) => `key-${number}`);
    for (const key of keys) turns.take(key);
    expect(turns.order).to.deep.equal(keys);
    turns.take('key-1');
    expect(turns.order).to.deep.equal([...keys.filter((key) => key !== 'key-1'), 'key-1']);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { aid } from '../../wire/gp/aid.ts';
import { answersAs } from '../../wire/gp/fci.ts';
import { selectedExactly } from '../../workflow/key-distribution/41a-probe-security-domain.ts';

const OURS = 'F06F70656E74736D10CA978112';

/** `6F L { 84 L AID ‖ A5 00 }`, GPCS 11.9.3.1. */
function fciOf(name: string): string {
  const length = name.length / 2;
  const byte = (value: number) => value.toString(16).padStart(2, '0').toUpperCase();
  return `6F${byte(length + 4)}84${byte(length)}${name}A500`;
}

describe('the probe of step 41a', () => {
  const selected = (data: string, sw = '9000') => selectedExactly({ data, sw }, OURS);

  it('takes the very AID for ours, and no application whose AID begins with it', () => {
    expect(selected(fciOf(OURS))).to.equal(true);
    expect(selected(fciOf(`${OURS}01`))).to.equal(false);
    expect(selected(fciOf(OURS.slice(0, -2)))).to.equal(false);
    expect(selected(fciOf(OURS), '6A82')).to.equal(false);
  });

  it('takes no answer without FCI, or with a malformed one, for ours', () => {
    const whole = fciOf(OURS);
    for (const data of [
      '',
      '6F00',
      `${whole}00`,
      ...Array.from({ length: whole.length / 2 }, (_, cut) => whole.slice(0, 2 * cut)),
    ])
      expect(selected(data), data).to.equal(false);
    expect(answersAs(whole, aid(OURS))).to.equal(true);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { keySetCommand } from '../../card/key-set.ts';
import { Secret } from '../../crypto/secret.ts';
import { WireError } from '../../errors.ts';
import { keyReference } from '../../wire/gp/key-reference.ts';
import { fromHex, toHex } from '../../wire/hex.ts';

const KEY = fromHex('303132333435363738393A3B3C3D3E3F');
/** `printf 0123456789:\;\<=\>? | sha1sum | cut -c 1-6` */
const CHECK = '06125D';

/** @see GP Amendment B 3.9.1, Table 3-13 */
describe('PUT KEY of a pre-shared key', () => {
  const put = (key: Uint8Array, unchecked: boolean) => {
    const set = { reference: keyReference(0x40, 1), kind: 'psk', keys: [new Secret(key)], unchecked } as const;
    return keySetCommand({ encryptSensitive: (data) => data }, set);
  };

  it('names its length and has the start of its SHA-1 as check value, which the answer repeats', () => {
    const { command, check } = put(KEY, false);
    expect(toHex(command.data)).to.equal(`40851110${toHex(KEY)}03${CHECK}`);
    check(fromHex(`40${CHECK}`));
    expect(() => check(fromHex('40112233'))).to.throw(WireError);
  });

  it('may go without, whatever the card then tells', () => {
    const { command, check } = put(KEY, true);
    expect(toHex(command.data)).to.equal(`40851110${toHex(KEY)}00`);
    check(fromHex(`40${CHECK}`));
    check(fromHex('40'));
  });

  it('is filled up to whole blocks', () => {
    expect(toHex(put(KEY.subarray(0, 13), false).command.data)).to.match(
      /^4085110D303132333435363738393A3B3C.{6}03.{6}$/,
    );
  });
});

// SPDX-License-Identifier: Apache-2.0
import { aesCmac, aesEcbEncrypt } from '../crypto/aes.ts';
import { desEcbEncrypt } from '../crypto/des.ts';
import { KeyError, UsageError } from '../errors.ts';
import { concat } from '../wire/hex.ts';

/**
 * A diversification formula of one's own: `CIPHER: TERM TERM ..`. A term is a byte in hex, `b0` to `b9` of the
 * diversification data, a range `b4-b9`, `k` the number of the key (01 ENC, 02 MAC, 03 DEK) or `n` the number of the
 * block.
 *
 * `des` and `aes` encipher 16 bytes in ECB; `cmac` makes as many blocks as the master key is long.
 *
 * @example `des: b4-b9 F0 k b4-b9 0F k` is EMV CPS, `cmac: n 00 00 00 k 00 b0-b9` is KDF3
 */
export type KeyFormula = (master: Uint8Array, diversification: Uint8Array, key: number) => Uint8Array;

type Term = (values: {
  readonly diversification: Uint8Array;
  readonly key: number;
  readonly block: number;
}) => number[];

/** @throws UsageError that names the term */
export function keyFormula(text: string): KeyFormula {
  const [, cipher = '', terms = ''] = /^\s*(des|aes|cmac)\s*:(.*)$/.exec(text) ?? [];
  if (cipher === '') throw new UsageError('kdf-formula', `${text}: want des:, aes: or cmac:, then terms`);
  const words = terms.trim().split(/\s+/);
  const parsed = words.map(termOf);
  const input = (diversification: Uint8Array, key: number, block: number): Uint8Array =>
    Uint8Array.from(parsed.flatMap((term) => term({ diversification, key, block })));
  const length = input(new Uint8Array(10), 1, 1).length;
  if (cipher !== 'cmac' && length !== 16)
    throw new UsageError('kdf-formula', `${cipher} enciphers 16 bytes`, { got: length });
  return (master, diversification, key) => {
    if (cipher === 'cmac') {
      const blocks = [1, 2].map((block) => aesCmac(master, input(diversification, key, block)));
      return concat(...blocks).slice(0, master.length);
    }
    if (master.length !== 16) throw new KeyError('master-key-length', 'This formula wants a master key of 16 bytes');
    const encrypt = cipher === 'aes' ? aesEcbEncrypt : desEcbEncrypt;
    return encrypt(master, input(diversification, key, 1));
  };
}

function termOf(word: string): Term {
  if (word === 'k') return ({ key }) => [key];
  if (word === 'n') return ({ block }) => [block];
  if (/^[0-9A-F]{2}$/i.test(word) && !/^b[0-9]$/.test(word)) return () => [Number.parseInt(word, 16)];
  const [, first = '', last = first] = /^b([0-9])(?:-b([0-9]))?$/.exec(word) ?? [];
  if (first === '' || Number(last) < Number(first))
    throw new UsageError('kdf-formula', `${word}: want a byte in hex, b0 to b9, a range as b4-b9, k or n`);
  return ({ diversification }) => [...diversification.slice(Number(first), Number(last) + 1)];
}

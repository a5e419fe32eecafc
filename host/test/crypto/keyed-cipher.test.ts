// SPDX-License-Identifier: Apache-2.0

import { cmac } from '@noble/ciphers/aes.js';
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { aesCbcDecrypt, aesCbcEncrypt, SessionAes } from '../../crypto/aes.ts';
import {
  BLOCK,
  desCbcDecrypt,
  desCbcEncrypt,
  desEcbEncrypt,
  retailMac,
  SessionRetailMac,
  sessionDes,
} from '../../crypto/des.ts';
import { WireError } from '../../errors.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const blocksOf = (block: number) => fc.nat({ max: 6 }).chain((count) => bytesOf(count * block));
const messages = (block: number) =>
  fc.array(
    fc.record({ data: blocksOf(block), iv: fc.option(bytesOf(block), { nil: undefined }), open: fc.boolean() }),
    {
      maxLength: 8,
    },
  );

describe('A cipher that is set up once for a session', () => {
  it('gives under AES what one for each message gives, whatever came before', () => {
    const key = fc.constantFrom(16, 24, 32).chain(bytesOf);
    fc.assert(
      fc.property(key, messages(16), (bytes, all) => {
        const session = new SessionAes(bytes);
        for (const { data, iv, open } of all) {
          const wanted = open ? aesCbcDecrypt(bytes, data, iv) : aesCbcEncrypt(bytes, data, iv);
          expect(open ? session.decrypt(data, iv) : session.encrypt(data, iv)).to.deep.equal(wanted);
        }
      }),
      { numRuns: soakRuns(100) },
    );
  });

  it('gives under triple DES what one for each message gives', () => {
    const key = fc.constantFrom(8, 16, 24).chain(bytesOf);
    fc.assert(
      fc.property(key, messages(8), (bytes, all) => {
        const session = sessionDes(bytes);
        for (const { data, iv, open } of all) {
          const wanted = open ? desCbcDecrypt(bytes, data, iv) : desCbcEncrypt(bytes, data, iv);
          expect(open ? session.decrypt(data, iv) : session.encrypt(data, iv)).to.deep.equal(wanted);
        }
      }),
      { numRuns: soakRuns(100) },
    );
  });

  it('gives the MACs of others', () => {
    const session = new SessionAes(fromHex('2B7E151628AED2A6ABF7158809CF4F3C'));
    const text = fromHex('6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E5130C81C46A35CE411');
    // RFC 4493 4
    expect(toHex(session.cmac(text.slice(0, 0)))).to.equal('BB1D6929E95937287FA37D129B756746');
    expect(toHex(session.cmac(text.slice(0, 16)))).to.equal('070A16B46B4D4144F79BDD9DD04A287C');
    expect(toHex(session.cmac(text.slice(0, 3), text.slice(3)))).to.equal('DFA66747DE9AE63030CA32611497C827');
    const parts = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 });
    fc.assert(
      fc.property(bytesOf(32), bytesOf(16), bytesOf(8), fc.array(parts, { maxLength: 4 }), (aes, des, iv, all) => {
        const [cmacs, macs] = [new SessionAes(aes), new SessionRetailMac(des)];
        for (const each of all) {
          expect(cmacs.cmac(...each)).to.deep.equal(cmac(concat(...each), aes));
          const [data = new Uint8Array()] = each;
          expect(macs.mac(iv, data)).to.deep.equal(retailMac(des, iv, data));
          expect(macs.icvOf(iv)).to.deep.equal(desEcbEncrypt(des.slice(0, BLOCK), iv));
        }
      }),
      { numRuns: soakRuns(100) },
    );
  });

  it('refuses a broken block and goes on', () => {
    const session = sessionDes(fromHex('404142434445464748494A4B4C4D4E4F'));
    const before = session.encrypt(new Uint8Array(8));
    expect(() => session.encrypt(new Uint8Array(9))).to.throw(WireError);
    expect(() => session.decrypt(new Uint8Array(7))).to.throw(WireError);
    expect(session.encrypt(new Uint8Array(8))).to.deep.equal(before);
    expect(session.decrypt(before)).to.deep.equal(new Uint8Array(8));
  });
});

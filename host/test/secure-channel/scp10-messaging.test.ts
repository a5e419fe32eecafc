// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { SessionRetailMac } from '../../crypto/des.ts';
import { Secret } from '../../crypto/secret.ts';
import { InvariantError, SecureChannelError, WireError } from '../../errors.ts';
import { encodeKeyTemplates } from '../../secure-channel/scp10/control-reference-template.ts';
import { macInitialVector, unwrapResponse, wrapCommand } from '../../secure-channel/scp10/secure-messaging.ts';
import {
  deriveSessionKeys,
  needsEncryption,
  orderedKeys,
  wipeSessionKeys,
} from '../../secure-channel/scp10/session-keys.ts';
import { SECURITY_LEVELS, type SecurityLevel } from '../../secure-channel/security-level.ts';
import { decodeCommand } from '../../wire/apdu.ts';
import { type GpCommand, gpCommand } from '../../wire/gp/command.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { SW } from '../../wire/status-word.ts';

const MAC = '404142434445464748494A4B4C4D4E4F';
const ENC = '505152535455565758595A5B5C5D5E5F';
const DEK = '606162636465666768696A6B6C6D6E6F';

const context = (level: SecurityLevel) => ({
  level,
  keys: {
    mac: new Secret(fromHex(MAC)),
    ...(needsEncryption(level) ? { enc: new Secret(fromHex(ENC)) } : {}),
    dek: new Secret(fromHex(DEK)),
  },
});
const plain = (text: string): GpCommand => {
  const { cla, ins, p1, p2, data, le } = decodeCommand(fromHex(text));
  return gpCommand({ label: text, cla, ins, p1, p2, data, le: le !== undefined });
};
const wrapped = (level: SecurityLevel, text: string): string =>
  wrapCommand(context(level), 1n, plain(text)).map(toHex).join(' ');

/** Values of scp10.md section 8. */
describe('SCP10 secure messaging, computed values', () => {
  it('first chaining value for counters 1 and 2', () => {
    expect(toHex(macInitialVector(new SessionRetailMac(fromHex(MAC)), 1n))).to.equal('D2B6543D5F3EFE9C');
    expect(toHex(macInitialVector(new SessionRetailMac(fromHex(MAC)), 2n))).to.equal('B8596FAA4F0DBE54');
  });

  for (const { name, level, command, expected } of [
    {
      name: 'C-MAC, case 4',
      level: 0x01,
      command: '80F24002024F0000',
      expected: '8CF240021181024F009701008E08DD15463EFAD76FE600',
    },
    {
      name: 'C-MAC, case 4, on channel 9',
      level: 0x01,
      command: 'C5F24002024F0000',
      expected: 'E5F240021181024F009701008E08DD15463EFAD76FE600',
    },
    {
      name: 'C-MAC and C-ENC, case 4',
      level: 0x03,
      command: '80F24002024F0000',
      expected: '8CF2400218870901CB245CAEBE2B21D99701008E08E1209E1B873C674500',
    },
    { name: 'C-MAC, case 2', level: 0x01, command: '80CA006600', expected: '8CCA00660D9701008E082CC1FB2489554C6600' },
    { name: 'C-MAC, case 1', level: 0x01, command: '80F0800F', expected: '8CF0800F0A8E082B70CE7F50F48802' },
  ] as const) {
    it(name, () => {
      expect(wrapped(level, command)).to.equal(expected);
    });
  }

  for (const { name, level, response, expected } of [
    { name: 'R-MAC', level: 0x11, response: '8105E303010203990290008E0874504720AEDC4FD5', expected: 'E303010203' },
    {
      name: 'R-MAC and R-ENC',
      level: 0x33,
      response: '8709011F9C41C3A87F19CE990290008E088995AA0C9C656618',
      expected: 'E303010203',
    },
    { name: 'R-MAC without data', level: 0x11, response: '990290008E08BABEEC36ABC69121', expected: '' },
  ] as const) {
    it(name, () => {
      expect(toHex(unwrapResponse(context(level), 2n, fromHex(response), SW.NO_ERROR))).to.equal(expected);
    });
  }

  it('plaintext T of key transport, and the two digests that are signed', () => {
    const keys = context(0x33).keys;
    const templates = encodeKeyTemplates(0x33, keys, 1n);
    expect(toHex(templates)).to.equal(
      `D30133B422950130800180D110${MAC}91080000000000000001B818950130800180D110${ENC}B8189501C0800180D110${DEK}`,
    );
    const sha1 = (...parts: Uint8Array[]): string => {
      const hash = createHash('sha1');
      for (const part of parts) hash.update(part);
      return hash.digest('hex').toUpperCase();
    };
    expect(sha1(templates, fromHex('101112131415161718191A1B1C1D1E1F'))).to.equal(
      'E75DE219DD6FB93A34F8B444DDD30A6176B0A83A',
    );
    expect(sha1(...orderedKeys(keys).map((key) => key.expose()), fromHex('202122232425262728292A2B2C2D2E2F'))).to.equal(
      '2D272EE7FE4280A6E2A3D7A160424A49CD7C17C8',
    );
  });

  it('keys of key agreement', () => {
    const oes = Uint8Array.from({ length: 32 }, (_, index) => index);
    const cs = oes.map((byte) => byte + 0x80);
    expect(orderedKeys(deriveSessionKeys(0x33, oes, cs)).map((key) => toHex(key.expose()))).to.deep.equal([
      'BDDAD1C97C15CFA24B418FF7BE08FF5B',
      'A3AC6010651CFBEA14262E28E606409B',
      '661BF7FAE444CC6009DD1211A550BBDE',
    ]);
  });
});

describe('SCP10 secure messaging, rules', () => {
  it('adds Le to every command once responses are protected', () => {
    expect(wrapped(0x11, '80F0800F').slice(-2)).to.equal('00');
    expect(wrapped(0x11, '80F0800F').length).to.equal(wrapped(0x01, '80F0800F').length + 2);
  });

  it('cuts the wrapped field of PUT KEY by P1 bit 80, MAC over the whole under the header of the last part', () => {
    const long = gpCommand({
      label: 'PUT KEY',
      cla: 0x80,
      ins: 0xd8,
      p1: 0,
      p2: 2,
      data: new Uint8Array(400).fill(0xaa),
      le: true,
    });
    const parts = wrapCommand(context(0x33), 1n, long).map((bytes) => decodeCommand(bytes));
    expect(parts.map(({ cla, p1, le }) => [cla, p1, le])).to.deep.equal([
      [0x8c, 0x80, undefined],
      [0x8c, 0x00, 256],
    ]);
    const whole = parts.map(({ data }) => toHex(data)).join('');
    expect(whole).to.match(/^8782019901[0-9A-F]{816}9701008E08[0-9A-F]{16}$/);
  });

  it('refuses a long command that has no chaining', () => {
    expect(() => wrapCommand(context(0x01), 1n, { ...plain('80F24002024F0000'), data: new Uint8Array(250) })).to.throw(
      WireError,
    );
  });

  it('refuses every flipped bit of a protected response, and every truncation', () => {
    for (const [level, text] of [
      [0x11, '8105E303010203990290008E0874504720AEDC4FD5'],
      [0x33, '8709011F9C41C3A87F19CE990290008E088995AA0C9C656618'],
    ] as const) {
      const good = fromHex(text);
      for (let bit = 0; bit < good.length * 8; bit += 1) {
        const flipped = Uint8Array.from(good);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(() => unwrapResponse(context(level), 2n, flipped, SW.NO_ERROR), `bit ${bit}`).to.throw(
          SecureChannelError,
        );
      }
      for (let length = 0; length < good.length; length += 1) {
        expect(() => unwrapResponse(context(level), 2n, good.slice(0, length), SW.NO_ERROR)).to.throw(
          SecureChannelError,
        );
      }
      expect(() => unwrapResponse(context(level), 3n, good, SW.NO_ERROR), 'replayed').to.throw(SecureChannelError);
      expect(() => unwrapResponse(context(level), 2n, good, SW.MORE_DATA_AVAILABLE), 'other status').to.throw(
        SecureChannelError,
      );
    }
  });

  it('answers noise with a SecureChannelError and nothing else', () => {
    fc.assert(
      fc.property(fc.constantFrom(0x11, 0x13, 0x33), fc.uint8Array({ maxLength: 60 }), (level, noise) => {
        expect(() => unwrapResponse(context(level as SecurityLevel), 2n, noise, SW.NO_ERROR)).to.throw(
          SecureChannelError,
        );
      }),
      { numRuns: soakRuns(100) },
    );
  });

  it('passes an error status word on, but never data with it', () => {
    expect(unwrapResponse(context(0x33), 2n, new Uint8Array(), SW.REFERENCED_DATA_NOT_FOUND)).to.have.length(0);
    expect(() => unwrapResponse(context(0x33), 2n, fromHex('00'), SW.REFERENCED_DATA_NOT_FOUND)).to.throw(
      SecureChannelError,
    );
  });

  it('wraps a command of a session as the first of it, whatever came before', () => {
    const session = context(0x33);
    const command = plain('80F24002024F0000');
    const answer = fromHex('8709011F9C41C3A87F19CE990290008E088995AA0C9C656618');
    const refused = () => unwrapResponse(session, 2n, answer.fill(0, -1), SW.NO_ERROR);
    const first = wrapped(0x33, '80F24002024F0000');
    for (let turn = 0; turn < 3; turn += 1) {
      expect(wrapCommand(session, 1n, command).map(toHex).join(' ')).to.equal(first);
      expect(toHex(unwrapResponse(session, 2n, answer.slice(), SW.NO_ERROR))).to.equal('E303010203');
      wrapCommand(session, 7n, { ...command, data: new Uint8Array(100) });
    }
    expect(refused).to.throw(SecureChannelError);
    expect(wrapCommand(session, 1n, command).map(toHex).join(' ')).to.equal(first);
  });

  it('does nothing more when the keys were wiped', () => {
    const session = context(0x33);
    wrapCommand(session, 1n, plain('80F24002024F0000'));
    wipeSessionKeys(session.keys);
    expect(() => wrapCommand(session, 2n, plain('80F24002024F0000'))).to.throw(InvariantError);
  });

  it('wraps every command into short APDUs at every level', () => {
    const data = fc.uint8Array({ maxLength: 231 });
    fc.assert(
      fc.property(
        fc.constantFrom(...SECURITY_LEVELS),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        data,
        fc.boolean(),
        (level, counter, bytes, le) => {
          const [apdu, ...others] = wrapCommand(
            context(level),
            counter,
            gpCommand({ label: 'X', cla: 0x80, ins: 0xf2, p1: 0, p2: 0, data: bytes, le }),
          );
          expect(others).to.have.length(0);
          expect(decodeCommand(apdu ?? new Uint8Array()).cla).to.equal(0x8c);
        },
      ),
      { numRuns: soakRuns(100) },
    );
  });
});

// SPDX-License-Identifier: Apache-2.0
/** Good commands of every instruction a domain has, and how to spoil them a little. */
import fc from 'fast-check';
import { apdu, ISD, LOAD_FILE, SSD_MODULE } from './card.ts';
import { generateData, personalizationData, SSD } from './domains.ts';
import { publicKeyData, rsaKey } from './keys.ts';
import { checkValue } from './scp03-host.ts';
import { issuerCertificate } from './scp10-host.ts';
import { bytes, hex, lv, tlv } from './tlv.ts';

export interface Command {
  readonly header: Buffer;
  readonly data: Buffer;
}

/** What one APDU holds when it is protected in any way. */
const DATA_MAX = 200;
/** Instances that fuzzed commands make: never the domains under test. */
const NEW = 'F06F70656E74736D5F01';
const KEY = Buffer.alloc(16, 0x5a);

const install = Buffer.concat([
  ...[LOAD_FILE, SSD_MODULE, NEW, '808000', tlv('C9', bytes('81020370 91020400'))].map((field) => lv(field)),
  bytes('00'),
]);
const load = Buffer.concat([...['F000000009', '', '', 'EF04C6020100'].map((field) => lv(field)), bytes('00')]);
const aes = Buffer.concat([bytes('45'), tlv('88', Buffer.concat([bytes('10'), KEY])), bytes('03'), checkValue(KEY)]);
const grouped = Buffer.concat([
  bytes('00B9 0E'),
  tlv('B9', bytes('800188 810110 820107 830146')),
  bytes('8113 10'),
  KEY,
]);
const certificate = issuerCertificate().subarray(0, DATA_MAX);
const modulus = publicKeyData('73', rsaKey('fuzz'));

/** Header and data, in hex or bytes; what belongs to initiations and needs no session. */
const OPEN: readonly (readonly [string, string | Buffer])[] = [
  ['0022C1B6', '80021002'],
  ['002281A4', '830110'],
  ['102A00BE', certificate],
  ['002A00BE', certificate],
  ['002A8084', Buffer.concat([Buffer.of(0), Buffer.alloc(127, 0x31)])],
  ['00840000', ''],
  ['00820000', Buffer.alloc(128, 0x41)],
  ['00880000', Buffer.alloc(24, 0x42)],
  ['80503000', Buffer.alloc(8, 0x43)],
  ['84820100', Buffer.alloc(16, 0x44)],
  ['807A1001', ''],
  ['80780003', ''],
  ['00C00000', ''],
  ['00A40400', ISD],
  ['00A40402', SSD],
  ['00700000', ''],
  ['00708001', ''],
];

/** What a session is for. */
const MANAGEMENT: readonly (readonly [string, string | Buffer])[] = [
  ['80CA0066', ''],
  ['80CA00E0', ''],
  ['80CAFF60', tlv('94', Buffer.alloc(16, 0x45))],
  ['80CA2F00', '5C00'],
  ['00CB5031', '5C00'],
  ['00CA0045', ''],
  ['80478100', ''],
  ['80478000', generateData('12', 1024)],
  ['80D80007', aes],
  ['80D80087', Buffer.concat([aes, aes.subarray(1)])],
  ['80D80005', modulus],
  ['80D80006', Buffer.concat([bytes('73'), tlv('B0', Buffer.alloc(65, 4)), bytes('F0010000')])],
  ['80D88005', modulus.subarray(0, 100)],
  ['80D80002', Buffer.concat([bytes('11 FF'), certificate.subarray(0, 150), bytes('00 0182 0100')])],
  ['80E29000', tlv('42', '01020304')],
  ['80E21000', tlv('45', '0102030405')],
  ['80E29001', tlv('5F50', '687474703A2F2F61')],
  ['80E29000', tlv('7F21', certificate.subarray(0, 150))],
  ['80E28800', grouped],
  ['80E2E800', grouped],
  ['80E28800', Buffer.concat([bytes('0070 06'), tlv('42', '01020304')])],
  ['80E60C00', install],
  ['80E60400', install],
  ['80E60800', Buffer.concat([bytes('0000'), lv(NEW), bytes('000000')])],
  ['80E60200', load],
  ['80E60E01', load],
  ['80E60E03', install],
  ['80E61000', Buffer.concat([lv(ISD), bytes('00'), lv(NEW), bytes('000000')])],
  ['80E64000', Buffer.concat([bytes('0000'), lv(NEW), lv('808000'), bytes('0000')])],
  ['80E62000', personalizationData(SSD)],
  ['80E88000', tlv('C4', Buffer.alloc(100, 0x01))],
  ['80E80000', tlv('E2', tlv('4F', ISD), tlv('C3', Buffer.alloc(64)))],
  ['80E40000', tlv('4F', NEW)],
  ['80E40080', tlv('4F', NEW)],
  ['80E40000', 'D00107D20145'],
  ['80F24002', '4F00'],
  ['80F21002', '4F005C054F9F70C584'],
  ['80F28000', '4F00'],
  ['80F24003', '4F00'],
  ['80F04080', NEW],
  ['80F06000', NEW],
  ['80F0800F', ''],
];

const commands = (list: typeof OPEN): Command[] =>
  list.map(([header, data]) => ({
    header: bytes(header),
    data: (typeof data === 'string' ? bytes(data) : data).subarray(0, DATA_MAX),
  }));

type Spoil = (command: Command) => Command;

const withData = (change: (data: Buffer) => Buffer): Spoil => {
  return ({ header, data }) => ({ header, data: change(data).subarray(0, DATA_MAX) });
};

/** Sets, or flips a bit of, the byte at a place of header and data together. */
const byteAt = (at: number, change: (byte: number) => number): Spoil => {
  return ({ header, data }) => {
    const whole = Buffer.concat([header, data]);
    const place = at % whole.length;
    whole[place] = change(whole[place] ?? 0) & 0xff;
    return { header: whole.subarray(0, 4), data: whole.subarray(4) };
  };
};

const at = fc.nat(4 + DATA_MAX);
const spoil: fc.Arbitrary<Spoil> = fc.oneof(
  fc.tuple(at, fc.nat(7)).map(([place, bit]) => byteAt(place, (byte) => byte ^ (1 << bit))),
  fc.tuple(at, fc.constantFrom(-1, 1)).map(([place, more]) => byteAt(place, (byte) => byte + more)),
  fc
    .tuple(at, fc.constantFrom(0x00, 0x01, 0x7f, 0x80, 0x81, 0x82, 0xfe, 0xff))
    .map(([place, value]) => byteAt(place, () => value)),
  // P1 and P2, and the first lengths, are where most is decided
  fc.tuple(fc.integer({ min: 2, max: 7 }), fc.nat(255)).map(([place, value]) => byteAt(place, () => value)),
  fc.nat(DATA_MAX).map((length) => withData((data) => data.subarray(0, length % (data.length + 1)))),
  fc.uint8Array({ maxLength: 60 }).map((more) => withData((data) => Buffer.concat([data, more]))),
  fc.tuple(at, fc.nat(40)).map(([from, length]) =>
    withData((data) => {
      const start = from % (data.length + 1);
      return Buffer.concat([data.subarray(0, start + length), data.subarray(start)]);
    }),
  ),
  fc.tuple(at, fc.nat(20)).map(([from, length]) =>
    withData((data) => {
      const start = from % (data.length + 1);
      return Buffer.concat([data.subarray(0, start), data.subarray(start + length)]);
    }),
  ),
);

function spoiled(list: readonly Command[]): fc.Arbitrary<Command> {
  const other = fc.constantFrom(...list).map(({ data }): Spoil => withData(() => data));
  const changes = fc.array(fc.oneof({ weight: 8, arbitrary: spoil }, { weight: 1, arbitrary: other }), {
    maxLength: 3,
  });
  return fc
    .tuple(fc.constantFrom(...list), changes)
    .map(([command, all]) => all.reduce((spoiledSoFar, change) => change(spoiledSoFar), command));
}

export const anyCommand = spoiled(commands([...OPEN, ...MANAGEMENT]));
export const managementCommand = spoiled(commands(MANAGEMENT));

/** As it stands on the wire, whatever case it is of; now and then Lc is not the data's length. */
export const onWire = ({ header, data }: Command, le: boolean, off: number): Buffer => {
  const whole = apdu(hex(header), data, le);
  if (data.length > 0) whole[4] = Math.max(0, data.length + off) & 0xff;
  return whole;
};

/** The key of the templates under a session's data encryption key, where spoiling has left it whole. */
export function sealed(data: Buffer, seal: (key: Buffer) => Buffer): Buffer {
  const place = data.indexOf(KEY);
  if (place < 0) return data;
  return Buffer.concat([data.subarray(0, place), seal(KEY), sealed(data.subarray(place + KEY.length), seal)]);
}

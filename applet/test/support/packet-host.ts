// SPDX-License-Identifier: Apache-2.0
/**
 * Secured packets as TS 102 225 and TS 31.115 have them, and the short messages that carry them, by node:crypto alone:
 * nothing is shared with the host's codecs.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { expect } from 'chai';
import { type Answer, split, type TestCard } from './card.ts';
import { cmac } from './scp03-host.ts';
import { berLength, bytes, hex, objects, tlv } from './tlv.ts';

/** Keys of one version. DES: 16 or 24 bytes; AES: 16, 24 or 32. */
export interface PacketKeys {
  readonly kvn: number;
  readonly type: 'AES' | 'DES';
  readonly kic: Buffer;
  readonly kid: Buffer;
  readonly kik: Buffer;
}

export interface PacketFields {
  readonly spi: string;
  readonly tar: string;
  readonly counter?: bigint;
  readonly data: Buffer;
  /** KIc and KID bytes in place of those of the keys. */
  readonly kic?: number;
  readonly kid?: number;
  /** Bytes of a cryptographic checksum; default 8. */
  readonly signed?: number;
  /** Bytes of padding; default as few as make whole blocks. */
  readonly padding?: number;
}

const blockOf = ({ type }: PacketKeys): number => (type === 'AES' ? 16 : 8);

function cbc(keys: PacketKeys, key: Buffer, data: Buffer, decrypt = false): Buffer {
  const des = key.length === 16 ? Buffer.concat([key, key.subarray(0, 8)]) : key;
  const [name, used] = keys.type === 'AES' ? [`aes-${key.length * 8}-cbc`, key] : ['des-ede3-cbc', des];
  const cipher = (decrypt ? createDecipheriv : createCipheriv)(name, used, Buffer.alloc(blockOf(keys)));
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

/** The eight bytes of a cryptographic checksum. */
function checksum(keys: PacketKeys, data: Buffer): Buffer {
  if (keys.type === 'AES') return cmac(keys.kid, data).subarray(0, 8);
  return cbc(keys, keys.kid, Buffer.concat([data, Buffer.alloc((8 - (data.length % 8)) % 8)])).subarray(-8);
}

function crc(bits: 16 | 32, data: Buffer): Buffer {
  const polynomial = bits === 16 ? 0x8408 : 0xedb88320;
  let value = bits === 16 ? 0xffff : 0xffffffff;
  for (const byte of data) {
    value ^= byte;
    for (let i = 0; i < 8; i++) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ polynomial;
  }
  const answer = Buffer.alloc(bits / 8);
  answer.writeUIntBE((~value >>> 0) % 2 ** bits, 0, bits / 8);
  return answer;
}

const nibbleOf = ({ type, kic }: PacketKeys): number => (type === 'AES' ? 2 : kic.length === 24 ? 9 : 5);

const fiveBytes = (counter: bigint): Buffer => bytes(counter.toString(16).padStart(10, '0'));

function check(integrity: number, kid: number, keys: PacketKeys, data: Buffer, signed = 8): Buffer {
  if (integrity === 2) return checksum(keys, data).subarray(0, signed);
  if (integrity === 1) return crc((kid & 0x0f) === 1 ? 16 : 32, data);
  return Buffer.alloc(0);
}

/** A command packet from its CPL on. */
export function commandPacket(fields: PacketFields, keys: PacketKeys): Buffer {
  const spi = bytes(fields.spi);
  const first = spi[0] ?? 0;
  const kic = fields.kic ?? (keys.kvn << 4) | nibbleOf(keys);
  const kid = fields.kid ?? (keys.kvn << 4) | nibbleOf(keys);
  const integrity = first & 3;
  const { signed = 8 } = fields;
  const size = integrity === 2 ? signed : integrity === 1 ? ((kid & 0x0f) === 1 ? 2 : 4) : 0;
  const ciphered = (first & 4) !== 0;
  const block = ciphered ? blockOf(keys) : 1;
  const { padding = (block - ((6 + size + fields.data.length) % block)) % block } = fields;
  const body = Buffer.concat([fields.data, Buffer.alloc(padding)]);
  const length = 1 + 0x0d + size + body.length;
  const head = Buffer.concat([
    Buffer.of(length >> 8, length & 0xff, 0x0d + size),
    spi,
    Buffer.of(kic, kid),
    bytes(fields.tar),
  ]);
  const counter = Buffer.concat([fiveBytes(fields.counter ?? 0n), Buffer.of(padding)]);
  const cc = check(integrity, kid, keys, Buffer.concat([head, counter, body]), signed);
  const secured = Buffer.concat([counter, cc, body]);
  return Buffer.concat([head, ciphered ? cbc(keys, keys.kic, secured) : secured]);
}

export interface PacketResponse {
  readonly tar: string;
  readonly counter: bigint;
  readonly status: string;
  readonly data: Buffer;
}

/** Opens `02 71 00, response packet` as the command's SPI asked for it; `plain` for one that is not protected. */
export function openResponse(
  response: Buffer,
  spi: string,
  keys: PacketKeys,
  plain = false,
  signed = 8,
): PacketResponse {
  expect(hex(response.subarray(0, 3))).equal('027100');
  const asked = plain ? 0 : (bytes(spi)[1] ?? 0);
  const integrity = (asked >> 2) & 3;
  expect(response.readUInt16BE(3), 'RPL').equal(response.length - 5);
  const size = (response[5] ?? 0) - 0x0a;
  expect(size, 'RHL').equal(integrity === 2 ? signed : integrity === 1 ? 4 : 0);
  const head = response.subarray(0, 9);
  const secured = response.subarray(9);
  const clear = (asked & 0x10) === 0 ? secured : cbc(keys, keys.kic, secured, true);
  const body = clear.subarray(7 + size);
  const over = Buffer.concat([head, clear.subarray(0, 7), body]);
  expect(hex(clear.subarray(7, 7 + size)), 'checksum').equal(
    hex(check(integrity, (keys.kvn << 4) | 5, keys, over, signed)),
  );
  return {
    tar: hex(head.subarray(6)),
    counter: BigInt(`0x${hex(clear.subarray(0, 5))}`),
    status: hex(clear.subarray(6, 7)),
    data: body.subarray(0, body.length - (clear[5] ?? 0)),
  };
}

const SENDER = '05812143F5';
const CENTRE = '06058121436587';
const DONE = '830100';

/** An SMS-DELIVER with a user data header, in an ENVELOPE. */
export function deliver(header: Buffer, data: Buffer): Buffer {
  const userData = Buffer.concat([Buffer.of(header.length), header, data]);
  const tpdu = Buffer.concat([bytes(`40${SENDER}7FF611111111111111`), Buffer.of(userData.length), userData]);
  const list = Buffer.concat([bytes('82028381'), bytes(CENTRE), tlv('8B', tpdu)]);
  const envelope = tlv('D1', list);
  return Buffer.concat([bytes('80C20000'), Buffer.of(envelope.length), envelope]);
}

/** ENVELOPEs that carry a packet: one, or the parts of a long message. */
export function envelopes(packet: Buffer, reference = 0x5a): Buffer[] {
  if (packet.length <= 137) return [deliver(bytes('7000'), packet)];
  const parts = [packet.subarray(0, 132), ...split(packet.subarray(132), 134)];
  return parts.map((part, i) => {
    const element = Buffer.of(0, 3, reference, parts.length, i + 1);
    return deliver(i === 0 ? Buffer.concat([element, bytes('7000')]) : element, part);
  });
}

/** Sends a packet; answers what the last ENVELOPE did. */
export async function sendPacket(card: TestCard, packet: Buffer): Promise<Answer> {
  let answer: Answer = { data: Buffer.alloc(0), sw: '' };
  for (const envelope of envelopes(packet)) answer = await card.exchange(envelope);
  return answer;
}

/**
 * Runs what the card asks of its terminal, done each time; the user data of the messages it sent.
 *
 * @param results of SEND SHORT MESSAGE, from the first one on: result objects in hex, done where there is none; the
 *   messages answer has those alone that were done
 */
export async function fetchMessages(
  card: TestCard,
  status: string,
  sender = SENDER,
  results: readonly string[] = [],
): Promise<Buffer[]> {
  const sent: Buffer[] = [];
  let tries = 0;
  for (let sw = status; sw.startsWith('91'); ) {
    const { data } = await card.exchange('8012000000');
    const [command] = objects(data);
    const list = objects(command?.value ?? Buffer.alloc(0));
    const details = list.find(({ tag }) => tag === '81')?.value ?? Buffer.alloc(3);
    let result = DONE;
    if (details[1] === 0x13) {
      result = results[tries] ?? DONE;
      tries += 1;
      const tpdu = list.find(({ tag }) => tag === '8B')?.value ?? Buffer.alloc(0);
      const head = bytes(`4100${sender}7FF6`);
      expect(hex(tpdu.subarray(0, head.length)), 'SMS-SUBMIT to who wrote').equal(hex(head));
      expect(tpdu[head.length], 'length of the user data').equal(tpdu.length - head.length - 1);
      if (result === DONE) sent.push(tpdu.subarray(head.length + 1));
    }
    const response = Buffer.concat([tlv('81', details), bytes('82028281'), bytes(result)]);
    ({ sw } = await card.exchange(Buffer.concat([bytes('80140000'), Buffer.of(response.length), response])));
  }
  return sent;
}

/** `02 71 00, response packet` out of the messages it came in. */
export function joinMessages(messages: readonly Buffer[]): Buffer {
  const [only] = messages;
  if (messages.length === 1 && only !== undefined) return only;
  const parts = messages.map((message, i) => {
    const header = message.subarray(1, 1 + (message[0] ?? 0));
    expect([...header.subarray(0, 2), ...header.subarray(3, 5)]).deep.equal([0, 3, messages.length, i + 1]);
    return message.subarray(1 + (message[0] ?? 0));
  });
  return Buffer.concat([bytes('027100'), ...parts]);
}

/** An expanded script, definite or indefinite. */
export function expandedScript(commands: readonly (string | Buffer)[], indefinite = false): Buffer {
  const items = Buffer.concat(commands.map((command) => tlv('22', command)));
  if (indefinite) return Buffer.concat([bytes('AE80'), items, bytes('0000')]);
  return Buffer.concat([bytes('AA'), berLength(items.length), items]);
}

/** The R-APDUs of an expanded response, in hex. */
export function expandedAnswers(data: Buffer): string[] {
  const value = data[0] === 0xaf ? data.subarray(2, -2) : (objects(data)[0]?.value ?? Buffer.alloc(0));
  return objects(value)
    .filter(({ tag }) => tag === '23')
    .map(({ value: answer }) => hex(answer));
}

// SPDX-License-Identifier: Apache-2.0
/** The other side of the purse, from its formulas and node:crypto alone. */
import { createCipheriv } from 'node:crypto';
import { bytes, hex } from './tlv.ts';

export type Algorithm = '3des' | 'aes';

function encrypt(name: string, key: Buffer, data: Buffer): Buffer {
  const cipher = createCipheriv(name, key, name.endsWith('cbc') ? Buffer.alloc(name.startsWith('aes') ? 16 : 8) : null);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

const xor = (a: Buffer, b: Buffer): Buffer => Buffer.from(a.map((byte, i) => byte ^ (b[i] ?? 0)));

/** Single DES in CBC, as triple DES of one key. */
function desMac(key: Buffer, data: Buffer): Buffer {
  const padded = Buffer.concat([data, Buffer.of(0x80), Buffer.alloc(7 - (data.length % 8))]);
  return encrypt('des-ede3-cbc', Buffer.concat([key, key, key]), padded).subarray(-8);
}

function double(block: Buffer): Buffer {
  const value = (BigInt(`0x${block.toString('hex')}`) << 1n) ^ ((block[0] ?? 0) & 0x80 ? 0x87n : 0n);
  return Buffer.from(BigInt.asUintN(128, value).toString(16).padStart(32, '0'), 'hex');
}

function cmac(key: Buffer, data: Buffer): Buffer {
  const k1 = double(encrypt('aes-128-ecb', key, Buffer.alloc(16)));
  const whole = data.length > 0 && data.length % 16 === 0;
  const body = whole
    ? Buffer.from(data)
    : Buffer.concat([data, Buffer.of(0x80), Buffer.alloc((31 - data.length) % 16)]).subarray(
        0,
        (Math.floor(data.length / 16) + 1) * 16,
      );
  xor(body.subarray(-16), whole ? k1 : double(k1)).copy(body, body.length - 16);
  return encrypt('aes-128-cbc', key, body).subarray(-16);
}

export interface Session {
  readonly random: string;
  readonly counter: string;
  readonly type: string;
  readonly terminalCounter?: string;
}

/** MAC under a session key, four bytes in hex. */
export function sessionMac(algorithm: Algorithm, key: string, session: Session, data: string): string {
  const { random, counter, type, terminalCounter } = session;
  if (algorithm === '3des') {
    const left = bytes(key);
    const block = bytes(`${random}${counter}${terminalCounter === undefined ? '8000' : terminalCounter.slice(-4)}`);
    return hex(
      desMac(encrypt('des-ede3', Buffer.concat([left, left.subarray(0, 8)]), block), bytes(data)).subarray(0, 4),
    );
  }
  const constant = terminalCounter === undefined ? 'C1' : 'C2';
  const context = `${random}${counter}${terminalCounter ?? '00000000'}${type}`;
  const sessionKey = cmac(bytes(key), bytes(`${'00'.repeat(11)}${constant}00008001${context}`));
  return hex(cmac(sessionKey, bytes(data)).subarray(0, 4));
}

export function tacOf(algorithm: Algorithm, key: string, data: string): string {
  const whole = bytes(key);
  const mac =
    algorithm === 'aes' ? cmac(whole, bytes(data)) : desMac(xor(whole.subarray(0, 8), whole.subarray(8)), bytes(data));
  return hex(mac.subarray(0, 4));
}

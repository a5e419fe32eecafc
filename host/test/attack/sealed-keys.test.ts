// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { recordsOfWal } from './database-files.ts';
import { SecretSearch } from './sealed-keys.ts';

describe('The search for keys', () => {
  it('finds one in every form in which a key is usually written', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const { p = '' } = privateKey.export({ format: 'jwk' });
    const pair = named('p', Buffer.from(p, 'base64url'));
    const key = named('aes', randomBytes(16));
    const search = new SecretSearch([pair, key]);
    const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' });
    const written = [
      pkcs8,
      pkcs8.toString('hex'),
      pkcs8.toString('base64'),
      privateKey.export({ format: 'pem', type: 'pkcs8' }),
      privateKey.export({ format: 'pem', type: 'pkcs1' }),
      JSON.stringify({ pem: privateKey.export({ format: 'pem', type: 'pkcs8' }) }),
      JSON.stringify(privateKey.export({ format: 'jwk' })),
    ];
    for (const [at, form] of written.entries())
      expect(search.in(Buffer.from(form as string)), `form ${at}`).not.to.deep.equal([]);
    const { bytes } = key;
    const around = (text: string) => Buffer.from(`{"a":1,"k":"${text}","b":[2]}`);
    for (const shift of [0, 1, 2]) {
      const block = Buffer.concat([randomBytes(shift), bytes, randomBytes(5)]);
      for (const form of ['hex', 'base64', 'base64url'] as const)
        expect(search.in(around(block.toString(form))), `${form} ${shift}`).not.to.deep.equal([]);
    }
    for (const text of [bytes.toString('hex').toUpperCase(), JSON.stringify([...bytes])])
      expect(search.in(around(text))).not.to.deep.equal([]);
    expect(search.in(around(randomBytes(64).toString('hex')))).to.deep.equal([]);
  });

  it('finds one that the header of a WAL page cuts, wherever, and tells two of one kind apart', () => {
    const [one, other] = [named('aes 0 of a 1', randomBytes(16)), named('aes 0 of a 2', randomBytes(16))];
    const search = new SecretSearch([one, other]);
    const text = Buffer.from(one.bytes.toString('hex'));
    for (const page of [0, 1])
      for (let before = 0; before <= text.length; before += 1) {
        const segment = Buffer.alloc(4 * 8192);
        // What of it stands at the end of a page goes on behind the next one's header of 24 bytes.
        const end = (page + 1) * 8192;
        text.copy(segment, end - before, 0, before);
        text.copy(segment, end + 24, before);
        expect(search.in(recordsOfWal(segment)), `${before} in page ${page}`).to.deep.equal([one.name]);
      }
  });
});

const named = (name: string, bytes: Uint8Array) => ({ name, bytes: Buffer.from(bytes) });

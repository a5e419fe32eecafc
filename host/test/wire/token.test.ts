// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto';
import { expect } from 'chai';
import { contentKey } from '../../crypto/content-key.ts';
import { KeyError, UsageError, WireError } from '../../errors.ts';
import { aid } from '../../wire/gp/aid.ts';
import { deleteObject } from '../../wire/gp/delete.ts';
import { installForExtradition } from '../../wire/gp/install.ts';
import { loadCommands } from '../../wire/gp/load.ts';
import { decodeConfirmation, receiptInput } from '../../wire/gp/receipt.ts';
import { tokenInput, withToken, withTokenNames } from '../../wire/gp/token.ts';
import { fromHex, toHex } from '../../wire/hex.ts';

const OBJECT = aid('D0D1D2D3D4D50101');
const extradition = installForExtradition(OBJECT, aid('D4D4D4D4D4010101'));

describe('tokens and receipts', () => {
  it('signs what a published test of gpshell signs', () => {
    expect(toHex(tokenInput(extradition))).to.equal('10001508D4D4D4D4D40101010008D0D1D2D3D4D501010000');
  });

  it('goes behind the fields of INSTALL, and as a data object into DELETE', () => {
    const token = fromHex('AABB');
    expect(toHex(withToken(extradition, token).data)).to.match(/D501010000(02AABB)$/);
    expect(toHex(withToken(deleteObject(OBJECT), token).data)).to.equal('4F08D0D1D2D3D4D501019E02AABB');
  });

  it('signs the names of whom it is for: in the parameters of INSTALL, behind the name in DELETE', () => {
    const names = fromHex('4201AA');
    expect(toHex(withTokenNames(extradition, names).data)).to.equal(
      '08D4D4D4D4D40101010008D0D1D2D3D4D501010005B6034201AA00',
    );
    expect(toHex(withTokenNames(deleteObject(OBJECT), names).data)).to.equal('4F08D0D1D2D3D4D50101B6034201AA');
    const cut = { ...extradition, data: Uint8Array.of(0x08, 0x01, 0x00) };
    expect(() => withTokenNames(cut, names)).to.throw(WireError, 'behind the command');
  });

  it('refuses a second token, and one for a command that takes none', () => {
    expect(() => withToken(withToken(extradition, fromHex('AABB')), fromHex('AA'))).to.throw(WireError, 'already');
    const [block] = loadCommands(new Uint8Array(4), 4);
    if (block !== undefined) expect(() => tokenInput(block)).to.throw(UsageError, 'INSTALL and DELETE');
  });

  it('reads a confirmation, and what its receipt signs', () => {
    const confirmation = decodeConfirmation(fromHex('0401020304020007051122334455'));
    expect(confirmation).to.deep.include({ counter: 7, receipt: fromHex('01020304') });
    if (confirmation === undefined) return;
    const signed = receiptInput(confirmation, { kind: 'delete', object: OBJECT });
    expect(toHex(signed)).to.equal('02000705112233445508D0D1D2D3D4D50101');
    expect(decodeConfirmation(fromHex('00'))).to.equal(undefined);
    for (const [length, coded] of [
      [0x80, '80'],
      [0x80, '8180'],
      [0xff, '81FF'],
      [0x100, '820100'],
      [0x200, '820200'],
    ] as const) {
      const receipt = new Uint8Array(length).fill(0xa5);
      const read = decodeConfirmation(fromHex(`${coded}${toHex(receipt)}0200FF0A89860012000000000011`, 1024));
      expect(read).to.deep.include({ counter: 0xff, receipt, cardUniqueData: fromHex('89860012000000000011') });
    }
    const broken = ['04010203', '0101', '010103000007', '0102020007', '81', '82', '8201', '830000010002000700', '8101'];
    for (const text of broken) expect(() => decodeConfirmation(fromHex(text)), text).to.throw(WireError);
  });

  const pem = (type: 'rsa' | 'ec', options: object) => {
    const generate = generateKeyPairSync as (
      type: string,
      options: object,
    ) => { privateKey: string; publicKey: string };
    const encodings = {
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    };
    return generate(type, { ...options, ...encodings });
  };
  const kinds = [
    { name: 'RSA of 1024 bits', keys: () => pem('rsa', { modulusLength: 1024 }), length: 128 },
    { name: 'RSA of 2048 bits', keys: () => pem('rsa', { modulusLength: 2048 }), length: 256 },
    { name: 'P-256', keys: () => pem('ec', { namedCurve: 'P-256' }), length: 64 },
    { name: 'AES', keys: () => same('aes:404142434445464748494A4B4C4D4E4F'), length: 16 },
    { name: 'DES', keys: () => same('des:404142434445464748494A4B4C4D4E4F'), length: 8 },
  ];
  const same = (text: string) => ({ privateKey: text, publicKey: text });

  for (const { name, keys, length } of kinds)
    it(`signs and verifies with ${name}`, () => {
      const { privateKey, publicKey } = keys();
      const [signer, verifier] = [contentKey(privateKey), contentKey(publicKey)];
      const signature = signer.sign(fromHex('010203'));
      expect(signature).to.have.lengthOf(length);
      expect(verifier.verify(fromHex('010203'), signature)).to.equal(true);
      expect(verifier.verify(fromHex('010204'), signature)).to.equal(false);
    });

  it('refuses what is no key, without repeating it', () => {
    for (const text of ['aes:00', 'des:', 'SECRET'])
      expect(() => contentKey(text))
        .to.throw(KeyError)
        .with.property('message')
        .that.does.not.contain('SECRET');
  });
});

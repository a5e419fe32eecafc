// SPDX-License-Identifier: Apache-2.0
/** A provider manages content in its own domain by the issuer's tokens, and gets receipts (GPCS 9.1.3.3, C.4, C.5). */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { antJavacard, ROOT } from '../../toolchain/test/run.ts';
import { loadFileDataBlock } from '../../toolchain/test/zip.ts';
import { type Answer, CIN, IIN, ISD } from './support/card.ts';
import {
  aesSigner,
  desSigner,
  putContentKey,
  readConfirmation,
  receiptInput,
  type Signer,
  signers,
  tokenInput,
  withToken,
} from './support/content.ts';
import { DelegationCard, DOMAIN_A, DOMAIN_B } from './support/delegation-card.ts';
import type { Scp03Session } from './support/scp03-host.ts';
import { bytes, hex, lv, tlv } from './support/tlv.ts';

const PROBE = 'F000000001';
const INSTANCE = 'F0000000010155';

describe('Delegated management', function () {
  this.timeout(120_000);
  let folder: string;
  let card: DelegationCard;
  let block: Buffer;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'opentsm-tokens-'));
    const run = antJavacard([`-Dcap.dir=${folder}`, '-f', join(ROOT, 'simulator/test/fixture/test-caps.xml')], ROOT);
    expect(run.code, run.err + run.out).to.equal(0);
    block = loadFileDataBlock(readFileSync(join(folder, 'probe.cap')));
    card = await DelegationCard.open();
  });
  after(async () => {
    await card?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  async function tokenKey(signer: Signer): Promise<void> {
    await putContentKey(await card.issuer(), '70', signer);
  }

  const names = (...objects: Buffer[]): Buffer => tlv('B6', ...objects);

  for (const signer of signers()) {
    describe(`with tokens of ${signer.name}`, () => {
      before(() => tokenKey(signer));

      it('loads, installs, makes selectable, extradites and deletes in the domain of its own', async () => {
        const session = await card.session(DOMAIN_A);
        const install = card.installFields(INSTANCE);
        const selectable = card.selectableFields(INSTANCE);
        const move = card.extraditionFields(INSTANCE, DOMAIN_B);
        expect(await card.load(session, signer, block)).equal('00');
        await session.ok('80E60400', withToken(install, card.token(signer, '0400', install)));
        await session.ok('80E60800', withToken(selectable, card.token(signer, '0800', selectable)));
        await session.ok('80E61000', withToken(move, card.token(signer, '1000', move)));
        const other = await card.session(DOMAIN_B);
        const application = tlv('4F', INSTANCE);
        await other.ok('80E40000', Buffer.concat([application, tlv('9E', card.token(signer, '0000', application))]));
        const file = tlv('4F', PROBE);
        const owner = await card.session(DOMAIN_A);
        await owner.ok('80E40000', Buffer.concat([file, tlv('9E', card.token(signer, '0000', file))]));
      });

      it('refuses a token that is empty, short, long or wrong at any end', async () => {
        const session = await card.session(DOMAIN_A);
        const fields = card.loadFields(block);
        const good = card.token(signer, '0200', fields);
        const flipped = (at: number): Buffer =>
          Buffer.from(good.map((byte, index) => (index === at ? byte ^ 0x01 : byte)));
        for (const [what, token] of [
          ['no token', Buffer.alloc(0)],
          ['short', good.subarray(0, -1)],
          ['long', Buffer.concat([good, Buffer.of(0)])],
          ['zeros', Buffer.alloc(good.length)],
          ['first byte', flipped(0)],
          ['last byte', flipped(good.length - 1)],
        ] as const) {
          const { sw } = await session.send('80E60200', withToken(fields, token));
          expect(sw, what).equal('6985');
        }
        expect((await session.send('80E60200', fields)).sw, 'not even its length').equal('6985');
      });
    });
  }

  describe('with receipts', () => {
    const [token, aes, des] = [aesSigner(16), aesSigner(32), desSigner()];
    before(() => tokenKey(token));

    it('names each act once, by a counter that GET DATA shows, under AES and triple DES', async () => {
      let expected = await card.counter();
      for (const receipt of [aes, des]) {
        await putContentKey(await card.issuer(), '71', receipt);
        const provider = await card.session(DOMAIN_A);
        const loaded = readConfirmation(await card.load(provider, token, block));
        expect([loaded.counter, loaded.unique]).deep.equal([expected, IIN + CIN]);
        expect(hex(loaded.receipt)).equal(hex(receipt.sign(receiptInput(loaded, PROBE, DOMAIN_A))));
        const fields = card.installFields(INSTANCE);
        const installed = readConfirmation(
          await provider.ok('80E60C00', withToken(fields, card.token(token, '0C00', fields))),
        );
        expect(hex(installed.receipt)).equal(hex(receipt.sign(receiptInput(installed, PROBE, INSTANCE))));
        const file = tlv('4F', PROBE);
        const gone = readConfirmation(
          await provider.ok('80E40080', Buffer.concat([file, tlv('9E', card.token(token, '0080', file))])),
        );
        expect(hex(gone.receipt)).equal(hex(receipt.sign(receiptInput(gone, PROBE))));
        expected = (Number.parseInt(expected, 16) + 3).toString(16).padStart(4, '0').toUpperCase();
        expect([loaded, installed, gone].map(({ counter }) => Number.parseInt(counter, 16))).deep.equal(
          [3, 2, 1].map((before) => Number.parseInt(expected, 16) - before),
        );
        expect(await card.counter()).equal(expected);
      }
    });

    it('gives none without a key for them, and counts none', async () => {
      await card.deleteReceiptKey();
      const before = await card.counter();
      const session = await card.session(DOMAIN_A);
      expect(await card.load(session, token, block)).equal('00');
      const file = tlv('4F', PROBE);
      await session.ok('80E40080', Buffer.concat([file, tlv('9E', card.token(token, '0080', file))]));
      expect(await card.counter()).equal(before);
    });

    it('makes them by the key behind the token key, where a host puts both under one version', async () => {
      const issuer = await card.issuer();
      await issuer.ok('80D80002', Buffer.concat([bytes('70'), des.field(issuer)]));
      const provider = await card.session(DOMAIN_A);
      const loaded = readConfirmation(await card.load(provider, token, block));
      expect(hex(loaded.receipt)).equal(hex(des.sign(receiptInput(loaded, PROBE, DOMAIN_A))));
      const file = tlv('4F', PROBE);
      await provider.ok('80E40080', Buffer.concat([file, tlv('9E', card.token(token, '0080', file))]));
      await (await card.issuer()).ok('80E40000', 'D00102D20170');
    });
  });

  describe('refuses', () => {
    const signer = aesSigner(16);
    before(() => tokenKey(signer));

    it('the token of another file, another command and another instance', async () => {
      const session = await card.session(DOMAIN_A);
      const other = card.loadFields(Buffer.concat([block, Buffer.of(0)]));
      const own = card.loadFields(block);
      await session.ok('80E60200', withToken(own, card.token(signer, '0200', other)), '6985');
      await session.ok('80E60200', withToken(own, card.token(signer, '0E01', own)), '6985');
      await card.load(session, signer, block);
      const wanted = card.installFields(INSTANCE);
      const granted = card.installFields('F0000000010156');
      await session.ok('80E60C00', withToken(wanted, card.token(signer, '0C00', granted)), '6985');
      await session.ok('80E60C00', withToken(wanted, card.token(signer, '0400', wanted)), '6985');
    });

    it('a file whose hash is not the one that the token is over', async () => {
      const session = await card.session(DOMAIN_A);
      const file = tlv('4F', PROBE);
      await session.send('80E40080', Buffer.concat([file, tlv('9E', card.token(signer, '0080', file))]));
      const changed = Buffer.from(block);
      changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
      const fields = card.loadFields(block);
      await session.ok('80E60200', withToken(fields, card.token(signer, '0200', fields)));
      expect(await card.blocks(session, changed)).equal('6A80');
      await (await card.session(DOMAIN_A)).ok('80F22002', tlv('4F', PROBE), '6A88');
    });

    it('another domain’s token: its load into the first one, its instance of the first one’s code', async () => {
      const fields = card.loadFields(block, DOMAIN_A);
      const token = card.token(signer, '0200', fields);
      await (await card.session(DOMAIN_B)).ok('80E60200', withToken(fields, token), '6985');
      await card.load(await card.session(DOMAIN_A), signer, block);
      const install = card.installFields(INSTANCE);
      const session = await card.session(DOMAIN_B);
      await session.ok('80E60C00', withToken(install, card.token(signer, '0C00', install)), '6A88');
      const file = tlv('4F', PROBE);
      const deletion = Buffer.concat([file, tlv('9E', card.token(signer, '0080', file))]);
      await session.ok('80E40080', deletion, '6985');
      await (await card.session(DOMAIN_A)).ok('80E40080', deletion);
    });

    it('a token for another card or another provider, and takes its own', async () => {
      const session = await card.session(DOMAIN_A);
      for (const [objects, sw] of [
        [names(tlv('42', IIN), tlv('45', CIN), tlv('93', '01')), '9000'],
        [names(tlv('42', '01020305')), '6985'],
        [names(tlv('45', '05060708090B')), '6985'],
        [names(tlv('5F20', '50'.repeat(16))), '6985'],
        [names(tlv('44', '00')), '6A80'],
      ] as const) {
        const fields = card.loadFields(block, '', objects);
        await session.ok('80E60200', withToken(fields, card.token(signer, '0200', fields)), sw);
        const object = Buffer.concat([tlv('4F', PROBE), objects]);
        const deletion = Buffer.concat([object, tlv('9E', card.token(signer, '0000', object))]);
        await session.ok('80E40000', deletion, sw === '9000' ? '6A88' : sw);
      }
    });

    it('one that is not needed, one without a key for it, and one in a domain that is not PERSONALIZED', async () => {
      const install = card.installFields(INSTANCE);
      const token = card.token(signer, '0C00', install);
      await (await card.issuer()).ok('80E60C00', withToken(install, token), '6A80');
      await (await card.issuer()).ok('80E40000', 'D20170');
      await (await card.session(DOMAIN_A)).ok('80E60C00', withToken(install, token), '6985');
      const keyless = await card.keylessSession();
      await keyless.ok('80E60C00', withToken(install, token), '6985');
      await card.card.select(ISD);
      await card.card.ok('80E60200050000000000', '6982');
    });
  });

  describe('by one token over both parts of [for load, install and make selectable] (C.4.7)', () => {
    const signer = aesSigner(16);
    const last = (...changes: (string | undefined)[]): Buffer =>
      Buffer.concat(
        [PROBE, 'F00000000101', INSTANCE, '000000', 'C900'].map((field, index) => lv(changes[index] ?? field)),
      );
    const over = (first: Buffer, second: Buffer): Buffer =>
      signer.sign(Buffer.concat([tokenInput('0E01', first), tokenInput('0E03', second)]));
    before(() => tokenKey(signer));

    /** Both parts and the file between; answers the last one. */
    async function combined(session: Scp03Session, first: Buffer, second: Buffer, token: Buffer): Promise<Answer> {
      await session.ok('80E60E01', withToken(first));
      expect(await card.blocks(session, block)).equal('00');
      await session.ok('80F22002', tlv('4F', PROBE), '6A88');
      return session.send('80E60E03', withToken(second, token));
    }

    it('takes it, and names file, instance and domain in the receipt', async () => {
      const receipt = desSigner();
      await putContentKey(await card.issuer(), '71', receipt);
      const first = card.loadFields(block, '', names(tlv('42', IIN)));
      const session = await card.session(DOMAIN_A);
      const { data, sw } = await combined(session, first, last(), over(first, last()));
      expect(sw).equal('9000');
      const done = readConfirmation(hex(data));
      expect(hex(done.receipt)).equal(hex(receipt.sign(receiptInput(done, PROBE, INSTANCE, DOMAIN_A))));
      await card.deleteReceiptKey();
      const file = tlv('4F', PROBE);
      const owner = await card.session(DOMAIN_A);
      await owner.ok('80E40080', Buffer.concat([file, tlv('9E', card.token(signer, '0080', file))]));
    });

    it('leaves nothing where either part is another, or the token is over one alone', async () => {
      const first = card.loadFields(block);
      const good = over(first, last());
      const session = await card.session(DOMAIN_A);
      for (const [what, begun, ended, token] of [
        ['no token', first, last(), Buffer.alloc(0)],
        ['token of the first part', first, last(), card.token(signer, '0E01', first)],
        ['token of the last part', first, last(), card.token(signer, '0E03', last())],
        ['token of two commands', first, last(), over(last(), first)],
        ['another file', first, last('F000000002'), good],
        ['another module', first, last(undefined, 'F00000000102'), good],
        ['another instance', first, last(undefined, undefined, 'F0000000010156'), good],
        ['Card Terminate', first, last(undefined, undefined, undefined, '080000'), good],
        ['other parameters', first, last(undefined, undefined, undefined, undefined, 'C90155'), good],
        ['other load parameters', card.loadFields(block, '', bytes('EF04C6020100')), last(), good],
        ['another domain', card.loadFields(block, DOMAIN_A), last(), good],
      ] as const) {
        expect((await combined(session, begun, ended, token)).sw, what).equal('6985');
        await session.ok('80F24002', tlv('4F', PROBE), '6A88');
      }
      const foreign = names(tlv('42', '01020305'));
      const elsewhere = card.loadFields(block, '', foreign);
      expect((await combined(session, elsewhere, last(), over(elsewhere, last()))).sw, 'another card').equal('6985');
    });

    it('takes none with the first part, and none of who needs none', async () => {
      const first = card.loadFields(block);
      const session = await card.session(DOMAIN_A);
      await session.ok('80E60E01', withToken(first, card.token(signer, '0E01', first)), '6A80');
      const unhashed = Buffer.concat([PROBE, '', '', ''].map((field) => lv(field)));
      await session.ok('80E60E01', withToken(unhashed), '6A80');
      const issuer = await card.issuer();
      expect((await combined(issuer, first, last(), over(first, last()))).sw).equal('6A80');
      await issuer.ok('80F22002', tlv('4F', PROBE), '6A88');
    });
  });
});

describe('Capabilities of a domain with Token Verification', () => {
  it('stand in 0067, as the card has the algorithms', async () => {
    await using card = await DelegationCard.open();
    await card.card.select(ISD);
    const whole = bytes(await card.card.ok('80CA006700'));
    expect(hex(whole)).match(/85017F86013C87017F880100$/);
    await using poor = await DelegationCard.open({
      lacks: ['Signature.ALG_RSA_SHA_256_PKCS1_PSS', 'Signature.ALG_ECDSA_SHA_256'],
    });
    await poor.card.select(ISD);
    expect(await poor.card.ok('80CA006700')).match(/85013D86013C87013D$/);
  });
});

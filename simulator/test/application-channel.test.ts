// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { apdu, ISD, type TestCard, withIssuerCard } from '../../applet/test/support/card.ts';
import {
  desSetData,
  openScp02,
  optionsOf,
  randomDesSet,
  retailMac,
  Scp02Session,
} from '../../applet/test/support/scp02-host.ts';
import { initialize, keySetData, openScp03, randomKeySet } from '../../applet/test/support/scp03-host.ts';
import { bytes, hex } from '../../applet/test/support/tlv.ts';
import { antJavacard, ROOT } from '../../toolchain/test/run.ts';
import type { CardImage } from '../src/index.ts';

const MODULE = 'F00000000601';
const FIRST = 'F0000000060101';
const SECOND = 'F0000000060102';

describe('The secure channel of an application', function () {
  this.timeout(600_000);
  let folder = '';
  const set = randomKeySet('30');
  const desSet = randomDesSet('20');

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'opentsm-channel-'));
    const caps = join(import.meta.dirname, 'fixture/test-caps.xml');
    const run = antJavacard([`-Dcap.dir=${folder}`, '-f', caps, 'platform'], ROOT);
    expect(run.code, run.err + run.out).to.equal(0);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** A card whose issuer's domain has an SCP03 key set, and two applications under it. */
  function on(act: (card: TestCard) => Promise<void>, protocols?: string): Promise<void> {
    const change = (image: CardImage): CardImage => ({
      ...image,
      ...(protocols !== undefined && image.isd ? { isd: { ...image.isd, protocols } } : {}),
      loadFiles: [{ cap: join(folder, 'gp.cap') }],
      applications: [FIRST, SECOND].map((aid) => ({ module: MODULE, aid })),
    });
    return withIssuerCard({ lifeCycle: 'OP_READY', change }, async (card) => {
      await card.ok(
        apdu(
          '80D80081',
          keySetData(set, (key) => key),
          true,
        ),
      );
      await card.ok(
        apdu(
          '80D80081',
          desSetData(desSet, (key) => key),
          true,
        ),
      );
      await act(card);
    })();
  }

  for (const level of [0x01, 0x03, 0x11, 0x33]) {
    it(`is that of its domain, at level ${level.toString(16)}`, () =>
      on(async (card) => {
        await card.select(FIRST);
        expect(await card.ok('8009000000')).equal('00');
        const session = await openScp03(card, set, level);
        expect(await card.ok('8009000000')).equal((0x80 | level).toString(16).toUpperCase());
        for (const data of ['0102030405', 'A1A2A3A4A5']) {
          const turned = Buffer.from(data, 'hex').reverse().toString('hex').toUpperCase();
          expect(await session.ok('80200000', data)).equal(turned);
        }
        await card.ok('80210000');
        expect(await card.ok('8009000000')).equal('00');
        expect((await session.send('80200000', '0102030405')).sw).equal('6985');
      }));
  }

  it('encrypts data under the data encryption key of the session, and opens it again', () =>
    on(async (card) => {
      const blocks = Buffer.from('A1'.repeat(32), 'hex');
      await card.select(FIRST);
      expect((await card.send(apdu('80220000', blocks, true))).sw, 'without a session').equal('6985');
      for (const open of [() => openScp03(card, set, 0x33), () => openScp02(card, desSet, 0x03)]) {
        await card.select(FIRST);
        expect(await (await open()).ok('80220100', blocks)).equal(hex(blocks));
        const session = await open();
        expect(await session.ok('80220000', blocks)).equal(hex(session.seal(blocks)));
        expect((await session.send('80220000', blocks.subarray(1))).sw, 'a broken block').equal('6A80');
      }
    }));

  it('has a level that goes up from that of EXTERNAL AUTHENTICATE and down to it again', () =>
    on(async (card) => {
      await card.select(FIRST);
      const session = await openScp03(card, set, 0x01);
      for (const level of [0x03, 0x11, 0x33, 0x13, 0x01]) {
        // the answer to the change itself goes in clear
        const wanted = level.toString(16).padStart(2, '0');
        const changed = await session.card.send(
          apdu(`8423${wanted}00`, session.field(`8423${wanted}00`, Buffer.alloc(0)), true),
        );
        expect(hex(changed.data) + changed.sw).equal(`${(0x80 | level).toString(16)}9000`.toUpperCase());
        session.level = level;
        expect(await session.ok('80200000', '0102030405')).equal('0504030201');
      }
      const older = await openScp02(card, desSet, 0x01);
      expect(await older.ok('80230300')).equal('83');
      older.level = 0x03;
      expect(await older.ok('80200000', '0102030405')).equal('0504030201');
    }));

  it('has no level below the one of EXTERNAL AUTHENTICATE, and none that the protocol has not', () =>
    on(async (card) => {
      await card.select(FIRST);
      const session = await openScp03(card, set, 0x03);
      for (const level of ['00', '01', '02', '11', '23', '30', '07', '3F'])
        expect((await session.send(`8023${level}00`)).sw, level).equal('6985');
      expect(await session.ok('80238300'), 'the session goes on').equal('83');
      await card.select(FIRST);
      const older = await openScp02(card, desSet, 0x01);
      expect((await older.send('80231100')).sw, 'R-MAC is not among its options').equal('6985');
    }));

  it('is not raised again by the application when a command in clear has dropped the MAC (E.1.2.2)', () =>
    on(async (card) => {
      await card.select(FIRST);
      await initialize(card, set);
      const session = new Scp02Session(card, desSet, bytes('0000'), optionsOf('1A'), bytes('0001'));
      session.icv = retailMac(session.cMac, Buffer.alloc(8), bytes(ISD));
      session.level = 0x01;
      expect(await session.ok('80230100')).equal('81');
      expect((await card.send(apdu('80230100', '', true))).sw).equal('6985');
      expect(await card.ok('8009000000')).equal('00');
    }, '1002021A0370'));

  it('ends with a wrong MAC', () =>
    on(async (card) => {
      await card.select(FIRST);
      await openScp03(card, set, 0x01);
      expect((await card.send(apdu('84200000', `0102030405${'00'.repeat(8)}`, true))).sw).equal('6982');
      expect(await card.ok('8009000000')).equal('00');
    }));

  it('is nobody else’s', () =>
    on(async (card) => {
      await card.select(FIRST);
      const session = await openScp03(card, set, 0x01);
      await card.select(SECOND);
      expect(await card.ok('8009000000'), 'another application').equal('00');
      expect((await session.send('80200000', '0102030405')).sw).equal('6985');
      await card.select(FIRST);
      expect(await card.ok('8009000000'), 'the same one, selected again').equal('00');
      await openScp03(card, set, 0x01);
      await card.select(ISD);
      expect((await card.send(apdu('84D80081', '00'.repeat(24), true))).sw, 'the domain itself').equal('6982');
      expect((await card.send(apdu('80D80081', '00'.repeat(24), true))).sw).not.equal('9000');
    }));

  it('is not to be had while the domain is selected beside it', () =>
    on(async (card) => {
      await card.select(FIRST);
      expect(await card.ok('0070000001')).equal('01');
      await card.ok(`01A4040008${ISD}00`);
      expect((await card.send(apdu('80503000', '00'.repeat(8), true))).sw).equal('6985');
      await card.ok('00708001');
      await initialize(card, set);
    }));
});

// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { apdu, ISD, type TestCard, withIssuerCard } from '../../applet/test/support/card.ts';
import { initialize, keySetData, openScp03, randomKeySet } from '../../applet/test/support/scp03-host.ts';
import { antJavacard, ROOT } from '../../toolchain/test/run.ts';
import type { CardImage } from '../src/index.ts';

const MODULE = 'F00000000601';
const FIRST = 'F0000000060101';
const SECOND = 'F0000000060102';

describe('The secure channel of an application', function () {
  this.timeout(600_000);
  let folder = '';
  const set = randomKeySet('30');

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'opentsm-channel-'));
    const caps = join(import.meta.dirname, 'fixture/test-caps.xml');
    const run = antJavacard([`-Dcap.dir=${folder}`, '-f', caps, 'platform'], ROOT);
    expect(run.code, run.err + run.out).to.equal(0);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** A card whose issuer's domain has an SCP03 key set, and two applications under it. */
  function on(act: (card: TestCard) => Promise<void>): Promise<void> {
    const change = (image: CardImage): CardImage => ({
      ...image,
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

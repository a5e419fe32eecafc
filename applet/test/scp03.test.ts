// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startSimulator } from '../../simulator/src/index.ts';
import { attest } from './support/attestation.ts';
import { apdu, ISD, issuerImage, TestCard, withIssuerCard } from './support/card.ts';
import {
  domainCertificate,
  generateData,
  install,
  installData,
  openProvider,
  personalizationData,
  prepare,
  provider,
  providerCa,
  SSD,
  target,
} from './support/domains.ts';
import { publicKeyData } from './support/keys.ts';
import {
  type KeySet,
  keySetAnswer,
  keySetData,
  openScp03,
  randomKeySet,
  readInitializeUpdate,
} from './support/scp03-host.ts';
import { openIssuer, type Session, tripleDesEcb } from './support/scp10-host.ts';
import { bytes, hex, valueAt } from './support/tlv.ts';

const who = provider('provider a');
const plain = (key: Buffer): Buffer => key;

/** Puts a key set in clear, as the card maker does. */
async function put(card: TestCard, set: KeySet): Promise<void> {
  expect(await card.ok(apdu('80D80081', keySetData(set, plain), true))).equal(keySetAnswer(set));
}

/** Puts a key set through the issuer's SCP10 session, the keys under its DEK. */
async function putThrough(session: Session, set: KeySet): Promise<string> {
  const seal = (key: Buffer): Buffer => tripleDesEcb(session.dek, key);
  return (await session.sendLong('80D80081', keySetData(set, seal))).sw;
}

describe('A session under SCP03', () => {
  for (const length of [16, 24, 32]) {
    for (const [option, levels] of [
      ['00', [0x00, 0x01, 0x03]],
      ['10', [0x00, 0x01, 0x03]],
      ['20', [0x01, 0x03, 0x11, 0x13]],
      ['30', [0x01, 0x03, 0x11, 0x13]],
      ['60', [0x03, 0x13, 0x33]],
      ['70', [0x00, 0x01, 0x03, 0x11, 0x13, 0x33]],
      ['01', [0x01, 0x03]],
      ['71', [0x01, 0x11, 0x13, 0x33]],
    ] as const) {
      it(
        `with AES-${length * 8} and i = ${option} opens with the levels it has`,
        withIssuerCard({ lifeCycle: 'OP_READY' }, async (card) => {
          const set = randomKeySet('30', length);
          await install(await openIssuer(card), SSD, who, '', `100203${option}`);
          await card.select(SSD);
          await put(card, set);
          for (const level of levels) {
            const session = await openScp03(card, set, level, (Number.parseInt(option, 16) & 1) === 0 ? 8 : 16);
            const shown = (0x80 | level).toString(16).toUpperCase();
            for (let i = 0; i < 3; i++) {
              expect(await session.ok('80CA00D3')).equal(`D301${shown}`);
              expect(await session.ok('80CA0045', '', '6A88')).equal('');
              expect(await session.ok('80CA00D3', '5C00')).equal(`D301${shown}`);
            }
          }
        }),
      ).timeout(120_000);
    }
  }

  it(
    'counts its sessions with a pseudo-random challenge, and draws another with i = 60',
    withIssuerCard({ lifeCycle: 'OP_READY' }, async (card) => {
      const set = randomKeySet('31');
      const issuer = await openIssuer(card);
      await install(issuer, SSD, who, '', '10020360');
      await card.select(ISD);
      await put(card, set);
      const update = async (kvn: string): Promise<ReturnType<typeof readInitializeUpdate>> =>
        readInitializeUpdate(bytes(await card.ok(apdu(`8050${kvn}00`, Buffer.alloc(8), true))));
      expect((await update('31')).sequence).equal('000001');
      expect((await update('00')).sequence).equal('000002');
      await put(card, randomKeySet('31'));
      expect((await update('31')).sequence, 'a new set counts anew').equal('000001');
      await card.select(SSD);
      await put(card, set);
      const [first, second] = [await update('31'), await update('31')];
      expect([first.sequence, second.sequence]).deep.equal(['', '']);
      expect(hex(first.cardChallenge)).not.equal(hex(second.cardChallenge));
    }),
  );

  it(
    'of the issuer does what one under SCP10 does',
    withIssuerCard({ casd: true, lifeCycle: 'OP_READY' }, async (card) => {
      const set = randomKeySet('30');
      await put(card, set);
      await card.ok('80F0800F');
      const issuer = await openScp03(card, set);
      await issuer.ok('80E60C00', installData(SSD, who));
      await issuer.ok('80E62000', personalizationData(SSD));
      const pair = bytes(await issuer.ok('80478000', generateData('10', 1024)));
      // longer than one APDU: wrapped once, then cut
      expect(await issuer.ok('80D80001', publicKeyData('10', providerCa(who), who.authority))).equal('10');
      const session = await openProvider(card, SSD, who, valueAt(pair, '7F49', '81'));
      await session.ok('80478000', generateData('11', 1024), true);
      await card.select(SSD);
      expect(await attest(card)).include({ owned: true, maker: '02' });
    }),
  );
});

describe('Key sets', () => {
  it(
    'come under the DEK of SCP03 and of SCP10, with the length before the key or without',
    withIssuerCard({ lifeCycle: 'OP_READY' }, async (card) => {
      const initial = randomKeySet('FF');
      await put(card, initial);
      await card.ok('80F0800F');
      const session = await openScp03(card, initial);
      const first = randomKeySet('30');
      expect(hex((await session.putKeySet(first)).data)).equal(keySetAnswer(first));
      // the initial set went with the first other one
      await card.ok(apdu('8050FF00', Buffer.alloc(8), true), '6A88');
      const bare = randomKeySet('31', 32);
      const open = await openScp03(card, first, 0x13);
      expect((await open.putKeySet(bare, '00', 'bare')).sw).equal('9000');
      const large = randomKeySet('32', 24);
      expect((await open.putKeySet(large)).sw).equal('9000');
      const replaced = randomKeySet('33', 32);
      expect((await open.putKeySet(replaced, '31')).sw).equal('9000');
      expect(hex(valueAt(bytes(await open.ok('80CA00E0')), 'E0'))).equal(
        `C0060110A180A003C0060210A180A003${['30', '32', '33']
          .flatMap((kvn, i) => ['01', '02', '03'].map((kid) => `C004${kid}${kvn}88${['10', '18', '20'][i]}`))
          .join('')}`,
      );
      for (const set of [first, large, replaced]) await openScp03(card, set);
      const issuer = await openIssuer(card);
      const again = randomKeySet('30');
      expect(await putThrough(issuer, again)).equal('9000');
      await openScp03(card, again);
    }),
  ).timeout(120_000);

  it(
    'of the issuer end with the first write of the owner, and what the owner puts stays',
    withIssuerCard({ casd: true }, async (card) => {
      const modulus = await prepare(await openIssuer(card), SSD, who, '10020370');
      await card.select(ISD);
      const issuer = await openIssuer(card);
      await target(issuer, SSD);
      const hidden = [randomKeySet('30'), randomKeySet('31')];
      for (const set of hidden) expect(await putThrough(issuer, set)).equal('9000');
      await card.select(SSD);
      expect((await attest(card)).keys, 'the attestation shows them').include('C004013088');
      // with its own set the issuer is anybody: the domain knows its application provider by his certificate
      const intruder = await openScp03(card, hidden[0] ?? randomKeySet('30'));
      expect(await intruder.ok('80CA00D3')).equal('D30173');
      expect((await intruder.putKeySet(randomKeySet('32'))).sw).equal('6982');
      const owner = await openProvider(card, SSD, who, modulus);
      const own = randomKeySet('3F');
      expect(await putThrough(owner, own)).equal('9000');
      await card.select(SSD);
      for (const { kvn } of hidden) await card.ok(apdu(`8050${kvn}00`, Buffer.alloc(8), true), '6A88');
      expect((await attest(card)).keys).equal(
        'E022C0060110A180A003C0060210A180A003C004013F8810C004023F8810C004033F8810',
      );
      const session = await openScp03(card, own);
      const pair = bytes(await session.ok('80478000', generateData('11', 1024)));
      expect(await session.storeData(domainCertificate(who, valueAt(pair, '7F49', '81')))).equal('9000');
      await card.select(ISD);
      const later = await openIssuer(card);
      await target(later, SSD);
      expect(await putThrough(later, randomKeySet('30'))).equal('6985');
    }),
  );

  it('are there after a restart, with their counter', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'key-sets-'));
    const set = randomKeySet('30');
    try {
      for (const sequence of ['000001', '000002']) {
        await using simulator = await startSimulator({ stateDir });
        await using simulated = await simulator.insert(issuerImage());
        const card = new TestCard(simulated);
        await card.select(ISD);
        if (sequence === '000001') await put(card, set);
        const answer = await card.ok(apdu('80503000', Buffer.alloc(8), true));
        expect(readInitializeUpdate(bytes(answer)).sequence).equal(sequence);
        if (sequence === '000002') await openScp03(card, set);
      }
    } finally {
      rmSync(stateDir, { recursive: true, force: true });
    }
  }).timeout(120_000);

  it(
    'are told of in 0066 and 0067: a host that knows no SCP10 reads the issuer domain',
    withIssuerCard({ lifeCycle: 'OP_READY' }, async (card) => {
      const scp = (n: string): string => `640B06092A864886FC6B04${n}`;
      expect(await card.ok('80CA006600')).include(scp('1002') + scp('1001'));
      expect(await card.ok('80CA006700')).equal(
        '6738A00780011081020201A009800103810170820107A006800102810115' +
          '8103FFFF8082031E1F0083040102030485017F86013C87017F880100',
      );
      await put(card, randomKeySet('30'));
      const told = await card.ok('80CA006600');
      expect(told).include(scp('0370'));
      expect(told).not.include(scp('1002'));
      await install(await openIssuer(card), SSD, who, '', '10020370');
      await card.select(SSD);
      await put(card, randomKeySet('30'));
      expect(await card.ok('80CA006600')).include(scp('1002') + scp('1001') + scp('0370'));
    }),
  );
});

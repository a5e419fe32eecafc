// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { SimulatorError } from '../../simulator/src/index.ts';
import { attest } from './support/attestation.ts';
import { ISD, type TestCard, withIssuerCard } from './support/card.ts';
import {
  certificateKeyData,
  domainCertificate,
  generate,
  generateData,
  openProvider,
  prepare,
  provider,
  providerCa,
  SSD,
  target,
} from './support/domains.ts';
import { publicKeyData } from './support/keys.ts';
import { type KeySet, keySetData, openScp03, randomKeySet } from './support/scp03-host.ts';
import { openIssuer, type Session, tripleDesEcb } from './support/scp10-host.ts';
import { bytes, hex, tlv, valueAt } from './support/tlv.ts';

const who = provider('provider a');
const MOST_WRITES = 400;

async function modulusOf(card: TestCard): Promise<Buffer> {
  return valueAt(bytes(await card.ok('8047810000')), '7F49', '81');
}

/** True when the power went in the middle; the card is on again then. */
async function cut(card: TestCard, atWrite: number, act: () => Promise<unknown>): Promise<boolean> {
  await card.simulated.cutPower({ atWrite });
  try {
    await act();
    return false;
  } catch (error) {
    if (!(error instanceof SimulatorError) || error.code !== 'power-cut') throw error;
    await card.simulated.power('on');
    return true;
  }
}

/** Cuts at the first, second, third ... write until the act runs through; answers how many cuts there were. */
async function cutAtEachWrite(
  card: TestCard,
  open: () => Promise<Session>,
  act: (session: Session) => Promise<unknown>,
  look: () => Promise<void>,
): Promise<number> {
  for (let n = 1; n < MOST_WRITES; n++) {
    const session = await open();
    const struck = await cut(card, n, () => act(session));
    // a cut that was planned and did not strike must not strike later
    if (!struck) await card.simulated.cutPower({ atWrite: 0 });
    await look();
    if (!struck) return n - 1;
  }
  throw new RangeError(`more than ${MOST_WRITES} writes`);
}

describe('Power lost at any write', () => {
  it(
    'of GENERATE leaves the old pair or the new one, whole, and an owner from the new one on',
    withIssuerCard({}, async (card) => {
      await prepare(await openIssuer(card), SSD, who);
      await card.select(SSD);
      const first = await modulusOf(card);
      let current = first;
      const seen = new Set([hex(first)]);
      const cuts = await cutAtEachWrite(
        card,
        () => openProvider(card, SSD, who, current),
        (session) => session.send('80478000', generateData('11', 1024), true),
        async () => {
          await card.select(SSD);
          current = await modulusOf(card);
          seen.add(hex(current));
          // the private key is the public one's: a session opens
          await openProvider(card, SSD, who, current);
        },
      );
      expect(cuts).greaterThan(3);
      expect(seen.size).greaterThan(1);
      expect(hex(current)).not.equal(hex(first));
    }),
  ).timeout(120_000);

  it(
    'of PUT KEY leaves the old trust point or the new one',
    withIssuerCard({}, async (card) => {
      const session = await openProvider(card, SSD, who, await prepare(await openIssuer(card), SSD, who));
      const modulus = await generate(session, '11');
      const other = { ...provider('provider a, other ca'), reference: who.reference };
      const trusts = async (side: typeof who): Promise<boolean> => {
        try {
          await openProvider(card, SSD, side, modulus);
          return true;
        } catch {
          return false;
        }
      };
      const cuts = await cutAtEachWrite(
        card,
        async () => openProvider(card, SSD, (await trusts(who)) ? who : other, modulus),
        (open) => open.sendLong('80D80001', publicKeyData('20', providerCa(other), other.authority)),
        async () => {
          expect((await trusts(who)) !== (await trusts(other))).equal(true);
        },
      );
      expect(cuts).greaterThan(2);
      expect(await trusts(other)).equal(true);
    }),
  ).timeout(120_000);

  it(
    'of a later certificate leaves the old one or the new one, whole',
    withIssuerCard({}, async (card) => {
      const session = await openProvider(card, SSD, who, await prepare(await openIssuer(card), SSD, who));
      const modulus = await generate(session, '11');
      const [old, renewed] = [domainCertificate(who, modulus), domainCertificate(who, modulus, '0202020202020202')];
      const cuts = await cutAtEachWrite(
        card,
        async () => {
          const open = await openProvider(card, SSD, who, modulus);
          expect(await open.storeData(old)).equal('9000');
          return open;
        },
        (open) => open.sendLong('80D80002', certificateKeyData('11', renewed)),
        async () => {
          await card.select(SSD);
          expect(await card.ok('80CA7F2100')).oneOf([hex(old), hex(renewed)]);
        },
      );
      expect(cuts).greaterThan(2);
      await card.select(SSD);
      expect(await card.ok('80CA7F2100')).equal(hex(renewed));
    }),
  ).timeout(120_000);
});

/** Life cycle of the provider's domain, as the issuer's domain tells it. */
async function lifeCycle(card: TestCard): Promise<string> {
  await card.select(ISD);
  const issuer = await openIssuer(card);
  return hex(valueAt(bytes(await issuer.ok('80F24002', tlv('4F', SSD), true)), 'E3', '9F70'));
}

describe('Power lost at any write of what belongs together', () => {
  for (const way of ['PUT KEY', 'STORE DATA']) {
    it(
      `leaves certificate and PERSONALIZED or neither, by ${way}`,
      withIssuerCard({}, async (card) => {
        const session = await openProvider(card, SSD, who, await prepare(await openIssuer(card), SSD, who));
        const modulus = await generate(session, '11');
        const certificate = domainCertificate(who, modulus);
        const seen = new Set<string>();
        const cuts = await cutAtEachWrite(
          card,
          () => openProvider(card, SSD, who, modulus),
          (open) =>
            way === 'PUT KEY'
              ? open.sendLong('80D80002', certificateKeyData('11', certificate))
              : open.storeData(certificate),
          async () => {
            const state = await lifeCycle(card);
            await card.select(SSD);
            const { sw } = await card.send('80CA7F2100');
            seen.add(`${state} ${sw}`);
          },
        );
        expect(cuts).greaterThan(3);
        expect([...seen].sort()).deep.equal(['07 6A88', '0F 9000']);
      }),
    ).timeout(120_000);
  }

  it(
    'stores all objects of STORE DATA or none, and an owner with them',
    withIssuerCard({ casd: true }, async (card) => {
      const modulus = await prepare(await openIssuer(card), SSD, who);
      const list = Buffer.concat([tlv('42', '0102'), domainCertificate(who, modulus), tlv('45', '0304')]);
      const seen = new Set<string>();
      const cuts = await cutAtEachWrite(
        card,
        () => openProvider(card, SSD, who, modulus),
        (session) => session.storeData(list),
        async () => {
          await card.select(SSD);
          const words: string[] = [];
          for (const tag of ['0042', '0045', '7F21']) words.push((await card.send(`80CA${tag}00`)).sw);
          seen.add(`${words.join(' ')} ${(await attest(card)).owned ? 'owned' : 'not owned'}`);
        },
      );
      expect(cuts).greaterThan(5);
      expect([...seen].sort()).deep.equal(['6A88 6A88 6A88 not owned', '9000 9000 9000 owned']);
    }),
  ).timeout(120_000);

  it(
    'leaves the trust point by delegation, or the new one with an owner',
    withIssuerCard({ casd: true }, async (card) => {
      const modulus = await prepare(await openIssuer(card), SSD, who);
      const seen = new Set<string>();
      const cuts = await cutAtEachWrite(
        card,
        () => openProvider(card, SSD, who, modulus),
        (session) => session.sendLong('80D80001', publicKeyData('20', providerCa(who), who.authority)),
        async () => {
          await card.select(SSD);
          const { keys, owned } = await attest(card);
          seen.add(`${keys.slice(8, 12)} ${owned ? 'owned' : 'not owned'}`);
        },
      );
      expect(cuts).greaterThan(3);
      expect([...seen].sort()).deep.equal(['0110 not owned', '0120 owned']);
    }),
  ).timeout(120_000);
});

describe('Power lost at any write of a key set', () => {
  it(
    'leaves the set before or the new one, whole, and with the owner only his own',
    withIssuerCard({ casd: true }, async (card) => {
      const modulus = await prepare(await openIssuer(card), SSD, who, '10020370');
      await card.select(ISD);
      const issuer = await openIssuer(card);
      await target(issuer, SSD);
      const [before, after] = [randomKeySet('30'), randomKeySet('31', 32)];
      const data = (session: Session, set: KeySet): Buffer => keySetData(set, (key) => tripleDesEcb(session.dek, key));
      expect((await issuer.sendLong('80D80081', data(issuer, before))).sw).equal('9000');
      const seen = new Set<string>();
      const cuts = await cutAtEachWrite(
        card,
        () => openProvider(card, SSD, who, modulus),
        (session) => session.sendLong('80D80081', data(session, after)),
        async () => {
          await card.select(SSD);
          const { keys, owned } = await attest(card);
          const kvns = (keys.match(/C00401../g) ?? []).map((entry) => entry.slice(-2));
          seen.add(`${kvns.join(' ')} ${owned ? 'owned' : 'not owned'}`);
          // by delegation it opens, but is not the owner's
          await openScp03(card, owned ? after : before);
        },
      );
      expect(cuts).greaterThan(3);
      expect([...seen].sort()).deep.equal(['30 not owned', '31 owned']);
    }),
  ).timeout(120_000);
});

describe('Memory', () => {
  it(
    'is not allocated after installation, whatever the domains do',
    withIssuerCard({ casd: true }, async (card) => {
      const first = await prepare(await openIssuer(card), SSD, who);
      const session = await openProvider(card, SSD, who, first);
      const modulus = await generate(session, '11');
      await session.storeData(domainCertificate(who, modulus));
      await card.select(SSD);
      await card.ok(`80CAFF60129410${'01'.repeat(16)}00`);
      await card.select(ISD);
      for (let i = 0; i < 20; i++) await openIssuer(card);
      const { allocationsAfterInstall, largestTransaction } = await card.simulated.statistics();
      expect(allocationsAfterInstall).equal(0);
      // The budget of a card's commit buffer.
      expect(largestTransaction).within(1, 512);
    }),
  );

  it(
    'is not written to by commands that read: level 00, as the simulator counts session keys as writes too',
    withIssuerCard({}, async (card) => {
      const session = await openIssuer(card, 0x00);
      const before = (await card.simulated.statistics()).persistentWrites;
      for (let i = 0; i < 10; i++) {
        await session.ok('80CA0066', '', true);
        await session.ok('80478100', '', true);
        await session.ok('80CA0000', '', true, '6A88');
      }
      expect((await card.simulated.statistics()).persistentWrites).equal(before);
    }),
  );

  it(
    'of a session is gone after reset and power-off',
    withIssuerCard({}, async (card) => {
      for (const act of [
        () => card.simulated.reset(),
        async () => {
          await card.simulated.power('off');
          await card.simulated.power('on');
        },
      ]) {
        const session = await openIssuer(card);
        await act();
        await card.select(ISD);
        expect((await session.send('80CA00D3', '', true)).sw).equal('6982');
        expect(await card.ok('80CA00D300')).equal('D30100');
      }
    }),
  );
});

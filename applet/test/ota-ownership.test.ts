// SPDX-License-Identifier: Apache-2.0
/** Steps 47 to 60 over short messages, and what an issuer can still do by them afterwards (applet/README.md 5.8). */
import { expect } from 'chai';
import { ISD, pairImage, type TestCard } from './support/card.ts';
import {
  certificateKeyData,
  domainCertificate,
  generate,
  openProvider,
  personalizationData,
  prepare,
  provider,
  target,
} from './support/domains.ts';
import { rsaKey } from './support/keys.ts';
import { onOtaCard, PacketCard, randomKeys } from './support/ota-card.ts';
import { keySetData } from './support/scp03-host.ts';
import { openIssuer, type Session, tripleDesEcb } from './support/scp10-host.ts';
import { bytes, hex, tlv } from './support/tlv.ts';

/** Its TAR is in it, bytes 13 to 15. */
const DOMAIN = 'F06F70656E74736D5301000053A00100';
const DOMAIN_TAR = '53A001';
const who = provider('provider a');
const issuers = randomKeys(1, 'AES');
const delegated = randomKeys(5, 'AES');
const own = randomKeys(6, 'AES');

const domainOptions = {
  keys: [issuers],
  change: (image: Parameters<NonNullable<Parameters<typeof onOtaCard>[0]['change']>>[0]) => ({
    ...image,
    ...(image.isd === null ? {} : { isd: { ...image.isd, keyPair: pairImage('1002', rsaKey('isd')) } }),
  }),
};

/** PUT KEY of a packet's set under a session's DEK; answers the status word. */
async function putSet(session: Session, keys: typeof own): Promise<string> {
  const set = { kvn: hex(Buffer.of(keys.kvn)), enc: keys.kic, mac: keys.kid, dek: keys.kik };
  const data = keySetData(set, (key) => tripleDesEcb(session.dek, key));
  return (await session.send('80D80081', data, true)).sw;
}

/** Steps 43 to 60, each command in a message of its own: the sessions live from one to the next. */
async function distribute(remote: TestCard): Promise<Buffer> {
  await remote.select(ISD);
  const issuer = await openIssuer(remote);
  const first = await prepare(issuer, DOMAIN, who);
  await target(issuer, DOMAIN);
  expect(await putSet(issuer, delegated), 'a set that comes by delegation').equal('9000');
  const session = await openProvider(remote, DOMAIN, who, first);
  const modulus = await generate(session, '11');
  const certificate = certificateKeyData('11', domainCertificate(who, modulus));
  expect((await session.sendLong('80D80002', certificate)).sw, 'step 60').equal('9000');
  return modulus;
}

const statusOf = async (card: TestCard, keys: typeof own, commands: readonly (string | Buffer)[]) =>
  new PacketCard(card, keys, DOMAIN_TAR, 100n).script(commands);

describe('A domain that was made over short messages', () => {
  it('has its owner’s keys alone, and none that came by delegation opens a packet any more', () =>
    onOtaCard(domainOptions, async (card) => {
      const remote = new PacketCard(card, issuers);
      await remote.select(ISD);
      const issuer = await openIssuer(remote);
      const first = await prepare(issuer, DOMAIN, who);
      await target(issuer, DOMAIN);
      expect(await putSet(issuer, delegated)).equal('9000');
      const before = new PacketCard(card, delegated, DOMAIN_TAR);
      const attempt = ['80CA00E000', '80E2900006420401020304', '80CA004200'];
      const { status, answers } = await before.script(attempt);
      expect([status, answers[0]?.slice(-4), answers[1]]).deep.equal(['00', '9000', '6982']);
      const session = await openProvider(remote, DOMAIN, who, first);
      await generate(session, '11');
      expect((await before.script(['80CA00E000'])).status, 'gone with the first write').equal('05');
      expect(await putSet(session, own)).equal('9000');
      expect((await statusOf(card, own, ['80E2900006420401020304'])).answers).deep.equal(['9000']);
    }));

  it('takes nothing from its issuer after step 60', () =>
    onOtaCard(domainOptions, async (card) => {
      const remote = new PacketCard(card, issuers);
      const modulus = await distribute(remote);
      expect((await statusOf(card, delegated, ['80CA00E000'])).status).equal('05');
      // by the packet alone, and in a session of the issuer's inside it
      const personalize = Buffer.concat([bytes('80E62000'), Buffer.of(22), personalizationData(DOMAIN), Buffer.of(0)]);
      const put = Buffer.concat([
        bytes('80D80001'),
        bytes('14'),
        bytes('47'),
        tlv('88', Buffer.alloc(16)),
        bytes('00'),
      ]);
      const store = bytes('80E290000642040102030400');
      for (const attack of [put, store, bytes('8047800006A4048402110200')]) {
        await remote.select(ISD);
        const { answers } = await remote.script([personalize, attack]);
        expect(answers.at(-1)?.slice(-4), hex(attack)).match(/^(6985|6A80|6982)$/);
      }
      await remote.select(ISD);
      const issuer = await openIssuer(remote);
      await target(issuer, DOMAIN);
      expect(await putSet(issuer, delegated)).equal('6985');
      expect((await issuer.send('80E29000', tlv('42', '01020304'))).sw).equal('6985');
      expect((await statusOf(card, delegated, ['80CA00E000'])).status).equal('05');
      await openProvider(remote, DOMAIN, who, modulus);
    }));

  it('trusts the packet no more once a session has begun in it, and its own issuer’s packet never', () =>
    onOtaCard(domainOptions, async (card) => {
      const remote = new PacketCard(card, issuers);
      const store = '80E2900006420401020304';
      expect((await remote.script([store])).answers).deep.equal(['9000']);
      // MSE begins an initiation: what comes behind it in clear is nobody's
      const begin = ['0022C1B60480021002', store];
      expect((await remote.script(begin)).answers).deep.equal(['9000', '6982']);
      await remote.select(ISD);
      expect((await remote.script([store])).answers).deep.equal(['9000']);
      await distribute(remote);
      // selected in the issuer's packet, the provider's domain sees plain commands
      const select = Buffer.concat([bytes('00A4040010'), bytes(DOMAIN)]);
      const { answers } = await remote.script([select, store]);
      expect(answers.at(-1)).equal('6982');
    }));
});

// SPDX-License-Identifier: Apache-2.0
/** Domains on logical channels (GPCS 11.1.4, ISO 7816-4 5.4.1): their classes, and a session for one alone. */
import { expect } from 'chai';
import { apdu, ISD, type TestCard, withIssuerCard } from './support/card.ts';
import { ChannelCard } from './support/channel-card.ts';
import { DelegationCard, DOMAIN_A, DOMAIN_B } from './support/delegation-card.ts';
import { personalizationData, prepare, provider, SSD } from './support/domains.ts';
import { keySetData, openScp03, randomKeySet } from './support/scp03-host.ts';
import { openIssuer } from './support/scp10-host.ts';
import { bytes, hex, tlv } from './support/tlv.ts';

const LEVEL = '80CA00D3';
const who = provider('provider a');

describe('Logical channels of a domain', function () {
  this.timeout(60_000);
  let delegation: DelegationCard;
  let basic: TestCard;
  before(async () => {
    delegation = await DelegationCard.open();
    basic = delegation.card;
  });
  after(() => delegation?.[Symbol.asyncDispose]());

  for (const channel of [0, 1, 3, 4, 11, 19])
    it(`carries a whole session on channel ${channel}, in the classes it has there`, async () => {
      const card = await ChannelCard.open(basic, channel);
      await card.select(DOMAIN_A);
      const session = await openScp03(card, delegation.keySet(DOMAIN_A));
      expect(await session.ok(LEVEL)).equal('D301B3');
      expect(await session.ok('80F24002', tlv('4F', DOMAIN_A))).match(new RegExp(DOMAIN_A));
      await card.ok('80CA00E000', '6982');
      await card.close(basic);
    });

  it('has two domains in sessions side by side', async () => {
    const other = await ChannelCard.open(basic, 2);
    await basic.select(DOMAIN_A);
    await other.select(DOMAIN_B);
    const [first, second] = [
      await openScp03(basic, delegation.keySet(DOMAIN_A)),
      await openScp03(other, delegation.keySet(DOMAIN_B)),
    ];
    for (let turn = 0; turn < 3; turn++) {
      expect(await first.ok(LEVEL)).equal('D301B3');
      expect(await second.ok(LEVEL)).equal('D301B3');
    }
    await other.close(basic);
    expect(await first.ok(LEVEL)).equal('D301B3');
  });

  it('takes no command of a session from another channel, and ends the session when one comes there', async () => {
    for (const [name, header] of [
      ['with the session’s next MAC', '84CA00D3'],
      ['in clear', '80CA00D3'],
    ] as const) {
      const other = await ChannelCard.open(basic, 1);
      await basic.select(DOMAIN_A);
      await other.select(DOMAIN_A);
      await basic.select(DOMAIN_A);
      const session = await openScp03(basic, delegation.keySet(DOMAIN_A));
      const field = header.startsWith('84') ? session.field(header, Buffer.alloc(0)) : Buffer.alloc(0);
      const answer = await other.send(apdu(header, field, true));
      expect([answer.sw, hex(answer.data)], name).deep.equal(
        header.startsWith('84') ? ['6982', ''] : ['9000', 'D30100'],
      );
      const { sw } = await session.send(LEVEL);
      expect(sw, 'the session is over').equal('6982');
      await other.close(basic);
    }
  });

  it('keeps a session while another channel is opened, which selects the same domain, and is closed', async () => {
    await basic.select(ISD);
    const session = await openScp03(basic, delegation.keySet(ISD));
    const other = await ChannelCard.open(basic, 5);
    expect(await session.ok(LEVEL)).equal('D301B3');
    await basic.ok('0C70000001', '6882');
    expect(await session.ok(LEVEL)).equal('D301B3');
    await other.close(basic);
    expect(await session.ok(LEVEL)).equal('D301B3');
  });

  it('ends what a channel has begun with the channel: a new one finds nothing', async () => {
    const other = await ChannelCard.open(basic, 6);
    await other.select(DOMAIN_B);
    const session = await openScp03(other, delegation.keySet(DOMAIN_B));
    await basic.select(DOMAIN_B);
    await other.close(basic);
    const again = await ChannelCard.open(basic, 6);
    await again.select(DOMAIN_B);
    expect((await session.send(LEVEL)).sw).equal('6982');
    await again.close(basic);
  });
});

describe('Logical channels under SCP10', () => {
  it(
    'carry the whole initiation and secure messaging',
    withIssuerCard({}, async (card) => {
      for (const channel of [1, 7]) {
        const other = await ChannelCard.open(card, channel);
        await other.select(ISD);
        const issuer = await openIssuer(other);
        expect(await issuer.ok(LEVEL, '', true)).equal('D301B3');
        await other.close(card);
      }
    }),
  );

  it(
    'join the parts of one channel only',
    withIssuerCard({ lifeCycle: 'OP_READY' }, async (card) => {
      const data = keySetData(randomKeySet('30'), (key) => key);
      const [head, tail] = [apdu('80D88081', data.subarray(0, 30)), apdu('80D80081', data.subarray(30), true)];
      const other = await ChannelCard.open(card, 4);
      await other.select(ISD);
      await card.select(ISD);
      await card.ok(head);
      expect((await other.send(tail)).sw).not.equal('9000');
      expect((await card.send(tail)).sw, 'and the first part is gone').not.equal('9000');
      await card.ok(head);
      await card.ok(tail);
    }),
  );

  it(
    'hand on to a named domain from the channel that named it alone',
    withIssuerCard({}, async (card) => {
      const other = await ChannelCard.open(card, 8);
      await prepare(await openIssuer(card), SSD, who);
      await card.select(ISD);
      const issuer = await openIssuer(card);
      await issuer.ok('80E62000', personalizationData(SSD), true);
      await other.select(ISD);
      await other.ok('80478000 0A A40884021002 91020400 00', '6985');
      await issuer.ok('80478000', bytes('A40884021002 91020400'), true, '6982');
    }),
  );
});

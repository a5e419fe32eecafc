// SPDX-License-Identifier: Apache-2.0
/** Logical channels 4 to 19, whose class bytes have another form; MACs are over that of channel 0 (GPCS 11.1.4). */
import { expect } from 'chai';
import { readCardImage, type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { CardSession } from '../../card/card-session.ts';
import { systemRandom } from '../../crypto/random.ts';
import { Secret } from '../../crypto/secret.ts';
import { StatusWordError } from '../../errors.ts';
import { Scp02Channel } from '../../secure-channel/scp02/channel.ts';
import { Scp03Channel } from '../../secure-channel/scp03/channel.ts';
import { securityLevel } from '../../secure-channel/security-level.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import { AID } from '../../wire/gp/aid.ts';
import { gpCommand, INS } from '../../wire/gp/command.ts';
import { select } from '../../wire/gp/select.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { TEST_KEY } from '../clients/fixture.ts';
import { failure } from '../transport/framed-card.ts';
import { channelTo, noFuse } from './native-cards.ts';

const FIRST = 4;
const keys = () => ({ enc: new Secret(TEST_KEY), mac: new Secret(TEST_KEY), dek: new Secret(TEST_KEY) });

/** The classes of channel 0 as this channel has them; those that are of that form already go as they are. */
function onChannel(card: CardChannel, channel: number): CardChannel {
  return {
    ...card,
    transmit: (command) => {
      const sent = command.slice();
      const cla = sent[0] ?? 0;
      if ((cla & 0x40) === 0) sent[0] = (cla & 0x90) | 0x40 | ((cla & 0x0c) === 0 ? 0 : 0x20) | (channel - FIRST);
      return card.transmit(sent);
    },
  };
}

describe('A session on a channel behind the fourth', () => {
  let card: SimulatedCard;
  before(async () => {
    const { image } = await readCardImage('gp');
    if (image.isd === null) throw new RangeError('gp has an issuer domain');
    card = await (await sharedSimulator()).insert({ ...image, isd: { ...image.isd, protocols: '02350370' } });
  });
  after(() => card?.remove());

  const scp02 = () =>
    new Scp02Channel({ level: securityLevel(0x13), option: 0x35, keys, keyVersion: 0x20, random: systemRandom });
  const scp03 = () =>
    new Scp03Channel({
      level: securityLevel(0x33),
      keys,
      keyVersion: 0x30,
      aid: AID.ISSUER_SECURITY_DOMAIN,
      random: systemRandom,
    });

  for (const channel of [5, 19])
    for (const [protocol, make, level] of [
      ['SCP02', scp02, '93'],
      ['SCP03', scp03, 'B3'],
    ] as const)
      it(`takes commands of that channel's own class: ${protocol} on ${channel}`, async () => {
        const basic = channelTo(card);
        const number = toHex(Uint8Array.of(channel));
        expect(toHex(await basic.transmit(fromHex(`007000${number}00`)))).to.equal('9000');
        const session = new CardSession(onChannel(basic, channel));
        await session.send(select(AID.ISSUER_SECURITY_DOMAIN));
        await session.open(make(), noFuse);
        const own = { cla: 0xc0 | (channel - FIRST), le: true };
        const ask = (p1: number, p2: number) =>
          session.send(gpCommand({ label: 'GET DATA', ins: INS.GET_DATA, p1, p2, ...own }));
        expect(toHex(await ask(0x00, 0xd3))).to.equal(`D301${level}`);
        const [ins, data] = [INS.GET_STATUS, fromHex('4F00')];
        const listed = await session.send(gpCommand({ label: 'GET STATUS', ins, p1: 0x80, p2: 2, data, ...own }));
        expect(toHex(listed)).to.contain(toHex(AID.ISSUER_SECURITY_DOMAIN));
        expect(await failure(ask(0x12, 0x34))).to.be.instanceOf(StatusWordError);
        expect(toHex(await ask(0x00, 0xd3))).to.equal(`D301${level}`);
        expect(toHex(await basic.transmit(fromHex(`007080${number}`)))).to.equal('9000');
      });
});

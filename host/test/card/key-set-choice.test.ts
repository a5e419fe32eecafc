// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { readCardImage, sharedSimulator } from '../../../simulator/src/index.ts';
import { CardSession } from '../../card/card-session.ts';
import { keySetOf, secureChannelsOf } from '../../card/discovery.ts';
import { describeKey } from '../../cli/card/describe.ts';
import { systemRandom } from '../../crypto/random.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import { decodeKeyInformation } from '../../wire/gp/key-information.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import { TEST_KEY } from '../clients/fixture.ts';
import { channelTo } from './native-cards.ts';

const key = toHex(TEST_KEY);
const set = (keyVersion: string, type: 'AES' | 'DES') => ({ keyVersion, type, enc: key, mac: key, dek: key });

describe('the key set of a domain that announces SCP02 and SCP03', () => {
  for (const packets of ['02', '0F', '41'])
    it(`is not the one for packets under ${packets}, unless that is named`, async () => {
      const { image } = await readCardImage('gp');
      if (image.isd === null) throw new RangeError('gp has an issuer domain');
      const isd = { ...image.isd, keySets: [set(packets, 'AES'), set('20', 'DES')] };
      await using card = await (await sharedSimulator()).insert({ ...image, isd });
      const session = new CardSession(channelTo(card));
      const offered = await secureChannelsOf(session, systemRandom);
      expect(offered.map(({ protocol }) => protocol)).to.have.members([0x02, 0x03]);
      const named = Number.parseInt(packets, 16);
      expect(await keySetOf(session, offered, { keyVersion: 0 })).to.deep.equal({ protocol: 0x02, keyVersion: 0x20 });
      expect(await keySetOf(session, offered, { keyVersion: named })).to.deep.equal({
        protocol: 0x03,
        keyVersion: named,
      });
      const unchanged = { protocol: 0x03, keyVersion: 0 };
      expect(await keySetOf(session, offered, unchanged)).to.deep.equal(unchanged);
    });

  it('is found in key information of the extended form, which the card list shows whole', async () => {
    const keys = [1, 2, 3].map((kid) => `C00A0${kid}30FF88001001180100`).join('');
    const information = fromHex(`E024${keys}`);
    const answer = concat(information, fromHex('9000'));
    const card: CardChannel = {
      atr: new Uint8Array(),
      transmit: async () => answer,
      reset: async () => new Uint8Array(),
      close: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
    const offered = [
      { protocol: 0x02, option: 0x55 },
      { protocol: 0x03, option: 0x70 },
    ];
    expect(await keySetOf(new CardSession(card), offered, {})).to.deep.equal({ protocol: 0x03, keyVersion: 0x30 });
    expect(decodeKeyInformation(information).map(describeKey)[2]).to.deep.equal({
      version: '30',
      id: '03',
      components: ['AES 16'],
      usage: '18',
      access: '00',
    });
  });
});

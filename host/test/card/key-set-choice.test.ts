// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { readCardImage, sharedSimulator } from '../../../simulator/src/index.ts';
import { CardSession } from '../../card/card-session.ts';
import { keySetOf, secureChannelsOf } from '../../card/discovery.ts';
import { systemRandom } from '../../crypto/random.ts';
import { toHex } from '../../wire/hex.ts';
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
});

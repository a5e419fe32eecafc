// SPDX-License-Identifier: Apache-2.0
/** A purse as an ordinary application under an issuer's domain that is not ours (docs/cards.md). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { TestCard } from '../../../applet/test/support/card.ts';
import {
  KEYS,
  keyObjects,
  PIN,
  PURSE,
  PURSE_MODULE,
  PURSE_PACKAGE,
  PurseTerminal,
  publicObjects,
  SERIAL,
} from '../../../applet/test/support/purse-card.ts';
import type { Algorithm } from '../../../applet/test/support/purse-host.ts';
import { ROOT } from '../../../toolchain/test/run.ts';
import { loadFileCommands } from '../../card/load.ts';
import { decodeCapFile } from '../../wire/cap/cap-file.ts';
import { aid } from '../../wire/gp/aid.ts';
import { deleteObject } from '../../wire/gp/delete.ts';
import { installApplication, installForExtradition, installForPersonalization } from '../../wire/gp/install.ts';
import { STORE_DATA_FORM, storeDataBlocks } from '../../wire/gp/store-data.ts';
import { fromHex } from '../../wire/hex.ts';
import { insertNative, type NativeCardName } from './native-cards.ts';

const names = { loadFile: aid(PURSE_PACKAGE), module: aid(PURSE_MODULE), instance: aid(PURSE) };

/** Every card, and each algorithm on one of them. */
const ROWS: readonly (readonly [NativeCardName, Algorithm])[] = [
  ['jcop', 'aes'],
  ['uicc', '3des'],
  ['ese', 'aes'],
];

describe('a purse under an issuer domain that is not ours', function () {
  this.timeout(60_000);

  for (const [name, algorithm] of ROWS)
    it(`is loaded, personalised and topped up on ${name}, in ${algorithm}`, async () => {
      const cap = decodeCapFile(new Uint8Array(await readFile(join(ROOT, 'build/cap/purse-3.0.4.cap'))));
      await using native = await insertNative(name);
      const session = await native.open();
      for (const command of loadFileCommands(cap, {})) await session.send(command);
      const applicationParameters = fromHex(algorithm === 'aes' ? '' : '800101');
      await session.send(installApplication({ ...names, privileges: 0, applicationParameters }));
      const keys = KEYS[algorithm];
      const objects = [publicObjects(), Buffer.concat([keyObjects(keys), PIN])].map((part) => new Uint8Array(part));
      const personalise = async (): Promise<string> => {
        await session.send(installForPersonalization(names.instance));
        const answers: string[] = [];
        for (const command of storeDataBlocks(objects, STORE_DATA_FORM.BER_TLV))
          answers.push((await session.transmit(command)).sw);
        return answers.join(' ');
      };
      expect(await personalise()).to.equal('9000 9000');
      expect(await personalise(), 'for good').to.match(/^6985/);

      const card = new TestCard(native.card);
      expect(await card.select(PURSE)).to.contain(SERIAL);
      const purse = new PurseTerminal(card, algorithm, keys);
      await card.ok('0020000003123456');
      await purse.load('00000100');
      await card.ok('0020000003123456');
      await purse.load('00000023');
      expect(await purse.balance()).to.equal('00000123');

      // what such a card cannot do: give the purse to the provider
      const again = await native.open();
      const provider = aid(fromHex('F0000000025350'));
      expect((await again.transmit(installForExtradition(names.instance, provider))).sw).to.match(/^6/);
      await again.send(deleteObject(names.loadFile, { related: true }));
      await card.select(PURSE, '6A82');
    });
});

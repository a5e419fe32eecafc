// SPDX-License-Identifier: Apache-2.0
/** A card whose issuer's domain is not ours is saved as it was left, under another name too. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { startSimulator } from '../../../simulator/src/index.ts';
import { testCaps } from '../../../simulator/test/fixture/test-caps.ts';
import type { CardSession } from '../../card/card-session.ts';
import { loadFileCommands } from '../../card/load.ts';
import { decodeCapFile } from '../../wire/cap/cap-file.ts';
import { gpCommand } from '../../wire/gp/command.ts';
import { fromHex } from '../../wire/hex.ts';
import { insertNative, NATIVE_CARDS } from './native-cards.ts';

const NAME = 'D0D1D2D3D4D501';
const APPLICATION = 'F00000000102';

async function send(session: CardSession, header: string, data = ''): Promise<string> {
  const [cla = 0, ins = 0, p1 = 0, p2 = 0] = fromHex(header);
  const answer = await session.transmit(gpCommand({ label: header, cla, ins, p1, p2, data: fromHex(data), le: true }));
  return answer.data + answer.sw;
}

/** Name, data, diversification and keys of the domain, and its registry. */
async function seen(session: CardSession): Promise<string[]> {
  const answers: string[] = [];
  for (const header of ['80CA004F', '80CA0042', '80CA00CF', '80CA00E0']) answers.push(await send(session, header));
  for (const header of ['80F28002', '80F24002', '80F22002']) answers.push(await send(session, header, '4F00'));
  return answers;
}

describe('saved states of cards with an issuer domain that is not ours', function () {
  this.timeout(240_000);
  let stateDir = '';
  before(() => {
    stateDir = mkdtempSync(join(tmpdir(), 'opentsm-native-'));
  });
  after(() => rmSync(stateDir, { recursive: true, force: true }));

  it('have name, keys, data and content', async () => {
    await using simulator = await startSimulator({ stateDir });
    const cap = decodeCapFile(new Uint8Array(readFileSync(join(testCaps(), 'probe.cap'))));
    for (const name of NATIVE_CARDS) {
      let left: string[];
      {
        await using native = await insertNative(name, {}, simulator);
        const session = await native.open();
        for (const command of loadFileCommands(cap)) await session.send(command);
        const install = `05F00000000106F0000000010106${APPLICATION}010002C90000`;
        expect(await send(session, '80E60C00', install)).to.equal('009000');
        expect(await send(session, '80E29000', '4204AABBCCDD'), 'an object').to.equal('9000');
        expect(await send(session, '80E28800', '00CF0A00112233445566778899'), 'a grouping').to.equal('9000');
        expect(await send(session, '80E29000', `4F07${NAME}`), 'its name').to.equal('9000');
        expect(await send(session, '80E61000', `07${NAME}0006${APPLICATION}000000`), 'to itself').to.equal('009000');
        expect(await send(session, '80E64000', `000006${APPLICATION}01020000`), 'CVM').to.equal('009000');
        expect(await send(session, '80D80001', `70B04104${'C5'.repeat(64)}00`), 'a key').to.match(/9000$/);
        left = await seen(session);
        expect(left[0]).to.match(new RegExp(`${NAME}9000$`));
        expect(left[2], 'diversification').to.equal('CF0A001122334455667788999000');
        expect(left[5], 'what it may, and whose it is').to.match(new RegExp(`C503020000.*CC07${NAME}9000$`));
      }
      await using again = await insertNative(name, {}, simulator);
      const session = await again.open({ aid: NAME });
      expect(await seen(session), name).to.deep.equal(left);
      expect(await send(session, '80E64000', `07${NAME}0006${APPLICATION}01000000`), 'no more').to.equal('009000');
      expect(await send(session, '80F24002', '4F00')).to.match(/C503000000.*9000$/);
    }
  });
});

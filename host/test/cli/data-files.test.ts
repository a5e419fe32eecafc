// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { readCardImage, type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { fileVerbs } from '../../cli/card/file-verbs.ts';
import { withCard } from '../../cli/card/session.ts';
import { StatusWordError } from '../../errors.ts';

const LONG = `BF1F820258${'5A'.repeat(600)}`;

/** `tsm card read` of a file of data objects on a T=0 card, where an answer without Le waits; TS 102 221 11.3. */
describe('tsm card read on a UICC with files of data objects', () => {
  let card: SimulatedCard;

  before(async () => {
    const { image } = await readCardImage('uicc');
    const dataFiles = [{ path: '3F007FFF6F70', objects: `8001AA5F2D02656E${LONG}` }, { path: '3F007F106F71' }];
    card = await (await sharedSimulator()).insert({ ...image, dataFiles }, { tcp: { port: 0 } });
  });
  after(() => card?.remove());

  async function read(name: string, own: object = {}): Promise<unknown> {
    const verb = fileVerbs.find(({ usage }) => usage.split(' ')[0] === 'read');
    const options = { reader: `tcp:127.0.0.1:${card.tcpPort}`, kdf: 'none' as const, keyVersion: 0, json: true };
    const flags = { dryRun: false, trace: false, showSecrets: false, withoutDomain: true };
    return withCard({ ...options, ...flags }, async (work) => verb?.run(work, [name], { ...own }));
  }

  it('shows its objects, short and long', async () => {
    expect(await read('USIM/6F70', { pin: '1234' })).to.deep.equal(
      ['8001AA', '5F2D02656E', LONG].map((data, i) => ({ object: i + 1, file: 'EF.USIM/6F70', data })),
    );
    expect(await read('7F10/6F71', { pin: '1234' })).to.deep.equal([]);
  });

  it('shows none to who has not shown the PIN', async () => {
    expect(await read('USIM/6F70').catch((error: unknown) => error)).to.be.instanceOf(StatusWordError);
  });
});

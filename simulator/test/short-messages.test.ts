// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { expect } from 'chai';
import { type CardImage, type SimulatedCard, sharedSimulator } from '../src/index.ts';
import { select, send } from './fixture/probe.ts';

const MODULE = 'F00000000710';
const MESSENGER = 'F0000000071001';
const PACKET = '00100D00010000B00010000000000100AABB'; // CPL 16, CHL 13, no padding, two bytes of data

const byte = (value: number): string => value.toString(16).padStart(2, '0').toUpperCase();
const element = (tag: string, value: string): string => `${tag}${byte(value.length / 2)}${value}`;
const withData = (header: string, data: string): string => element(header, data);

/** SMS-DELIVER of +4321, its user data length as said. */
const deliver = (first: string, coding: string, length: number, userData: string): string =>
  `${first}0481432100${coding}11111111111111${byte(length)}${userData}`;

/** What the handler of 3GPP TS 31.130 tells of messages and of cell broadcasts, however they came. */
describe('short messages of a toolkit application', function () {
  this.timeout(60_000);
  let card: SimulatedCard;

  const image: CardImage = {
    name: 'short-messages',
    atr: '3B00',
    iccid: '8986001234567890123F',
    isd: null,
    toolkit: true,
    loadFiles: [
      {
        aid: 'F000000007',
        path: resolve(import.meta.dirname, '../java/target/test-classes'),
        modules: [{ aid: MODULE, class: 'org.opentsm.simulator.toolkitapplet.Messenger' }],
      },
    ],
    applications: [{ module: MODULE, aid: MESSENGER, uiccParameters: '8008010000000000' + '0000' }],
  };

  beforeEach(async () => {
    card = await (await sharedSimulator()).insert(image);
    expect(await send(card, '801000000101')).to.equal('9000');
  });
  afterEach(() => card.remove());

  async function heard(): Promise<string> {
    await select(card, MESSENGER);
    return send(card, '8001000000');
  }

  /** ENVELOPE with a TPDU; what the application heard. */
  async function envelope(tpdu: string): Promise<string> {
    const list = `82028381${element('0B', tpdu)}`;
    expect(await send(card, withData('80C20000', element('D1', list)))).to.equal('9000');
    return heard();
  }

  it('gives the message behind its header, and its length without it', async () => {
    for (const [tpdu, told, what] of [
      [deliver('00', '04', 3, '414243'), '0E030F03', 'three bytes'],
      [deliver('40', '04', 8, '0403018001414243'), '0E081403', 'a header of five bytes'],
      [deliver('40', '00', 13, `0403018001${'00'.repeat(7)}`), '0E0D1407', '13 characters, the header six of them'],
      [deliver('40', '08', 9, '040301800100410042'), '0E091404', 'UCS2'],
      [deliver('00', '20', 3, '414243'), '0E030F03', 'compressed'],
      [deliver('40', '04', 5, '0403018001'), '0E051400', 'nothing but a header'],
      [deliver('40', '04', 3, '090301'), '0E031200', 'half a header'],
    ] as const) {
      expect(await envelope(tpdu), what).to.equal(`04D18381${told}8383009000`);
    }
  });

  it('gives the data of a packet, and the packet as the message', async () => {
    expect(await envelope(deliver('40', 'F6', 21, `027000${PACKET}`))).to.equal('02D18381' + '0E151212' + '2202009000');
  });

  it('has no TP-UDL in a cell broadcast, and its page from the sixth byte on', async () => {
    const page = async (identifier: string, coding: string, content: string): Promise<string> => {
      const value = `0001${identifier}${coding}11${content.padEnd(164, '0')}`;
      const list = `82028381${element('8C', value)}`;
      expect(await send(card, withData('80C20000', element('D2', list)))).to.equal('9000');
      return heard();
    };
    expect(await page('0001', '0F', '4142')).to.equal('06D28381' + '83830652' + '8383009000');
    expect(await page('0001', '95', '0403018001'), 'with a header').to.equal('06D28381' + '83830B4D' + '8383009000');
    expect(await page('1080', '96', PACKET), 'a packet').to.match(/^18D283818383..../);
  });

  for (const [where, path, name] of [
    ['the telecom directory', '7F106F3C', 0],
    ['the USIM', '7FFF6F3C', 16],
  ] as const)
    it(`tells number and status of a record that the terminal stored in ${where}, and whose file it is`, async () => {
      const usim = 'A0000000871002FFFFFFFF8903020000';
      const store = async (number: number, status: string, tpdu: string): Promise<string> => {
        await card.reset();
        await send(card, '801000000101');
        await send(card, withData('00A4040C', usim));
        expect(await send(card, withData('00A4080C', path))).to.equal('9000');
        const record = `${status}058121436587${tpdu}`.padEnd(352, 'F');
        expect(await send(card, withData(`00DC${byte(number)}04`, record))).to.equal('9000');
        return heard();
      };
      const tail = `${byte(name)}9000`;
      expect(await store(3, '03', deliver('00', '04', 3, '414243'))).to.equal(`05D10303` + `0E030F03` + `8383${tail}`);
      const packet = deliver('40', 'F6', 21, `027000${PACKET}`);
      expect(await store(2, '03', packet)).to.equal(`03D10203` + `0E151212` + `2202${tail}`);
      expect(await store(2, '01', packet), 'read before').to.equal('9000');
    });
});

// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type CardImage, type SimulatedCard, sharedSimulator } from '../src/index.ts';
import { send } from './fixture/probe.ts';

const byte = (value: number): string => value.toString(16).padStart(2, '0').toUpperCase();
const withData = (header: string, data: string): string => `${header}${byte(data.length / 2)}${data}`;

/** Six records of 15 bytes; 01 02 03 stands at 0, 6, 12, 9 and 1, and 03 02 01 in the last one. */
const SEARCHED = '00A4080C047F4A6F1A';

describe('search in records', function () {
  this.timeout(60_000);
  let card: SimulatedCard;

  const image: CardImage = {
    name: 'record-search',
    atr: '3B00',
    iccid: '8986001234567890123F',
    isd: null,
    toolkit: true,
    applications: [],
  };

  beforeEach(async () => {
    card = await (await sharedSimulator()).insert(image);
    await send(card, SEARCHED);
  });
  afterEach(() => card.remove());

  /** READ RECORD of the current one: its first byte. */
  const current = async (): Promise<string> => (await send(card, '00B200040F')).slice(0, 2);

  it('goes on from a record, forward and back, and makes the first one found the current one', async () => {
    expect(await send(card, withData('00A20204', '0B'))).to.equal('02030405' + '9000');
    expect(await send(card, withData('00A20004', '0B')), 'from the current record, which is the second').to.equal(
      '020304059000',
    );
    expect(await send(card, withData('00A20405', '0B'))).to.equal('040302019000');
    expect(await current()).to.equal('07');
    expect(await send(card, withData('00A20004', '0B'))).to.equal('04059000');
    expect(await send(card, `${withData('00A20104', '0B')}02`), 'no more numbers than asked for').to.equal('01029000');
    expect(await send(card, withData('00A20104', '10'))).to.equal('6282');
  });

  it('takes an enhanced search by offset or value, beside the current record', async () => {
    const enhanced = (indication: string, pattern: string): Promise<string> =>
      send(card, withData('00A20006', indication + pattern));
    expect(await enhanced('0409', '010203'), 'at the tenth byte or behind').to.equal('0304059000');
    expect(await enhanced('0609', '010203'), 'behind record 3').to.equal('04059000');
    expect(await enhanced('0700', '010203'), 'before record 4').to.equal('0302019000');
    expect(await enhanced('0C0F', '010203'), 'behind the first 0F').to.equal('0304' + '9000');
    expect(await send(card, withData('00A20506', '0500030201')), 'back from record 5').to.equal('6282');
    expect(await send(card, withData('00A20606', '0500030201')), 'back from record 6').to.equal('069000');
  });

  it('finds the file by its short identifier', async () => {
    await send(card, '00A4000C023F00');
    expect(await send(card, withData('00A201F4', '4F')), 'EF.DIR').to.equal('019000');
    expect(await send(card, withData('00A201EC', '4F')), 'no file of that name').to.equal('6A82');
  });

  it('refuses other modes, half an indication, and a record that is not there', async () => {
    expect(await send(card, withData('00A20003', '0B'))).to.equal('6A86');
    expect(await send(card, withData('00A20007', '0B'))).to.equal('6A86');
    expect(await send(card, withData('00A20006', '0400'))).to.equal('6700');
    expect(await send(card, withData('00A20006', '0300010203'))).to.equal('6A80');
    expect(await send(card, withData('00A20006', '1400010203'))).to.equal('6A80');
    expect(await send(card, withData('00A20704', '0B'))).to.equal('6A83');
    expect(await send(card, withData('00A20104', '0B'.repeat(16))), 'longer than a record').to.equal('6700');
  });

  it('seeks as a SIM does, and says in its own status words why not', async () => {
    for (const file of ['3F00', '7F4A', '6F1A']) await send(card, withData('A0A40000', file));
    expect(await send(card, withData('A0A20010', '030201')), 'from the beginning, with its number').to.equal('9F01');
    expect(await send(card, 'A0C0000001')).to.equal('069000');
    expect(await send(card, withData('A0A20003', '0102')), 'back from the current one').to.equal('9000');
    expect(await current()).to.equal('0A');
    expect(await send(card, withData('A0A20012', '0102')), 'nothing behind the fifth').to.equal('9404');
    await send(card, withData('A0A40000', '6F1A'));
    expect(await send(card, withData('A0A20013', '0D0E')), 'no current one: back from the last').to.equal('9F01');
    expect(await send(card, 'A0C0000001')).to.equal('049000');
    expect(await send(card, withData('A0A20004', '0102'))).to.equal('6B00');
    expect(await send(card, 'A0B207040F'), 'no record 7').to.equal('9402');
    expect(await send(card, 'A0B000000F'), 'not transparent').to.equal('9408');
    expect(await send(card, withData('A0A40000', '6FEE'))).to.equal('9404');
    await send(card, withData('A0A40000', '3F00'));
    expect(await send(card, 'A0B000000F'), 'no file').to.equal('9400');
    for (const file of ['7F4A', '6F09']) await send(card, withData('A0A40000', file));
    expect(await send(card, withData('A0320000', '000001')), 'the sum, to be fetched').to.equal('9F06');
    expect(await send(card, 'A0C0000006')).to.equal('5555560000019000');
  });
});

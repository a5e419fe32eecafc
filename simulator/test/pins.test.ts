// SPDX-License-Identifier: Apache-2.0
/** PINs and access rights of a UICC: ETSI TS 102 221 9, 11.1.9 to 11.1.13; TS 51.011 9.2.9 to 9.2.13 for class A0. */
import { expect } from 'chai';
import { type CardImage, readCardImage, type SimulatedCard, sharedSimulator, withCard } from '../src/index.ts';
import { send } from './fixture/probe.ts';

const hex = (digits: string): string => Buffer.from(digits.padEnd(8, '\u00ff'), 'latin1').toString('hex').toUpperCase();
const [PIN1, PIN2, PUK1, ADM1] = [hex('1234'), hex('5678'), hex('12345678'), hex('88888888')];
const WRONG = hex('0000');
const USIM = 'A0000000871002FFFFFFFF8903020000';

const verify = (key: string, pin = ''): string => `002000${key}${pin === '' ? '' : `08${pin}`}`;

async function uicc(changes: Partial<CardImage> = {}): Promise<SimulatedCard> {
  const { image } = await readCardImage('uicc');
  return (await sharedSimulator()).insert({ ...image, ...changes });
}

async function play(card: SimulatedCard, rows: readonly (readonly [command: string, answer: string])[]): Promise<void> {
  for (const [index, [command, answer]] of rows.entries())
    expect(await send(card, command), `${index}: ${command}`).to.match(new RegExp(`^${answer}$`));
}

const toUsim = [`00A4040C10${USIM}`, '9000'] as const;
const file = (id: string) => [`00A4000C02${id}`, '9000'] as const;

describe('PINs of a UICC', () => {
  it(
    'count wrong tries, are blocked at none, and are opened by their PUK with a counter of its own',
    withCard('uicc', async (card) => {
      await play(card, [
        [verify('01'), '63C3'],
        [verify('01', WRONG), '63C2'],
        [verify('01', WRONG), '63C1'],
        [verify('01', PIN1), '9000'],
        [verify('01'), '63C3'],
        [verify('01', WRONG), '63C2'],
        [verify('01', WRONG), '63C1'],
        [verify('01', WRONG), '63C0'],
        [verify('01', PIN1), '6983'],
        [`0024000110${PIN1}${WRONG}`, '6983'],
        ['002C0001', '63CA'],
        [`002C000110${WRONG}${PIN2}`, '63C9'],
        [`002C000110${PUK1}${PIN2}`, '9000'],
        ['002C0001', '63CA'],
        [verify('01', PIN1), '63C2'],
        [verify('01', PIN2), '9000'],
      ]);
    }),
  );

  it(
    'are changed, disabled and enabled by who knows them',
    withCard('uicc', async (card) => {
      await play(card, [
        [`0024000110${WRONG}${PIN2}`, '63C2'],
        [`0024000110${PIN1}${PIN2}`, '9000'],
        [`0026000108${PIN1}`, '63C2'],
        [`0026000108${PIN2}`, '9000'],
        [`0026000108${PIN2}`, '6985'],
        [verify('01', PIN2), '6984'],
        [`0028000108${WRONG}`, '63C2'],
        [`0028000108${PIN2}`, '9000'],
        [`0028000108${PIN2}`, '6985'],
        [`0026008108${PIN2}`, '6A86'],
      ]);
    }),
  );

  it(
    'refuse what is out of form without a try',
    withCard('uicc', async (card) => {
      await play(card, [
        [verify('02', PIN1), '6A88'],
        [`0020010108${PIN1}`, '6A86'],
        ['0020000104FFFFFFFF', '6700'],
        [`002400010F${PIN1}${PIN2.slice(2)}`, '6700'],
        [`002C000A10${PUK1}${PIN2}`, '6A88'],
        [verify('01'), '63C3'],
      ]);
    }),
  );

  it(
    'answer class A0 in the words of a SIM',
    withCard('uicc', async (card) => {
      await play(card, [
        ['A0A40000027F20', '9F..'],
        ['A0A40000026F07', '9F..'],
        ['A0B0000009', '9804'],
        [`A020000108${WRONG}`, '9804'],
        [`A020000108${PIN1}`, '9000'],
        ['A0B0000009', '0809.*9000'],
        [`A028000108${PIN1}`, '9808'],
        [`A020000308${PIN1}`, '9802'],
        [`A020000208${WRONG}`, '9804'],
        [`A020000208${WRONG}`, '9804'],
        [`A020000208${WRONG}`, '9840'],
        [`A02C000210${hex('87654321')}${PIN2}`, '9000'],
        [`A02C000010${PUK1}${PIN1}`, '9000'],
      ]);
    }),
  );

  it('keep their counters without power, and forget what was verified', async () => {
    await using card = await uicc();
    await play(card, [[verify('01', WRONG), '63C2'], [verify('01', PIN1), '9000'], toUsim, file('6F07')]);
    expect(await send(card, '00B0000009')).to.match(/9000$/);
    await send(card, verify('01', WRONG));
    await card.reset();
    await play(card, [[verify('01'), '63C2'], toUsim, file('6F07'), ['00B0000009', '6982']]);
  });

  it('count a try before they look at it: a power cut gives none back', async () => {
    await using card = await uicc();
    for (const left of ['2', '1']) {
      await card.cutPower({ atWrite: 2 });
      await card.transmit(Buffer.from(verify('01', PIN1), 'hex')).catch(() => undefined);
      await card.power('on');
      expect(await send(card, verify('01'))).to.equal(`63C${left}`);
    }
    expect(await send(card, verify('01', PIN1))).to.equal('9000');
  });

  it('are of a card whose image names them', async () => {
    await using card = await uicc({ pins: { pin1: { value: '4711', tries: 5, enabled: false } } });
    await play(card, [
      [verify('01'), '63C5'],
      [verify('0A', ADM1), '6A88'],
      [`0028000108${hex('4711')}`, '9000'],
    ]);
    const refused = await uicc({ pins: { pin1: { value: '12' } } }).catch((error: unknown) => error);
    expect(refused)
      .to.have.property('message')
      .that.matches(/pins\.pin1\.value/);
  });
});

describe('Access rights of files', () => {
  it(
    'hold for reading and writing: always, PIN1, PIN2, ADM',
    withCard('uicc', async (card) => {
      await play(card, [
        ['00A4000C022FE2', '9000'],
        ['00B000000A', '.*9000'],
        ['00D60000019F', '6982'],
        toUsim,
        file('6F46'),
        ['00B0000011', '.*9000'],
        ['00D600000101', '6982'],
        file('6F07'),
        ['00B0000009', '6982'],
        [verify('01', PIN1), '9000'],
        ['00B0000009', '080910101032547698.*9000'],
        ['00D600000108', '6982'],
        [verify('0A', ADM1), '9000'],
        ['00D600000108', '9000'],
        file('6F3B'),
        [`00DC01041C${'FF'.repeat(28)}`, '6982'],
        [verify('81', PIN2), '9000'],
        [`00DC01041C${'FF'.repeat(28)}`, '9000'],
        ['0004000000', '9000'],
      ]);
    }),
  );

  it(
    'stand in EF.ARR, and each file names its record',
    withCard('uicc', async (card) => {
      await play(card, [
        [`00A4040410${USIM}`, '62.*C6099001C0830101830181.*9000'],
        ['00A40004026F07', '61..'],
        ['00C0000000', '62.*8B032F060F.*9000'],
        ['00A40004023F00', '61..'],
        ['00C0000000', '62.*9000'],
        ['00A4000C022F06', '9000'],
        ['00B20F0446', '800101A406830101950108800102A40683010A950108.*9000'],
      ]);
    }),
  );

  it('leave files free on a card without PINs', async () => {
    await using card = await uicc({ pins: {}, toolkit: true });
    await play(card, [
      toUsim,
      file('6F07'),
      ['00B0000009', '.*9000'],
      ['00D600000108', '9000'],
      [verify('01'), '6E00'],
    ]);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { expect } from 'chai';
import { type CardImage, type SimulatedCard, sharedSimulator } from '../src/index.ts';
import { select, send } from './fixture/probe.ts';

const MODULE = 'F00000000702';
const APPLICATION = 'A0000000090005FFFFFFFF89E0000002';
const UNRECOGNIZED = '80C2000009010782028381FF0101';
const applet = (number: number): string => `F000000007020${number}`;
const byte = (value: number): string => value.toString(16).padStart(2, '0').toUpperCase();
const withData = (header: string, data: string): string => `${header}${byte(data.length / 2)}${data}`;

/** Access domain of the card's files and of the application's, ETSI TS 102 226 8.2.1.3.2.4. */
function domains(domain: string): string {
  const one = `${byte(domain.length / 2)}${domain}00`;
  const both = `00${one}10${APPLICATION}${one}`;
  return `${byte(both.length / 2)}${both}`;
}
const asUser = (domain: string): string => `81${domains(domain)}`;
const asAdministrator = (domain: string): string => `82${domains(domain)}`;

/** Parameters with which the application does not register with the toolkit. */
const NO_TOOLKIT = '01';
const ALL = '00';
const NOTHING = 'FF';
const ALWAYS = '02000004';
const PIN = '02010000';
const PIN_AND_ADM1 = '02010100';
const LOCAL_PIN_AND_ADM2 = '02000208';
const DOMAINS = [ALL, NOTHING, ALWAYS, PIN, PIN_AND_ADM1, LOCAL_PIN_AND_ADM2];
/** Records of EF.ARR that each of them satisfies: always, never, PIN and ADM1, PIN or ADM1, local PIN or ADM2. */
const OPENS = ['1345', '', '1', '4', '34', '5'];

const file = (identifier: string, size: string, rules = '2F0601', descriptor = '82024121'): string =>
  `${descriptor}8302${identifier}8A01058B03${rules}8002${size}8800`;
const directory = (identifier: string, rules = '2F0601'): string =>
  `820278218302${identifier}8A01058B03${rules}81020030C606900180830101`;

/** CREATE, RESIZE and DELETE FILE of ETSI TS 102 222 by the terminal and by applications, ETSI TS 102 241 annex A. */
describe('file administration', function () {
  this.timeout(600_000);
  let card: SimulatedCard;

  const image = (): CardImage => ({
    name: 'file-administration',
    protocol: 'T=1',
    atr: '3B00',
    iccid: '8986001234567890123F',
    isd: null,
    toolkit: true,
    loadFiles: [
      {
        aid: 'F000000007',
        path: resolve(import.meta.dirname, '../java/target/test-classes'),
        modules: [{ aid: MODULE, class: 'org.opentsm.simulator.toolkitapplet.Filer' }],
      },
    ],
    applications: [
      ...DOMAINS.map((domain, i) => ({
        module: MODULE,
        aid: applet(i),
        uiccParameters: asUser(domain) + asAdministrator(domain),
      })),
      { module: MODULE, aid: applet(6), uiccParameters: asUser(ALWAYS) + asAdministrator(LOCAL_PIN_AND_ADM2) },
      { module: MODULE, aid: applet(7), uiccParameters: asUser(ALL) },
      { module: MODULE, aid: applet(8) },
      { module: MODULE, aid: applet(9), parameters: NO_TOOLKIT, uiccParameters: asUser(PIN) },
    ],
  });

  before(async () => {
    card = await (await sharedSimulator()).insert(image());
  });
  after(() => card.remove());
  beforeEach(() => card.reset());

  /** View 0 of the card's files and view 1 of the application's, in the directory of the tests. */
  async function views(number: number, administrator: boolean): Promise<void> {
    await select(card, applet(number));
    const kind = administrator ? 2 : 0;
    expect(await send(card, `8050${byte(kind << 4)}0100`)).to.equal('9000');
    await send(card, `8050${byte(((kind + 1) << 4) | 1)}0100`);
    for (const view of [0, 1]) expect(await go(view, '7F4A')).to.match(/9000$/);
  }
  const go = (view: number, identifier: string): Promise<string> => send(card, `8051${byte(view)}0002${identifier}`);
  const create = (view: number, parameters: string): Promise<string> =>
    send(card, withData(`8054${byte(view)}00`, parameters));
  const remove = (view: number, identifier: string): Promise<string> =>
    send(card, `8055${byte(view)}0002${identifier}`);
  const resize = (view: number, identifier: string, size: string): Promise<string> =>
    send(card, `8056${byte(view)}00088302${identifier}8002${size}`);
  const read = (view: number, length: number): Promise<string> => send(card, `8052${byte(view)}${byte(length)}00`);
  /** The terminal in the directory of the tests; no applet is selected. */
  async function terminal(application = false): Promise<void> {
    await send(card, `00A4040C10${APPLICATION}`);
    if (!application) await send(card, '00A4000C023F00');
    expect(await send(card, '00A4000C027F4A')).to.equal('9000');
  }

  it('makes files of each structure, which the terminal finds', async () => {
    await views(0, true);
    expect(await create(0, file('6F29', '0003'))).to.equal('9000');
    expect(await send(card, '80530000021234')).to.equal('9000');
    expect(await create(0, file('6F2A', '0002', '2F0601', '820442210001')), 'linear').to.equal('9000');
    expect(await send(card, '805900020177'), 'next record').to.equal('9000');
    expect(await create(0, file('6F2B', '0003', '2F0601', '820446210003')), 'cyclic').to.equal('9000');
    expect(await send(card, '8059000303123456'), 'previous record').to.equal('9000');
    await terminal();
    expect(await send(card, '00A40004026F2900')).to.equal('62148202412183026F298A01058B032F0601800200039000');
    expect(await send(card, '00B0000003')).to.equal('1234FF9000');
    expect(await send(card, '00A40004026F2A00')).to.match(/^..1782054221000102.*9000$/);
    expect(await send(card, '00B2010401')).to.equal('779000');
    await send(card, '00A4000C026F2B');
    expect(await send(card, '00B2010403')).to.equal('1234569000');
    for (const made of ['6F29', '6F2A', '6F2B']) expect(await send(card, `00E4000002${made}`)).to.equal('9000');
    expect(await send(card, '00A4000C026F29')).to.equal('6A82');
  });

  it('deletes a directory with what is in it, and nothing of it comes back', async () => {
    await views(0, true);
    for (const view of [0, 1]) {
      const rules = view === 0 ? '2F0601' : '6F0601';
      expect(await create(view, directory('5F01', rules))).to.equal('9000');
      expect(await go(view, '5F01')).to.match(/^62.*83025F01.*9000$/);
      expect(await create(view, file('6F2A', '0001', rules))).to.equal('9000');
      expect(await create(view, directory('5F02', rules))).to.equal('9000');
      expect(await create(view, file('6F29', '0010', rules))).to.equal('9000');
      await go(view, '5F02');
      await go(view, '5F01');
      expect(await remove(view, '6F2A')).to.equal('9000');
      expect(await go(view, '6F2A')).to.equal('6B04');
      await go(view, '7F4A');
      expect(await remove(view, '5F01')).to.equal('9000');
      expect(await remove(view, '5F01'), 'not there').to.equal('6B04');
      expect(await create(view, directory('5F01', rules))).to.equal('9000');
      expect(await go(view, '5F02')).to.equal('6B04');
      await go(view, '7F4A');
      expect(await remove(view, '5F01')).to.equal('9000');
    }
  });

  it('resizes: FF comes behind the end, or the end goes', async () => {
    await views(0, true);
    await go(0, '6F0F');
    expect(await read(0, 6), 'behind the end').to.equal('6B07');
    expect(await resize(0, '6F0F', '0006')).to.equal('9000');
    expect(await read(0, 6), 'it stays selected').to.equal('000000FFFFFF9000');
    expect(await resize(1, '6F0C', '0010')).to.equal('9000');
    await go(1, '6F0C');
    expect(await send(card, '8058010400')).to.equal('FFFFFF9000');
    await terminal(true);
    expect(await send(card, '80D400000A620883026F0C80020008')).to.equal('9000');
    await send(card, '00A4000C026F0C');
    expect(await send(card, '00B2030404')).to.equal('6A83');
    await terminal();
    expect(await send(card, '80D400000883026F0F80020003'), 'without template').to.equal('9000');
  });

  it('adds to long records, by amounts of 127 bytes at most, and to none that is not there', async () => {
    await views(0, true);
    expect(await create(0, file('6F29', '0000', '2F0601', '820446210000')), 'no record').to.equal('9000');
    expect(await send(card, '805F000003000001')).to.equal('6B09');
    expect(await send(card, '8059000303000001')).to.equal('6B09');
    expect(await remove(0, '6F29')).to.equal('9000');
    expect(await create(0, file('6F29', '00FD', '2F0601', '8204462100FD'))).to.equal('9000');
    expect(await send(card, `805F00007F${'00'.repeat(126)}02`)).to.equal(`${'00'.repeat(252)}029000`);
    const shifted = await send(card, `805F00027F${'00'.repeat(126)}03`);
    expect(shifted, 'the length, wherever it is put').to.have.lengthOf(2 * (253 + 2));
    expect(await send(card, `805F000080${'00'.repeat(127)}01`)).to.equal('6B08');
    await terminal();
    await send(card, '00A4000C026F29');
    expect(await send(card, '00B20104FD')).to.equal(`${'00'.repeat(252)}059000`);
    expect(await send(card, '00E40000026F29')).to.equal('9000');
  });

  it('refuses with the reason of the API', async () => {
    await views(0, true);
    expect(await send(card, '8057000000'), 'null').to.equal('6F02');
    expect(await create(0, '42424242'), 'no control parameters').to.equal('6A01');
    expect(await create(0, file('6F29', '0003', '2F0601', '820442210002')), 'half a record').to.equal('6A01');
    expect(await create(0, file('6F03', '0020')), 'there').to.equal('6A02');
    await send(card, '8051000002' + '3F00');
    expect(await create(0, directory('7F4A')), 'a directory that is there').to.equal('6A02');
    await go(0, '7F4A');
    expect(await resize(0, '6F2A', '000A'), 'not there').to.equal('6B04');
    expect(await resize(0, '6F09', '0010'), 'cyclic').to.equal('6B02');
    expect(await resize(0, '6F0C', '0006'), 'half a record').to.equal('6A01');
    await go(0, '6F03');
    await send(card, '805D000000');
    expect(await resize(0, '6F03', '000A'), 'deactivated').to.equal('6B06');
    await send(card, '805E000000');
  });

  DOMAINS.forEach((domain, number) => {
    it(`opens what the access domain ${domain} opens`, async () => {
      for (const administrator of [false, true]) {
        await views(number, administrator);
        for (const record of [1, 2, 3, 4, 5]) {
          const opens = OPENS[number]?.includes(`${record}`);
          const right = opens ? /9000$/ : /^6B03$/;
          for (const view of [0, 1]) {
            await go(view, '7F4A');
            await go(view, `6FB${record}`);
            expect(await read(view, 3), `read ${record}`).to.match(right);
            expect(await send(card, `8053${byte(view)}0001FF`), `update ${record}`).to.match(right);
            expect(await send(card, `805D${byte(view)}0000`), `deactivate ${record}`).to.match(right);
            expect(await send(card, `805E${byte(view)}0000`), `activate ${record}`).to.match(right);
            await go(view, `6FC${record}`);
            expect(await send(card, `805F${byte(view)}0003000001`), `increase ${record}`).to.match(right);
            if (!administrator) continue;
            const rules = `${view === 0 ? '2F06' : '6F06'}0${record}`;
            await go(view, `5F1${record}`);
            expect(await create(view, file('6F29', '0005', rules)), `create ${record}`).to.match(right);
            const known = opens ? '6F29' : `4F1${record}`;
            expect(await resize(view, known, '000A'), `resize ${record}`).to.match(right);
            expect(await remove(view, known), `delete ${record}`).to.match(right);
          }
        }
      }
    });
  });

  it('opens what everybody may have, and nothing to change files, where INSTALL says nothing of files', async () => {
    await views(8, false);
    for (const view of [0, 1])
      for (const record of [1, 2, 3, 4, 5]) {
        await go(view, '7F4A');
        await go(view, `6FB${record}`);
        expect(await read(view, 3), `read ${record}`).to.match(record === 1 ? /9000$/ : /^6B03$/);
        const written = await send(card, `8053${byte(view)}0001FF`);
        expect(written, `update ${record}`).to.equal(record === 1 ? '9000' : '6B03');
      }
    await views(8, true);
    await go(0, '5F11');
    expect(await create(0, file('6F29', '0003'))).to.equal('6B03');
    expect(await remove(0, '4F11')).to.equal('6B03');
  });

  it('keeps the access domain of an application that is none of the toolkit', async () => {
    await views(9, false);
    for (const record of [1, 2, 3, 4, 5]) {
      await go(0, '7F4A');
      await go(0, `6FB${record}`);
      expect((await read(0, 3)).slice(-4), `read ${record}`).to.equal(record === 4 ? '9000' : '6B03');
    }
  });

  it('keeps the rights of a view and of an administrator’s view apart', async () => {
    for (const [administrator, first, fifth] of [
      [false, '9000', '6B03'],
      [true, '6B03', '9000'],
    ] as const) {
      await views(6, administrator);
      await go(0, '6FB1');
      expect((await read(0, 3)).slice(-4)).to.equal(first);
      await go(0, '6FB5');
      expect((await read(0, 3)).slice(-4)).to.equal(fifth);
    }
    await views(7, true);
    expect(await create(0, file('6F29', '0003')), 'no right was given').to.equal('6B03');
  });

  it('keeps a view of an application’s files in there', async () => {
    await views(0, false);
    expect(await go(1, '7F10'), 'its own').to.match(/9000$/);
    expect(await go(1, '3F00')).to.equal('6B04');
    expect(await go(0, '7FFF')).to.equal('6B04');
    expect(await go(1, '7FFF')).to.match(/9000$/);
    expect(await go(1, '7F20'), 'beside it on the card').to.equal('6B04');
    await card.reset();
    await select(card, applet(0));
    expect(await send(card, '805A010000'), 'after a reset').to.match(new RegExp(`84..${APPLICATION}.*9000$`));
  });

  it('gives a file that is not shareable to one at a time', async () => {
    await views(0, false);
    await send(card, '8050020100');
    await go(2, '7F4A');
    expect(await go(0, '6F19')).to.match(/^62..82020121.*9000$/);
    expect(await go(2, '6F19')).to.equal('6B04');
    await terminal();
    expect(await send(card, '00A4000C026F19')).to.equal('6985');
    await select(card, applet(0));
    await go(0, '6F03');
    expect(await go(2, '6F19')).to.match(/9000$/);
    await card.reset();
    await terminal();
    expect(await send(card, '00A4000C026F19')).to.equal('9000');
    await views(0, false);
    expect(await go(0, '6F19')).to.equal('6B04');
  });

  it('selects what is deactivated or ended, and no more', async () => {
    await terminal();
    expect(await send(card, '00040000026F03')).to.equal('9000');
    expect(await send(card, '00A4000C026F03')).to.equal('6283');
    expect(await send(card, '00A40004026F0300')).to.match(/^62.*8A0104.*6283$/);
    expect(await send(card, '00440000026F03')).to.equal('9000');
    expect(await send(card, '00A40004026F0300')).to.match(/^62.*8A0105.*9000$/);
    expect(await send(card, '00A40004025F3000')).to.match(/^62.*8A010C.*6285$/);
    await terminal();
    expect(await send(card, '00A40004026F3000')).to.match(/^62.*8A010C.*6285$/);
    expect(await send(card, '00B0000001')).to.equal('6985');
    await views(0, false);
    await go(0, '6F30');
    expect(await read(0, 1)).to.equal('6B0B');
    expect(await send(card, '805E000000'), 'no way back').to.equal('6B0B');
  });

  it('tells the terminal as much of a directory as it asks for', async () => {
    await terminal();
    const whole = await send(card, '80F2000000');
    expect(whole).to.match(/^62..8202782183027F4A.*9000$/);
    expect(await send(card, '80F2000016')).to.equal(`${whole.slice(0, 2 * 0x16)}9000`);
    expect(await send(card, '80F2000C00')).to.equal('9000');
  });

  it('has views as ETSI TS 102 241 gives them', async () => {
    await select(card, applet(0));
    expect(await send(card, '805C000000'), 'before register()').to.equal('009000');
    for (const event of ['03', '7F', 'FF']) expect(await send(card, `805000${event}00`)).to.equal('6E01');
    for (const how of ['01', '02']) {
      for (const [array, length, offset, right, what] of [
        ['01', '10', '00', '019000', 'an application'],
        ['01', '0F', '01', '009000', 'no application'],
        ['01', '04', '00', '6E01', 'shorter than an AID'],
        ['01', '00', '00', '6E01', 'no name'],
        ['01', '10', '05', '6F01', 'behind the array'],
        ['01', '10', 'FF', '6F01', 'before the array'],
        ['01', '11', '00', '6F01', 'longer than the array'],
        ['00', '10', '00', '6F02', 'no array'],
      ] as const) {
        expect(await send(card, `8048${array}${length}02${offset}${how}`), `${what}, ${how}`).to.equal(right);
      }
    }
    expect(await send(card, '8050000200'), 'while it is selected').to.equal('9000');
    await go(0, '7F4A');
    await go(0, '6F03');
    await terminal();
    expect(await send(card, UNRECOGNIZED)).to.equal('9000');
    await select(card, applet(0));
    expect(await send(card, '805B000000'), 'another is selected').to.equal('5E9000');
  });

  it('makes handlers, and lends the RAM that all share to who asks for himself', async () => {
    await select(card, applet(0));
    for (const [type, capacity, right] of [
      ['01', '10', '9000'],
      ['02', '10', '9000'],
      ['00', '10', '6E01'],
      ['03', '10', '6E01'],
      ['01', 'FF', '6E01'],
    ] as const) {
      expect(await send(card, `8040${type}${capacity}00`), type + capacity).to.equal(right);
    }
    await send(card, '8041000000');
    expect(await send(card, '805B000000')).to.equal('019000');
    await select(card, applet(1));
    expect(await send(card, `8042000007${applet(0)}`)).to.equal('9000');
    await select(card, applet(0));
    expect(await send(card, '805B000000'), 'another applet called').to.equal('5E9000');
  });
});

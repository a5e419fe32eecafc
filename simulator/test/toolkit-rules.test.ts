// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { expect } from 'chai';
import { type CardImage, type SimulatedCard, sharedSimulator } from '../src/index.ts';
import { select, send } from './fixture/probe.ts';

const MODULE = 'F00000000701';
const ONE = 'F0000000070101';
const TWO = 'F0000000070102';
const FETCH = '8012000000';
/** Of a terminal that can show menus, list events, poll, and style text. */
const PROFILE = `801000001D${'FF'.repeat(29)}`;
/** Nobody asks for it but by its number: EVENT_UNRECOGNIZED_ENVELOPE. */
const ENVELOPE = '80C2000009010782028381FF0101';
const UNRECOGNIZED = 'FFFF';
const USER_ACTIVITY = '0010';
const CALL_CONTROL = '0009';
const PROFILE_DOWNLOAD = '0001';
const UNFORMATTED_USSD = '007A';
const CALL = '80C200000BD409820282818603812143';

const byte = (value: number): string => value.toString(16).padStart(2, '0').toUpperCase();
const withData = (header: string, data: string): string => `${header}${byte(data.length / 2)}${data}`;
const done = (type: string, more = ''): string => withData('80140000', `810301${type}82028281830100${more}`);
const menuSelection = (entry: string): string => withData('80C20000', `D307820201819001${entry}`);

/** Toolkit parameters of INSTALL, ETSI TS 102 226 8.2.1.3.2.2. */
function limits(entry: string, channels = '07', services = '08', timers = '08'): string {
  const fields = `01${timers}0F01${entry}${entry}${channels}0000${services}`;
  return `80${byte(fields.length / 2)}${fields}`;
}

/** Byte of the event list, and the toolkit event: calls, location, activity, screen, reader, browser, network. */
const DOWNLOADS: readonly (readonly [listed: number, event: number])[] = [
  [0x00, 12],
  [0x01, 13],
  [0x02, 14],
  [0x03, 15],
  [0x04, 16],
  [0x05, 17],
  [0x06, 18],
  [0x08, 21],
  [0x0b, 25],
  [0x0c, 26],
  [0x0e, 28],
  [0x0f, 29],
  // Frames information change, network rejection, HCI connectivity, access technology of several.
  [0x10, 30],
  [0x12, 31],
  [0x13, 32],
  [0x14, 33],
];

/**
 * Rules of ETSI TS 102 241 between the applications of one card, its menus and its terminal; docs/toolkit-areas.md
 * says which part of a public conformance suite asks for which.
 */
describe('rules of the toolkit', function () {
  this.timeout(600_000);
  let card: SimulatedCard;

  const image = (): CardImage => ({
    name: 'toolkit-rules',
    atr: '3B00',
    iccid: '8986001234567890123F',
    isd: null,
    toolkit: true,
    loadFiles: [
      {
        aid: 'F000000007',
        path: resolve(import.meta.dirname, '../java/target/test-classes'),
        modules: [{ aid: MODULE, class: 'org.opentsm.simulator.toolkitapplet.Commanded' }],
      },
    ],
    applications: [
      { module: MODULE, aid: ONE, uiccParameters: limits('01', '01') },
      { module: MODULE, aid: TWO, uiccParameters: limits('02', '00', '01') },
    ],
  });

  beforeEach(async () => {
    card = await (await sharedSimulator()).insert(image());
  });
  afterEach(() => card.remove());

  /** One call by an application; the terminal has nothing to fetch then. */
  async function call(aid: string, command: string): Promise<string> {
    await select(card, aid);
    return send(card, command);
  }

  /** TERMINAL PROFILE, and all that the card sets up then. */
  async function profile(): Promise<void> {
    for (let sw = await send(card, PROFILE); sw.startsWith('91'); ) {
      const type = /^D0(?:81)?..810301(....)/.exec(await send(card, FETCH))?.[1] ?? '';
      sw = await send(card, done(type, type.startsWith('03') ? '8402011E' : ''));
    }
  }

  /** SELECT of the USIM: its file commands reach no applet. */
  const files = (): Promise<string> => send(card, '00A4040C07A0000000871002');

  /** What is to be fetched, and the answer to it. */
  async function fetched(sw: string, type: string, more = ''): Promise<[string, string]> {
    expect(sw).to.match(/^91/);
    const command = await send(card, FETCH);
    return [command, await send(card, done(type, more))];
  }

  it('tells a terminal that the only application it triggered is busy', async () => {
    await call(ONE, `8001${UNRECOGNIZED}00`);
    await profile();
    await call(ONE, '800B930000');
    expect(await send(card, ENVELOPE)).to.equal('9300');
    await call(ONE, '800B6F0000');
    expect(await send(card, ENVELOPE), 'other reasons stay inside').to.equal('9000');
    await call(TWO, `8001${UNRECOGNIZED}00`);
    await call(ONE, '800B930000');
    expect(await send(card, ENVELOPE), 'one of two').to.equal('9000');
    expect(await call(TWO, '800E000000'), 'the other was triggered').to.equal('FF9000');
  });

  it('answers calls and envelopes as applications post', async () => {
    const post = (flags: string, tag = '00', times = '00', data = ''): Promise<string> =>
      call(ONE, withData('800C0800', `${flags}${tag}${times}${data}`));
    for (const event of [UNRECOGNIZED, CALL_CONTROL]) await call(ONE, `8001${event}00`);
    await profile();
    await post('05', '00', '01', '0C01AB');
    expect(await send(card, CALL), 'a call, and a question to the user').to.equal('0C01AB910D');
    expect((await fetched('910D', '2100'))[1]).to.equal('9000');
    await call(ONE, '800C0200098103012180820281' + '02');
    expect(await send(card, ENVELOPE)).to.equal('910B');
    expect(await post('00', '00', '01', '0C01AB')).to.equal('910B');
    expect(await send(card, ENVELOPE), 'it waits for the terminal').to.equal('9300');
    expect(await send(card, CALL), 'and has an answer, never a negative one, to a call').to.equal('0C01AB910B');
    expect((await fetched('910B', '2180'))[1]).to.equal('9000');
    await post('04');
    expect(await send(card, ENVELOPE), 'negative without data').to.equal('910D');
    expect((await fetched('910D', '2100'))[1]).to.equal('9000');
    await post('06', '33');
    expect(await send(card, ENVELOPE), 'negative').to.equal('33006200');
    expect(await files()).to.equal('910D');
    expect((await fetched('910D', '2100'))[1]).to.equal('9000');
    await post('03', '33', '7F', 'AABB');
    expect(await send(card, ENVELOPE), '257 bytes').to.equal('9000');
    expect(await call(ONE, '800D000000'), 'BAD_LENGTH').to.equal('439000');
  });

  it('lets one of the applications that an envelope triggers answer it', async () => {
    for (const aid of [ONE, TWO]) await call(aid, `8001${UNRECOGNIZED}00`);
    await profile();
    const post = (aid: string): Promise<string> => call(aid, withData('800C0800', '0100010C01AB'));
    for (const aid of [ONE, TWO]) await post(aid);
    expect(await send(card, ENVELOPE)).to.equal('0C01AB9000');
    expect(await call(TWO, '800D000000'), 'it was the first').to.equal('009000');
    expect(await call(ONE, '800D000000'), 'HANDLER_NOT_AVAILABLE').to.equal('829000');
    await call(TWO, withData('800C0200', '810301218082028102'));
    await post(ONE);
    expect(await send(card, ENVELOPE)).to.equal('910B');
    expect((await fetched('910B', '2180'))[1]).to.equal('9000');
    expect(await call(ONE, '800D000000'), 'the first has asked the user').to.equal('829000');
    await post(ONE);
    expect(await send(card, ENVELOPE), 'another envelope').to.equal('0C01AB9000');
  });

  it('tells the watcher of a file where it was written, and how much', async () => {
    for (const file of ['6F03', '6F0C', '6F09']) await call(ONE, withData('800F0400', file));
    for (const [file, command, told] of [
      ['6F03', '00D600FF0355AA55', '00FF0003'],
      ['6F0C', '00DC01040455555555', '00010004'],
      ['6F0C', '00DC02040455555555', '00020004'],
      ['6F0C', '00DC00020455555555', '00010004'],
      ['6F0C', '00DC00030455555555', '00020004'],
      ['6F09', '00DC000303000001', '00010003'],
      ['6F09', '803200000300000100', '00010003'],
    ]) {
      await files();
      await send(card, `00A4080C047F4A${file}`);
      expect(await send(card, command ?? '')).to.match(/9000$/);
      expect(await call(ONE, '8021000000'), command).to.equal(`${told}9000`);
    }
  });

  it('triggers by events while they are registered, though the terminal has not fetched the list of them', async () => {
    await profile();
    for (const [listed, event] of DOWNLOADS) {
      const download = withData('80C20000', `D6071901${byte(listed)}82028281`);
      const set = `800100${byte(event)}00`;
      const steps = [
        [set, byte(event)],
        [`800200${byte(event)}00`, ''],
        [set, byte(event)],
        [`800200${byte(event)}00`, ''],
      ] as const;
      for (const [step, [command, triggered]] of steps.entries()) {
        await call(ONE, command);
        expect(await send(card, download)).to.match(/^91/);
        expect(await call(ONE, '800E000000'), `event ${event}, step ${step}`).to.match(
          new RegExp(`^${triggered}91..$`),
        );
      }
    }
  });

  it('lists to the terminal in order what it shall download, and no event that is none', async () => {
    for (const event of [UNRECOGNIZED, '0025', '007B', '000C']) await call(ONE, `8001${event}00`);
    const [list] = await fetched(await send(card, PROFILE), '0500');
    expect(list, 'a call, and poll interval negotiation').to.equal('D00D8103010500820281829902001D9000');
  });

  it('triggers by TERMINAL PROFILE and by USSD, whose answer the application gives', async () => {
    for (const event of [PROFILE_DOWNLOAD, UNFORMATTED_USSD]) await call(ONE, `8001${event}00`);
    await profile();
    expect(await call(ONE, '800E000000')).to.equal('019000');
    // A string of USSD, TS 31.111 7.6: device identities and 8A with its data coding scheme.
    expect(await send(card, '80C200000BD909820283818A030F2A61')).to.equal('9000');
    expect(await call(ONE, '800E000000')).to.equal('7A9000');
    await call(ONE, withData('800C0800', '0500010C01AB'));
    expect(await send(card, '80C200000BD909820283818A030F2A61'), 'answered').to.contain('AB91');
  });

  it('gives 91XX until the terminal has fetched, and 9000 then', async () => {
    await call(ONE, `8001${UNRECOGNIZED}00`);
    await profile();
    await call(ONE, `800C0200098103012180820281${'02'}`);
    expect(await send(card, ENVELOPE)).to.equal('910B');
    expect(await files()).to.equal('910B');
    expect(await send(card, '00A40000020301'), 'not after a failure').to.equal('6A82');
    expect(await send(card, FETCH)).to.equal('D0098103012180820281029000');
    expect(await files()).to.equal('9000');
    expect(await send(card, done('2180'))).to.equal('9000');
  });

  it('installs no application with a reference that another one has, or with half of one', async () => {
    await card.remove();
    const simulator = await sharedSimulator();
    const withReferences = (aid: string, references: string): CardImage['applications'] => {
      const fields = `0100000000${'00'}${byte(references.length / 2)}${references}00`;
      return [{ module: MODULE, aid, uiccParameters: `80${byte(fields.length / 2)}${fields}` }];
    };
    const insert = async (two: string): Promise<string> => {
      const applications = [...(withReferences(ONE, '010101020202') ?? []), ...(withReferences(TWO, two) ?? [])];
      try {
        card = await simulator.insert({ ...image(), name: 'references', applications });
        await card.remove();
        return 'installed';
      } catch (error) {
        return String(error);
      }
    };
    expect(await insert('030303')).to.equal('installed');
    expect(await insert('030303020202')).to.match(/ToolkitException/);
    expect(await insert('0303030404')).to.match(/ToolkitException/);
    card = await simulator.insert(image());
  });

  it('installs no application with more than a card has, or a menu identifier that is not free', async () => {
    await card.remove();
    const simulator = await sharedSimulator();
    const insert = async (one: string, two: string): Promise<string> => {
      const applications = [one, two].map((fields, i) => ({
        module: MODULE,
        aid: [ONE, TWO][i] ?? '',
        uiccParameters: `80${byte(fields.length / 2)}${fields}`,
      }));
      try {
        await using made = await simulator.insert({ ...image(), name: 'too-much', applications });
        return made.name;
      } catch (error) {
        return String(error);
      }
    };
    expect(await insert('01080F017E7E07000008', '01080F017F7F07000008')).to.equal('too-much');
    for (const two of ['01090F0007000008', '01080F0008000008', '01080F0007000009', '01080F01018007000008']) {
      expect(await insert('01080F017E7E07000008', two), two).to.match(/ToolkitException/);
    }
    expect(await insert('01080F017E7E07000008', '01080F01017E07000008'), 'given to the other').to.match(/Toolkit/);
    card = await simulator.insert(image());
  });

  it('brings each entry into the menu at its position, before what stands there', async () => {
    await card.remove();
    const entries = (...places: string[]): string => {
      const fields = `01000F${byte(places.length)}${places.join('')}00000000`;
      return `80${byte(fields.length / 2)}${fields}`;
    };
    card = await (await sharedSimulator()).insert({
      ...image(),
      name: 'positions',
      applications: [
        { module: MODULE, aid: ONE, uiccParameters: entries('0101', '0202', '0303') },
        { module: MODULE, aid: TWO, uiccParameters: entries('0211', '0012', '0113') },
      ],
    });
    for (const aid of [ONE, ONE, ONE, TWO, TWO]) await call(aid, '8007000000');
    const items = async (sw: string): Promise<string[] | undefined> => {
      const [menu] = await fetched(sw, '2500');
      return menu.match(/(?<=8F06)../g) ?? undefined;
    };
    expect(await items(await send(card, PROFILE))).to.deep.equal(['01', '11', '02', '03', '12']);
    expect(await items(await call(ONE, '8008010000')), 'hidden').to.deep.equal(['11', '02', '03', '12']);
    expect(await call(TWO, '8007000000')).to.match(/^13/);
    expect(await items(await files()), 'the first').to.deep.equal(['13', '11', '02', '03', '12']);
    expect(await items(await call(ONE, '8009010000'))).to.deep.equal(['13', '01', '11', '02', '03', '12']);
  });

  it('takes a transaction back when its application sends a command, and when it ends', async () => {
    await call(ONE, `8001${UNRECOGNIZED}00`);
    await profile();
    await call(ONE, '800C0400098103012180820281' + '02');
    expect(await send(card, ENVELOPE)).to.equal('910B');
    await fetched('910B', '2180');
    expect(await call(ONE, '800D000000'), 'no transaction is open').to.equal('009000');
    expect(await send(card, '8020000000'), 'what was written in it').to.equal('009000');
    await call(ONE, '800C050000');
    expect(await send(card, ENVELOPE)).to.equal('9000');
    expect(await call(ONE, '8020000000')).to.equal('009000');
  });

  it('has the menu of selectable applications, and their title and styles', async () => {
    expect(await call(ONE, '8007000000')).to.equal('019000');
    expect(await call(TWO, '8007000000')).to.equal('029000');
    const title = '8509554943432054455354';
    const entries = ['8F0601456E747279', '8F0602456E747279'];
    const setUp = (list: string): string => {
      const command = `810301250082028182${list}`;
      return `D0${byte(command.length / 2)}${command}9000`;
    };
    expect(await fetched(await send(card, PROFILE), '2500')).to.deep.equal([setUp(title + entries.join('')), '9000']);
    const changes: [string, string, string][] = [
      [ONE, '8008010000', title + entries[1]],
      [ONE, '8009010000', title + entries.join('')],
      [TWO, '800A02000400001390', `${title}${entries.join('')}51080000039000001390`],
      [TWO, '8008020000', title + entries[0]],
      [ONE, '8008010000', `${title}8F00`],
    ];
    for (const [aid, command, list] of changes) {
      expect(await fetched(await call(aid, command), '2500'), command).to.deep.equal([setUp(list), '9000']);
    }
    expect(await call(ONE, '8008010000'), 'nothing changes').to.equal('9000');
    expect(await call(ONE, '8003000700'), 'MENU_SELECTION of a disabled entry').to.equal('019000');
  });

  it('lists icons when all items have one, and shows an item that is changed again', async () => {
    const menu = async (aid: string, command: string): Promise<string> =>
      (await fetched(await call(aid, command), '2500'))[0]?.replace(/^.*4455354/, '') ?? '';
    await call(ONE, '8007000000');
    await call(TWO, '8007000000');
    await profile();
    const [one, two] = ['8F0601456E747279', '8F0602456E747279'];
    expect(await call(ONE, '80220100020001'), 'the other one has none').to.equal('9000');
    expect(await menu(TWO, '80220200020102')).to.equal(`${one}${two}1F030101029000`);
    expect(await menu(TWO, '80220200020002')).to.equal(`${one}${two}1F030001029000`);
    expect(await menu(ONE, '8008010000'), 'hidden').to.equal(`${two}1F0200029000`);
    expect(await menu(ONE, '80220100020000'), 'shown, without an icon').to.equal(`${one}${two}9000`);
  });

  it('takes the title of the menu from EF.SUME, when that changes too', async () => {
    await call(ONE, '8007000000');
    await profile();
    await files();
    await send(card, '00A4080C047F106F54');
    const title = (content: string): Promise<string> => send(card, `00D6000014${content.padEnd(40, 'F')}`);
    const [plain] = await fetched(await title('8503414243'), '2500');
    expect(plain).to.contain('8503414243').and.not.to.contain('5004');
    const [styled, after] = await fetched(await title('8503414243500400001390'), '2500');
    expect(styled).to.match(/500400001390(9000)$/);
    expect(after).to.equal('9000');
    expect(await title('8503414243500400001390'), 'as it was').to.equal('9000');
  });

  it('tells those who wait for the handler before the card asks for itself', async () => {
    await call(ONE, `8001${UNRECOGNIZED}00`);
    await profile();
    await call(ONE, '800C030009810301218082028102');
    expect(await send(card, ENVELOPE)).to.equal('910B');
    await call(TWO, `8001${USER_ACTIVITY}00`);
    expect((await fetched('910B', '2180'))[1], 'its second command').to.equal('910B');
    const [, sw] = await fetched('910B', '2180');
    expect(sw, 'then the list of events').to.match(/^91/);
    expect(await send(card, FETCH)).to.contain('81030105008202818299');
    expect(await send(card, done('0500'))).to.equal('9000');
    expect(await call(ONE, '800E000000')).to.equal('FF7B9000');
    expect(await call(ONE, '8003007B00'), 'told once').to.equal('009000');
  });

  it('polls at the card’s interval when applications leave it to the card', async () => {
    await profile();
    const [interval, after] = await fetched(await call(ONE, '8004FFFF00'), '0300', '8402011E');
    expect(interval).to.equal('D00D8103010300820281828402011E9000');
    expect(after).to.equal('9000');
    const [off] = await fetched(await call(ONE, '8004000000'), '0400');
    expect(off).to.equal('D0098103010400820281829000');
  });

  it('gives services to applications, which keep them over a reset', async () => {
    expect(await call(ONE, '8005000000')).to.equal('009000');
    expect(await call(TWO, '8005000000')).to.equal('019000');
    expect(await call(TWO, '8005000000'), 'INSTALL allows one: NO_SERVICE_ID_AVAILABLE').to.equal('6A10');
    expect(await call(ONE, '8006010000'), 'of another: INVALID_SERVICE_ID').to.equal('6A11');
    expect(await call(ONE, '8003001B00'), 'LOCAL_CONNECTION').to.equal('019000');
    await call(ONE, `8001${UNRECOGNIZED}00`);
    await card.reset();
    await profile();
    const declare = (identifier: string, qualifier = '00'): string =>
      withData('800C0200', `81030147${qualifier}82028182410300${identifier}00`);
    const connection = (identifier: string): string => withData('80C20000', `D60B99010D82028381410200${identifier}`);
    const heard = async (): Promise<string> => {
      await send(card, connection('00'));
      return (await call(ONE, '800E000000')).replaceAll('FF', '');
    };
    expect(await heard(), 'not declared').to.equal('9000');
    await call(ONE, declare('00'));
    expect((await fetched(await send(card, ENVELOPE), '4700'))[1]).to.equal('9000');
    expect(await heard(), 'its owner hears of it').to.equal('1B9000');
    await call(ONE, declare('00', '01'));
    expect((await fetched(await send(card, ENVELOPE), '4701'))[1]).to.equal('9000');
    expect(await heard(), 'no more').to.equal('9000');
    await call(ONE, declare('00'));
    expect((await fetched(await send(card, ENVELOPE), '4700'))[1]).to.equal('9000');
    await card.reset();
    await profile();
    expect(await heard(), 'the terminal forgets it at reset').to.equal('9000');
    await call(ONE, declare('01'));
    expect(await send(card, ENVELOPE), 'COMMAND_NOT_ALLOWED').to.equal('9000');
    expect(await call(ONE, '800D000000')).to.equal('8F9000');
    await call(ONE, '8006000000');
    expect(await call(ONE, '8003001B00')).to.equal('009000');
  });

  it('lets applications open as many channels as INSTALL says', async () => {
    const open = withData('800C0200', '81030140018202818235010339020080');
    for (const aid of [ONE, TWO]) await call(aid, `8001${UNRECOGNIZED}00`);
    await profile();
    await call(TWO, open);
    expect(await send(card, ENVELOPE), 'none').to.equal('9000');
    expect(await call(TWO, '800D000000'), 'COMMAND_NOT_ALLOWED').to.equal('8F9000');
    await call(ONE, open);
    expect((await fetched(await send(card, ENVELOPE), '4001', '38028100'))[1]).to.equal('9000');
    await call(ONE, open);
    expect(await send(card, ENVELOPE), 'one').to.equal('9000');
    expect(await call(ONE, '800D000000')).to.equal('8F9000');
  });

  it('shows a text of no length as an empty element', async () => {
    await call(ONE, `8001${UNRECOGNIZED}00`);
    await profile();
    await call(ONE, '800C060000');
    const [command] = await fetched(await send(card, ENVELOPE), '2100');
    expect(command).to.match(/^D00B8103..2100820281028D009000$/);
  });

  it('lets applications use the handlers, and keep none of them', async () => {
    await call(ONE, `8001${UNRECOGNIZED}00`);
    await profile();
    await call(ONE, '800C090000');
    await fetched(await send(card, ENVELOPE), '2100');
    expect(await call(ONE, '800D000000'), 'three handlers in three places each').to.equal('099000');
  });

  it('has one handler of each kind, whose element is gone with what it was found in', async () => {
    await call(ONE, `8001${UNRECOGNIZED}00`);
    await profile();
    await call(ONE, '800C0A0000');
    await fetched(await send(card, ENVELOPE), '2100');
    await fetched('910D', '2100');
    expect(await call(ONE, '800D000000'), 'two bytes, two bytes, none').to.equal('A29000');
  });

  it('finds no channel in a status of no length, and half a status in one byte', async () => {
    await call(ONE, `8001${UNRECOGNIZED}00`);
    await profile();
    for (const [status, result] of [
      ['3800', '83'],
      ['38028200', '83'],
      ['380181', '88'],
      ['380038028100', '81'],
    ] as const) {
      await call(ONE, withData('800C0700', '810301440082028182'));
      await fetched(await send(card, ENVELOPE), '4400', status);
      expect(await call(ONE, '800D000000'), status).to.equal(`${result}9000`);
    }
    const open = withData('800C0700', '81030140018202818235010339020080');
    await call(ONE, open);
    await fetched(await send(card, ENVELOPE), '4001', '3800');
    expect(await call(ONE, '800D000000'), 'opened, nobody knows which').to.equal('839000');
  });

  it('forgets all files of which an application wants to hear when it clears the event', async () => {
    expect(await call(ONE, '8002007C00')).to.equal('9000');
    expect(await call(ONE, '8001007C00'), 'EVENT_NOT_ALLOWED').to.equal('6A0D');
    expect(await call(ONE, '8002000700'), 'menus are not cleared so').to.equal('6A0D');
  });

  it('searches behind an offset or a value, and activates what is active', async () => {
    const on = (act: string, data: string): string => `${withData(`800F${act}00`, data)}00`;
    expect(await call(ONE, on('05', '6F1A0409010203')), 'forward, behind 9 bytes').to.equal('0304059000');
    expect(await call(ONE, on('05', '6F1A0C0F010203')), 'forward, behind the first 0F').to.equal('0203049000');
    expect(await call(ONE, on('05', '6F1A0C10010203')), 'no such value').to.equal('9000');
    expect(await call(ONE, on('06', '6F1A0006030201')), 'from the last record').to.equal('069000');
    for (const none of ['0007', 'FFFF']) {
      expect(await call(ONE, on('06', `6F1A${none}030201`)), 'there is no such record').to.equal('6B09');
    }
    for (const act of ['01', '01', '02', '02']) expect(await call(ONE, on(act, '6F03'))).to.equal('9000');
    for (const act of ['01', '02']) expect(await call(ONE, on(act, '6F15')), 'never').to.equal('6B03');
    expect(await call(ONE, on('03', '6F09000001')), 'no room for the result').to.equal('6F01');
    await files();
    await send(card, '00A4080C047F4A6F09');
    expect(await send(card, '00B2010403'), 'nothing was added').to.equal('5555559000');
    await send(card, '00A4080C047F4A6F1A');
    expect(await send(card, withData('00A20704', '030201')), 'no record 7').to.equal('6A83');
  });

  it('triggers applications of one priority from the last that came to the first', async () => {
    for (const aid of [ONE, TWO]) {
      await call(aid, `8001${UNRECOGNIZED}00`);
      await call(aid, `800C0200098103012180820281${aid === ONE ? '02' : '82'}`);
    }
    await profile();
    expect(await fetched(await send(card, ENVELOPE), '2180')).to.deep.equal(['D0098103012180820281829000', '910B']);
    expect(await fetched('910B', '2180')).to.deep.equal(['D0098103012180820281029000', '9000']);
  });

  it('tells of the first command once, and whose session ended', async () => {
    const adf = (last: string): string => `A0000000090005FFFFFFFF89${last}`;
    for (const event of ['007F', '0001', '007E']) await call(ONE, `8001${event}00`);
    await card.reset();
    for (let i = 0; i < 2; i++) await send(card, PROFILE);
    for (const [p2, name] of [
      ['0C', adf('E0000002')],
      ['0C', adf('D0000002')],
      ['4C', adf('D0000002')],
      ['0C', adf('E0000002')],
    ]) {
      expect(await send(card, withData(`00A404${p2}`, name ?? ''))).to.match(/^9/);
    }
    const heard = await call(ONE, '800E000000');
    expect(heard, 'first command, profiles, the ends of two sessions, and by its own SELECT').to.equal(
      '7F01017E7E7E9000',
    );
  });

  it('tells of a profile those who ask for that at the first command', async () => {
    await call(ONE, '8001007F00');
    await call(ONE, withData('800C0B00', PROFILE_DOWNLOAD));
    await card.reset();
    await send(card, PROFILE);
    expect(await call(ONE, '800E000000')).to.equal('7F019000');
  });

  it('triggers by menu entry', async () => {
    await call(ONE, '8007000000');
    await profile();
    expect(await send(card, withData('80C20000', 'D309820201819001011500'))).to.equal('9000');
    expect(await call(ONE, '800E000000'), 'help, which the entry does not have').to.equal('9000');
    expect(await send(card, menuSelection('01'))).to.equal('9000');
    expect(await call(ONE, '800E000000')).to.equal('079000');
  });
});

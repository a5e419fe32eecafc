// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { antJavacard, ROOT } from '../../toolchain/test/run.ts';
import { capComponents, joined } from '../../toolchain/test/zip.ts';
import { type CardImage, type SimulatedCard, sharedSimulator, startSimulator } from '../src/index.ts';
import { select, send } from './fixture/probe.ts';

const MENU = 'F00000000401';
const GREETER = 'F00000000501';
const GP = 'F00000000601';

const byte = (value: number): string => value.toString(16).padStart(2, '0').toUpperCase();

/** An ENVELOPE from the terminal, class 80. */
const envelope = (tag: string, list: string): string =>
  `80C20000${byte(list.length / 2 + 2)}${tag}${byte(list.length / 2)}${list}`;

/** A TERMINAL RESPONSE to a command of this type and qualifier: done. */
function done(type: string, more = ''): string {
  const list = `810301${type}82028281830100${more}`;
  return `80140000${byte(list.length / 2)}${list}`;
}

const FETCH = '8012000000';
const SMSC = '06058121436587';

function deliver(first: string, protocol: string, userData: string): string {
  const tpdu = `${first}05812143F5${protocol}11111111111111${userData}`;
  return envelope('D1', `82028381${SMSC}0B${byte(tpdu.length / 2)}${tpdu}`);
}

describe('a card with a toolkit', function () {
  this.timeout(600_000);
  let folder = '';

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'opentsm-toolkit-'));
    const caps = join(import.meta.dirname, 'fixture/test-caps.xml');
    const run = antJavacard([`-Dcap.dir=${folder}`, '-f', caps, 'platform'], ROOT);
    expect(run.code, run.err + run.out).to.equal(0);
    for (const name of ['toolkit', 'simtoolkit', 'gp']) {
      const bare = capComponents(readFileSync(join(folder, `${name}.cap`)));
      bare.delete('Descriptor');
      writeFileSync(join(folder, `${name}.ijc`), joined(bare));
    }
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const image = (form = 'cap'): CardImage => ({
    name: 'uicc',
    atr: '3B00',
    iccid: '8986001234567890123F',
    isd: null,
    toolkit: true,
    loadFiles: ['toolkit', 'simtoolkit', 'gp'].map((name) => ({ cap: join(folder, `${name}.${form}`) })),
    applications: [
      { module: MENU, aid: MENU },
      { module: GREETER, aid: GREETER },
      { module: GP, aid: GP, privileges: '120000' },
    ],
  });

  async function on(act: (card: SimulatedCard) => Promise<void>, form?: string): Promise<void> {
    const simulator = await sharedSimulator();
    await using card = await simulator.insert(image(form));
    await act(card);
  }

  it('is made by the command line for a CAP file that imports the toolkit', async () => {
    const runner = join(import.meta.dirname, '../bin/jcardsim-runner.mjs');
    const commands = [`8010000014${'FF'.repeat(20)}`, 'A0120000', '00A40004026FFF00'];
    const child = spawn(process.execPath, [runner, 'apdu', join(folder, 'simtoolkit.cap'), ...commands]);
    const [out] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    expect(out).to.match(/^8010.* -> 91\w\w\nA0120000 -> D0\w+9000\n/);
  });

  /** TERMINAL PROFILE, and what the card sets up then. */
  async function profile(card: SimulatedCard): Promise<void> {
    expect(await send(card, `8010000014${'FF'.repeat(20)}`)).to.equal('910E');
    expect(await send(card, FETCH), 'events: location status').to.equal('D00C8103010500820281829901039000');
    expect(await send(card, done('0500'))).to.equal('9127');
    expect(await send(card, FETCH), 'menu').to.equal(
      'D02581030125808202818285095549434320544553548F06804C696768748F03814869180200219000',
    );
    expect(await send(card, done('2580'))).to.equal('9000');
  }

  const noted = async (card: SimulatedCard): Promise<string> => {
    await select(card, MENU);
    return send(card, '8001000000');
  };

  for (const form of ['cap', 'ijc']) {
    it(`asks the terminal in the course of one event (${form})`, () =>
      on(async (card) => {
        await profile(card);
        expect(await send(card, envelope('D3', '82020181900180'))).to.equal('9115');
        expect(await send(card, envelope('D3', '82020181900180')), 'busy').to.equal('9300');
        expect(await send(card, '8012000010')).to.equal('6C15');
        expect(await send(card, FETCH)).to.equal('D0138103012300820281828D04044F6E3F910201049000');
        expect(await send(card, done('2300', '8D050431323334'))).to.equal('9113');
        expect(await send(card, FETCH)).to.equal('D01181030127008202818224010125030010009000');
        expect(await send(card, done('2700'))).to.equal('9112');
        expect(await send(card, FETCH)).to.equal('D0108103012180820281028D0504313233349000');
        expect(await send(card, done('2180'))).to.equal('9000');
        expect(await send(card, envelope('D7', '820282812401012503001000'))).to.equal('9000');
        expect(await send(card, envelope('D3', '820201819001801500'))).to.equal('9000');
        expect(await noted(card)).to.equal('010780000000800B089000');
      }, form));
  }

  it('answers short messages and call control', () =>
    on(async (card) => {
      await profile(card);
      expect(await send(card, deliver('00', '0000', '02ABCD'))).to.equal('ABCD9000');
      const packet = '02700000120D00010000B00010000000000100AABBCC0000';
      expect(await send(card, deliver('40', '7FF6', `17${packet}`))).to.equal('9000');
      expect(await send(card, envelope('D4', '820282818603812143'))).to.equal('0104060281219000');
      expect(await send(card, envelope('D6', '190103820282811B0100'))).to.equal('9000');
      expect(await send(card, envelope('D6', '19010A82028281')), 'nobody wants that event').to.equal('9000');
      expect(await noted(card)).to.equal('01040F0202022304090FD69000');
      expect(await send(card, '00A4000C023F00'), 'the application has the channel').to.equal('6D00');
    }));

  for (const [domain, answer] of [
    ['00', /^91/],
    ['02000004', /^91/],
    ['FF', /^9000$/],
  ] as const)
    it(`shows an applet of the SIM the files of its access domain, ${domain}`, async () => {
      const uiccParameters = `81${byte(3 + domain.length / 2)}00${byte(domain.length / 2)}${domain}00`;
      const simulator = await sharedSimulator();
      await using card = await simulator.insert({
        ...image(),
        applications: [{ module: GREETER, aid: GREETER, uiccParameters }],
      });
      expect(await send(card, `8010000014${'FF'.repeat(20)}`)).to.match(/^91/);
      await send(card, FETCH);
      expect(await send(card, done('2500'))).to.equal('9000');
      expect(await send(card, envelope('D3', '82020181900180')), 'it reads EF.IMSI and shows a text').to.match(answer);
    });

  it('names what cannot be done by its reason', () =>
    on(async (card) => {
      await select(card, MENU);
      expect(await send(card, '8003000000'), 'EVENT_NOT_ALLOWED').to.equal('6A0D');
      expect(await send(card, '8004000000'), 'HANDLER_NOT_AVAILABLE').to.equal('6A02');
      expect(await send(card, '8005000000'), 'TERMINAL_PROFILE_NOT_AVAILABLE').to.equal('6A09');
      expect(await send(card, '8006111100'), 'FILE_NOT_FOUND').to.equal('6B04');
      await select(card, GREETER);
      expect(await send(card, '8001000000'), 'EVENT_NOT_SUPPORTED').to.equal('6A06');
      expect(await send(card, '8002000000'), 'FILE_NOT_FOUND').to.equal('6B04');
    }));

  it('changes menu and polling when applications do', () =>
    on(async (card) => {
      await profile(card);
      await select(card, MENU);
      expect(await send(card, '8002000000')).to.equal('911E');
      expect(await send(card, FETCH)).to.equal('D01C81030125008202818285095549434320544553548F038148691801219000');
      expect(await send(card, done('2500'))).to.equal('9000');
      expect(await send(card, '8007000000')).to.equal('910F');
      expect(await send(card, FETCH)).to.equal('D00D8103010300820281828402011E9000');
      expect(await send(card, done('0300', '84020119'))).to.equal('9000');
      expect(await send(card, envelope('D3', '82020181900181')), 'a SIM toolkit application').to.equal('9111');
      expect(await send(card, FETCH)).to.equal('D00F8103012100820281028D0404D309109000');
      expect(await send(card, done('2100'))).to.equal('9000');
    }));

  it('asks nothing that the terminal cannot do', () =>
    on(async (card) => {
      expect(await send(card, '80100000020101')).to.equal('9000');
      expect(await send(card, envelope('D3', '82020181900180'))).to.equal('9115');
    }));

  it('forgets who waits when the power goes', () =>
    on(async (card) => {
      await profile(card);
      expect(await send(card, envelope('D3', '82020181900180'))).to.equal('9115');
      await card.reset();
      expect(await send(card, FETCH)).to.equal('6985');
      await profile(card);
    }));

  it('keeps registrations and files in a saved card', async () => {
    const stateDir = mkdtempSync(join(folder, 'state-'));
    const record = async (card: SimulatedCard): Promise<string> => {
      await send(card, '00A40000027F10');
      await send(card, '00A40000026F3C');
      return (await send(card, '00B2010400')).slice(0, 2);
    };
    {
      await using simulator = await startSimulator({ stateDir });
      const card = await simulator.insert(image());
      expect(await record(card)).to.equal('00');
      await profile(card);
      await send(card, deliver('00', '0000', '02ABCD'));
      expect(await record(card)).to.equal('01');
    }
    await using simulator = await startSimulator({ stateDir });
    const card = await simulator.insert(image());
    await profile(card);
    expect(await record(card)).to.equal('01');
  });

  it('has the files of a UICC', () =>
    on(async (card) => {
      expect(await send(card, '00A40004027FFF00')).to.equal('6A82');
      expect(await send(card, '00A4040C07A0000000871002')).to.equal('9000');
      expect(await send(card, '00A40004026FAD00')).to.match(/^62..8202412183026FAD.*9000$/);
      expect(await send(card, '00B0000004')).to.equal('800000029000');
      expect(await send(card, '00B0870009'), 'by short identifier').to.equal('0809101010325476989000');
      expect(await send(card, '00A4080C047F206F07')).to.equal('9000');
      expect(await send(card, '00B0000009')).to.equal('0809101010325476989000');
      expect(await send(card, '00D600000108')).to.equal('9000');
      expect(await send(card, '00A4080C047F206F39')).to.equal('9000');
      expect(await send(card, '8032000003000005')).to.equal('0000050000059000');
      expect(await send(card, '00B2010403')).to.equal('0000059000');
      expect(await send(card, '00A4080C047F106F3A')).to.equal('9000');
      expect(await send(card, `00DC02041C${'41'.repeat(28)}`)).to.equal('9000');
      expect(await send(card, '00A201040141')).to.equal('029000');
      expect(await send(card, '00A201040142')).to.equal('6282');
      expect(await send(card, '00B20B041C')).to.equal('6A83');
    }));

  for (const form of ['cap', 'ijc']) {
    it(`gives applications org.globalplatform (${form})`, () =>
      on(async (card) => {
        await select(card, GP);
        expect(await send(card, '8001000000'), 'own state, card state, state at install').to.equal('0701039000');
        expect(await send(card, '8002470000')).to.equal('019000');
        expect(await send(card, '8002410000'), 'low bits clear').to.equal('009000');
        expect(await send(card, '8003000000')).to.equal('12000047019000');
        expect(await send(card, `8004000006${MENU}00`), 'another application').to.equal('009000');
        expect(await send(card, '8005000000'), 'global PIN').to.equal('010100FF02009000');
        expect(await send(card, '8006000000'), 'only a secured card is locked').to.equal('009000');
        expect(await send(card, '8007000000'), 'no such service').to.equal('6A88');
        expect(await send(card, '8008000000'), 'no privilege').to.equal('6985');
        expect(await send(card, '8009000000')).to.equal('009000');
      }, form));
  }
});

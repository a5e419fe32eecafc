// SPDX-License-Identifier: Apache-2.0
/** Locks and states of applications and card, on cards whose issuer's domain is not ours. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readCardImage, type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { testCaps } from '../../../simulator/test/fixture/test-caps.ts';
import type { Outcome } from '../clients/fixture.ts';
import { inProcess } from './in-process.ts';

const APPLICATION = 'F00000000101';
const KEYS = { jcop: 'test', uicc: 'test', ese: 'test256' } as const;
const SETTINGS = ['TSM_READER', 'TSM_KEY', 'TSM_FUSE_DIR'];

describe('tsm card and the states of a card of its maker', function () {
  this.timeout(120_000);
  const environment = Object.fromEntries(SETTINGS.map((name) => [name, process.env[name]]));
  let folder = '';
  let card: SimulatedCard | undefined;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tsm-states-'));
    process.env.TSM_FUSE_DIR = join(folder, 'fuse');
  });
  afterEach(async () => {
    await card?.[Symbol.asyncDispose]();
    card = undefined;
  });
  after(async () => {
    for (const [name, value] of Object.entries(environment)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await rm(folder, { recursive: true, force: true });
  });

  const tsm = (line: string): Promise<Outcome> => inProcess(['card', ...line.split(' ')]);

  async function done(line: string): Promise<string> {
    const run = await tsm(line);
    expect(run.code, `${line}: ${run.err}`).to.equal(0);
    return run.out;
  }

  async function insert(image: keyof typeof KEYS): Promise<void> {
    card = await (await sharedSimulator()).insert((await readCardImage(image)).image, { tcp: { port: 0 } });
    process.env.TSM_READER = `tcp:127.0.0.1:${card.tcpPort}`;
    process.env.TSM_KEY = KEYS[image];
  }

  for (const image of ['jcop', 'uicc', 'ese'] as const)
    it(`sets and shows them: ${image}`, async () => {
      await insert(image);
      const state = async (aid: RegExp): Promise<string | undefined> =>
        (await done('list')).split('\n').find((row) => aid.test(row));
      const application = () => state(new RegExp(` ${APPLICATION} `));

      await done(`install ${join(testCaps(), 'probe.cap')}`);
      expect(await application()).to.include('SELECTABLE');
      // A lock and its end is all that the domain sets: the states between are the application's own (GPCS 5.3.2).
      for (const [byte, code, shown] of [
        ['80', 0, 'LOCKED (SELECTABLE)'],
        ['80', 4, 'LOCKED (SELECTABLE)'],
        ['0F', 0, 'SELECTABLE'],
        ['80', 0, 'LOCKED (SELECTABLE)'],
        ['07', 0, 'SELECTABLE'],
        ['0F', 4, 'SELECTABLE'],
        ['07', 4, 'SELECTABLE'],
      ] as const) {
        const run = await tsm(`set-status ${byte} ${APPLICATION}`);
        const row = await application();
        expect([run.code, row?.includes(shown), row?.includes('LOCKED')], `${byte}: ${run.err}${row}`).to.deep.equal([
          ...[code, true, shown.includes('LOCKED')],
        ]);
      }

      const name = /card +(\S+)/.exec(await done('info'))?.[1] ?? '';
      const held = await tsm('lock');
      expect([held.code, held.err.includes('--confirm')], held.err).to.deep.equal([6, true]);
      expect(await done(`lock --confirm ${name}`)).to.include('CARD_LOCKED');
      expect(await state(/issuer-security-domain/)).to.include('CARD_LOCKED');
      expect((await inProcess(['apdu', `00A4040006${APPLICATION}00`])).out, 'a locked card').to.not.include('9000');
      expect(await done(`unlock --confirm ${name}`)).to.include('SECURED');
      expect(await state(/issuer-security-domain/)).to.include('SECURED');
    });

  it('says in words what a chip without files and domains has not', async () => {
    await insert('jcop');
    for (const [line, code, says] of [
      ['read ICCID', 1, /This card has no files: it is no UICC or SIM/],
      ['pin verify --pin 1234', 4, /This card has no PINs: it answers 6E00/],
      ['domain create F0000000025350 --scp 03', 4, /6A88.*--load-file and --module, or install ours/],
      ['get-data 42', 4, /6A88.*the domain has no such data object/],
    ] as const) {
      const run = await tsm(line);
      expect(run.err, line).to.match(says);
      expect(run.code, line).to.equal(code);
    }
  });

  it('says whether a CAP file fits on a chip that tells no modules', async () => {
    await insert('ese');
    expect(await done(`fits ${join(testCaps(), 'probe.cap')}`)).to.match(/the name F000000001 free +fits/);
    await done(`load ${join(testCaps(), 'probe.cap')}`);
    const run = await tsm(`fits ${join(testCaps(), 'probe.cap')}`);
    expect(run.out).to.match(/the name F000000001 free +does not fit/);
  });

  it('puts keys of the type that the domain’s protocol speaks, which open it then', async () => {
    const key = '000102030405060708090A0B0C0D0E0F';
    await insert('uicc');
    expect(await done(`put-key 21 --new-key ${key}`)).to.match(/type +des/);
    expect(await done(`put-key 21 --new-key ${key}`)).to.match(/on the card already/);
    expect(await done(`list --key-version 21 --key ${key}`)).to.contain('A000000003000000');
    await insert('jcop');
    expect(await done(`put-key 31 --new-key ${key}`)).to.match(/type +aes/);
    expect(await done(`list --key-version 31 --key ${key}`)).to.contain('A000000151000000');
  });
});

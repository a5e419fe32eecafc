// SPDX-License-Identifier: Apache-2.0
/** Cards that tell nothing of what is on them, or other things than the command wants. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readCardImage, type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { testCaps } from '../../../simulator/test/fixture/test-caps.ts';
import { INS } from '../../wire/gp/command.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { HeldReader } from './held-reader.ts';
import { inProcess } from './in-process.ts';

const SSD = 'F0000000025350';
const LOAD_FILE = 'F000000001';
const SETTINGS = ['TSM_READER', 'TSM_KEY', 'TSM_FUSE_DIR', 'TSM_LEVEL'];

describe('tsm card and a registry that does not tell what was done', function () {
  this.timeout(240_000);
  const environment = Object.fromEntries(SETTINGS.map((name) => [name, process.env[name]]));
  let folder = '';
  let cap = '';
  let card: SimulatedCard;
  let reader: HeldReader;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tsm-there-'));
    cap = join(testCaps(), 'probe.cap');
    card = await (await sharedSimulator()).insert((await readCardImage('gp')).image, { tcp: { port: 0 } });
    reader = await HeldReader.open(`tcp:127.0.0.1:${card.tcpPort}`);
    // At this level the card's answers are in clear, so that other ones can be told.
    Object.assign(process.env, { TSM_KEY: 'test', TSM_LEVEL: '01', TSM_FUSE_DIR: join(folder, 'fuse') });
    process.env.TSM_READER = reader.address;
  });
  after(async () => {
    for (const [name, value] of Object.entries(environment)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await reader?.[Symbol.asyncDispose]();
    await card?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  /** A verb while GET STATUS tells something else, in hex. */
  async function tsm(words: readonly string[], registry: (told: string) => string = (told) => told) {
    let asked = 0;
    reader.told = (command, answer) => {
      if (command[1] !== INS.GET_STATUS) return answer;
      asked += 1;
      return fromHex(registry(toHex(answer)), 4096);
    };
    const { code, out, err } = await inProcess(['card', ...words]);
    if (code !== 2) expect(asked, 'GET STATUS').to.be.above(0);
    return { code, said: out + err };
  }
  const refused = (): string => '6D00';
  const listed = async (): Promise<string> => (await tsm(['list'])).said;

  /** The version of our load file taken out of its entry, or another one. */
  const versioned = (version: string) => (told: string) =>
    told.replace(/E3(..)(4F05F0000000019F700101)CE02....(CC.*?)(?=E3|9000$)/, (_all, length, head, tail) => {
      const less = Number.parseInt(length, 16) - 4 + version.length / 2;
      return `E3${less.toString(16).padStart(2, '0').toUpperCase()}${head}${version}${tail}`;
    });

  it('loads, and makes a domain, where the card refuses GET STATUS', async () => {
    expect(await tsm(['load', cap], refused)).to.include({ code: 0 });
    expect(await tsm(['domain', 'create', SSD, '--scp', '03'], refused)).to.include({ code: 0 });
    expect(await listed())
      .to.include(SSD)
      .and.include(LOAD_FILE);
  });

  it('is not content with a load file of an unknown version, unless it is told to be', async () => {
    const alone = await tsm(['load', cap], versioned(''));
    expect(alone.code, alone.said).to.equal(1);
    expect(alone.said).to.match(/does not tell its version.*--unknown-version/);
    const taken = await tsm(['load', cap, '--unknown-version'], versioned(''));
    expect(taken.code, taken.said).to.equal(0);
    expect(taken.said).to.match(/version +not told/);
  });

  it('says of another version, or another version’s application, which one is there', async () => {
    const other = versioned('CE020907');
    for (const more of [[], ['--unknown-version']]) {
      const loaded = await tsm(['load', cap, ...more], other);
      expect([loaded.code, /in version 9\.7/.test(loaded.said)], loaded.said).to.deep.equal([1, true]);
    }
    expect(await tsm(['install', cap])).to.include({ code: 0 });
    const installed = await tsm(['install', cap], other);
    expect([installed.code, /in version 9\.7/.test(installed.said)], installed.said).to.deep.equal([1, true]);
    const unknown = await tsm(['install', cap], versioned(''));
    expect([unknown.code, /version +not told/.test(unknown.said)], unknown.said).to.deep.equal([0, true]);
  });

  it('does not take a domain of other privileges, of another parent, in use or locked for its own', async () => {
    const create = ['domain', 'create', SSD, '--scp', '03'];
    const as = (from: RegExp, to: string) => (told: string) => told.replace(from, to);
    const rows: readonly (readonly [registry: (told: string) => string, says: RegExp])[] = [
      [as(/(4F07F00000000253509F7001..C503)....../, '$1C00000'), /its privileges are SECURITY_DOMAIN, DAP_VERIF/],
      [as(/(4F07F0000000025350.*?CC08)A000000151000000/, '$1A000000151000001'), /it belongs to A000000151000001, not/],
      [as(/(4F07F00000000253509F7001)../, '$10F'), /it is PERSONALIZED/],
      [as(/(4F07F00000000253509F7001)../, '$187'), /it is LOCKED \(SELECTABLE\)/],
    ];
    for (const [registry, says] of rows) {
      const { code, said } = await tsm(create, registry);
      expect(code, said).to.equal(1);
      expect(said)
        .to.match(/^tsm: domain-of-another: /)
        .and.match(says);
    }
    const own = await tsm(create);
    expect([own.code, /on the card already/.test(own.said)], own.said).to.deep.equal([0, true]);
    // GPCS 2.1.1 has one byte of privileges.
    const first = (told: string) =>
      told.replace(/E3(..)(4F07F00000000253509F7001..)C503(..)..../, (_all, length, head, byte) => {
        const less = (Number.parseInt(length, 16) - 2).toString(16).padStart(2, '0').toUpperCase();
        return `E3${less}${head}C501${byte}`;
      });
    const told = await tsm(create, first);
    expect([told.code, /on the card already/.test(told.said)], told.said).to.deep.equal([0, true]);
    const other = await tsm(create, (registry) => first(registry).replace(/(4F07F0.{12}9F7001..C501)../, '$1C0'));
    expect([other.code, /its privileges are/.test(other.said)], other.said).to.deep.equal([1, true]);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { gateCases } from '../../../setup/soak/runs.ts';
import { readCardImage, type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { testCaps } from '../../../simulator/test/fixture/test-caps.ts';
import { ROOT } from '../../../toolchain/test/run.ts';
import type { Outcome } from '../clients/fixture.ts';
import { FramedCard } from '../transport/framed-card.ts';
import { inProcess } from './in-process.ts';
import { portOf, proxyTo } from './proxy.ts';

const CARD = 'iccid:89860012345678900011';
const SSD = 'F0000000025350';
const LOAD_FILE = 'F000000001';
const KEY = '000102030405060708090A0B0C0D0E0F';

interface InterruptedVerb {
  readonly name: string;
  /** Words behind `tsm card`; `@name` is a file of the test's folder. */
  readonly words: string;
  /** How many of its last commands change the card, or begin to. */
  readonly changes: number;
  /** What shows that it is done. */
  readonly shown: readonly [words: string, says: RegExp];
  /** What the same command answers where it was done and only the answer was lost. */
  readonly again?: { readonly code: number; readonly says: RegExp };
  readonly before?: string;
  readonly undo?: string;
}

const VERBS: readonly InterruptedVerb[] = [
  {
    name: 'domain create',
    words: `domain create ${SSD} --scp 03`,
    changes: 1,
    shown: ['list', new RegExp(SSD)],
    again: { code: 0, says: /on the card already/ },
    undo: `delete ${SSD}`,
  },
  {
    name: 'delete',
    words: `delete ${SSD}`,
    changes: 1,
    before: `domain create ${SSD}`,
    shown: ['list', new RegExp(`^(?![^]*${SSD})`)],
    again: { code: 0, says: /deleted by an earlier run/ },
  },
  {
    name: 'put-key',
    words: `put-key 31 --new-key ${KEY}`,
    changes: 1,
    shown: ['keys', /^31 /m],
    again: { code: 0, says: /on the card already/ },
    undo: `delete-key 31 --confirm ${CARD}`,
  },
  {
    name: 'delete-key',
    words: `delete-key 31 --confirm ${CARD}`,
    changes: 1,
    before: `put-key 31 --new-key ${KEY}`,
    shown: ['keys', /^(?:(?!31 ).*\n)+$/],
    again: { code: 0, says: /deleted by an earlier run/ },
  },
  {
    name: 'personalize',
    words: `personalize ${SSD} @data.txt --form tlv`,
    changes: 3,
    before: `domain create ${SSD} --scp 03`,
    shown: [`get-data 45 --domain ${SSD}`, /0123456789/],
    undo: `delete ${SSD}`,
  },
  {
    name: 'store-data',
    words: 'store-data 420489860013',
    changes: 1,
    undo: 'store-data 420489860012',
    shown: ['get-data 42', /89860013/],
  },
  {
    name: 'load',
    words: 'load @probe.cap',
    changes: 3,
    undo: `delete ${LOAD_FILE}`,
    shown: ['list', new RegExp(LOAD_FILE)],
    again: { code: 0, says: /on the card already/ },
  },
  {
    name: 'install --at-once',
    words: 'install @probe.cap --at-once',
    changes: 3,
    shown: ['list', new RegExp(`${LOAD_FILE}01`)],
    again: { code: 0, says: /on the card already/ },
    undo: `delete ${LOAD_FILE} --related`,
  },
];

/** Whichever command the card was pulled at, the same one again does it, or says that it is done. */
describe('a verb that is interrupted', function () {
  this.timeout(240_000);
  const environment = { ...process.env };
  let folder = '';
  let card: SimulatedCard;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tsm-interrupted-'));
    await writeFile(join(folder, 'data.txt'), '420489860013\n4505 0123456789\n');
    await writeFile(join(folder, 'commands.txt'), '00A4040000 = 9000\n');
    const { image } = await readCardImage('gp');
    card = await (await sharedSimulator()).insert(
      { ...image, iccid: CARD.slice(6), toolkit: true },
      { tcp: { port: 0 } },
    );
    const reader = `tcp:127.0.0.1:${card.tcpPort}`;
    Object.assign(process.env, { TSM_READER: reader, TSM_KEY: 'test', TSM_FUSE_DIR: join(folder, 'fuse') });
  });
  after(async () => {
    for (const name of ['TSM_READER', 'TSM_KEY', 'TSM_FUSE_DIR']) {
      if (environment[name] === undefined) delete process.env[name];
      else process.env[name] = environment[name];
    }
    await card?.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const file = (name: string): string => (name === 'probe.cap' ? join(testCaps(), name) : join(folder, name));
  const tsm = (words: string): Promise<Outcome> =>
    inProcess(['card', ...words.split(' ').map((word) => (word.startsWith('@') ? file(word.slice(1)) : word))]);
  /** Failed authentications, as they are counted. */
  const counted = async (): Promise<string[]> =>
    (await readdir(join(folder, 'fuse'))).filter((name) => name.endsWith('.count'));
  async function done(words: string): Promise<string> {
    const run = await tsm(words);
    expect(run.code, `${words}: ${run.err}${run.out}`).to.equal(0);
    return run.out;
  }

  for (const { name, words, changes, shown, again, before: first, undo } of VERBS)
    it(`${name}: is done by the same command, and counts no failed authentication`, async () => {
      if (first !== undefined) await done(first);
      const { apdus } = await card.statistics();
      await done(words);
      const all = (await card.statistics()).apdus - apdus;
      const cuts = Array.from({ length: changes }, (_, index) =>
        (['before-response', 'before-processing'] as const).map((when) => ({ afterApdus: all - 1 - index, when })),
      ).flat();
      const chosen = gateCases(cuts, changes > 1 ? 3 : 1);
      expect(chosen.map(({ when }) => when)).to.include.members(['before-response', 'before-processing']);
      expect(chosen[0]).to.deep.equal({ afterApdus: all - 1, when: 'before-response' });
      for (const { afterApdus, when } of chosen) {
        const where = `APDU ${afterApdus} of ${all}, ${when}`;
        if (undo !== undefined) await done(undo);
        if (first !== undefined) await done(first);
        await card.cutPower({ afterApdus, when });
        const broken = await tsm(words);
        expect(broken.code, `${where}: ${broken.err}`).to.equal(3);
        expect(broken.err, where).to.match(/run the same command again/);
        await card.power('on');
        expect(await counted(), where).to.deep.equal([]);
        const repeated = await tsm(words);
        if (repeated.code !== 0) expect(repeated.code, `${where}: ${repeated.err}`).to.equal(again?.code);
        if (again !== undefined && when === 'before-response' && afterApdus === all - 1)
          expect(repeated.out + repeated.err, where).to.match(again.says);
        expect(await done(shown[0]), where).to.match(shown[1]);
      }
      if (undo !== undefined) await done(undo);
    });

  for (const { name, words, changes, shown, again, before: first, undo } of VERBS)
    it(`${name}: is done by the same command behind a kill -9 in its last command, too`, async () => {
      if (first !== undefined) await done(first);
      let child: ChildProcess | undefined;
      let [seen, last] = [0, 0];
      const server = await proxyTo(card.tcpPort ?? 0, () => {
        if (++seen === last) child?.kill('SIGKILL');
      });
      const reader = `tcp:127.0.0.1:${portOf(server)}`;
      await done(`${words} --reader ${reader}`);
      [last, seen] = [seen, 0];
      if (undo !== undefined) await done(undo);
      if (first !== undefined) await done(first);
      const env = { ...process.env, TSM_READER: reader };
      const args = words.split(' ').map((word) => (word.startsWith('@') ? file(word.slice(1)) : word));
      child = spawn(process.execPath, [join(ROOT, 'host/cli/tsm.mjs'), 'card', ...args], { env, stdio: 'ignore' });
      const [, signal] = await once(child, 'close');
      server.close();
      expect([signal, seen], `of ${changes} that change`).to.deep.equal(['SIGKILL', last]);
      expect(await counted()).to.deep.equal([]);
      const repeated = await tsm(words);
      if (again !== undefined) expect(repeated.out + repeated.err).to.match(again.says);
      expect(repeated.code, repeated.err).to.equal(again?.code ?? 0);
      expect(await done(shown[0])).to.match(shown[1]);
      if (undo !== undefined) await done(undo);
    });

  it('says of a name that was never there what the card says', async () => {
    expect((await tsm(`delete ${SSD}`)).err).to.match(/6A88.*not there/);
    expect((await tsm(`delete-key 31 --confirm ${CARD}`)).err).to.match(/6A88.*not there/);
    await done(`put-key 31 --new-key ${KEY}`);
    const other = await tsm(`put-key 31 --new-key ${KEY.slice(0, -2)}FF`);
    expect(other.err).to.contain('Replacing the keys').and.contain('--confirm');
    expect(other.code).to.equal(6);
    const short = await tsm('put-key 31 --new-key 0001');
    expect(short.err).to.contain('--new-key wants 16, 24 or 32 bytes');
    expect(short.code).to.equal(2);
    await done(`delete-key 31 --confirm ${CARD}`);
    expect(await readdir(join(folder, 'fuse'))).to.deep.equal([]);
  });

  for (const words of [`delete ${SSD}`, `delete-key 31 --confirm ${CARD}`])
    it(`${words.split(' ')[0]}: says what the card says of a name that was never there, again`, async () => {
      const { apdus } = await card.statistics();
      expect((await tsm(words)).code).to.equal(4);
      const afterApdus = (await card.statistics()).apdus - apdus - 1;
      for (const when of ['before-processing', 'before-response'] as const) {
        await card.cutPower({ afterApdus, when });
        expect((await tsm(words)).code, when).to.equal(3);
        await card.power('on');
        const again = await tsm(words);
        expect(again.err, when).to.match(/6A88.*not there/);
        expect(again.code, when).to.equal(4);
      }
    });

  it('delete: takes no note of another day or behind a link, and writes through none', async () => {
    const words = `delete ${SSD}`;
    await done(`domain create ${SSD}`);
    const { apdus } = await card.statistics();
    await done(words);
    const afterApdus = (await card.statistics()).apdus - apdus - 1;
    const broken = async (): Promise<string> => {
      await done(`domain create ${SSD}`);
      await card.cutPower({ afterApdus, when: 'before-response' });
      expect((await tsm(words)).code).to.equal(3);
      await card.power('on');
      const [note = ''] = await readdir(join(folder, 'fuse'));
      return join(folder, 'fuse', note);
    };
    const note = await broken();
    await utimes(note, 0, 0);
    expect((await tsm(words)).err, 'an old note').to.match(/6A88.*not there/);
    expect(await broken()).to.equal(note);
    const victim = join(folder, 'victim');
    await writeFile(victim, 'mine');
    await rm(note);
    await symlink(victim, note);
    expect((await tsm(words)).err, 'a link').to.match(/6A88.*not there/);
    await symlink(victim, note);
    await broken();
    expect(await readFile(victim, 'utf8')).to.equal('mine');
    expect((await tsm(words)).out).to.match(/deleted by an earlier run/);
    expect(await readdir(join(folder, 'fuse'))).to.deep.equal([]);
  });

  it('put-key: says done of no set that may have other keys', async () => {
    const put = `put-key 31 --new-key ${KEY}`;
    const other = KEY.replace('0001', 'FFFF');
    await done(put);
    for (const words of [`put-key 31 --new-key ${other}:${KEY}:${other}`, `${put}:${KEY}:${other}`, `${put} --id 04`]) {
      const run = await tsm(words);
      expect(run.err, words).to.contain('Replacing the keys').and.contain('--confirm');
      expect(run.code, words).to.equal(6);
    }
    expect(await done(put)).to.match(/on the card already\nnotTold +whether ENC and DEK are of this key too/);
    await done(`delete-key 31 --confirm ${CARD}`);
  });

  it('put-key: says that the card is gone where it goes before it has told its keys', async () => {
    const { apdus } = await card.statistics();
    await done(`put-key 31 --new-key ${KEY}`);
    const all = (await card.statistics()).apdus - apdus;
    await done(`delete-key 31 --confirm ${CARD}`);
    await card.cutPower({ afterApdus: all - 2, when: 'before-response' });
    const broken = await tsm(`put-key 31 --new-key ${KEY}`);
    await card.power('on');
    expect(broken.err).to.match(/run the same command again/);
    expect(broken.code).to.equal(3);
  });

  for (const words of ['apdu 00A4040000', 'script @commands.txt', 'card pin verify --pin 1234'])
    it(`${words.split(' --')[0]}: is not advised to be done again, for it may have been done`, async () => {
      await card.cutPower({ afterApdus: 0, when: 'before-response' });
      const broken = await inProcess(
        words.split(' ').map((word) => (word.startsWith('@') ? file(word.slice(1)) : word)),
      );
      await card.power('on');
      expect(broken.code, broken.err).to.equal(3);
      expect(broken.err)
        .to.match(/may be done or not, so look first/)
        .and.not.match(/run the same command again/i);
    });

  it('apdu: is not advised to be done again by Ctrl-C either', async () => {
    let child: ChildProcess | undefined;
    await using silent = await FramedCard.start(() => {
      child?.kill('SIGINT');
      return 'silent';
    });
    const env = { ...process.env, TSM_READER: `tcp:127.0.0.1:${silent.address.port}` };
    const args = [join(ROOT, 'host/cli/tsm.mjs'), 'apdu', '00A4040000'];
    child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    const [said, [code]] = await Promise.all([child.stderr === null ? '' : text(child.stderr), once(child, 'close')]);
    expect([code, said]).to.deep.equal([130, said.match(/^\ntsm: interrupted: .* look first: .*\n$/)?.[0]]);
  });
});

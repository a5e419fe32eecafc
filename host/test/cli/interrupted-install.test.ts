// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { gateCases } from '../../../setup/soak/runs.ts';
import type { SimulatedCard } from '../../../simulator/src/index.ts';
import { antJavacard, ROOT } from '../../../toolchain/test/run.ts';
import { installationOf } from '../../cli/card/cap-choice.ts';
import { CardContent } from '../../cli/card/card-content.ts';
import { installCap } from '../../cli/card/install.ts';
import type { CardOptions } from '../../cli/card/options.ts';
import { type CardWork, withCard } from '../../cli/card/session.ts';
import { TsmError } from '../../errors.ts';
import { aidToHex } from '../../wire/gp/aid.ts';
import { INS } from '../../wire/gp/command.ts';
import { deleteObject } from '../../wire/gp/delete.ts';
import { insertTestCard } from '../clients/fixture.ts';
import { portOf, proxyTo } from './proxy.ts';

const [LOAD_FILE, APPLET] = ['F000000001', 'F00000000101'];

/** A working application or nothing, whatever breaks, and the same command again brings it to its end. */
describe('an install that is interrupted', function () {
  this.timeout(240_000);
  let folder = '';
  let cap = '';
  let card: SimulatedCard;
  const fuseDir = process.env.TSM_FUSE_DIR;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-interrupted-'));
    process.env.TSM_FUSE_DIR = join(folder, 'fuse');
    const built = antJavacard([`-Dcap.dir=${folder}`, '-f', join(ROOT, 'simulator/test/fixture/test-caps.xml')], ROOT);
    expect(built.code, built.err + built.out).to.equal(0);
    cap = join(folder, 'probe.cap');
    card = await insertTestCard({ tcp: { port: 0 } });
  });
  after(async () => {
    await card?.remove();
    if (fuseDir === undefined) delete process.env.TSM_FUSE_DIR;
    else process.env.TSM_FUSE_DIR = fuseDir;
    await rm(folder, { recursive: true, force: true });
  });

  const options = (): CardOptions => ({
    reader: `tcp:127.0.0.1:${card.tcpPort}`,
    key: 'test',
    kdf: 'none',
    keyVersion: 0x30,
    dryRun: false,
    trace: false,
    showSecrets: false,
    json: true,
  });
  const work = <T>(act: (open: CardWork) => Promise<T>): Promise<T> => withCard(options(), act);
  const install = () => work(async (open) => installCap(open, await installationOf(cap, {}), { descriptor: true }));

  /** Whether load file and application are there. */
  const state = () =>
    work(async (open) => {
      const content = await CardContent.read(open);
      const names = (entries: CardContent['loadFiles']) => entries.map(({ aid }) => aidToHex(aid));
      return [names(content.loadFiles).includes(LOAD_FILE), names(content.applications).includes(APPLET)] as const;
    });
  const remove = () =>
    work(async (open) => {
      const found = await CardContent.read(open);
      const there = found.loadFiles.find(({ aid }) => aidToHex(aid) === LOAD_FILE);
      if (there !== undefined) await open.change(deleteObject(there.aid, { related: true }), 'gone');
    });

  async function apdusOf(act: () => Promise<unknown>): Promise<number> {
    const { apdus } = await card.statistics();
    await act();
    return (await card.statistics()).apdus - apdus;
  }

  it('is ended by the same command, when the card was pulled at any APDU that changes it', async () => {
    const all = await apdusOf(install);
    await remove();
    const reading = await apdusOf(() => work(CardContent.read));
    const cuts = Array.from({ length: all - reading }, (_, index) =>
      (['before-processing', 'before-response'] as const).map((when) => ({ afterApdus: reading + index, when })),
    ).flat();
    for (const { afterApdus, when } of gateCases(cuts, 3)) {
      const where = `APDU ${afterApdus} of ${all}, ${when}`;
      await card.cutPower({ afterApdus, when });
      const broken = await install().catch((error: unknown) => error);
      expect(broken, where).to.be.instanceOf(TsmError);
      await card.power('on');
      const [loaded, installed] = await state();
      expect(installed && !loaded, where).to.equal(false);
      await install();
      expect(await state(), where).to.deep.equal([true, true]);
      await remove();
    }
  });

  /** `tsm card install` as a process of its own. */
  function tsm(port: number): ChildProcess {
    const env = { ...process.env, TSM_READER: `tcp:127.0.0.1:${port}`, TSM_KEY: 'test' };
    const args = [join(ROOT, 'host/cli/tsm.mjs'), 'card', 'install', cap, '--descriptor'];
    return spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  for (const [name, ins, count, kill] of [
    ['the announcement of the load file', INS.INSTALL, 1, 'SIGINT'],
    ['a LOAD', INS.LOAD, 3, 'SIGKILL'],
    ['the making of the instance', INS.INSTALL, 2, 'SIGKILL'],
  ] as const)
    it(`is ended by the same command, when the tool had a ${kill} after ${name}`, async () => {
      let child: ChildProcess | undefined;
      let seen = 0;
      const server = await proxyTo(card.tcpPort ?? 0, (sent) => {
        if (sent === ins && ++seen === count) child?.kill(kill);
      });
      child = tsm(portOf(server));
      const [said, [code, signal]] = await Promise.all([
        child.stderr === null ? '' : text(child.stderr),
        once(child, 'close'),
      ]);
      // Ctrl-C is told of, and what to do next.
      if (kill === 'SIGINT')
        expect([code, said]).to.deep.equal([130, said.match(/^\ntsm: interrupted: .*again.*\n$/)?.[0]]);
      else expect(signal).to.equal(kill);
      const again = tsm(card.tcpPort ?? 0);
      const [ended] = await once(again, 'close');
      expect(ended).to.equal(0);
      expect(await state()).to.deep.equal([true, true]);
      await remove();
      server.close();
    });
});

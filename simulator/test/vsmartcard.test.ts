// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { expect } from 'chai';
import { FrameClient } from './fixture/vpicc-frames.ts';

const target = resolve(import.meta.dirname, '../java/target');
const PROBE = 'F0000000010101';

describe("jCardSim's VSmartCard with a jcardsim.cfg", () => {
  it('puts a card of ours into vpcd, and CREATE APPLET installs what the file names', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'opentsm-vsmartcard-'));
    const vpcd = createServer().listen(0, '127.0.0.1');
    await once(vpcd, 'listening');
    const cfg = join(folder, 'jcardsim.cfg');
    await writeFile(
      cfg,
      [
        `com.licel.jcardsim.card.applet.0.AID=${PROBE}`,
        'com.licel.jcardsim.card.applet.0.Class=org.opentsm.simulator.testapplet.Probe',
        'com.licel.jcardsim.card.ATR=3B80800101',
        'com.licel.jcardsim.vsmartcard.host=127.0.0.1',
        `com.licel.jcardsim.vsmartcard.port=${(vpcd.address() as AddressInfo).port}`,
        'com.licel.jcardsim.vsmartcard.reloader.port=0',
      ].join('\n'),
    );
    const classPath = [join(target, 'opentsm-simulator.jar'), join(target, 'lib/*'), join(target, 'test-classes')];
    const java = ['-cp', classPath.join(delimiter), 'com.licel.jcardsim.remote.VSmartCard', cfg];
    const child = spawn('java', java, { stdio: 'ignore' });
    try {
      const died = once(child, 'exit').then(([code]) => expect.fail(`it ended with ${code}`));
      const [socket] = (await Promise.race([once(vpcd, 'connection'), died])) as [Socket];
      const card = FrameClient.over(socket);
      card.frame('01');
      expect(await card.exchange('04')).to.equal('3B80800101');
      expect(await card.exchange(`00A4040007${PROBE}`)).to.equal('6A82');
      expect(await card.exchange(`80B800000A07${PROBE}0000`)).to.equal(`${PROBE}9000`);
      expect(await card.exchange(`00A4040007${PROBE}`)).to.equal('9000');
      expect(await card.exchange('80010155')).to.equal('9000');
      card.frame('02');
      expect(await card.exchange(`00A4040007${PROBE}`)).to.equal('9000');
      expect(await card.exchange('8002000000'), 'transactions are ours').to.match(/^55555555/);
      card.close();
    } finally {
      child.kill('SIGKILL');
      vpcd.close();
      await rm(folder, { recursive: true });
    }
  }).timeout(120_000);
});

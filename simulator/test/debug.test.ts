// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { antJavacard } from '../../toolchain/test/run.ts';
import { loadFileDataBlock } from '../../toolchain/test/zip.ts';
import type { CardImage } from '../src/index.ts';
import { FrameClient } from './fixture/vpicc-frames.ts';

const runner = resolve(import.meta.dirname, '../bin/jcardsim-runner.mjs');
const source = resolve(import.meta.dirname, 'fixture/maven-project/src/main/java');
const debuggerSource = resolve(import.meta.dirname, 'fixture/StopAtLine.java');
const aid = 'F00000000101';
const select = `00A4040006${aid}`;
const BUILD = `<project default="cap" basedir=".">
  <taskdef name="javacard" classname="pro.javacard.ant.JavaCard" classpath="ant-javacard.jar"/>
  <target name="cap"><javacard>
    <cap targetsdk="3.0.5" sources="${source}" package="shop" aid="F000000001" version="1.0" output="shop.cap"
        debug="true">
      <applet class="shop.Counter" aid="${aid}"/>
    </cap>
  </javacard></target>
</project>`;

/** A port nobody listens on, below those that the system gives out by itself, so that nobody is given it meanwhile. */
async function freePort(): Promise<number> {
  const port = randomInt(20_000, 30_000);
  const server = createServer().listen(port, '127.0.0.1');
  const taken = await once(server, 'listening').then(
    () => false,
    () => true,
  );
  if (taken) return await freePort();
  server.close();
  await once(server, 'close');
  return port;
}

/** What a process prints, line by line; one that ends instead is a failure with what it said. */
function linesOf(child: { readonly stdout: NodeJS.ReadableStream }): () => Promise<string> {
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const said: string[] = [];
  return async () => {
    const next = await lines.next();
    if (next.done === true) expect.fail(`ended after: ${said.join(' | ')}`);
    said.push(next.value);
    return next.value;
  };
}

describe('A CAP with a Debug component', function () {
  this.timeout(300_000);
  let folder = '';
  let counting = 0;
  const children: ChildProcess[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-debug-'));
    await writeFile(join(folder, 'build.xml'), BUILD);
    const built = antJavacard([], folder);
    expect(built.code, built.out + built.err).to.equal(0);
    const lines = (await readFile(join(source, 'shop/Counter.java'), 'utf8')).split('\n');
    counting = lines.findIndex((line) => line.includes('count += buffer')) + 1;
    expect(counting).to.be.above(0);
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await rm(folder, { recursive: true });
  });

  it('stops a debugger at a source line, and the card answers when it goes on', async () => {
    const port = await freePort();
    const card = spawn(process.execPath, [runner, 'start', 'shop.cap', '--tcp', '0', '--debug', `${port}`], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(card);
    const cardSays = linesOf(card);
    let tcp: string | undefined;
    while (tcp === undefined) tcp = /listening on 127\.0\.0\.1:(\d+)/.exec(await cardSays())?.[1];
    const debug = spawn('java', [debuggerSource, `${port}`, 'shop/Counter.java', `${counting}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(debug);
    const debuggerSays = linesOf(debug);
    expect(await debuggerSays()).to.match(/^waiting in pF000000001\.C[0-9A-F]{4}$/);
    const reader = await FrameClient.open(Number(tcp));
    expect(await reader.exchange(select)).to.equal('9000');
    const answer = reader.exchange('80010700');
    expect(await debuggerSays()).to.equal(`stopped at shop/Counter.java:${counting}`);
    expect(await answer).to.equal('9000');
    expect(await reader.exchange('8002000001')).to.equal('079000');
    reader.close();
    card.kill('SIGTERM');
    expect(await once(card, 'exit')).to.deep.equal([0, null]);
  });

  it('tells which of its lines ran', async () => {
    const child = spawn(process.execPath, [runner, 'coverage', 'shop.cap', select, '80010700', '80010700'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const [records, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    expect(code).to.equal(0);
    expect(records).to.contain('SF:shop/Counter.java\n');
    expect(records).to.contain(`\nDA:${counting},2\n`);
    expect(records).to.contain(`\nDA:${counting + 2},0\n`);
  });

  it('gives its lines to the same code that came by LOAD', async () => {
    const card: CardImage = {
      name: 'managed',
      atr: '3B00',
      isd: null,
      loadFiles: [
        {
          aid: 'F000000009',
          path: resolve(import.meta.dirname, '../java/target/test-classes'),
          modules: [{ aid: 'F00000000901', class: 'org.opentsm.simulator.domain.Manager' }],
        },
      ],
      applications: [{ module: 'F00000000901', aid: 'F0000000090101', privileges: '80D480' }],
    };
    await writeFile(join(folder, 'managed.json'), JSON.stringify(card));
    const code = loadFileDataBlock(await readFile(join(folder, 'shop.cap')));
    const file = Buffer.concat([Buffer.of(0xc4, 0x82, code.length >> 8, code.length & 0xff), code]);
    const script = ['00A4040007F0000000090101', '80F0400F07F0000000090101', '80E602000A05F00000000100000000'];
    for (let at = 0, number = 0; at < file.length; at += 200, number += 1) {
      const part = file.subarray(at, at + 200).toString('hex');
      const header = `80E8${at + 200 < file.length ? '00' : '80'}${number.toString(16).padStart(2, '0')}`;
      script.push(`${header}${(part.length / 2).toString(16).padStart(2, '0')}${part}`);
    }
    script.push(`80E60C001A05F00000000106${aid}06${aid}010002C90000`, select, '80010700', '80010700');
    const run = async (...more: string[]): Promise<string> => {
      const args = [runner, 'coverage', 'managed.json', ...more, ...script];
      const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
      children.push(child);
      const [records] = await Promise.all([text(child.stdout), once(child, 'exit')]);
      return records;
    };
    expect(await run()).not.to.contain('shop/Counter.java');
    const records = await run('--lines', 'shop.cap');
    expect(records).to.contain('SF:shop/Counter.java\n');
    expect(records).to.contain(`\nDA:${counting},2\n`);
  });
});

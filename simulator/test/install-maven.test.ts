// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { localRepository } from '../src/commands/install-maven.ts';
import { testCaps } from './fixture/test-caps.ts';

const runner = resolve(import.meta.dirname, '../bin/jcardsim-runner.mjs');
const project = resolve(import.meta.dirname, 'fixture/maven-project');

async function run(command: string, args: readonly string[], cwd: string): Promise<{ code: unknown; out: string }> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code, out: `${out}${err}` };
}

describe('a Maven project of somebody else', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-maven-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('tests its applet with the artifact: the drop-in, the JUnit extension and the terminal provider', async () => {
    const repository = join(folder, 'repository');
    const installed = await run(process.execPath, [runner, 'install-maven', '--repository', repository], folder);
    expect(installed).to.deep.equal({ code: 0, out: `org.opentsm:opentsm-simulator:0.1.0 is in ${repository}\n` });
    await cp(project, join(folder, 'project'), { recursive: true });
    for (const name of ['tally.cap', 'voter.cap']) {
      await cp(join(testCaps(), name), join(folder, 'project/caps', name));
    }
    // What this repository's own build has fetched stands for Maven Central: the test needs no network.
    const settings = join(folder, 'settings.xml');
    const central = pathToFileURL(localRepository()).href;
    await writeFile(
      settings,
      '<settings><mirrors><mirror><id>here</id><mirrorOf>*</mirrorOf>' +
        `<url>${central}</url></mirror></mirrors></settings>`,
    );
    const maven = ['-B', '-q', '-s', settings, `-Dmaven.repo.local=${repository}`, 'test'];
    const tested = await run('mvn', maven, join(folder, 'project'));
    expect(tested.code, tested.out).to.equal(0);
    const reports = join(folder, 'project/target/surefire-reports');
    for (const [name, count] of [
      ['DropInTest', 3],
      ['ExtensionTest', 2],
      ['CapTest', 2],
      ['TerminalTest', 1],
    ] as const) {
      const report = await readFile(join(reports, `shop.${name}.txt`), 'utf8');
      expect(report, name).to.contain(`Tests run: ${count}, Failures: 0, Errors: 0, Skipped: 0`);
    }
  }).timeout(300_000);
});

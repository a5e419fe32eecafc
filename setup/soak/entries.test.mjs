// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { CAN_ISOLATE, isolated } from '../suites/isolation.mjs';
import { entryOf, named, soakFiles } from './entries.mjs';
import { makeRelease } from './release.ts';

const root = join(import.meta.dirname, '../..');
const grep = (...words) =>
  execFileSync('git', ['grep', '-l', ...words], { cwd: root, encoding: 'utf8' })
    .trim()
    .split('\n');

describe('the soak', () => {
  const files = soakFiles(root);
  const bounds = { factor: 20, seed: 7, limitMs: 60_000 };

  it('runs each test that has more to do there', () => {
    expect(files).to.include.members(grep('soak/runs.ts', '--', '*.test.ts', '*.soak.ts'));
    expect(files).to.include.members(grep('Integer.getInteger("opentsm.soak"', '--', '*.java'));
    expect(files).to.include.members(
      execFileSync('git', ['ls-files', '*.soak.ts'], { cwd: root }).toString().trim().split('\n'),
    );
    expect(new Set(files).size).to.equal(files.length);
  });

  it('runs each property test: the gate draws the same cases each time', () => {
    expect(files).to.include.members(grep('-F', 'fc.assert(', '--', '*.test.ts'));
  });

  it('runs what is asked for by name alone', () => {
    expect(named(files, [])).to.equal(files);
    expect(named(files, ['farm'])).to.deep.equal(['simulator/test/farm.soak.ts']);
    expect(named(files, ['caps']).map((file) => file.split('/').at(-1))).to.deep.equal(['RefusalTest.java']);
    expect(named(files, ['KILL', 'inTruleTest']).map((file) => file.split('/').at(-1))).to.deep.equal([
      ...['contact-kill.soak.ts', 'daemon-kill.test.ts', 'top-up-kill.test.ts', 'IntRuleTest.java'],
    ]);
    expect(named(files, ['no-such-file'])).to.deep.equal([]);
  });

  it('gives factor and seed to a Java test of one module', () => {
    const [file] = named(files, ['caps']);
    const { command, limitMs } = entryOf(file, bounds);
    expect(command).to.include.members([
      'toolchain/java/linker',
      '-Dtest=RefusalTest',
      '-Dopentsm.soak=20',
      '-Dfuzz.seed=7',
    ]);
    expect(limitMs).to.equal(60_000);
  });

  it('gives daemons ports of their own, and only what fetches something the network', () => {
    const entries = files.filter((file) => file.endsWith('.ts')).map((file) => entryOf(file, bounds));
    const open = entries.filter(({ command }) => command[0] !== isolated(['node'])[0]).map(({ file }) => file);
    expect(open.filter((file) => !file.startsWith('toolchain/'))).to.deep.equal(
      CAN_ISOLATE ? ['host/test/conformance/java-client.soak.ts'] : entries.map(({ file }) => file),
    );
  });

  it('makes the release before, outside, for what upgrades from it', () => {
    const [upgrade, farm] = named(files, ['upgrade', 'farm']).map((file) => entryOf(file, bounds));
    expect([upgrade.ready, farm.ready]).to.deep.equal([makeRelease, undefined]);
  });

  it('gives each file a process and a result of its own', () => {
    const entries = files.map((file) => entryOf(file, bounds));
    expect(new Set(entries.map(({ name }) => name)).size).to.equal(files.length);
    for (const { name, command, file } of entries.filter(({ file }) => file.endsWith('.ts')))
      expect([name.includes('/'), command.at(-1)]).to.deep.equal([false, file]);
  });
});

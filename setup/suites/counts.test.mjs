// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { mavenCounts, mochaCounts } from './counts.mjs';
import { SUITES } from './suites.mjs';

describe('what a suite leaves behind', () => {
  let folder;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-counts-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('counts a check that fails', () => {
    const lint = SUITES.find(({ name }) => name === 'lint');
    expect(lint.counts(true)).to.deep.equal({ passed: 1 });
    expect(lint.counts(false)).to.include({ passed: 0, failed: 1 });
  });

  it('names the tests of mocha that failed', async () => {
    const file = join(folder, 'host.json');
    const result = { passes: 3, failures: 1, pending: 0, seconds: {}, names: ['a card answers: no'] };
    await writeFile(file, JSON.stringify(result));
    expect(mochaCounts(false, { file })).to.include({ passed: 3, failed: 1 }).and.have.property('names').of.length(1);
  });

  it('counts a process that fails although its tests did not, or that left no result', async () => {
    const file = join(folder, 'odd.json');
    await writeFile(file, JSON.stringify({ passes: 3, failures: 0, pending: 0, seconds: {}, names: [] }));
    expect(mochaCounts(false, { file })).to.include({ passed: 3, failed: 1 });
    expect(mochaCounts(true, { file: join(folder, 'none.json') })).to.include({ failed: 1 });
  });

  it('names the tests of JUnit that failed', async () => {
    const reports = join(folder, 'module/target/surefire-reports');
    await mkdir(reports, { recursive: true });
    await writeFile(
      join(reports, 'TEST-x.xml'),
      `<testsuite name="x" time="1.5" tests="3" errors="0" skipped="0" failures="1">
         <testcase name="stands" classname="org.X" time="0.1"/>
         <testcase name="falls" classname="org.X" time="0.1"><failure message="no">..</failure></testcase>
         <testcase name="talks" classname="org.X" time="0.1"><system-out>..</system-out></testcase></testsuite>`,
    );
    const counts = mavenCounts(false, { root: folder, since: 0 });
    expect(counts).to.include({ passed: 2, failed: 1, skipped: 0 });
    expect(counts.names).to.deep.equal(['org.X.falls: failure']);
  });
});

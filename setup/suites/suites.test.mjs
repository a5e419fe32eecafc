// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { CAN_ISOLATE, isolated, READER_PORTS } from './isolation.mjs';
import { chosen, SUITES } from './suites.mjs';

const root = join(import.meta.dirname, '../..');

describe('the suites', () => {
  it('run each test file once', () => {
    const files = execFileSync('git', ['ls-files', '*.test.ts', '*.test.mjs'], { cwd: root, encoding: 'utf8' });
    const runs = SUITES.flatMap(({ specs = [] }) => specs.flatMap((spec) => globSync(spec, { cwd: root })));
    expect(runs.toSorted()).to.deep.equal(files.trim().split('\n').toSorted());
  });

  it('are chosen by name, and files of tests run behind the CAP files', () => {
    const names = (of) => chosen(of).wanted.map(({ name }) => name);
    const file = 'host/test/workflow/page.test.ts';
    expect(names([])).to.deep.equal(SUITES.map(({ name }) => name));
    expect(names(['crash', 'cap'])).to.deep.equal(['cap', 'crash']);
    expect(names([file])).to.deep.equal(['cap', 'files']);
    expect(names(['lint', file])).to.deep.equal(['cap', 'lint', 'files']);
    expect(chosen([file]).wanted.at(-1).specs).to.deep.equal([file]);
    // Without a namespace, where its suite has none either.
    const packed = chosen(['toolchain/test/packed.test.ts']).wanted.at(-1);
    expect(packed.command[0]).to.equal(SUITES.find(({ name }) => name === 'toolchain').command[0]);
  });

  it('are not chosen by what is neither', () => {
    const names = ['crush', 'host/test/none.test.ts', 'README.md', 'host/errors.ts'];
    expect(chosen(names).unknown).to.deep.equal(names);
    expect(chosen(['crash']).unknown).to.deep.equal([]);
  });
});

describe('the world of a suite with PC/SC', () => {
  it('gives the ports of the virtual readers to no connection', () => {
    const reserved = '/proc/sys/net/ipv4/ip_local_reserved_ports';
    const script = `test -w ${reserved} && cat ${reserved} || echo ${READER_PORTS}`;
    const [program, ...args] = isolated(['sh', '-c', script]);
    const told = CAN_ISOLATE ? execFileSync(program, args, { encoding: 'utf8' }) : READER_PORTS;
    expect(told.trim()).to.equal(READER_PORTS);
  });
});

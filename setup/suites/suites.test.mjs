// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { SUITES } from './suites.mjs';

const root = join(import.meta.dirname, '../..');

describe('the suites', () => {
  it('run each test file once', () => {
    const files = execFileSync('git', ['ls-files', '*.test.ts', '*.test.mjs'], { cwd: root, encoding: 'utf8' });
    const runs = SUITES.flatMap(({ specs = [] }) => specs.flatMap((spec) => globSync(spec, { cwd: root })));
    expect(runs.toSorted()).to.deep.equal(files.trim().split('\n').toSorted());
  });
});

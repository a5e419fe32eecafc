// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { conformanceTables, LEVELS, rulesIn } from './tables.mjs';

const root = join(import.meta.dirname, '../..');

describe('tables of conformance', () => {
  let folder;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-tables-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('name tests that there are', async () => {
    expect(LEVELS.map(({ level }) => level)).to.deep.equal(['L0', 'L1', 'L2', 'L3', 'L4', 'L5', 'L6', 'L7']);
    for (const { file, test } of LEVELS.flatMap(({ rules }) => rules)) {
      const text = await readFile(join(root, file), 'utf8');
      const titles = [...text.matchAll(/\b(?:describe|it)\(\s*(['"`])(.*?)\1,/gs)].map(([, , title]) => title);
      // What a template fills in may be anything.
      const part = (title) => title.replaceAll(/[.*+?^$()|[\]\\{}]/g, '\\$&').replaceAll(/\\\$\\\{.*?\\\}/g, '.+');
      const all = titles.map((title) => `(?:${part(title)})`).join('|');
      expect(test, file).to.match(new RegExp(`^(?:${all})(?: (?:${all}))+$`, 's'));
    }
  });

  it('say of each rule how its test ended, and count', async () => {
    const [{ rules }] = LEVELS;
    const tests = rules.map(({ file, test }, index) => ({
      file,
      title: test,
      state: index === 1 ? 'failed' : 'passed',
    }));
    await writeFile(join(folder, 'conformance.json'), JSON.stringify({ tests }));
    const figure = { level: 'L1', what: 'TSMS operations', done: 81, total: 82 };
    await writeFile(join(folder, 'conformance.jsonl'), `${JSON.stringify(figure)}\n`);
    const [first, second, ...others] = rulesIn(folder);
    expect([first.state, second.state]).to.deep.equal(['passed', 'failed']);
    expect(others.at(-1).state).to.equal('not run');
    const text = conformanceTables(folder);
    expect(text).to.contain(`rules ${rules.length - 1}/${rules.length}`);
    expect(text).to.contain('TSMS operations 81/82');
  });
});

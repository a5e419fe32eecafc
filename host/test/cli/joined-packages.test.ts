// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { SPECIFIERS } from '../../cli/joined-packages.ts';

/** What each import gives, and where it comes from, in a process of its own. */
function imported(isJoined: boolean): { readonly names: string[][]; readonly urls: string[] } {
  const script = `
    const { useJoinedPackages } = await import('./host/cli/joined-packages.ts');
    if (${isJoined}) useJoinedPackages();
    const said = { names: [], urls: [] };
    for (const specifier of ${JSON.stringify(SPECIFIERS)}) {
      said.names.push(Object.keys(await import(specifier)).toSorted());
      said.urls.push(import.meta.resolve(specifier));
    }
    console.log(JSON.stringify(said));`;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' }));
}

describe('packages that the set-up joined', () => {
  it('are what daemons import, and give what the packages give', () => {
    const [plain, joined] = [imported(false), imported(true)];
    for (const url of joined.urls) expect(url).to.match(/\/build\/packages\/[^/]+\/[\w-]+\.mjs$/);
    for (const url of plain.urls) expect(url).to.include('/node_modules/');
    expect(joined.names).to.deep.equal(plain.names);
  });
});

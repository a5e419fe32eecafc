// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { antJavacard, inFolder, ROOT } from './run.ts';
import { capComponents, loadFileDataBlock } from './zip.ts';

/** Budget of the security domain package, as applet/README.md 8 explains it. */
const { securitydomain: BUDGET }: { readonly securitydomain: number } = JSON.parse(
  readFileSync(join(ROOT, 'applet/budget.json'), 'utf8'),
);
const LEVELS = ['3.0.4', '3.0.5'];

describe('the root build.xml', function () {
  this.timeout(600_000);

  it(
    'builds the security domain applets for every level within their budget, and they verify',
    inFolder((folder) => {
      const run = antJavacard([`-Dcap.dir=${folder}`, 'cap'], ROOT);
      expect(run.code, run.err + run.out).to.equal(0);
      for (const level of LEVELS) {
        const file = join(folder, `securitydomain-${level}.cap`);
        const size = loadFileDataBlock(readFileSync(file)).length;
        expect(run.out).to.contain(`securitydomain-${level}.cap (${size} bytes to load`);
        expect(size, level).to.be.at.most(BUDGET).and.at.least(4096);
        expect(antJavacard(['verify', file], ROOT).code, level).to.equal(0);
      }
    }),
  );

  it(
    'declares the AIDs of applet/README.md',
    inFolder((folder) => {
      const readme = readFileSync(join(ROOT, 'applet', 'README.md'), 'utf8');
      const aidOf = (row: RegExp): string => row.exec(readme)?.[1]?.toLowerCase() ?? 'missing';
      expect(antJavacard([`-Dcap.dir=${folder}`, 'cap-3.0.4'], ROOT).code).to.equal(0);
      const components = capComponents(readFileSync(join(folder, 'securitydomain-3.0.4.cap')));
      const header = components.get('Header')?.toString('hex') ?? '';
      expect(header).to.contain(aidOf(/\| Package \(executable load file\) \| `([0-9A-F]+)`/));
      const applets = components.get('Applet')?.toString('hex') ?? '';
      for (const name of [
        'IssuerSecurityDomain',
        'SupplementarySecurityDomain',
        'ControllingAuthoritySecurityDomain',
      ]) {
        expect(applets, name).to.contain(aidOf(new RegExp(`\\| Module \`${name}\` \\| \`([0-9A-F]+)\``)));
      }
    }),
  );

  it(
    'gives the same bytes each time',
    inFolder((folder) => {
      const build = (name: string): Buffer => {
        expect(antJavacard([`-Dcap.dir=${join(folder, name)}`, 'cap-3.0.4'], ROOT).code).to.equal(0);
        return readFileSync(join(folder, name, 'securitydomain-3.0.4.cap'));
      };
      expect(build('a').equals(build('b'))).to.equal(true);
    }),
  );
});

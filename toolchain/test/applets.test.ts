// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { antJavacard, inFolder, type Outcome, ROOT } from './run.ts';
import { capComponents, loadFileDataBlock } from './zip.ts';

/** Budget of the security domain package, as applet/README.md 8 explains it. */
const { securitydomain: BUDGET }: { readonly securitydomain: number } = JSON.parse(
  readFileSync(join(ROOT, 'applet/budget.json'), 'utf8'),
);
const LEVELS = ['3.0.4', '3.0.5'];

describe('the root build.xml', function () {
  this.timeout(600_000);
  const folder = mkdtempSync(join(tmpdir(), 'ant-javacard-'));
  const cap = (level: string): Buffer => readFileSync(join(folder, `securitydomain-${level}.cap`));
  let built: Outcome;
  before(() => {
    built = antJavacard([`-Dcap.dir=${folder}`, 'cap'], ROOT);
    expect(built.code, built.err + built.out).to.equal(0);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('builds the security domain applets for every level within their budget, and they verify', () => {
    for (const level of LEVELS) {
      const size = loadFileDataBlock(cap(level)).length;
      expect(built.out).to.contain(`securitydomain-${level}.cap (${size} bytes to load`);
      expect(size, level).to.be.at.most(BUDGET).and.at.least(4096);
    }
    expect(antJavacard(['verify', folder], ROOT).code).to.equal(0);
  });

  it('declares the AIDs of applet/README.md', () => {
    const readme = readFileSync(join(ROOT, 'applet', 'README.md'), 'utf8');
    const aidOf = (row: RegExp): string => row.exec(readme)?.[1]?.toLowerCase() ?? 'missing';
    const components = capComponents(cap('3.0.4'));
    const header = components.get('Header')?.toString('hex') ?? '';
    expect(header).to.contain(aidOf(/\| Package \(executable load file\) \| `([0-9A-F]+)`/));
    const applets = components.get('Applet')?.toString('hex') ?? '';
    for (const name of ['IssuerSecurityDomain', 'SupplementarySecurityDomain', 'ControllingAuthoritySecurityDomain']) {
      expect(applets, name).to.contain(aidOf(new RegExp(`\\| Module \`${name}\` \\| \`([0-9A-F]+)\``)));
    }
  });

  it(
    'gives the same bytes each time',
    inFolder((again) => {
      expect(antJavacard([`-Dcap.dir=${again}`, 'cap-3.0.4'], ROOT).code).to.equal(0);
      expect(readFileSync(join(again, 'securitydomain-3.0.4.cap')).equals(cap('3.0.4'))).to.equal(true);
    }),
  );
});

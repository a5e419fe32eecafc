// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { gateCases } from '../../../setup/soak/runs.ts';
import { SingleProviderLab } from '../../lab/single-provider-lab.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** What a card would be flashed with: the CAP files that `npx ant-javacard` makes, for both levels. */
describe('Key distribution on cards that run the CAP file', function () {
  this.timeout(240_000);

  before(() => {
    execFileSync(process.execPath, ['toolchain/bin/ant-javacard.mjs'], { cwd: ROOT, stdio: 'ignore' });
  });

  // The gate's other suites run the other one.
  for (const level of gateCases(['3.0.4', '3.0.5'], 2, 1)) {
    it(`goes from 41 to 60, attested, with the CAP for Java Card ${level}`, async () => {
      const cap = join(ROOT, 'build', 'cap', `securitydomain-${level}.cap`);
      await using lab = await SingleProviderLab.open({ link: 'direct', keySizeBits: 1024, cap });
      await using inserted = await lab.insert();
      const state = await lab.distribute(inserted);
      expect([state.outcome, state.isolation], JSON.stringify(state.problem)).to.deep.equal([
        'distributed',
        'attested',
      ]);
    });
  }
});

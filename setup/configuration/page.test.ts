// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { configurationPage } from './page.ts';

const committed = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'configuration.md'), 'utf8');

describe('docs/configuration.md', () => {
  it('is what the schemas of the daemons say: node setup/configuration/print.ts > docs/configuration.md', () => {
    expect(configurationPage()).to.equal(committed);
  }).timeout(60_000);

  it('says of each field that may be left out what it is', () => {
    const rows = committed.split('\n').filter((line) => /^\| \**`/.test(line));
    expect(rows).to.have.length.above(200);
    expect(rows.filter((line) => line.startsWith('| `') && line.endsWith('|  |'))).to.deep.equal([]);
  });
});

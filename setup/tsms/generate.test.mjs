// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import * as published from '../../host/wire/tsms/published.ts';
import { read, SOURCE } from './generate.mjs';

describe('host/wire/tsms/published.ts', () => {
  it('is made from the published document, which nobody changed', () => {
    const digest = createHash('sha256').update(readFileSync(SOURCE)).digest('hex');
    expect(readFileSync(new URL('../../docs/openapi/tsms/README.md', import.meta.url), 'utf8')).to.contain(digest);
    expect({ ...published }).to.deep.equal(JSON.parse(JSON.stringify(read())));
  });

  it('has 82 operations on 52 paths', () => {
    expect(published.OPERATIONS).to.have.length(82);
    expect(new Set(published.OPERATIONS.map(({ path }) => path))).to.have.property('size', 52);
  });
});

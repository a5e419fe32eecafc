// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect } from 'chai';
import { DOCUMENTS, original, overlaid, overlayOf } from './overlay.ts';

const docs = (path: string): string => readFileSync(new URL(`../../../docs/${path}`, import.meta.url), 'utf8');

/** The published documents are what was published; the overlays fit them and say why. */
for (const name of ['tsms', 'seram'] as const) {
  describe(`the published document of ${name}`, () => {
    it('is unchanged', () => {
      const digest = createHash('sha256').update(original(name)).digest('hex');
      expect(docs(`openapi/${name}/README.md`)).to.contain(digest);
    });

    it('has an overlay of which each entry names a defect and fits', () => {
      expect(overlaid(name).misfits).to.deep.equal([]);
      const notes = docs(DOCUMENTS[name].notes);
      for (const { why, path } of overlayOf(name)) expect(notes, `${why} ${path}`).to.match(new RegExp(`\\b${why}\\b`));
    });

    it('is an OpenAPI document with the overlay', async () => {
      const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(overlaid(name).document)));
      expect(valid, JSON.stringify(errors)).to.equal(true);
    });
  });
}

// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Migration } from '../../store/database.ts';
import { FRONT_MIGRATIONS } from '../../store/front/schema.ts';
import { ISSUER_MIGRATIONS } from '../../store/issuer/schema.ts';
import { OTA_MIGRATIONS } from '../../store/ota/lease-table.ts';
import { PROVIDER_MIGRATIONS } from '../../store/provider/schema.ts';

const MIGRATIONS: Readonly<Record<string, readonly Migration[]>> = {
  front: FRONT_MIGRATIONS,
  issuer: ISSUER_MIGRATIONS,
  ota: OTA_MIGRATIONS,
  provider: PROVIDER_MIGRATIONS,
};

/** `[name, SHA-256]` of each step that a release has brought into somebody's database; spaces do not count. */
const { migrations: RELEASED }: { readonly migrations: Readonly<Record<string, readonly (readonly string[])[]>> } =
  JSON.parse(readFileSync(join(import.meta.dirname, 'released-migrations.json'), 'utf8'));

const fingerprint = ({ name, sql }: Migration): readonly string[] => [
  name,
  createHash('sha256').update(sql.replaceAll(/\s+/g, ' ').trim()).digest('hex'),
];

describe('migrations that were released', () => {
  for (const [daemon, migrations] of Object.entries(MIGRATIONS)) {
    // Whoever has the step already never gets what is changed in it: add a step instead.
    it(`are unchanged in ${daemon}`, () => {
      const released = RELEASED[daemon] ?? [];
      expect(released.length).to.be.above(0);
      expect(migrations.slice(0, released.length).map(fingerprint)).to.deep.equal(released);
    });
  }
});

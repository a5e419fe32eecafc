// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { auditPages, listAuditRecords } from '../../cli/flow-client.ts';
import { failure } from '../transport/framed-card.ts';

/** Nothing listens there: who is asked wrongly is not asked. */
const URL_OF_NOBODY = 'https://127.0.0.1:1';

describe('tsm audit of a daemon without a log to ask for', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-audit-'));
  });
  after(() => rm(folder, { recursive: true }));

  for (const [role, says] of [
    ['kms', /tsm kms audit verify/],
    ['ota', /issuers, providers and KMSs do/],
    ['front', /issuers, providers and KMSs do/],
  ] as const)
    it(`says where that of a ${role} is, or that there is none`, async () => {
      const file = join(folder, `${role}.json`);
      const tls = { key: 'k.pem', certificate: 'c.pem', authority: 'a.pem' };
      await writeFile(file, JSON.stringify({ platform: { url: URL_OF_NOBODY, role, id: 'main' }, tls }));
      for (const asked of [listAuditRecords(file), auditPages(file).after(0)]) {
        const error = await failure(asked);
        expect(error).to.include({ code: 'no-audit-log' });
        expect(error.message).to.match(says);
      }
    });
});

// SPDX-License-Identifier: Apache-2.0
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { KmsAuditFile, verifyAuditFile } from '../../kms/audit-file.ts';
import { failure } from '../transport/framed-card.ts';
import { TestFolder } from './fixture.ts';

const entry = (label: string) => ({ phase: 'before', act: 'create key pair', details: { label } }) as const;

async function withRecords(count: number, test: (file: string) => Promise<void>): Promise<void> {
  await using folder = await TestFolder.make();
  const file = join(folder.path, 'audit.jsonl');
  const audit = await KmsAuditFile.open(file);
  await Promise.all(Array.from({ length: count }, (_, index) => audit.append(entry(`key ${index}`))));
  await audit.close();
  await test(file);
}

describe('audit file of the KMS', () => {
  it('goes on behind its last record over restarts', async () => {
    await withRecords(20, async (file) => {
      const before = await verifyAuditFile(file);
      expect(before.records).to.equal(20);
      const again = await KmsAuditFile.open(file);
      await again.append(entry('one more'));
      await again.close();
      expect((await verifyAuditFile(file, before)).records).to.equal(21);
    });
  });

  it('is on the disk when append returns', async () => {
    await withRecords(0, async (file) => {
      const audit = await KmsAuditFile.open(file);
      for (const label of ['a', 'b', 'c']) {
        await audit.append(entry(label));
        expect(await readFile(file, 'utf8')).to.contain(`"label":"${label}"`);
      }
      await audit.close();
    });
  });

  it('finds a record that was changed, taken out or put elsewhere', async () => {
    await withRecords(4, async (file) => {
      const lines = (await readFile(file, 'utf8')).split('\n');
      const [a = '', b = '', c = '', d = ''] = lines;
      for (const [name, changed] of [
        ['changed', [a, b.replace('key 1', 'key 9'), c, d]],
        ['taken out', [a, c, d]],
        ['put elsewhere', [a, c, b, d]],
        ['no record', [a, '{}', c, d]],
      ] as const) {
        await writeFile(file, `${changed.join('\n')}\n`);
        expect(await failure(verifyAuditFile(file)), name).to.include({ code: 'audit-broken' });
        expect(await failure(KmsAuditFile.open(file)), name).to.include({ code: 'audit-broken' });
      }
    });
  });

  it('finds that its end was cut off, against an end that was noted', async () => {
    await withRecords(4, async (file) => {
      const noted = await verifyAuditFile(file);
      const lines = (await readFile(file, 'utf8')).split('\n');
      await writeFile(file, `${lines.slice(0, 3).join('\n')}\n`);
      expect((await verifyAuditFile(file)).records).to.equal(3);
      expect(await failure(verifyAuditFile(file, noted))).to.include({ code: 'audit-cut' });
    });
  });

  it('drops a line that a power cut left half written', async () => {
    await withRecords(2, async (file) => {
      await appendFile(file, '{"number":3,"at":"20');
      const audit = await KmsAuditFile.open(file);
      await audit.append(entry('after the cut'));
      await audit.close();
      expect((await verifyAuditFile(file)).records).to.equal(3);
    });
  });

  it('refuses to go on when another process writes to it too', async () => {
    await withRecords(2, async (file) => {
      const [one, two] = [await KmsAuditFile.open(file), await KmsAuditFile.open(file)];
      await two.append(entry('from the other'));
      for (const label of ['a', 'b']) {
        expect(await failure(one.append(entry(label)))).to.have.property('code', 'audit-shared');
      }
      await Promise.all([one.close(), two.close()]);
      expect((await verifyAuditFile(file)).records).to.equal(3);
    });
  });
});

// SPDX-License-Identifier: Apache-2.0
import { cp } from 'node:fs/promises';
import { expect } from 'chai';
import type { Kysely } from 'kysely';
import { CertificateAuthority } from '../../kms/certificate-authority.ts';
import { SoftwareKeyProvider } from '../../kms/software.ts';
import { KeyService } from '../../service/kms/key-service.ts';
import { provideOffCardEntity } from '../../service/off-card-entity.ts';
import { openDatabase } from '../../store/database.ts';
import { PROVIDER_MIGRATIONS, type ProviderTables } from '../../store/provider/schema.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { failure } from '../transport/framed-card.ts';
import { openPlatform, TestFolder } from './fixture.ts';

const WANTED = { label: 'oce', holderReference: '0C'.repeat(16), keySizeBits: 1024 } as const;

describe('the KMS that a platform remembers', function () {
  this.timeout(60_000);
  let server: TestDatabase;
  let database: Kysely<ProviderTables>;

  before(async () => {
    server = await TestDatabase.start();
    const url = await server.server.createDatabase('provider');
    database = await openDatabase({ url, migrations: PROVIDER_MIGRATIONS });
  });
  after(async () => {
    await database.destroy();
    await server[Symbol.asyncDispose]();
  });

  it('is taken again, also under a new holder reference, and another one is refused', async () => {
    await using folder = await TestFolder.make();
    await using other = await TestFolder.make();
    const { kms } = await openPlatform(folder.path);
    const first = await provideOffCardEntity(database, kms, WANTED);
    expect(await provideOffCardEntity(database, kms, WANTED)).to.deep.equal(first);
    const renamed = await provideOffCardEntity(database, kms, { ...WANTED, holderReference: '0D'.repeat(16) });
    expect(renamed.certificate).to.not.equal(first.certificate);
    const { kms: stranger } = await openPlatform(other.path);
    expect(await failure(provideOffCardEntity(database, stranger, WANTED))).to.include({ code: 'kms-changed' });
    expect(
      (await provideOffCardEntity(database, kms, { ...WANTED, holderReference: '0D'.repeat(16) })).certificate,
    ).to.equal(renamed.certificate);
    kms.close();
    stranger.close();
  });

  it('is refused when it is a backup from before its platform was made', async () => {
    await using folder = await TestFolder.make();
    await using backup = await TestFolder.make();
    (await openKms(folder.path)).close();
    await cp(folder.path, backup.path, { recursive: true });
    const wanted = { ...WANTED, label: 'made after the backup' };
    const kms = await openKms(folder.path);
    const made = await provideOffCardEntity(database, kms, wanted);
    const older = await openKms(backup.path);
    const refused = await failure(provideOffCardEntity(database, older, wanted));
    expect(refused).to.include({ code: 'kms-changed' });
    expect(refused.message).to.contain('another key pair');
    expect(await provideOffCardEntity(database, kms, wanted)).to.deep.equal(made);
    kms.close();
    older.close();
  });
});

/** The same CA each time, with whatever keys the folder holds. */
async function openKms(folder: string): Promise<KeyService> {
  const keys = await SoftwareKeyProvider.open(folder);
  const holderReference = 'CA'.repeat(16);
  const authority = await CertificateAuthority.open({
    folder,
    keys,
    commonName: 'test',
    holderReference,
    keySizeBits: 1024,
  });
  const limits = { maxOpen: 8, idleMs: 60_000 };
  return new KeyService({ keys, authority, cardMakers: [], allowWithoutAttestation: false, limits });
}

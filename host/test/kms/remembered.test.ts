import { expect } from 'chai';
import type { Kysely } from 'kysely';
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
});

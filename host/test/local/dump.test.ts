// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { chmod, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import pg from 'pg';
import { CertificateAuthority } from '../../kms/certificate-authority.ts';
import { SoftwareKeyProvider } from '../../kms/software.ts';
import { type PostgresServer, removePostgres, startEmbeddedPostgres } from '../../local/postgres.ts';
import { KeyService } from '../../service/kms/key-service.ts';
import { provideOffCardEntity } from '../../service/off-card-entity.ts';
import { AuditLog, firstBrokenRecord } from '../../store/audit-log.ts';
import { type Migration, openDatabase } from '../../store/database.ts';
import { FRONT_MIGRATIONS, type FrontTables, grantAppSide } from '../../store/front/schema.ts';
import { putProvider } from '../../store/issuer/providers.ts';
import { ISSUER_MIGRATIONS, type IssuerTables } from '../../store/issuer/schema.ts';
import { OTA_MIGRATIONS } from '../../store/ota/lease-table.ts';
import { PROVIDER_MIGRATIONS, type ProviderTables } from '../../store/provider/schema.ts';
import { insertProvider } from '../../store/provider/tsms.ts';

const run = promisify(execFile);
/** Where it is not installed one test is skipped, which setup/clients/prepare.mjs counts. */
const POSTGRES = globSync('/usr/lib/postgresql/*/bin/pg_restore')
  .map((file) => join(file, '../..'))
  .findLast((found) => existsSync(join(found, 'bin/postgres')));
const DATABASES: readonly (readonly [name: string, migrations: readonly Migration[]])[] = [
  ['provider', PROVIDER_MIGRATIONS],
  ['issuer', ISSUER_MIGRATIONS],
  ['ota', OTA_MIGRATIONS],
  ['front', FRONT_MIGRATIONS],
];
const WANTED = { label: 'oce', holderReference: '0C'.repeat(16), keySizeBits: 1024 } as const;
const LIMITS = { maxOpen: 8, idleMs: 60_000 } as const;
const ENTRY = { phase: 'after', act: 'look', subject: 's', workflowId: 'w', numeral: '', details: {} } as const;

/** As the daemon of one KMS opens its folder. */
async function kmsIn(folder: string): Promise<KeyService> {
  const keys = await SoftwareKeyProvider.open(folder);
  const authority = await CertificateAuthority.open({
    folder,
    keys,
    commonName: 'dump',
    holderReference: 'CA'.repeat(16),
    keySizeBits: 1024,
  });
  return new KeyService({ keys, authority, cardMakers: [], allowWithoutAttestation: false, limits: LIMITS });
}

/** The steps of docs/operations.md, "Back up, restore, upgrade", with Debian's server and its own tools. */
describe('databases by pg_dump and pg_restore, KMSs by a copy', function () {
  this.timeout(120_000);
  let folder: string;
  let server: PostgresServer;
  const urls = new Map<string, string>();
  const url = (name: string): string => urls.get(name) ?? '';

  if (POSTGRES === undefined) {
    it.skip('needs the postgresql of Debian: the npm package has no pg_dump');
    return;
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-dump-'));
    await chmod(folder, 0o711);
    server = await startEmbeddedPostgres({ folder: join(folder, 'postgres'), durable: false, binaries: POSTGRES });
    for (const [name, migrations] of DATABASES) {
      urls.set(name, await server.createDatabase(name));
      await (await openDatabase({ url: url(name), migrations })).destroy();
    }
    await grantFront();
  });
  after(async () => {
    await server?.stop();
    await removePostgres(join(folder, 'postgres'));
    await rm(folder, { recursive: true, force: true });
  });

  async function grantFront(): Promise<void> {
    urls.set('front_app', await server.createRole('front', 'front_app'));
    const front = await openDatabase<FrontTables>({ url: url('front'), migrations: [] });
    await grantAppSide(front, 'front_app');
    await front.destroy();
  }

  const tool = (name: string, ...words: readonly string[]) => run(join(POSTGRES, 'bin', name), words);
  const dumpOf = (name: string) => join(folder, `${name}.dump`);
  const dump = (name: string) => tool('pg_dump', '--format=custom', `--file=${dumpOf(name)}`, url(name));
  const restore = (name: string) => tool('pg_restore', '--clean', '--if-exists', `--dbname=${url(name)}`, dumpOf(name));

  /** Every table with its rows, and who may do what with it. */
  async function contents(name: string): Promise<Record<string, string>> {
    const client = new pg.Client({ connectionString: url(name) });
    await client.connect();
    try {
      const tables = await client.query<{ name: string; acl: string }>(
        `SELECT relname AS name, coalesce(relacl, acldefault('r', relowner))::text AS acl FROM pg_class
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname`,
      );
      const found: Record<string, string> = {};
      for (const { name: table, acl } of tables.rows) {
        const { rows } = await client.query(`SELECT t::text AS row FROM "${table}" t ORDER BY 1`);
        found[table] = JSON.stringify([acl, rows]);
      }
      return found;
    } finally {
      await client.end();
    }
  }

  it('come back into new databases as they were, from dumps that were made while a daemon wrote', async () => {
    const kept = join(folder, 'kms');
    const kms = await kmsIn(kept);
    const provider = await openDatabase<ProviderTables>({ url: url('provider'), migrations: PROVIDER_MIGRATIONS });
    const issuer = await openDatabase<IssuerTables>({ url: url('issuer'), migrations: ISSUER_MIGRATIONS });
    const entity = await provideOffCardEntity(provider, kms, WANTED);
    await insertProvider(provider, { spId: '11111111-1111-4111-8111-111111111111', name: 'kept', tokenHash: 'x' });
    await putProvider(issuer, {
      providerId: 'a',
      baseUrl: 'https://a',
      permissions: ['create-security-domain'],
      aids: ['F06F70656E74'],
    });
    const log = new AuditLog(provider);
    for (let count = 0; count < 20; count += 1) await log.append(ENTRY);
    const before = await contents('provider');
    let writing = true;
    const written = (async () => {
      while (writing) await log.append(ENTRY);
    })();
    for (const [name] of DATABASES) await dump(name);
    writing = false;
    await written;
    // After the dump of its platform's database: a KMS may be newer, never older.
    kms.close();
    await cp(kept, join(folder, 'kms-copy'), { recursive: true });
    await rm(kept, { recursive: true });
    await Promise.all([provider.destroy(), issuer.destroy()]);
    const others = await Promise.all(['issuer', 'ota', 'front'].map(contents));

    for (const [name] of DATABASES) {
      await server.dropDatabase(name);
      urls.set(name, await server.createDatabase(name));
    }
    await grantRoles();
    for (const [name] of DATABASES) await restore(name);

    expect(await Promise.all(['issuer', 'ota', 'front'].map(contents))).to.deep.equal(others);
    const { audit_log: _, ...after } = await contents('provider');
    const { audit_log: __, ...same } = before;
    expect(after).to.deep.equal(same);
    const again = await openDatabase<ProviderTables>({ url: url('provider'), migrations: PROVIDER_MIGRATIONS });
    const records = await new AuditLog(again).records();
    expect(records.length).to.be.at.least(20);
    expect(firstBrokenRecord(records)).to.equal(undefined);
    const copy = await kmsIn(join(folder, 'kms-copy'));
    expect(await provideOffCardEntity(again, copy, WANTED)).to.deep.equal(entity);
    copy.close();
    await again.destroy();
  });

  it('go back to the dump in a database that went on, triggers and rights of roles included', async () => {
    const database = await openDatabase<ProviderTables>({ url: url('provider'), migrations: PROVIDER_MIGRATIONS });
    const log = new AuditLog(database);
    const before = await contents('provider');
    await dump('provider');
    await log.append({ ...ENTRY, act: 'after the dump' });
    await database.destroy();
    await restore('provider');
    expect(await contents('provider')).to.deep.equal(before);
    const client = new pg.Client({ connectionString: url('provider') });
    await client.connect();
    const refused = await client.query('DELETE FROM audit_log').then(String, String);
    await client.end();
    expect(refused).to.contain('append-only');
    const app = new pg.Client({ connectionString: url('front_app') });
    await app.connect();
    const { rows } = await app.query('SELECT 1 AS one FROM user_cards LIMIT 1').catch(() => ({ rows: undefined }));
    await app.end();
    expect(rows).to.be.an('array');
  });

  /** Roles are of the server, not of a database: no dump has them. */
  async function grantRoles(): Promise<void> {
    urls.set('front_app', await server.createRole('front', 'front_app'));
  }
});

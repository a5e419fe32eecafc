// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SoftwareKeyProvider } from '../../kms/software.ts';
import { verifyBackup } from '../../local/backup.ts';
import { type PostgresServer, removePostgres, startEmbeddedPostgres } from '../../local/postgres.ts';
import { KeyLifeCycle } from '../../service/kms/key-life-cycle.ts';
import { openDatabase } from '../../store/database.ts';
import { PROVIDER_MIGRATIONS, type ProviderTables } from '../../store/provider/schema.ts';
import { insertProvider, listProviders } from '../../store/provider/tsms.ts';
import { failure } from '../transport/framed-card.ts';

const CLI = new URL('../../cli/tsm.mjs', import.meta.url).pathname;
const SP = '11111111-1111-4111-8111-111111111111';
const KEY = {
  ...({ label: 'k', owner: 'o', algorithm: 'aes', lengthBits: 256 } as const),
  ...({ keyUsage: 'D0', modeOfUse: 'B', exportability: 'N' } as const),
};

/** A platform's database and its KMS, in one state folder, lost and restored by commands. */
describe('backup and restore', function () {
  this.timeout(120_000);
  let folder: string;
  let server: PostgresServer | undefined;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-backup-'));
    await chmod(folder, 0o711);
  });
  after(async () => {
    await server?.stop();
    await removePostgres(join(folder, 'state/postgres'));
    await rm(folder, { recursive: true, force: true });
  });

  const tsm = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, 'backup', ...args], { encoding: 'utf8' });
    return { status, text: stdout + stderr };
  };
  const start = async () => {
    server = await startEmbeddedPostgres({ folder: join(folder, 'state/postgres'), durable: false });
    const url = await server.createDatabase('provider_a');
    return openDatabase<ProviderTables>({ url, migrations: PROVIDER_MIGRATIONS });
  };
  const keysOf = async () => {
    const provider = await SoftwareKeyProvider.open(join(folder, 'state/kms'));
    return { provider, keys: new KeyLifeCycle(provider.managedKeys) };
  };
  const use = { label: 'k', owner: 'o' } as const;
  const [state, copy] = ['state', 'copy'].map((name) => () => join(folder, name)) as [() => string, () => string];

  it('bring databases and keys back as they were', async () => {
    const database = await start();
    await insertProvider(database, { spId: SP, name: 'kept', tokenHash: 'x' });
    const first = await keysOf();
    await first.keys.generate(KEY, 'alice');
    await first.keys.activate('k', 'alice');
    const { data = '' } = await first.keys.use({ ...use, operation: 'encrypt', data: 'CAFE' }, 'a');
    first.provider.close();
    await database.destroy();

    const running = tsm('create', copy(), '--state', state());
    expect(running.status, 'while it runs').to.equal(2);
    expect(running.text).to.contain('backup-running');
    await server?.stop();
    const made = tsm('create', copy(), '--state', state());
    expect(made.status, made.text).to.equal(0);
    expect(tsm('create', copy(), '--state', state()).text).to.contain('backup-target');
    expect(tsm('restore', copy(), '--state', state()).text).to.contain('backup-target');

    await removePostgres(join(folder, 'state/postgres'));
    await rm(state(), { recursive: true });
    const restored = tsm('restore', copy(), '--state', state());
    expect(restored.status, restored.text).to.equal(0);

    const again = await start();
    expect((await listProviders(again)).map(({ name }) => name)).to.deep.equal(['kept']);
    await again.destroy();
    const second = await keysOf();
    expect((await second.keys.use({ ...use, operation: 'decrypt', data }, 'a')).data).to.equal('CAFE');
    second.provider.close();
  });

  it('find a file that was changed or is missing, and a list that leads elsewhere', async () => {
    const { entries } = await verifyBackup(copy());
    const victim = entries.find(({ path }) => path.endsWith('.managed.json'))?.path ?? '';
    const text = await readFile(join(copy(), victim), 'utf8');
    await writeFile(join(copy(), victim), `${text} `);
    expect(await failure(verifyBackup(copy()))).to.include({ code: 'backup-broken' });
    expect(tsm('restore', copy(), '--state', join(folder, 'other'))).to.include({ status: 2 });
    await writeFile(join(copy(), victim), text);
    await verifyBackup(copy());
    const list = join(copy(), 'manifest.json');
    const manifest = await readFile(list, 'utf8');
    for (const path of ['state/../../etc/passwd', '/etc/passwd', 'elsewhere/a']) {
      await writeFile(list, JSON.stringify({ version: 1, createdAt: '', entries: [{ path, mode: 0o600 }] }));
      expect(await failure(verifyBackup(copy())), path).to.include({ code: 'backup-broken' });
    }
    await writeFile(list, manifest.slice(0, 40));
    expect(tsm('verify', copy()).text).to.contain('backup-broken');
  });
});

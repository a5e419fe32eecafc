// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { UsageError } from '../../errors.ts';
import { removePostgres, startEmbeddedPostgres } from '../../local/postgres.ts';

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 10_000 });
  // A server that dies tells it here as well.
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Waits until no such process is left. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function serverPid(folder: string): Promise<number> {
  return Number((await readFile(join(folder, 'data/postmaster.pid'), 'utf8')).split('\n')[0]);
}

describe('embedded PostgreSQL', () => {
  let folder: string;
  beforeEach(async () => {
    const parent = await mkdtemp(join(tmpdir(), 'opentsm-pg-'));
    await chmod(parent, 0o711);
    folder = join(parent, 'state');
  });
  afterEach(async () => {
    await removePostgres(folder);
    await rm(dirname(folder), { recursive: true });
  });

  it('keeps its data over a restart and its password in a private file', async () => {
    const first = await startEmbeddedPostgres({ folder, durable: false });
    const url = await first.createDatabase('issuer');
    await query(url, 'CREATE TABLE card (iccid text)');
    await query(url, "INSERT INTO card VALUES ('8986')");
    await first.stop();
    await using second = await startEmbeddedPostgres({ folder, durable: false });
    expect(await query(await second.createDatabase('issuer'), 'SELECT iccid FROM card')).to.deep.equal([
      { iccid: '8986' },
    ]);
    expect((await stat(join(folder, 'postgres.password'))).mode & 0o777).to.equal(0o600);
  });

  it('gives each role its own database only', async () => {
    await using server = await startEmbeddedPostgres({ folder, durable: false });
    const issuer = await server.createDatabase('issuer');
    const provider = await server.createDatabase('provider_a');
    expect(await query(provider, 'SELECT current_user::text AS name')).to.deep.equal([{ name: 'provider_a' }]);
    const other = new URL(issuer);
    other.pathname = '/provider_a';
    const error = await query(other.href, 'SELECT 1').catch((caught: unknown) => caught);
    expect((error as Error).message).to.match(/permission denied for database/);
    const wrong = new URL(issuer);
    wrong.password = 'x';
    expect(((await query(wrong.href, 'SELECT 1').catch((caught: unknown) => caught)) as Error).message).to.match(
      /password authentication failed/,
    );
  });

  it('starts where the state folder is private to the user', async () => {
    await chmod(dirname(folder), 0o700);
    const server = await startEmbeddedPostgres({ folder, durable: false });
    expect(await query(server.adminUrl, 'SELECT 1 AS one')).to.deep.equal([{ one: 1 }]);
    await server.stop();
    // Whoever deletes the state by hand starts anew, whatever lies elsewhere.
    const copy = join(dirname(folder), 'postgres.password');
    await rename(join(folder, 'postgres.password'), copy);
    await rm(folder, { recursive: true });
    await using fresh = await startEmbeddedPostgres({ folder, durable: false });
    expect(await query(fresh.adminUrl, 'SELECT 1 AS one')).to.deep.equal([{ one: 1 }]);
    const old = join(dirname(folder), 'old');
    await mkdir(old);
    await rename(copy, join(old, 'postgres.password'));
    await removePostgres(old);
  });

  it('is copied where tests name a template, and has a password of its own', async () => {
    const before = process.env.OPENTSM_POSTGRES_TEMPLATE;
    process.env.OPENTSM_POSTGRES_TEMPLATE = join(dirname(folder), 'template');
    const other = join(dirname(folder), 'other');
    try {
      await using server = await startEmbeddedPostgres({ folder, durable: false });
      await using copy = await startEmbeddedPostgres({ folder: other, durable: false });
      const identifier = 'SELECT system_identifier::text AS cluster FROM pg_control_system()';
      expect(await query(copy.adminUrl, identifier)).to.deep.equal(await query(server.adminUrl, identifier));
      const wrong = new URL(copy.adminUrl);
      wrong.password = new URL(server.adminUrl).password;
      expect(((await query(wrong.href, 'SELECT 1').catch((caught: unknown) => caught)) as Error).message).to.match(
        /password authentication failed/,
      );
    } finally {
      if (before === undefined) delete process.env.OPENTSM_POSTGRES_TEMPLATE;
      else process.env.OPENTSM_POSTGRES_TEMPLATE = before;
      await removePostgres(other);
    }
  });

  it('refuses names that would be SQL', async () => {
    await using server = await startEmbeddedPostgres({ folder, durable: false });
    const error = await server.createDatabase('a; DROP ROLE b').catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(UsageError);
  });

  it('comes back at the same address when it is killed', async () => {
    await using server = await startEmbeddedPostgres({ folder, durable: false });
    const url = await server.createDatabase('issuer');
    await query(url, 'CREATE TABLE card (iccid text)');
    process.kill(await serverPid(folder), 'SIGKILL');
    let rows: unknown[] | undefined;
    while (rows === undefined)
      rows = await query(url, 'SELECT count(*)::int AS cards FROM card').catch(() => undefined);
    expect(rows).to.deep.equal([{ cards: 0 }]);
  });

  it('ends when its parent is killed, and can be started again', async () => {
    const module = new URL('../../local/postgres.ts', import.meta.url).href;
    const code = `const { startEmbeddedPostgres } = await import(${JSON.stringify(module)});
      await startEmbeddedPostgres({ folder: ${JSON.stringify(folder)}, durable: false });
      console.log('up'); setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(parent.stdout, 'data');
    const pid = await serverPid(folder);
    parent.kill('SIGKILL');
    await gone(pid);
    await using again = await startEmbeddedPostgres({ folder, durable: false });
    expect(await query(again.adminUrl, 'SELECT 1 AS one')).to.deep.equal([{ one: 1 }]);
  });
});

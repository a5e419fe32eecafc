// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { Platforms } from '../../lab/platforms.ts';
import type { Artefact } from '../../lab/properties/no-private-key-leaves.ts';

/** Files of the lab's database server as they lie on the disk: pages of tables and indexes, WAL, its own log. */
export async function databaseFilesOf({ topology }: Platforms): Promise<Artefact[]> {
  const folder = await dataFolderOf(topology.postgres.adminUrl);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const data = await Promise.all(
    files.map(async (file) => ({
      name: `database ${file.slice(folder.length + 1)}`,
      // The server removes files while they are read.
      bytes: await readFile(file).catch(() => Buffer.alloc(0)),
    })),
  );
  const log = await readFile(join(topology.stateDir, 'postgres', 'postgres.log')).catch(() => Buffer.alloc(0));
  return [...data, { name: 'database postgres.log', bytes: log }];
}

/** Where the server has its data; its pages are written before this returns. */
async function dataFolderOf(adminUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query('CHECKPOINT');
    const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
    return rows[0]?.data_directory ?? '';
  } finally {
    await client.end();
  }
}

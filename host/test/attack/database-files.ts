// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { Platforms } from '../../lab/platforms.ts';
import type { Artefact } from '../../lab/properties/no-private-key-leaves.ts';

const WAL_PAGE = 8192;
/** Bytes in front of each page of the WAL, and of a segment's first one. */
const WAL_HEADER = 24;
const WAL_LONG_HEADER = 40;

/** Files of the lab's database server as they lie on the disk: pages of tables and indexes, WAL, its own log. */
export async function databaseFilesOf({ topology }: Platforms): Promise<Artefact[]> {
  const folder = await dataFolderOf(topology.postgres.adminUrl);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const found: Artefact[] = [];
  // One after the other: there are more than a process may have open.
  for (const file of files) {
    const name = file.slice(folder.length + 1);
    const bytes = await readIfThere(file);
    found.push({ name: `database ${name}`, bytes: name.startsWith('pg_wal/') ? recordsOfWal(bytes) : bytes });
  }
  const log = await readIfThere(join(topology.stateDir, 'postgres', 'postgres.log'));
  return [...found, { name: 'database postgres.log', bytes: log }];
}

/** A segment of the WAL without the headers of its pages, which stand amid what is longer than the rest of one. */
export function recordsOfWal(segment: Buffer): Buffer {
  const pages: Buffer[] = [];
  for (let start = 0; start < segment.length; start += WAL_PAGE)
    pages.push(segment.subarray(start + (start === 0 ? WAL_LONG_HEADER : WAL_HEADER), start + WAL_PAGE));
  return Buffer.concat(pages);
}

/** The server removes files while they are read; what cannot be read for another reason has not been searched. */
async function readIfThere(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
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

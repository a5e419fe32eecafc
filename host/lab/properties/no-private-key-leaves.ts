// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { PublicKey } from '../../wire/gp/public-key.ts';
import type { Platforms } from '../platforms.ts';
import type { PropertyReport } from '../run-report.ts';
import { findPrimeFactor } from './prime-search.ts';
import { Property } from './property.ts';

/** One thing to search: a file, or all rows of a table. */
export interface Artefact {
  readonly name: string;
  readonly bytes: Buffer;
}

const LARGEST_FILE = 64 * 1024 * 1024;

/**
 * Row 3: private keys never leave the card or the KMS: no log, config, database, recorded command or response, nor the
 * report, holds a prime of any of these keys, raw, as hex or as base64. No private key needs to be known for this: a
 * prime is what divides the modulus.
 */
export async function noPrivateKeyLeaves(
  platforms: Platforms,
  keys: readonly PublicKey[],
  report: unknown,
): Promise<PropertyReport> {
  const property = new Property('private keys never leave the card, in any response, log, dump or database');
  const artefacts = [
    ...(await artefactsOf(platforms)),
    { name: 'the report', bytes: Buffer.from(JSON.stringify(report)) },
  ];
  const moduli = keys.map(({ modulus }) => modulus);
  for (const { name, bytes } of artefacts) {
    const found = findPrimeFactor(bytes, moduli);
    property.attempt(name, found === undefined ? undefined : `holds a prime of a private key (${found.form})`);
  }
  return property.report();
}

/** Every log, config, key file, recorded command and response, and table. */
export async function artefactsOf(platforms: Platforms): Promise<Artefact[]> {
  return [...(await filesOf(platforms.topology.stateDir)), ...(await tablesOf(platforms))];
}

async function filesOf(folder: string): Promise<Artefact[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: Artefact[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    // The databases are read through SQL; the card maker's and TLS keys are none of the keys in question.
    if (!entry.isFile() || /\/postgres\//.test(path)) continue;
    const bytes = await readFile(path).catch(unlessGone);
    if (bytes.length > 0 && bytes.length <= LARGEST_FILE) found.push({ name: path.slice(folder.length + 1), bytes });
  }
  return found;
}

/** What cannot be read for another reason has not been searched. */
function unlessGone(error: NodeJS.ErrnoException): Buffer {
  if (error.code === 'ENOENT') return Buffer.alloc(0);
  throw error;
}

/** Every table of every platform and of `ota`, the durable engine's too. */
async function tablesOf({ topology }: Platforms): Promise<Artefact[]> {
  const found: Artefact[] = [];
  for (const daemon of topology.names) {
    const url = topology.databaseUrl(daemon);
    if (url === undefined) continue;
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      const tables = await client.query<{ name: string }>(
        `SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) AS name FROM information_schema.tables
          WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type = 'BASE TABLE'`,
      );
      for (const { name } of tables.rows) {
        const rows = await client.query<{ text: string }>(`SELECT row_to_json(t)::text AS text FROM ${name} AS t`);
        if (rows.rows.length === 0) continue;
        found.push({ name: `${daemon} ${name}`, bytes: Buffer.from(rows.rows.map(({ text }) => text).join('\n')) });
      }
    } finally {
      await client.end();
    }
  }
  return found;
}

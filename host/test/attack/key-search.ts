// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import pg from 'pg';
import type { Platforms } from '../../lab/platforms.ts';
import { type Artefact, artefactsOf } from '../../lab/properties/no-private-key-leaves.ts';
import { databaseFilesOf } from './database-files.ts';
import { type SealedSecret, SecretSearch } from './sealed-keys.ts';

/** Searches everything of a lab for these keys, and shows that it finds each of them where it does stand. */
export async function expectNowhere(
  platforms: Platforms,
  secrets: readonly SealedSecret[],
  /** What is to be searched besides. */
  more: readonly Artefact[] = [],
  /** `artefact: key` of whoever has a key of its own. */
  owners: readonly string[] = [],
): Promise<void> {
  expect(secrets.length, 'names that two keys share').to.equal(new Set(secrets.map(({ name }) => name)).size);
  const search = new SecretSearch(secrets);
  const look = async () => {
    const artefacts = [...(await artefactsOf(platforms)), ...(await databaseFilesOf(platforms)), ...more];
    expect(artefacts.length).to.be.above(20);
    return artefacts.flatMap(({ name, bytes }) => search.in(bytes).map((secret) => `${name}: ${secret}`));
  };
  expect(await look()).to.deep.equal(owners);
  const found = await planted(platforms, secrets, look);
  const places = [/^provider-a public\.planted: /, /^database base\//, /^database pg_wal\//];
  for (const { name } of secrets) {
    const holders = found.filter((text) => text.endsWith(`: ${name}`));
    for (const place of places)
      expect(
        holders.some((text) => place.test(text)),
        `${name} is planted and not found: ${place}`,
      ).to.equal(true);
  }
}

/** While they stand in a table of the provider's. */
async function planted<T>(
  { topology }: Platforms,
  secrets: readonly SealedSecret[],
  look: () => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: topology.databaseUrl('provider-a') });
  await client.connect();
  try {
    await client.query('CREATE TABLE planted (text text)');
    // Twice: one may lie across two segments of the WAL.
    for (const { bytes } of [...secrets, ...secrets])
      await client.query('INSERT INTO planted VALUES ($1)', [bytes.toString('hex')]);
    return await look();
  } finally {
    await client.query('DROP TABLE IF EXISTS planted');
    await client.end();
  }
}

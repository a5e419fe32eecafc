// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { RsaSigner } from '../../crypto/rsa.ts';
import { InvariantError, NotFoundError } from '../../errors.ts';
import { SoftwareKeyProvider } from '../../kms/software.ts';
import type { TrafficEntry } from '../../service/ota/traffic-record.ts';
import { fromRsaPublicKey, type PublicKey } from '../../wire/gp/public-key.ts';
import { fromHex } from '../../wire/hex.ts';
import type { SecurityDomainReport } from '../../wire/message/key-distribution.ts';
import type { Platforms } from '../platforms.ts';

/** What an attacker has who took everything from one platform: its database, its KMS with the sealing key. */
export interface Loot {
  /** SK.OCE.AUT */
  readonly offCardEntity: RsaSigner;
  /** CERT.OCE.AUT */
  readonly certificate: Uint8Array;
  /** The CA's private key. */
  readonly authority: RsaSigner;
  readonly database: pg.Pool;
}

/** @param name of the platform in the topology: `issuer`, `provider-a` */
export async function takeFrom(platforms: Platforms, name: string): Promise<Loot> {
  const { stateDir } = platforms.topology;
  const keys = await SoftwareKeyProvider.open(join(stateDir, 'keys', name), join(stateDir, 'sealing', `${name}.key`));
  const database = new pg.Pool({ connectionString: platforms.topology.databaseUrl(name), max: 2 });
  database.on('error', () => {});
  const kept = await database.query<{ label: string; certificate: string }>(
    'SELECT label, certificate FROM certificates',
  );
  const own = kept.rows[0];
  if (own === undefined) throw new NotFoundError('loot-empty', `${name} has no CERT.OCE.AUT`);
  return {
    offCardEntity: await keys.signer(own.label, 'off-card-entity'),
    certificate: fromHex(own.certificate),
    authority: await keys.signer('certificate-authority', 'certificate-authority'),
    database,
  };
}

/** What the issuer reported in step 52: the public key of 49. */
export async function reportedKey({ database }: Loot, ssdAid: string): Promise<PublicKey> {
  const reports = await database.query<{ report: SecurityDomainReport }>(
    "SELECT report FROM security_domain_requests WHERE state = 'done' AND report->>'ssdAid' = $1 ORDER BY xmin::text::bigint DESC",
    [ssdAid],
  );
  const report = reports.rows[0]?.report;
  if (report === undefined) throw new NotFoundError('loot-empty', `The issuer's database has no report on ${ssdAid}`);
  return fromRsaPublicKey(report.publicKey);
}

/** Every script that any platform exchanged with a card in this reader. */
export async function recordedTraffic(platforms: Platforms, readerName: string): Promise<TrafficEntry[]> {
  const text = await readFile(platforms.trafficFile, 'utf8');
  const entries = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as TrafficEntry);
  const own = entries.filter((entry) => entry.readerName === readerName);
  if (own.length === 0) throw new InvariantError('traffic-empty', `The record has no script for ${readerName}`);
  return own;
}

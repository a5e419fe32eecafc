// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import { CardBatchClient } from '../../cli/card-batch-client.ts';
import { wrapKeyBlock } from '../../kms/key-block.ts';
import type { Peer } from '../../rest/identity.ts';
import { cardBatchRoutes } from '../../rest/routes/issuer/card-batches.ts';
import { secureElementRoutes } from '../../rest/routes/issuer/secure-elements.ts';
import { CardBatches } from '../../service/issuer/card-batches.ts';
import { SecureElements } from '../../service/issuer/secure-elements.ts';
import type { KeyService } from '../../service/kms/key-service.ts';
import { AuditLog } from '../../store/audit-log.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import { toHex } from '../../wire/hex.ts';
import { TestServer, testPki } from '../rest/fixture.ts';

/** A card maker with a transport key, and an issuer's operator who takes in his files over REST. */

const ISSUER: Peer = { role: 'issuer', id: 'main' };
const OPERATOR: Peer = { role: 'operator', id: 'o', platform: { role: 'issuer', id: 'main' } };
const BY = 'urn:test';
const KBPK = { owner: 'issuer', algorithm: 'aes', keyUsage: 'K1', modeOfUse: 'B' } as const;
export const TRANSPORT = 'maker-1';

export interface CardKeys {
  readonly enc: Uint8Array;
  readonly mac: Uint8Array;
  readonly dek: Uint8Array;
}

export const freshKeys = (length = 16): CardKeys => {
  const key = () => new Uint8Array(randomBytes(length));
  return { enc: key(), mac: key(), dek: key() };
};

export class CardDesk implements AsyncDisposable {
  readonly batches: CardBatches;
  readonly #transport: Uint8Array;
  readonly #folder: string;
  readonly #server: TestServer;
  readonly client: CardBatchClient;
  readonly configFile: string;

  private constructor(parts: {
    batches: CardBatches;
    transport: Uint8Array;
    folder: string;
    server: TestServer;
    client: CardBatchClient;
    configFile: string;
  }) {
    this.batches = parts.batches;
    this.#transport = parts.transport;
    this.#folder = parts.folder;
    this.#server = parts.server;
    this.client = parts.client;
    this.configFile = parts.configFile;
  }

  static async open(database: Kysely<IssuerTables>, kms: KeyService): Promise<CardDesk> {
    const transport = new Uint8Array(randomBytes(32));
    const { managedKeys } = kms;
    const key = { ...KBPK, label: TRANSPORT, lengthBits: 256, exportability: 'N' } as const;
    await managedKeys.createFromComponents(key, transport.slice(), BY);
    await managedKeys.activate(TRANSPORT, BY);
    await managedKeys.generate({ ...key, label: 'card-keys' }, BY);
    await managedKeys.activate('card-keys', BY);
    const batches = new CardBatches({ database, kms, auditLog: new AuditLog(database) });
    const elements = new SecureElements(database, new AuditLog(database), () => {});
    const server = await TestServer.start(ISSUER, (app) => {
      cardBatchRoutes(app, batches);
      secureElementRoutes(app, elements);
    });
    const folder = await mkdtemp(join(tmpdir(), 'opentsm-batch-'));
    const configFile = join(folder, 'operator.json');
    const platform = { url: `https://127.0.0.1:${server.port}`, role: 'issuer', id: 'main' };
    await writeFile(configFile, JSON.stringify({ platform, tls: await (await testPki()).issue(OPERATOR) }));
    const client = await CardBatchClient.open(configFile);
    return new CardDesk({ batches, transport, folder, server, client, configFile });
  }

  /** The three key blocks of a card, as its maker sends them. */
  wrapped({ enc, mac, dek }: CardKeys, algorithm: 'A' | 'T' = 'A', protection = this.#transport) {
    const common = { algorithm, versionNumber: '00', exportability: 'E' };
    const block = (keyUsage: string, modeOfUse: string, key: Uint8Array) =>
      wrapKeyBlock(protection, { ...common, keyUsage, modeOfUse }, key);
    return {
      enc: block('D0', 'B', enc),
      mac: block(algorithm === 'A' ? 'M6' : 'M3', 'C', mac),
      dek: block('K0', 'B', dek),
    };
  }

  async file(name: string, text: string): Promise<string> {
    const path = join(this.#folder, name);
    await writeFile(path, text);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true });
  }
}

/** Rows under their headings. */
export function csvOf(rows: readonly Readonly<Record<string, string>>[]): string {
  const headings = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return [headings, ...rows.map((row) => headings.map((name) => row[name] ?? ''))]
    .map((fields) => fields.join(','))
    .join('\n');
}

let numbers = 0;
/** 20 digits, others each time. */
export function freshIccid(): string {
  numbers += 1;
  return `89860055${String(numbers).padStart(12, '0')}`;
}

export const imageKeysOf = ({ enc, mac, dek }: CardKeys) => ({ enc: toHex(enc), mac: toHex(mac), dek: toHex(dek) });

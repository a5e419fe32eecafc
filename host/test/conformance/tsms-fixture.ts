// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import type { Kysely } from 'kysely';
import pino from 'pino';
import { Registry } from 'prom-client';
import { buildPurseCap } from '../../lab/purse-cap.ts';
import type { TsmsApp } from '../../rest/tsms/app.ts';
import { createTsmsServer, TSMS_BASE } from '../../rest/tsms/server.ts';
import { AttributeBook } from '../../service/provider/services/kept-attributes.ts';
import { ServiceScripts } from '../../service/provider/services/service-scripts.ts';
import { SposOptions } from '../../service/provider/services/spos-options.ts';
import { TsmsBackend } from '../../service/provider/tsms/backend.ts';
import { AuditLog } from '../../store/audit-log.ts';
import { openDatabase } from '../../store/database.ts';
import { PROVIDER_MIGRATIONS, type ProviderTables } from '../../store/provider/schema.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { testPki } from '../rest/fixture.ts';
import { CHIP } from './chip.ts';
import { PublishedClient } from './published-client.ts';

export const NEW_CHIP = '11111111-1111-4111-8111-111111111111';
export const OLD_CHIP = '22222222-2222-4222-8222-222222222222';
export const UNKNOWN = '99999999-9999-4999-8999-999999999999';

type Options = Pick<Parameters<typeof createTsmsServer>[0], 'rate' | 'extensions'>;

/** A TSM-Backend on a database of its own, with two service providers and two chips. */
export class TsmsLab implements AsyncDisposable {
  readonly client: PublishedClient;
  /** Address of its listener with the path that all operations have. */
  readonly base: string;
  readonly backend: TsmsBackend;
  readonly database: Kysely<ProviderTables>;
  readonly cap: Uint8Array;
  readonly longTerm: readonly [string, string];
  /** Ids of the two. */
  readonly providers: readonly [string, string];
  readonly #parts: readonly [TestDatabase, TsmsApp];
  readonly extensions: NonNullable<Options['extensions']>;
  readonly #more = new AsyncDisposableStack();

  private constructor(parts: {
    readonly client: PublishedClient;
    readonly base: string;
    readonly backend: TsmsBackend;
    readonly database: Kysely<ProviderTables>;
    readonly cap: Uint8Array;
    readonly longTerm: readonly [string, string];
    readonly providers: readonly [string, string];
    readonly own: readonly [TestDatabase, TsmsApp];
  }) {
    ({ client: this.client, base: this.base, backend: this.backend, database: this.database, cap: this.cap } = parts);
    ({ longTerm: this.longTerm, providers: this.providers } = parts);
    this.extensions = {
      scripts: new ServiceScripts(this.database),
      attributes: new AttributeBook(this.database),
      sposOptions: new SposOptions(this.database),
    };
    this.#parts = parts.own;
  }

  static async start(): Promise<TsmsLab> {
    const server = await TestDatabase.start();
    const url = await server.server.createDatabase('tsms');
    const database = await openDatabase<ProviderTables>({ url, migrations: PROVIDER_MIGRATIONS });
    const backend = new TsmsBackend(database, new AuditLog(database), 'F0534D4950524F5601');
    const { app, client, base } = await listen(backend);
    const made = [
      await backend.createProvider('first', 'test'),
      await backend.createProvider('second', 'test'),
    ] as const;
    await backend.putProfile(NEW_CHIP, CHIP, 'test');
    await backend.putProfile(OLD_CHIP, { ...CHIP, name: 'old', javaCardVersion: '2.2.1' }, 'test');
    const cap = new Uint8Array(await readFile(await buildPurseCap()));
    const longTerm = [made[0].longTermToken, made[1].longTermToken] as const;
    const providers = [made[0].spId, made[1].spId] as const;
    return new TsmsLab({ client, base, backend, database, cap, longTerm, providers, own: [server, app] });
  }

  /** Another listener of the same TSM-Backend. */
  async listener(options: Options): Promise<PublishedClient> {
    const { app, client } = await listen(this.backend, options);
    this.#more.defer(async () => {
      await client.close();
      await app.close();
    });
    return client;
  }

  /** A short-term token of the first or second provider. */
  async token(index: 0 | 1 = 0): Promise<string> {
    const { json } = await this.client.call('createAccessToken', { token: this.longTerm[index] });
    return String(json);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const [server, app] = this.#parts;
    await this.#more.disposeAsync();
    await this.client.close();
    await app.close();
    await this.database.destroy();
    await server[Symbol.asyncDispose]();
  }
}

async function listen(backend: TsmsBackend, options: Options = {}) {
  const tls = await (await testPki()).identity({ role: 'provider', id: 'a' });
  const app = await createTsmsServer({
    tls,
    backend,
    logger: pino({ level: 'silent' }),
    metrics: new Registry(),
    ...options,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const base = `https://127.0.0.1:${port}${TSMS_BASE}`;
  return { app, base, client: new PublishedClient(base, tls.authority) };
}

/** What one provider has made, for requests that need it. */
export interface Made {
  readonly token: string;
  readonly serviceId: string;
  readonly flavorId: string;
  readonly elfId: string;
  readonly emId: string;
  readonly applicationConfigId: string;
  readonly personalizationScriptId: string;
  readonly certificateId: string;
  readonly sposConfigId: string;
  readonly scpId: string;
  readonly tag: string;
}

/** One of each entity, linked: a load file in a Flavor that a Version deploys on the new chip. */
export async function makeOneOfEach(lab: TsmsLab, token: string): Promise<Made> {
  const { client, cap } = lab;
  const idOf = async (operation: string, sent: object): Promise<string> => {
    const { json } = await client.call(operation, { token, ...sent });
    return String((json as { id: unknown }).id);
  };
  const pem = new TextEncoder().encode((await (await testPki()).identity({ role: 'issuer', id: 'main' })).authority);
  const certificateId = await idOf('createCertAndUploadBinary', { file: { name: 'sp.pem', bytes: pem } });
  const script = { name: 'personalize.pers', bytes: new TextEncoder().encode('any language') };
  const personalizationScriptId = await idOf('createPersoScriptAndUploadBinary', { file: script });
  const sposConfigId = await idOf('createSposConfig', { body: { url: 'https://sp.example/spos', certificateId } });
  const elfId = await idOf('createElfAndUploadBinary', { file: { name: 'purse.cap', bytes: cap } });
  const modules = await client.call('listEms', { token, params: { elfId } });
  const emId = String((modules.json as { id: string }[])[0]?.id);
  const applicationConfigId = await idOf('createAppConfig', {
    body: { instanceAid: 'A00000000101', personalizationConfig: { personalizationScriptId, certificateId } },
  });
  const serviceId = await idOf('createService', { body: { name: 'ticket', sposConfigId } });
  const flavorId = await idOf('createFlavor', {
    params: { serviceId },
    body: {
      executableLoadFileIds: [elfId],
      applicationInstantiationConfigs: [{ executableModuleId: emId, applicationConfigId }],
    },
  });
  const tag = '1.0.0';
  await client.call('createVersion', {
    token,
    params: { serviceId },
    body: { tag, allowedDeployments: { [flavorId]: [NEW_CHIP] } },
  });
  return {
    token,
    serviceId,
    flavorId,
    elfId,
    emId,
    applicationConfigId,
    personalizationScriptId,
    certificateId,
    sposConfigId,
    scpId: NEW_CHIP,
    tag,
  };
}

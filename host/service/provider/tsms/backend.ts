// SPDX-License-Identifier: Apache-2.0
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { InvariantError, NotFoundError, UsageError } from '../../../errors.ts';
import type { AuditLog } from '../../../store/audit-log.ts';
import {
  insertProvider,
  issueToken,
  listProviders,
  lockProvider,
  providerOfToken,
  putProfile,
  readContent,
  readEntities,
  readProfiles,
  replaceToken,
  type TsmsTables,
  tagsAtWork,
  writeEntities,
} from '../../../store/provider/tsms.ts';
import type {
  SecureComponentProfile,
  ServiceProviderAccount,
  ServiceProviderToken,
} from '../../../wire/message/service-providers.ts';
import type { Json } from '../../../wire/tsms/attributes.ts';
import { compareTags } from '../../../wire/tsms/formats.ts';
import { canonicalId } from '../../../wire/tsms/ids.ts';
import { invalidRequest, tsmsError } from '../../../wire/tsms/tsms-error.ts';
import type { Answer, OperationId, Upload } from './call.ts';
import { HANDLERS } from './operations.ts';
import { World } from './world.ts';

/** Of a short-term token. */
const TOKEN_SECONDS = 600;
const MAX_ENTITIES = 10_000;

export interface ServiceProvider {
  readonly spId: string;
  readonly name: string;
}

export interface TsmsRequest {
  readonly operation: OperationId;
  readonly provider: ServiceProvider;
  readonly params: Readonly<Record<string, string>>;
  readonly body?: Json | undefined;
  readonly upload?: Upload | undefined;
}

/** An answer on its way out. */
export type TsmsAnswer =
  | { readonly json: Json }
  | { readonly content: Uint8Array; readonly fileName: string }
  | undefined;

const digest = (token: string): string => createHash('sha256').update(token).digest('hex');
/** 256 bits: nothing that could be guessed, so that its digest needs no salt. */
const newToken = (): string => randomBytes(32).toString('base64url');

/** The TSM-Backend of service providers. @see BSI TR-03165 1.0.4, 4.1 */
export class TsmsBackend {
  readonly #database: Kysely<TsmsTables>;
  readonly #auditLog: AuditLog;
  readonly #ssdAid: string;

  /** @param ssdAid of the domain that services are put into, on every card */
  constructor(database: Kysely<TsmsTables>, auditLog: AuditLog, ssdAid: string) {
    this.#ssdAid = ssdAid;
    this.#database = database;
    this.#auditLog = auditLog;
  }

  /** A short-term token for a long-term one. @throws TsmsError 1001 */
  async accessToken(longTermToken: string): Promise<string> {
    const token = newToken();
    const hash = digest(token);
    if (await issueToken(this.#database, digest(longTermToken), { hash, seconds: TOKEN_SECONDS })) return token;
    throw tsmsError(1001);
  }

  /** Whose short-term token this is. @throws TsmsError 1000 */
  async authenticate(token: string): Promise<ServiceProvider> {
    const provider = await providerOfToken(this.#database, digest(token));
    if (provider === undefined) throw tsmsError(1000);
    return provider;
  }

  /** Does one operation, wholly or not at all. @throws TsmsError */
  async run(request: TsmsRequest): Promise<TsmsAnswer> {
    const { operation, provider } = request;
    if (operation === 'getAccountInformation') return { json: { id: provider.spId, name: provider.name } };
    if (operation === 'createAccessToken') throw new InvariantError('tsms-operation', 'a token needs no operation');
    const reads = /^(get|list)/.test(operation);
    const answer = reads ? await this.#read(request) : await this.#change(request);
    if (answer === undefined || 'json' in answer) return answer;
    const content = await readContent(this.#database, answer.contentOf);
    if (content === undefined) throw new InvariantError('tsms-content', 'a file of an entity is gone');
    return { content, fileName: answer.fileName };
  }

  async #read(request: TsmsRequest): Promise<Answer> {
    const world = await this.#world(this.#database, request.provider.spId);
    return handle(request, world);
  }

  async #change(request: TsmsRequest): Promise<Answer> {
    const { spId } = request.provider;
    return this.#database.transaction().execute(async (transaction) => {
      await lockProvider(transaction, spId);
      const world = await this.#world(transaction, spId);
      const answer = handle(request, world);
      if (request.operation === 'deleteVersion') await requireIdle(transaction, request.params);
      if (world.size > MAX_ENTITIES && world.changed.size > 0)
        throw invalidRequest(`a service provider may have ${MAX_ENTITIES} entities`);
      await writeEntities(transaction, spId, world);
      return answer;
    });
  }

  async #world(database: Kysely<TsmsTables>, spId: string): Promise<World> {
    const world = new World(spId, await readProfiles(database), this.#ssdAid);
    for (const entity of await readEntities(database, spId)) world.load(entity);
    return world;
  }

  async createProvider(name: string, by: string): Promise<ServiceProviderToken> {
    const [spId, longTermToken] = [randomUUID(), newToken()];
    await insertProvider(this.#database, { spId, name, tokenHash: digest(longTermToken) });
    await this.#audit('create service provider', spId, by);
    return { spId, name, longTermToken };
  }

  async providers(): Promise<ServiceProviderAccount[]> {
    const accounts = await listProviders(this.#database);
    return accounts.map((account) => ({ ...account, createdAt: account.createdAt.toISOString() }));
  }

  /** The old tokens end. @throws NotFoundError */
  async replaceToken(spId: string, by: string): Promise<ServiceProviderToken> {
    const longTermToken = newToken();
    await this.#setToken(spId, digest(longTermToken), 'replace service provider token', by);
    return { spId, longTermToken };
  }

  /** Ends its tokens; what it has stays. @throws NotFoundError */
  async closeProvider(spId: string, by: string): Promise<void> {
    await this.#setToken(spId, null, 'close service provider', by);
  }

  async putProfile(id: string, document: SecureComponentProfile, by: string): Promise<void> {
    // JSON writes half a surrogate pair as an escape, which no database column holds.
    if (/\\ud[89a-f]/.test(JSON.stringify(document)))
      throw new UsageError('invalid-request', 'A text is no Unicode: half a surrogate pair is in it');
    await putProfile(this.#database, { id, document });
    await this.#audit('put secure component profile', id, by);
  }

  async #setToken(spId: string, tokenHash: string | null, act: string, by: string): Promise<void> {
    if (!(await replaceToken(this.#database, spId, tokenHash)))
      throw new NotFoundError('no-such-service-provider', 'There is no such service provider', { spId });
    await this.#audit(act, spId, by);
  }

  async #audit(act: string, subject: string, by: string): Promise<void> {
    await this.#auditLog.append({ phase: 'after', act, subject, workflowId: '', numeral: '', details: { by } });
  }
}

/** @throws TsmsError 1010 while a process brings this Version onto a card, or off it */
async function requireIdle(database: Kysely<TsmsTables>, params: TsmsRequest['params']): Promise<void> {
  const { serviceId = '', tag = '' } = params;
  const tags = await tagsAtWork(database, canonicalId(serviceId));
  if (tags.some((other) => compareTags(other, tag) === 0))
    throw tsmsError(1010, { entityName: 'Version', entityNameWhereUsed: 'a process of an instance' });
}

function handle({ operation, params, body, upload }: TsmsRequest, world: World): Answer {
  if (operation === 'getAccountInformation' || operation === 'createAccessToken') return undefined;
  const ids = Object.entries(params).map(([name, id]) => [name, canonicalId(id)]);
  return HANDLERS[operation]({
    world,
    params: Object.fromEntries(ids),
    body,
    upload,
    now: new Date(),
    newId: randomUUID,
  });
}

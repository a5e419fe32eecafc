// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import { actOfReceipt } from '../../card/delegated-act.ts';
import { StatusWordError, TransportError, TsmError } from '../../errors.ts';
import { ContentTokens } from '../../service/issuer/content-tokens.ts';
import { openDatabase } from '../../store/database.ts';
import { addApplicationRequest } from '../../store/issuer/application-requests.ts';
import { withdrawApplication } from '../../store/issuer/applications.ts';
import { putProduct } from '../../store/issuer/card-products.ts';
import { type Card, putCard } from '../../store/issuer/cards.ts';
import { putProvider } from '../../store/issuer/providers.ts';
import { ISSUER_MIGRATIONS, type IssuerTables } from '../../store/issuer/schema.ts';
import { aid } from '../../wire/gp/aid.ts';
import { namesOf } from '../../wire/gp/receipt.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { DelegatedAct } from '../../wire/message/content-change.ts';
import type { PlainCommand } from '../../wire/message/kms.ts';
import { checkInstallPermission } from '../../workflow/deploy-application/check-install-permission.ts';
import type { InstallContext, InstallFacts, InstallStart } from '../../workflow/deploy-application/context.ts';
import { loadApplication } from '../../workflow/deploy-application/load-application.ts';
import { lookForApplication } from '../../workflow/deploy-application/look-for-application.ts';
import { readLibraries } from '../../workflow/deploy-application/read-libraries.ts';
import { readRegistry } from '../../workflow/deploy-application/read-registry.ts';
import { recordApplication } from '../../workflow/deploy-application/record-application.ts';
import { RepeatVisit } from '../../workflow/engine/retry.ts';
import { installSecurityDomain } from '../../workflow/key-distribution/47-install-security-domain.ts';
import { checkRemovalPermission } from '../../workflow/remove-application/check-removal-permission.ts';
import type { RemovalFacts, RemovalStart } from '../../workflow/remove-application/context.ts';
import { deleteApplication } from '../../workflow/remove-application/delete-application.ts';
import { lookAtLoadFiles } from '../../workflow/remove-application/look-at-load-files.ts';
import { lookAtRegistry } from '../../workflow/remove-application/look-at-registry.ts';
import { recordRemoved } from '../../workflow/remove-application/record-removed.ts';
import { selectIssuer } from '../../workflow/remove-application/select-issuer.ts';
import { checkDomainOwner } from '../../workflow/remove-domain/check-domain-owner.ts';
import type { DomainRemovalStart } from '../../workflow/remove-domain/context.ts';
import { deleteDomain } from '../../workflow/remove-domain/delete-domain.ts';
import { lookForDomain } from '../../workflow/remove-domain/look-for-domain.ts';
import { recordDomainDeleted } from '../../workflow/remove-domain/record-domain-deleted.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { blockOf, type CardKind, type Code, LoadFileCard } from './load-file-card.ts';

/**
 * The issuer's rows about load files, its rows D3 to D8, R3 to R8, 47, E3 to E8 and its tokens, over a model of the
 * card: everything between them, and who speaks when, is the test's.
 */

const ISD = 'A000000151000000';
const IIN = '42010203';
const NUMBERS = { iin: IIN, cin: '45010203' };
const PERMISSIONS = ['create-security-domain', 'install-application', 'delegated-management'] as const;

export const PROVIDERS = ['a', 'b', 'c'] as const;
export type ProviderId = (typeof PROVIDERS)[number];
/** Each provider has two domains, two applications and a product. */
export const domainOf = (provider: ProviderId, which = 0): string =>
  `F06F70656E74736D10010203${PROVIDERS.indexOf(provider)}${which}`;
export const applicationOf = (provider: ProviderId, which: number): string =>
  `F0AA0203040${PROVIDERS.indexOf(provider)}0${which}`;
export const moduleOf = (loadFileAid: string): string => `${loadFileAid}01`;

export interface Wanted {
  readonly loadFileAid: string;
  readonly code: Code;
  readonly which?: number;
  /** Absent: one of the provider's own. */
  readonly instanceAid?: string;
  readonly libraries?: readonly { readonly loadFileAid: string; readonly code: Code }[];
}

/**
 * A round trip is done, does not come to the card, comes with half of its commands, or its answer is lost; or the phone
 * says in place of the card that there is no such thing (SELECT: 6A82), or in place of the last answer, over whose
 * error status words there is no MAC, 6A88 or 6985; or it keeps what the card has answered until something else is
 * done.
 */
export type Fate = 'done' | 'unsent' | 'half' | 'lost' | 'denied' | 'refused' | (() => Promise<void>);

/** Between the platforms and the card; told before each trip of the flow, by its number from 0. */
export type Phone = (trip: number) => Promise<Fate>;
export const faithful: Phone = async () => 'done';
/** Trips so far, and the session with the issuer's domain. */
interface Way {
  trip: number;
  session?: number;
}

/** A token that its provider has, and may play as often as it likes. */
export interface Held {
  readonly tokenId: string;
  readonly provider: ProviderId;
  readonly ssdAid: string;
  readonly act: DelegatedAct;
  readonly block: string;
  /** Of the card's token key that it was made for. */
  readonly key: number;
}

export class LoadFileWorld implements AsyncDisposable {
  readonly database: Kysely<IssuerTables>;
  readonly #postgres: TestDatabase;
  readonly #receipts = new Map<string, string>();
  card = new LoadFileCard(ISD, { tellsDomain: true });
  cardId: CardId = { kind: 'iccid', value: '' };
  preloaded: readonly { readonly loadFileAids: string[] }[] = [];
  #cards = 0;
  #counter = 0;
  #tokenKey = 0;

  private constructor(postgres: TestDatabase, database: Kysely<IssuerTables>) {
    this.#postgres = postgres;
    this.database = database;
  }

  static async start(): Promise<LoadFileWorld> {
    const postgres = await TestDatabase.start();
    const url = await postgres.server.createDatabase('issuer');
    const database = await openDatabase<IssuerTables>({ url, migrations: ISSUER_MIGRATIONS });
    for (const providerId of PROVIDERS) {
      const aids = [domainOf(providerId), domainOf(providerId, 1)];
      await putProvider(database, { providerId, baseUrl: 'https://provider', permissions: PERMISSIONS, aids });
      await putProduct(database, productOf(providerId), providerId);
    }
    return new LoadFileWorld(postgres, database);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.destroy();
    await this.#postgres[Symbol.asyncDispose]();
  }

  /** Another card, of which nobody has spoken, with a domain of each provider. */
  async insert(options: CardKind): Promise<void> {
    this.#cards += 1;
    this.cardId = { kind: 'iccid', value: `8986001${String(this.#cards).padStart(12, '0')}0` };
    this.card = new LoadFileCard(ISD, options);
    this.#counter = 0;
    this.preloaded = [];
    await putCard(this.database, this.#row());
    for (const provider of PROVIDERS) await this.makeDomain(provider);
  }

  /** Steps 47 and before. @returns the code of a refusal */
  async makeDomain(provider: ProviderId, which = 0): Promise<string | undefined> {
    const ssdAid = domainOf(provider, which);
    if (this.card.domains.has(ssdAid)) return 'there';
    const request = { cardId: this.cardId, ssdAid, providerId: provider, applicationProviderId: '50'.repeat(16) };
    const facts = { request, caller: provider, ssdPresent: false, cardNumbers: NUMBERS };
    return this.#ended(() =>
      this.#drive(installSecurityDomain(facts as never, this.#context(randomUUID(), faithful, { trip: 0 })), faithful),
    );
  }

  /** E3 to E8, as `deploy`. */
  async deleteDomain(
    provider: ProviderId,
    which = 0,
    { phone = faithful, tries = 1 }: { phone?: Phone; tries?: number } = {},
  ): Promise<string | undefined> {
    const request = { cardId: this.cardId, ssdAid: domainOf(provider, which) };
    const facts = { request, caller: provider, card: this.#row() } as unknown as DomainRemovalStart & { card: Card };
    const at: Way = { trip: 0 };
    const context = this.#context(randomUUID(), phone, at);
    return this.#ended(async () => {
      await checkDomainOwner(facts, context);
      await this.#again(tries, async () => {
        const selected = await this.#drive(selectIssuer(facts, context), faithful);
        at.session = this.card.openSession();
        const looked = await this.#drive(lookForDomain(facts, context), phone, at);
        const { proof } = await this.#drive(deleteDomain({ ...facts, ...looked }, context), phone, at);
        await recordDomainDeleted({ ...facts, ...selected, proof }, context);
      });
    });
  }

  /** D3 to D8, once more from D5 when the link broke. @returns the code of a refusal */
  async deploy(
    provider: ProviderId,
    wanted: Wanted,
    {
      phone = faithful,
      tries = 1,
      which = 0,
      workflowId = randomUUID(),
    }: { phone?: Phone; tries?: number; which?: number; workflowId?: string } = {},
  ): Promise<string | undefined> {
    const { loadFileAid, code, libraries = [] } = wanted;
    const files = libraries.map((library) => ({ loadFileAid: library.loadFileAid, loadFile: blockOf(library.code) }));
    const request: InstallStart['request'] = {
      cardId: this.cardId,
      ssdAid: domainOf(provider, which),
      productId: productOf(provider),
      loadFileAid,
      loadFile: blockOf(code),
      relayId: 'relay-of-it',
      parameters: '',
      moduleAid: moduleOf(loadFileAid),
      instanceAid: wanted.instanceAid ?? applicationOf(provider, wanted.which ?? 0),
      ...(files.length === 0 ? {} : { libraries: files }),
    };
    const at: Way = { trip: 0 };
    const context = this.#context(workflowId, phone, at);
    const facts: InstallFacts = { request, caller: provider, card: this.#row() };
    await addApplicationRequest(this.database, workflowId, provider);
    const end = await this.#ended(async () => {
      if (!this.card.domains.has(request.ssdAid)) throw new StatusWordError('status-word', 'no domain');
      await checkInstallPermission(facts, context);
      await this.#again(tries, async () => {
        const looked = await this.#drive(lookForApplication(facts, context), phone, at);
        at.session = this.card.openSession();
        const read = await this.#drive(readRegistry({ ...facts, ...looked }, context), phone, at);
        const libraries = await this.#drive(readLibraries(facts, context), phone, at);
        const known = { ...facts, ...looked, ...read, ...libraries };
        const loaded = await this.#drive(loadApplication(known, context), phone, at);
        await recordApplication({ ...known, ...loaded }, context);
      });
    });
    // As the end of its flow.
    if (end !== undefined) await withdrawApplication(this.database, workflowId);
    return end;
  }

  /** R3 to R8, as `deploy`. */
  async remove(
    provider: ProviderId,
    which = 0,
    {
      phone = faithful,
      tries = 1,
      of = provider,
      instanceAid = applicationOf(of, which),
    }: { phone?: Phone; tries?: number; of?: ProviderId; instanceAid?: string } = {},
  ): Promise<string | undefined> {
    const request: RemovalStart['request'] = {
      cardId: this.cardId,
      ssdAid: domainOf(provider),
      productId: productOf(provider),
      instanceAid,
      loadFileAid: 'F0010203FF',
      relayId: 'relay-of-it',
      last: true,
    };
    const at: Way = { trip: 0 };
    const context = this.#context(randomUUID(), phone, at);
    const start = { request, caller: provider };
    return this.#ended(async () => {
      const permitted = await checkRemovalPermission(start, context);
      await this.#again(tries, async () => {
        const begun = { ...start, ...permitted, card: this.#row() };
        const facts: RemovalFacts = { ...begun, ...(await this.#drive(selectIssuer(begun, context), faithful)) };
        at.session = this.card.openSession();
        const looked = await this.#drive(lookAtRegistry(facts, context), phone, at);
        const seen = await this.#drive(lookAtLoadFiles({ ...facts, ...looked }, context), phone, at);
        await this.#drive(deleteApplication({ ...facts, ...looked, ...seen }, context), phone, at);
        await recordRemoved(facts, context);
      });
    });
  }

  /** C2. @returns the token, or the code of a refusal */
  async grant(
    provider: ProviderId,
    act: DelegatedAct,
    { block = '', which = 0, tokenId = randomUUID() }: { block?: string; which?: number; tokenId?: string } = {},
  ): Promise<Held | string> {
    const ssdAid = domainOf(provider, which);
    let held: Held | undefined;
    const refusal = await this.#ended(async () => {
      await this.tokens.grant(tokenId, provider, { cardId: this.cardId, ssdAid, act });
      held = { tokenId, provider, ssdAid, act, block, key: this.#tokenKey };
    });
    return held ?? refusal ?? 'refused';
  }

  /** C5: the card takes a token as often as it can be done. @returns its receipt, or the status word */
  play({ act, ssdAid, block, key }: Held): { readonly confirmation?: string; readonly sw: string } {
    if (this.card.domains.get(ssdAid) !== true) return { sw: '6A82' };
    if (key !== this.#tokenKey) return { sw: '6300' };
    const { sw } = this.#played(act, ssdAid, block);
    if (sw !== '9000') return { sw };
    this.#counter += 1;
    const counter = Uint8Array.of(this.#counter >> 8, this.#counter & 0xff);
    const unique = fromHex(NUMBERS.iin + NUMBERS.cin);
    const confirmation = toHex(
      concat(Uint8Array.of(8), new Uint8Array(8), Uint8Array.of(2), counter, Uint8Array.of(unique.length), unique),
    );
    const names = namesOf(actOfReceipt(act, aid(ssdAid))).map((name) => toHex(name));
    this.#receipts.set(`${this.cardId.value} ${confirmation}`, names.join());
    return { sw, confirmation };
  }

  /** C6. */
  async report({ tokenId, provider }: Held, confirmation?: string): Promise<string | undefined> {
    const report = confirmation === undefined ? {} : { confirmation };
    return this.#ended(() => this.tokens.report(tokenId, provider, report));
  }

  /** The card gets another token key, and an operator says so. */
  async endTokens(): Promise<number> {
    this.#tokenKey += 1;
    return (await this.tokens.end(this.cardId, 'operator', 'another token key')).ended;
  }

  get tokens(): ContentTokens {
    const content = {
      createKey: async () => expectNever(),
      signToken: async () => ({ token: '00' }),
      verifyReceipt: async ({ confirmation, names }: { confirmation: string; names: readonly string[] }) => ({
        verified: this.#receipts.get(`${this.cardId.value} ${confirmation}`) === names.join(),
        counter: Number.parseInt(confirmation.slice(20, 24), 16),
      }),
    };
    return new ContentTokens({
      database: this.database,
      kms: { content },
      auditLog: { append: async () => {} },
      settings: { preloaded: this.preloaded },
    });
  }

  #row(): Card {
    return {
      cardId: this.cardId,
      isdAid: ISD,
      isdKeyReference: '1002',
      isdPublicKey: { modulus: 'C0'.repeat(128), exponent: '010001' },
    };
  }

  #played(act: DelegatedAct, ssdAid: string, block: string): CardResponse {
    switch (act.act) {
      case 'load':
        return this.card.load(act.loadFileAid, block, ssdAid);
      case 'install':
        return this.card.install(act.loadFileAid, act.instanceAid, ssdAid);
      case 'delete':
        return this.card.remove(act.aid, ssdAid);
      case 'extradite':
        return this.card.extradite(act.aid, ssdAid, act.to);
    }
  }

  async #again(tries: number, act: () => Promise<void>): Promise<void> {
    let doubtful = 0;
    for (let left = tries; ; )
      try {
        return await act();
      } catch (error) {
        if (error instanceof TransportError) left -= 1;
        else if (error instanceof RepeatVisit) doubtful += 1;
        else throw error;
        if (left <= 0 || doubtful > 2) throw error;
      }
  }

  async #ended(act: () => Promise<unknown>): Promise<string | undefined> {
    try {
      await act();
      return undefined;
    } catch (error) {
      if (error instanceof TsmError) return error.code;
      throw error;
    }
  }

  async #drive<T>(
    row: AsyncGenerator<readonly (PlainCommand | CardCommand)[], T, readonly CardResponse[]>,
    phone: Phone,
    at: Way = { trip: 0 },
  ): Promise<T> {
    let next = await row.next();
    while (next.done !== true) {
      const responses = await this.#trip(next.value, phone, at);
      for (const [index, command] of next.value.entries()) {
        const response = responses[index];
        if (response === undefined) break;
        if (response.sw !== '9000' && command.expect?.includes(response.sw) !== true)
          throw new StatusWordError('status-word', response.sw);
      }
      next = await row.next(responses);
    }
    return next.value;
  }

  /** A script stops at the first answer that its command does not expect. */
  async #trip(commands: readonly (PlainCommand | CardCommand)[], phone: Phone, at: Way): Promise<CardResponse[]> {
    if (commands.length === 0) return [];
    const fate = await phone(at.trip);
    at.trip += 1;
    const half = Math.ceil(commands.length / 2);
    const sent = fate === 'unsent' ? 0 : fate === 'half' ? half : commands.length;
    const responses: CardResponse[] = [];
    for (const command of commands.slice(0, sent)) {
      const response = 'ins' in command ? this.card.command(command, at.session) : this.card.select(command);
      responses.push(response);
      if (response.sw !== '9000' && command.expect?.includes(response.sw) !== true) break;
    }
    if (typeof fate === 'function') {
      await fate();
      return responses;
    }
    if (fate === 'denied' || fate === 'refused') return this.#forged(commands, responses, fate);
    if (fate !== 'done') throw new TransportError('link-lost', 'The phone left');
    return responses;
  }

  #forged(
    commands: readonly (PlainCommand | CardCommand)[],
    responses: readonly CardResponse[],
    fate: 'denied' | 'refused',
  ): CardResponse[] {
    const isWrapped = commands.some((command) => 'ins' in command);
    if (!isWrapped) return [{ data: '', sw: '6A82' }, ...responses.slice(1)];
    return [...responses.slice(0, -1), { data: '', sw: fate === 'denied' ? '6A88' : '6985' }];
  }

  #context(workflowId: string, phone: Phone, at: Way): InstallContext {
    return {
      workflowId,
      database: this.database,
      settings: { preloaded: this.preloaded },
      card: {
        exchange: async (commands: readonly PlainCommand[]) => ({
          responses: await this.#trip(commands, phone, at),
          cost: {},
        }),
        close: async () => {},
      },
      channel: {
        script: async (commands: readonly PlainCommand[]) => ({ commands }),
        unwrap: async (responses: readonly CardResponse[]) => responses,
      },
      auditLog: { append: async () => {} },
      report: async () => {},
    } as unknown as InstallContext;
  }

  /** States of the rows of applications by name. */
  async applicationRows(): Promise<string> {
    const { rows } = await sql<{ told: string }>`
      SELECT aid || ' ' || provider_id || ' ' || state AS told FROM applications
      WHERE card = ${`iccid:${this.cardId.value}`} AND product_id IS NOT NULL ORDER BY aid`.execute(this.database);
    return rows.map(({ told }) => told).join(', ');
  }

  /** States of rows by name, for a test's message. */
  async rows(): Promise<string> {
    const { rows } = await sql<{ told: string }>`
      SELECT aid || ' ' || provider_id || ' ' || state AS told FROM load_files
      WHERE card = ${`iccid:${this.cardId.value}`}`.execute(this.database);
    return rows.map(({ told }) => told).join(', ');
  }
}

const productOf = (provider: ProviderId): string => `product of ${provider}`;

const expectNever = (): never => {
  throw new TransportError('not-here', 'Nothing of this test makes keys');
};

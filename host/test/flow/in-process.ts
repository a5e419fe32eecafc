// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import {
  type CardImage,
  readCardImage,
  type SimulatedCard,
  type Simulator,
  startSimulator,
} from '../../../simulator/src/index.ts';
import { decodeIdentity, identityCommands } from '../../card/identity.ts';
import { systemRandom } from '../../crypto/random.ts';
import { PeerError, TransportError, TsmError } from '../../errors.ts';
import { CardKeySets } from '../../kms/card-key-sets.ts';
import { CertificateAuthority } from '../../kms/certificate-authority.ts';
import type { KeyProvider } from '../../kms/key-provider.ts';
import { SoftwareKeyProvider } from '../../kms/software.ts';
import { CardMaker, type MadeCard } from '../../lab/card-maker.ts';
import { problemOf } from '../../rest/problem.ts';
import { CardLinks } from '../../service/card-links.ts';
import { DurableFlow, type FlowTables } from '../../service/durable-flow.ts';
import { Applications, CREATE_SECURITY_DOMAIN } from '../../service/issuer/applications.ts';
import { KeyService } from '../../service/kms/key-service.ts';
import { provideOffCardEntity } from '../../service/off-card-entity.ts';
import { KEY_DISTRIBUTION, KeyDistributions } from '../../service/provider/key-distributions.ts';
import { Relays } from '../../service/provider/relays.ts';
import { AuthenticationFailures } from '../../store/authentication-failures.ts';
import { Bells } from '../../store/bells.ts';
import { openDatabase } from '../../store/database.ts';
import { putCard } from '../../store/issuer/cards.ts';
import { putProvider } from '../../store/issuer/providers.ts';
import { ISSUER_MIGRATIONS, type IssuerTables } from '../../store/issuer/schema.ts';
import { PROVIDER_MIGRATIONS, type ProviderTables } from '../../store/provider/schema.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import { runScript } from '../../transport/script-runner.ts';
import type { CapFile } from '../../wire/cap/cap-file.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardCommand, CardResponse, CardSessionInfo } from '../../wire/message/card-script.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { KeyDistributionState, SecurityDomainRequestState } from '../../wire/message/key-distribution.ts';
import type { Product } from '../../workflow/deploy-application/context.ts';
import { Engine } from '../../workflow/engine/durable.ts';
import type { Workflow } from '../../workflow/engine/execution.ts';
import type { IssuerSettings } from '../../workflow/key-distribution/issuer-context.ts';
import type { IssuerPlatform, OtaServer } from '../../workflow/ports.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { ProductWorld } from './product-world.ts';

/**
 * Both platforms with their KMSs, databases, durable engine and a simulated card in one process, so that a test can
 * stand between any two of them. Only HTTP and the OTA server are left out; `distribution.test.ts` has those.
 */

export const SSD_AID = 'F06F70656E74736D1001020304';
export const ISSUER_AUTHORITY = 'A1'.repeat(16);
export const PROVIDER_AUTHORITY = 'A2'.repeat(16);
const ISSUER_HOLDER = '49'.repeat(16);
export const PROVIDER_HOLDER = '50'.repeat(16);
/** The published test keys of the cards of the field, by their length in bits. */
const KEY_SETS = { aes128: 16, aes256: 32 } as const;
const LIMITS = { maxOpen: 16, idleMs: 60_000 };

/** A reader with the card that is in it now. */
export interface Seat {
  readonly readerName: string;
  card: SimulatedCard;
  insertion: number;
  fence: number;
  readonly sent: CardCommand[];
}

/** Where a test may step in; each gets the real thing. */
export interface Between {
  request?: (request: Parameters<IssuerPlatform['requestSecurityDomain']>[1]) => typeof request;
  report?: (state: SecurityDomainRequestState) => SecurityDomainRequestState;
  beforeTrip?: (commands: readonly CardCommand[], seat: Seat) => Promise<void>;
  /** What the terminal says that the card answered. */
  answers?: (commands: readonly CardCommand[], responses: readonly CardResponse[], seat: Seat) => CardResponse[];
}

export interface InProcessOptions {
  /** The package that the issuer LOADs onto cards whose ISD is their maker's. */
  readonly securityDomainPackage?: CapFile;
  /** Default false: the provider's CA wants attestations. */
  readonly allowWithoutAttestation?: boolean;
  readonly windowMs?: number;
  /** A product of the provider, with all that belongs to it. */
  readonly product?: Product;
  /** Other rows than 43 to 52 for the issuer. */
  readonly issuerSteps?: NonNullable<ConstructorParameters<typeof Applications>[0]['steps']>;
}

export class InProcess implements AsyncDisposable {
  readonly between: Between = {};
  readonly seats = new Map<string, Seat>();
  readonly issuer: {
    readonly database: Kysely<IssuerTables>;
    readonly kms: KeyService;
    /** Behind the KMS: what the issuer has whom a test lets cheat. */
    readonly keys: KeyProvider;
    readonly applications: Applications;
    readonly settings: IssuerSettings;
  };
  readonly provider: {
    readonly database: Kysely<ProviderTables>;
    readonly kms: KeyService;
    /** Behind the KMS: what a test compares with. */
    readonly keys: KeyProvider;
    readonly keyDistributions: KeyDistributions;
    readonly relays: Relays;
  };
  readonly #products: ProductWorld | undefined;
  readonly #parts: AsyncDisposableStack;
  readonly #cardMaker: CardMaker;
  readonly #simulator: Simulator;

  private constructor(parts: {
    stack: AsyncDisposableStack;
    cardMaker: CardMaker;
    simulator: Simulator;
    issuer: InProcess['issuer'];
    provider: InProcess['provider'];
    products: ProductWorld | undefined;
  }) {
    this.#parts = parts.stack;
    this.#cardMaker = parts.cardMaker;
    this.#simulator = parts.simulator;
    this.issuer = parts.issuer;
    this.provider = parts.provider;
    this.#products = parts.products;
  }

  static async start(options: InProcessOptions = {}): Promise<InProcess> {
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'opentsm-flow-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const server = stack.use(await TestDatabase.start());
    const url = (name: string) => server.server.createDatabase(name);
    const cardMaker = await CardMaker.open(join(folder, 'card-maker'));
    const issuerDatabase = await openDatabase<IssuerTables>({
      url: await url('issuer'),
      migrations: ISSUER_MIGRATIONS,
    });
    stack.defer(() => issuerDatabase.destroy());
    const providerDatabase = await openDatabase<ProviderTables>({
      url: await url('provider'),
      migrations: PROVIDER_MIGRATIONS,
    });
    stack.defer(() => providerDatabase.destroy());
    const cardKeySets = await publishedKeySets(folder);
    const kmsOf = (name: string, holder: string, allow: boolean) =>
      keyService(join(folder, name), holder, cardMaker, { allowWithoutAttestation: allow, cardKeySets });
    const issuerKms = await kmsOf('issuer', ISSUER_AUTHORITY, true);
    const providerKms = await kmsOf('provider', PROVIDER_AUTHORITY, options.allowWithoutAttestation ?? false);
    const self: { made?: InProcess } = {};
    const ota = otaOver(() => self.made);
    const links = new CardLinks(ota, 1_000);
    const relays = new Relays(providerDatabase, links);
    const { securityDomainPackage } = options;
    const issuerSettings: IssuerSettings = {
      ...(await settingsOf(issuerDatabase, issuerKms, ISSUER_HOLDER)),
      ...(securityDomainPackage === undefined ? {} : { securityDomainPackage }),
    };
    const bells = new Bells();
    const common = { bells, windowMs: options.windowMs ?? 20_000, watch: {} };
    const issuerFlow = new DurableFlow({ database: issuerDatabase, ...common });
    const providerFlow = new DurableFlow({ database: providerDatabase, ...common });
    const applications = new Applications({
      database: issuerDatabase,
      kms: issuerKms,
      flow: issuerFlow,
      relaysOf: () => ({ exchange: (id, commands) => peer(() => relays.exchange(id, 'issuer', commands)) }),
      failures: new AuthenticationFailures(issuerDatabase, 10),
      settings: issuerSettings,
      ...(options.issuerSteps === undefined ? {} : { steps: options.issuerSteps }),
    });
    const authority = await providerKms.certificateAuthority();
    const providerSettings = {
      providerId: 'a',
      issuerId: 'issuer',
      ssdAid: SSD_AID,
      defaultIsdAid: 'A000000151000000',
      ...(await settingsOf(providerDatabase, providerKms, PROVIDER_HOLDER)),
      applicationProviderId: PROVIDER_HOLDER,
      trustPoint: { holderReference: authority.holderReference, publicKey: authority.publicKey },
    };
    const issuer = issuerPlatform(applications, () => self.made);
    const keyDistributions = new KeyDistributions({
      database: providerDatabase,
      kms: providerKms,
      links,
      flow: providerFlow,
      issuer,
      failures: new AuthenticationFailures(providerDatabase, 10),
      settings: providerSettings,
    });
    const products =
      options.product === undefined
        ? undefined
        : new ProductWorld({
            bells,
            links,
            relays,
            product: options.product,
            issuer: { database: issuerDatabase, kms: issuerKms, flow: issuerFlow, settings: issuerSettings },
            provider: {
              database: providerDatabase,
              kms: providerKms,
              flow: providerFlow,
              settings: providerSettings,
              issuer,
              keyDistributions,
            },
          });
    await putProvider(issuerDatabase, {
      providerId: 'a',
      baseUrl: 'https://provider',
      permissions: ['create-security-domain', 'install-application'],
      aids: [SSD_AID],
    });
    const simulator = stack.use(await startSimulator());
    await startEngine(stack, bells, {
      database: issuerDatabase,
      flow: issuerFlow,
      workflows: { [CREATE_SECURITY_DOMAIN]: applications, ...products?.issuerWorkflows },
    });
    await startEngine(stack, bells, {
      database: providerDatabase,
      flow: providerFlow,
      workflows: { [KEY_DISTRIBUTION]: keyDistributions, ...products?.providerWorkflows },
    });
    if (products !== undefined) stack.use(await products.start());
    self.made = new InProcess({
      stack: stack.move(),
      cardMaker,
      simulator,
      products,
      issuer: {
        database: issuerDatabase,
        kms: issuerKms,
        applications,
        settings: issuerSettings,
        keys: await SoftwareKeyProvider.open(join(folder, 'issuer')),
      },
      provider: {
        database: providerDatabase,
        kms: providerKms,
        keyDistributions,
        relays,
        keys: await SoftwareKeyProvider.open(join(folder, 'provider')),
      },
    });
    return self.made;
  }

  /** The product that this world was started with. */
  get products(): ProductWorld {
    if (this.#products === undefined) throw new TransportError('no-product', 'this world has no product');
    return this.#products;
  }

  /** Makes a card, known to the issuer by default, and puts it into a reader of its own. */
  async insertMade(
    name: string,
    options: { readonly casd?: boolean; readonly known?: boolean; readonly image?: Partial<CardImage> } = {},
  ) {
    const cardId = newCardId();
    const made = await this.make(cardId, options.casd ?? true);
    const { isdAid, isdKeyReference, isdPublicKey, casdAid } = made;
    if (options.known !== false) {
      await putCard(this.issuer.database, {
        cardId,
        isdAid,
        isdKeyReference,
        isdPublicKey,
        ...(casdAid === undefined ? {} : { casdAid }),
      });
    }
    const card = await this.#simulator.insert({ ...made.image, ...options.image });
    const seat: Seat = { readerName: name, card, insertion: 1, fence: 0, sent: [] };
    this.seats.set(name, seat);
    return { ...seat, seat, cardId, made };
  }

  /** Puts a card of the field into a reader of its own, known to the issuer under what it names itself. */
  async insertNative(
    profile: 'jcop' | 'uicc' | 'ese',
    changes: Partial<CardImage> & { readonly keySet?: string } = {},
  ) {
    const { image: found } = await readCardImage(profile);
    const { keySet = found.nativeIsd?.enc.length === 64 ? 'aes256' : 'aes128', ...other } = changes;
    const image = { ...found, ...other };
    const card = await this.#simulator.insert(image);
    const seat: Seat = { readerName: image.name, card, insertion: 1, fence: 0, sent: [] };
    await card.power('on');
    const { responses } = await runScript(channelOf(seat), identityCommands);
    const { cardId } = decodeIdentity(responses);
    await putCard(this.issuer.database, {
      cardId,
      isdAid: image.nativeIsd?.aid ?? '',
      isdKeySet: { profile, keySet, derivation: 'none', keyVersion: '00' },
    });
    this.seats.set(image.name, seat);
    return { ...seat, seat, cardId, image };
  }

  async make(cardId: CardId, casd: boolean): Promise<MadeCard> {
    const authority = await this.issuer.kms.certificateAuthority();
    return this.#cardMaker.make(
      { name: `card-${cardId.value}`, iccid: cardId.value, keySizeBits: 1024, casd },
      {
        holderReference: authority.holderReference,
        publicKey: authority.publicKey,
        applicationProviderId: ISSUER_HOLDER,
        certify: async (request) =>
          (await this.issuer.kms.issueSecurityDomainCertificate({ ...request, withoutAttestation: true })).certificate,
      },
    );
  }

  async insert(image: CardImage): Promise<SimulatedCard> {
    return this.#simulator.insert(image);
  }

  /** Runs a flow to its end. */
  async distribute(readerName: string, key: string = randomUUID()): Promise<KeyDistributionState> {
    const { keyDistributions } = this.provider;
    let state = await keyDistributions.start(key, 'operator', { terminalId: 't', readerName, keySizeBits: 1024 });
    while (state.state === 'running') {
      state = await keyDistributions.state(key, { waitMs: 5_000, afterStep: state.steps.length });
    }
    return state;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

let cards = 0;
/** 20 digits, another number each time. */
function newCardId(): CardId {
  cards += 1;
  return { kind: 'iccid', value: `89860077${String(cards).padStart(12, '0')}` };
}

async function publishedKeySets(folder: string): Promise<CardKeySets> {
  const sources = await Promise.all(
    Object.entries(KEY_SETS).map(async ([label, length]) => {
      const file = join(folder, `${label}.json`);
      const key = toHex(Uint8Array.from({ length }, (_, index) => 0x40 + index));
      await writeFile(file, JSON.stringify({ enc: key, mac: key, dek: key }), { mode: 0o600 });
      return { label, file };
    }),
  );
  return CardKeySets.open(sources, { allowPublished: true });
}

async function keyService(
  folder: string,
  holderReference: string,
  cardMaker: CardMaker,
  more: { readonly allowWithoutAttestation: boolean; readonly cardKeySets: CardKeySets },
) {
  const keys = await SoftwareKeyProvider.open(folder);
  const authority = await CertificateAuthority.open({
    folder,
    keys,
    holderReference,
    keySizeBits: 1024,
    commonName: 'test',
  });
  const { trustAnchor } = cardMaker;
  const { modulus, exponent } = trustAnchor.publicKey;
  const anchor = {
    holderReference: fromHex(trustAnchor.holderReference),
    publicKey: { modulus: fromHex(modulus), exponent: fromHex(exponent) },
  };
  const options = { keys, authority, cardMakers: [anchor], ...more, limits: LIMITS };
  return new KeyService({ ...options, random: systemRandom });
}

async function settingsOf(
  ...[database, kms, holderReference]: [Parameters<typeof provideOffCardEntity>[0], KeyService, string]
) {
  const wanted = { label: 'off-card-entity', holderReference, keySizeBits: 1024 } as const;
  const { label, certificate } = await provideOffCardEntity(database, kms, wanted);
  return { offCardEntityLabel: label, offCardEntityCertificate: certificate };
}

interface Platform<T extends FlowTables> {
  readonly database: Kysely<T>;
  readonly flow: DurableFlow<T>;
  readonly workflows: Readonly<Record<string, Workflow>>;
}

async function startEngine<T extends FlowTables>(stack: AsyncDisposableStack, bells: Bells, platform: Platform<T>) {
  const { database, flow, workflows } = platform;
  const engine = await Engine.start({
    database,
    bells,
    version: '1',
    nodeId: 'node-1',
    window: 16,
    workflows,
    attach: (started) => flow.attach(started),
  });
  stack.defer(() => engine.stop());
}

/** The other platform's errors, as they come over HTTP. */
async function peer<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof TsmError)) throw error;
    const { status, detail, numeral } = problemOf(error);
    throw new PeerError(error.code, detail ?? '', { status, numeral });
  }
}

function issuerPlatform(applications: Applications, self: () => InProcess | undefined): IssuerPlatform {
  const seen = (state: SecurityDomainRequestState) => self()?.between.report?.(state) ?? state;
  return {
    requestSecurityDomain: async (key, request) => {
      const sent = self()?.between.request?.(request) ?? request;
      return seen(await peer(() => applications.requestSecurityDomain(key, 'a', sent)));
    },
    securityDomainRequest: async (id, wait) => seen(await peer(() => applications.state(id, 'a', wait))),
  };
}

/** Sessions on the seats: as the OTA server and the terminal do it, without the two. */
function otaOver(self: () => InProcess | undefined): OtaServer {
  const seatOf = (name: string): Seat => {
    const seat = self()?.seats.get(name);
    if (seat === undefined) throw new PeerError('reader-unknown', 'no such reader', { status: 404 });
    return seat;
  };
  // Nobody resets a card in the middle of another's script.
  const turns = new Map<Seat, Promise<unknown>>();
  const inTurn = <T>(seat: Seat, act: () => Promise<T>): Promise<T> => {
    const turn = (turns.get(seat) ?? Promise.resolve()).then(act);
    turns.set(
      seat,
      turn.catch(() => {}),
    );
    return turn;
  };
  const open = async (seat: Seat) => {
    seat.fence += 1;
    await seat.card.power('on').catch(() => {});
    await seat.card.reset();
    const { fence, insertion, readerName } = seat;
    return { sessionId: readerName, fence, atr: '', insertion: String(insertion), leaseExpiresAt: '' };
  };
  const run = async (
    seat: Seat,
    { fence, insertion }: Pick<CardSessionInfo, 'fence' | 'insertion'>,
    commands: readonly CardCommand[],
  ) => {
    if (fence !== seat.fence || insertion !== String(seat.insertion)) {
      throw new PeerError('stale-fence', 'another session', { status: 409 });
    }
    seat.sent.push(...commands);
    const start = performance.now();
    const { stopped, failure, apdus, bytesOut, bytesIn, ...ran } = await runScript(channelOf(seat), commands);
    const responses = self()?.between.answers?.(commands, ran.responses, seat) ?? ran.responses;
    if (failure !== undefined) throw new PeerError(failure.code, failure.message, { status: 503 });
    return { responses, stopped, cost: { roundTrips: 1, apdus, bytesOut, bytesIn, ms: performance.now() - start } };
  };
  return {
    openCardSession: async ({ readerName }) => {
      const seat = seatOf(readerName);
      return inTurn(seat, () => open(seat));
    },
    exchange: async (session, commands) => {
      const seat = seatOf(session.sessionId);
      await self()?.between.beforeTrip?.(commands, seat);
      return inTurn(seat, () => run(seat, session, commands));
    },
    closeCardSession: async () => {},
    giveBackCard: async () => {},
  };
}

/** The seat's card as a channel. */
export function channelOf(seat: Seat): CardChannel {
  return {
    atr: seat.card.atr,
    transmit: async (command) => {
      try {
        return await seat.card.transmit(command);
      } catch (error) {
        // The card lost its power: what comes next is another insertion.
        seat.insertion += 1;
        throw new TransportError('card-removed', String(error));
      }
    },
    reset: async () => seat.card.atr,
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

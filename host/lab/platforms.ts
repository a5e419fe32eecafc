// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import { TransportError } from '../errors.ts';
import { startTopology, type Topology } from '../local/topology.ts';
import {
  developmentHolderReference,
  developmentPlan,
  developmentSsdAid,
  type TopologyPlan,
} from '../local/topology-plan.ts';
import type { RestClient } from '../rest/client.ts';
import type { Peer } from '../rest/identity.ts';
import type { CardChannel } from '../transport/card-channel.ts';
import { TerminalInfo } from '../wire/message/card-script.ts';
import type { CardId } from '../wire/message/common.ts';
import {
  KeyDistributionState,
  SecurityDomainRow,
  type StartKeyDistribution,
} from '../wire/message/key-distribution.ts';
import { CardCertificate, CertificateAuthorityInfo } from '../wire/message/kms.ts';
import type { CardAgent } from '../wire/message/subscription.ts';
import type { CardMaker, IssuerAuthority, MadeCard } from './card-maker.ts';
import { buildSecurityDomainPackage, type NativeMadeCard, writePublishedKeySets } from './native-cards.ts';
import { Phone } from './phone.ts';

/** The daemons of the demo and of the tests, as an operator with a certificate uses them. */

const OPERATOR = 'demo';
const POLL_MS = 20_000;
/** No flow has so many rows. */
const NO_ROW = 999;
const FLOW_MS = 900_000;
const CARD_MS = 20_000;
export const TERMINAL_ID = 'desk';

export interface PlatformsOptions {
  readonly stateDir: string;
  readonly providers: readonly string[];
  readonly cardMaker: CardMaker;
  /** Readers of the terminal: fields of its config. */
  readonly terminal: Readonly<Record<string, unknown>>;
  readonly ota?: Readonly<Record<string, unknown>>;
  /** Config of a KMS for `ota`; default none. */
  readonly otaKms?: Readonly<Record<string, unknown>>;
  readonly platform?: Readonly<Record<string, unknown>>;
  readonly kms?: Readonly<Record<string, unknown>>;
  /** Added to the config of one provider, by its id. */
  readonly provider?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly keepAlive?: boolean;
  /** An entrance for phone apps; default none. */
  readonly front?: boolean;
  /** Processes of each daemon; default 1. */
  readonly nodes?: number;
  /**
   * The issuer takes cards whose ISD is their maker's, with the published test keys, and the providers do without
   * attestation.
   */
  readonly nativeCards?: boolean;
  /** Daemons that are started with another program than the CLI, by their names. */
  readonly programs?: Readonly<Record<string, string>>;
}

export class Platforms implements AsyncDisposable {
  readonly topology: Topology;
  readonly #clients = new Map<string, RestClient>();

  private constructor(topology: Topology) {
    this.topology = topology;
  }

  static async start(options: PlatformsOptions): Promise<Platforms> {
    const { stateDir, providers, terminal, cardMaker } = options;
    const plan = developmentPlan({
      providers,
      terminal,
      ota: { trafficRecord: trafficFile(stateDir), ...options.ota },
      ...(options.otaKms === undefined ? {} : { otaKms: options.otaKms }),
      ...(options.platform === undefined ? {} : { platform: options.platform }),
      ...(options.provider === undefined ? {} : { provider: options.provider }),
      ...(options.front === true ? { front: {} } : {}),
      nodes: options.nodes ?? 1,
      kms: {
        cardMakers: [cardMaker.trustAnchor],
        ...(options.nativeCards === true ? { allowWithoutAttestation: true } : {}),
        ...options.kms,
      },
    });
    const certifying = withIsdCertificates(plan);
    const topology = await startTopology({
      ...(options.nativeCards === true ? await withNativeCards(certifying, stateDir) : certifying),
      stateDir,
      durable: false,
      keepAlive: options.keepAlive ?? false,
      ...(options.programs === undefined ? {} : { programs: options.programs }),
    });
    return new Platforms(topology);
  }

  /** Every script that reached a card. */
  get trafficFile(): string {
    return trafficFile(this.topology.stateDir);
  }

  /** The operator `demo` of this daemon's platform. */
  operatorOf(name: string): Peer {
    return { role: 'operator', id: OPERATOR, platform: this.topology.peer(name) };
  }

  /** A client of this daemon with the certificate of an operator of its platform. */
  async client(name: string): Promise<RestClient> {
    const known = this.#clients.get(name) ?? (await this.topology.client(this.operatorOf(name), name));
    this.#clients.set(name, known);
    return known;
  }

  /** What the card maker needs from the issuer. */
  async issuerAuthority(): Promise<IssuerAuthority> {
    const issuer = await this.client('issuer');
    const path = '/v1/certificate-authority';
    const authority = await issuer.call({ method: 'GET', path, response: CertificateAuthorityInfo });
    return {
      holderReference: authority.holderReference,
      publicKey: authority.publicKey,
      applicationProviderId: developmentHolderReference(this.topology.peer('issuer'), 'oce'),
      certify: async (body) => {
        const request = { method: 'POST', path: '/v1/security-domain-certificates', body } as const;
        return (await issuer.call({ ...request, response: CardCertificate })).certificate;
      },
    };
  }

  /** Enters a card into the issuer's card database. */
  async registerCard(cardId: CardId, card: MadeCard | NativeMadeCard): Promise<void> {
    const { image: _image, ...registration } = card;
    const body = { ...registration, cardId };
    await (await this.client('issuer')).call({ method: 'PUT', path: '/v1/cards', body });
  }

  /** Enters the card's number at `ota`. */
  async subscribe({ kind, value }: CardId, msisdn: string, agent?: CardAgent): Promise<void> {
    const path = `/v1/subscriptions/${kind}/${encodeURIComponent(value)}`;
    const body = { msisdn, terminalId: TERMINAL_ID, ...(agent === undefined ? {} : { agent }) };
    await (await this.client('ota')).call({ method: 'PUT', path, body });
  }

  async registerProvider(id: string, permissions: readonly string[]): Promise<void> {
    const body = { baseUrl: this.topology.addresses(`provider-${id}`), permissions, aids: [developmentSsdAid(id)] };
    await (await this.client('issuer')).call({ method: 'PUT', path: `/v1/providers/${id}`, body });
  }

  /** Starts a flow of this provider and follows it to its end. */
  async distribute(
    provider: string,
    request: StartKeyDistribution,
    options: { readonly key?: string; readonly onUpdate?: (state: KeyDistributionState) => void } = {},
  ): Promise<KeyDistributionState> {
    const client = await this.client(`provider-${provider}`);
    const idempotencyKey = options.key ?? randomUUID();
    const path = '/v1/key-distributions';
    const deadline = performance.now() + FLOW_MS;
    const start = { method: 'POST', path, idempotencyKey, body: request, response: KeyDistributionState } as const;
    let state = await client.call({ ...start, retries: 30 });
    while (state.state === 'running') {
      if (performance.now() > deadline)
        throw new TransportError('flow-time', `The flow of provider ${provider} does not end`);
      options.onUpdate?.(state);
      // Who watches is told of every row, everybody else of the end.
      const afterStep = options.onUpdate === undefined ? NO_ROW : state.steps.length;
      const query = { waitMs: POLL_MS, afterStep };
      const poll = { method: 'GET', path: `${path}/${state.id}`, query, response: KeyDistributionState } as const;
      state = await client.call({ ...poll, timeoutMs: POLL_MS + 15_000, retries: 30 });
    }
    options.onUpdate?.(state);
    return state;
  }

  /** A user's phone; the user holds the cards that are named. */
  async phone(subject: string, cards: readonly CardId[], openCard?: () => Promise<CardChannel>): Promise<Phone> {
    const front = await this.client('front');
    for (const { kind, value } of cards) {
      await front.call({ method: 'PUT', path: `/v1/user-cards/${subject}/${kind}/${encodeURIComponent(value)}` });
    }
    return new Phone({
      addresses: this.topology.appAddresses(),
      authority: await readFile(this.topology.pki.authorityFile, 'utf8'),
      token: await this.topology.users.token(subject),
      ...(openCard === undefined ? {} : { openCard }),
    });
  }

  /** Waits until the terminal tells `ota` that there is a card in this reader, or none. @throws TransportError */
  async cardPresent(readerName: string, present = true): Promise<void> {
    const [provider] = this.topology.names.filter((name) => name.startsWith('provider-'));
    // Only providers may ask `ota`.
    const ota = await this.topology.client(this.topology.peer(provider ?? 'provider-a'), 'ota');
    const deadline = performance.now() + CARD_MS;
    for (;;) {
      const terminals = await ota.call({ method: 'GET', path: '/v1/terminals', response: Type.Array(TerminalInfo) });
      const readers = terminals.flatMap((terminal) => terminal.readers);
      if (readers.some((reader) => reader.readerName === readerName && reader.cardPresent === present)) return;
      if (performance.now() > deadline) {
        const names = readers.map((reader) => reader.readerName).join(', ');
        const what = present ? `No card shows up in ${readerName}` : `The card does not leave ${readerName}`;
        throw new TransportError('card-absent', `${what}; readers: ${names}`, { readerName });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** All of the provider's SSDs, page by page. */
  async securityDomains(provider: string): Promise<SecurityDomainRow[]> {
    const client = await this.client(`provider-${provider}`);
    const rows: SecurityDomainRow[] = [];
    for (let after = ''; ; ) {
      const path = `/v1/security-domains?limit=${PAGE}${after}`;
      const page = await client.call({ method: 'GET', path, response: Type.Array(SecurityDomainRow) });
      rows.push(...page);
      const last = page.at(-1)?.cardId;
      if (last === undefined || page.length < PAGE) return rows;
      after = `&after=${last.kind}:${last.value}`;
    }
  }

  /** Removes the provider's row of this card; the card keeps its SSD. */
  async forget(provider: string, { kind, value }: CardId): Promise<void> {
    const client = await this.client(`provider-${provider}`);
    await client.call({ method: 'DELETE', path: `/v1/security-domains/${kind}/${encodeURIComponent(value)}` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.topology.stop();
  }
}

/** Most rows that a list gives at once. */
const PAGE = 500;

const trafficFile = (stateDir: string): string => join(stateDir, 'log', 'traffic.jsonl');

/** Only the issuer's CA certifies keys on its owner's word: those that the card maker put into ISDs. */
function withIsdCertificates(plan: TopologyPlan): TopologyPlan {
  const { issuer } = plan;
  return issuer === undefined
    ? plan
    : { ...plan, issuer: { ...issuer, kms: { ...issuer.kms, allowWithoutAttestation: true } } };
}

/** Key sets for the issuer's KMS alone, and the package that the issuer LOADs. */
async function withNativeCards(plan: TopologyPlan, stateDir: string): Promise<TopologyPlan> {
  const { issuer } = plan;
  if (issuer === undefined) return plan;
  const cardKeySets = await writePublishedKeySets(join(stateDir, 'published-keys'));
  const securityDomainPackage = buildSecurityDomainPackage(join(stateDir, 'cap'));
  return {
    ...plan,
    issuer: {
      ...issuer,
      config: { ...issuer.config, securityDomainPackage },
      kms: { ...issuer.kms, cardKeySets, allowPublishedTestKeys: true },
    },
  };
}

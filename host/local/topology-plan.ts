// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { type Peer, peerUri, type Role } from '../rest/identity.ts';
import type { Rule } from '../wire/message/front.ts';

const closed = { additionalProperties: false } as const;
const Id = Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' });
/** Fields of a daemon's own config beyond addresses and certificates; the daemon checks them when it starts. */
const Fields = Type.Record(Type.String({ maxLength: 64 }), Type.Unknown());

/** A platform and its KMS. */
export const PlatformPlan = Type.Object({ id: Id, config: Fields, kms: Fields }, closed);
export type PlatformPlan = Static<typeof PlatformPlan>;

/** What a topology consists of: which daemons, who they are and what stands in their config files. */
export const TopologyPlan = Type.Object(
  {
    issuer: Type.Optional(PlatformPlan),
    providers: Type.Optional(Type.Array(PlatformPlan, { maxItems: 16 })),
    terminals: Type.Optional(Type.Array(Type.Object({ id: Id, config: Fields }, closed), { maxItems: 16 })),
    /** With a KMS of its own where cards call it (`administration`). */
    ota: Type.Optional(Type.Object({ config: Fields, kms: Type.Optional(Fields) }, closed)),
    /** The entrance for phone apps. */
    front: Type.Optional(Type.Object({ config: Fields }, closed)),
    /** Processes of each daemon but the terminals, which hold readers; default 1. */
    nodes: Type.Optional(Type.Integer({ minimum: 1, maximum: 8 })),
  },
  closed,
);
export type TopologyPlan = Static<typeof TopologyPlan>;

type PlanFields = Static<typeof Fields>;
type OtaPlan = NonNullable<TopologyPlan['ota']>;

export interface Endpoint {
  readonly url: string;
  readonly role: Role;
  readonly id: string;
}

export interface PlanContext {
  readonly stateDir: string;
  /** All nodes of that name. */
  endpoint(name: string): Endpoint;
  /** For a front: its listener for phones with its database role, and whose tokens it takes. */
  readonly appSide: object;
  readonly users: object;
  /** For a provider: where service providers come. */
  readonly tsms: object;
  /** 1 for the first node, whose daemon has the plain name. */
  readonly node: number;
}

export interface DaemonPlan {
  readonly name: string;
  /** Name of its first node, and which node it is. */
  readonly group: string;
  readonly node: number;
  readonly daemon: 'issuer' | 'provider' | 'ota' | 'terminal' | 'kms' | 'front';
  readonly peer: Peer;
  readonly database: boolean;
  /** Those of lab 1 start after those of lab 0. */
  readonly lab: 0 | 1;
  config(context: PlanContext): object;
}

/** What all nodes of a daemon have in common. */
type GroupPlan = Omit<DaemonPlan, 'group' | 'node'>;

/** One plan per process: `issuer`, and with two nodes `issuer-2`. */
export function daemonPlans(plan: TopologyPlan): DaemonPlan[] {
  const numbers = Array.from({ length: plan.nodes ?? 1 }, (_, index) => index + 1);
  return groupPlans(plan).flatMap((group) =>
    (group.daemon === 'terminal' ? [1] : numbers).map((node) => ({
      ...group,
      name: node === 1 ? group.name : `${group.name}-${node}`,
      group: group.name,
      node,
    })),
  );
}

function groupPlans(plan: TopologyPlan): GroupPlan[] {
  const plans: GroupPlan[] = [];
  if (plan.ota !== undefined) plans.push(...otaPlans(plan.ota, plan));
  if (plan.front !== undefined) plans.push(frontPlan(plan.front.config, plan));
  for (const terminal of plan.terminals ?? []) plans.push(terminalPlan(terminal.id, terminal.config));
  if (plan.issuer !== undefined) {
    const { issuer, ota } = plan;
    plans.push(
      ...platformPlans('issuer', issuer, ({ endpoint }) => (ota === undefined ? {} : { ota: endpoint('ota') })),
    );
  }
  for (const provider of plan.providers ?? []) {
    plans.push(
      ...platformPlans('provider', provider, ({ endpoint, tsms }) => ({
        ota: endpoint('ota'),
        issuer: endpoint('issuer'),
        tsms,
      })),
    );
  }
  return plans;
}

function otaPlans({ config, kms }: OtaPlan, { issuer, providers = [], front }: TopologyPlan): GroupPlan[] {
  const peer = { role: 'ota', id: 'main' } as const;
  const common = ({ endpoint }: PlanContext) => ({
    providers: providers.map(({ id }) => ({ id })),
    ...(issuer === undefined ? {} : { issuer: { id: issuer.id } }),
    ...(front === undefined ? {} : { front: endpoint('front') }),
    ...config,
  });
  const ota = { name: 'ota', daemon: 'ota', peer, database: true, lab: 0 } as const;
  if (kms === undefined) return [{ ...ota, config: common }];
  // Those of the two that its config has: each asks the KMS for keys.
  const withKms = (context: PlanContext) =>
    Object.fromEntries(
      (['administration', 'sms'] as const)
        .filter((name) => Object(config)[name] !== undefined)
        .map((name) => [name, { kms: context.endpoint('kms-ota'), ...nodeFields(Object(config)[name], context) }]),
    );
  return [
    kmsPlan('kms-ota', 'ota', peer, kms),
    { ...ota, config: (context) => ({ ...common(context), ...withKms(context) }) },
  ];
}

/** Nodes of one machine take calls at the same port of a loopback address each: 127.0.0.1, 127.0.0.2. */
function nodeFields(fields: PlanFields, { node }: PlanContext): PlanFields {
  const { listen } = fields;
  return listen === undefined || node === 1
    ? fields
    : { ...fields, listen: { ...Object(listen), host: `127.0.0.${node}` } };
}

/** Its rules are all in `config.rules`; every platform is a pool under its daemon's name. */
function frontPlan(config: object, { issuer, providers = [] }: TopologyPlan): GroupPlan {
  const names = [...(issuer === undefined ? [] : ['issuer']), ...providers.map(({ id }) => `provider-${id}`)];
  return {
    name: 'front',
    daemon: 'front',
    peer: { role: 'front', id: 'main' },
    database: true,
    lab: 0,
    config: ({ endpoint, appSide, users }) => ({
      appSide,
      users,
      pools: Object.fromEntries(names.map((name) => [name, endpoint(name)])),
      rules: [],
      ...config,
    }),
  };
}

/** @param name of its peer and folders */
function kmsPlan(kmsName: string, name: string, owner: Peer, fields: object): GroupPlan {
  return {
    name: kmsName,
    daemon: 'kms',
    peer: { role: 'kms', id: name },
    database: false,
    lab: 0,
    // Nodes share the keys; each has a record of its own.
    config: ({ stateDir, node }) => ({
      owner,
      keyFolder: join(stateDir, 'keys', name),
      ...(node === 1 ? {} : { auditFile: join(stateDir, 'keys', name, `audit-${node}.jsonl`) }),
      sealingKeyFile: join(stateDir, 'sealing', `${name}.key`),
      certificateAuthority: { holderReference: developmentHolderReference(owner, 'ca') },
      ...fields,
    }),
  };
}

function terminalPlan(id: string, config: object): GroupPlan {
  const peer = { role: 'terminal', id } as const;
  return {
    name: `terminal-${id}`,
    daemon: 'terminal',
    peer,
    database: false,
    lab: 0,
    config: ({ endpoint }) => ({ ota: endpoint('ota'), ...config }),
  };
}

/** A platform and its own KMS. */
function platformPlans(
  role: 'issuer' | 'provider',
  platform: PlatformPlan,
  peers: (context: PlanContext) => object,
): GroupPlan[] {
  const name = role === 'issuer' ? 'issuer' : `provider-${platform.id}`;
  const kmsName = `kms-${name}`;
  const owner = { role, id: platform.id };
  return [
    kmsPlan(kmsName, name, owner, platform.kms),
    {
      name,
      daemon: role,
      peer: owner,
      database: true,
      lab: 1,
      config: (context) => ({ kms: context.endpoint(kmsName), ...peers(context), ...platform.config }),
    },
  ];
}

export interface DevelopmentOptions {
  /** Ids of the providers; default a and b. */
  readonly providers?: readonly string[];
  /** Fields of the one terminal's config; default all PC/SC readers. */
  readonly terminal?: Readonly<Record<string, unknown>>;
  readonly ota?: Readonly<Record<string, unknown>>;
  /** Config of a KMS for `ota`; default none. */
  readonly otaKms?: Readonly<Record<string, unknown>>;
  /** Added to the config of issuer and providers. */
  readonly platform?: Readonly<Record<string, unknown>>;
  /** Added to the config of one provider, by its id. */
  readonly provider?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Added to the config of every KMS: which card makers it believes, for example. */
  readonly kms?: Readonly<Record<string, unknown>>;
  readonly nodes?: number;
  /** An entrance for phone apps; products have the provider whose they are, for all others the first one is asked. */
  readonly front?: { readonly products?: Readonly<Record<string, string>> };
}

/** TOPUP, LOSS, FOUND and CONTACT, as a phone app of a development topology calls them. */
function developmentRules([first]: readonly string[], products: Readonly<Record<string, string>>): Rule[] {
  const topUp = (name: string, provider: string, productId?: string): Rule => ({
    name,
    pool: `provider-${provider}`,
    operation: 'top-up',
    when: { actionCode: 'TOPUP', ...(productId === undefined ? {} : { productId }) },
    ...(productId === undefined ? {} : { precedence: 1 }),
  });
  return [
    ...(first === undefined ? [] : [topUp('top-up', first)]),
    ...Object.entries(products).map(([product, provider]) => topUp(`top-up.${product}`, provider, product)),
    { name: 'loss', when: { actionCode: 'LOSS' }, pool: 'issuer', operation: 'loss-report' },
    { name: 'found', when: { actionCode: 'FOUND' }, pool: 'issuer', operation: 'found' },
    { name: 'contact', when: { actionCode: 'CONTACT' }, pool: 'issuer', operation: 'contact' },
  ];
}

/** The first provider's TSM-API, and the rules. */
function developmentFront(providers: readonly string[], products: Readonly<Record<string, string>>) {
  const [first] = providers;
  const tsmApi = first === undefined ? {} : { tsmApi: { pool: `provider-${first}` } };
  return { rules: developmentRules(providers, products), ...tsmApi };
}

/** One issuer `main`, some providers, `ota` and the terminal `desk`, with names for cards made up from the ids. */
export function developmentPlan(options: DevelopmentOptions = {}): TopologyPlan {
  const platform = (peer: Peer, config: Record<string, unknown>): PlatformPlan => ({
    id: peer.id,
    config: { holderReference: developmentHolderReference(peer, 'oce'), ...config, ...options.platform },
    kms: { ...options.kms },
  });
  return {
    issuer: platform({ role: 'issuer', id: 'main' }, {}),
    providers: (options.providers ?? ['a', 'b']).map((id) =>
      platform({ role: 'provider', id }, { ssdAid: developmentSsdAid(id), ...options.provider?.[id] }),
    ),
    ota: { config: { ...options.ota }, ...(options.otaKms === undefined ? {} : { kms: { ...options.otaKms } }) },
    ...(options.front === undefined
      ? {}
      : {
          front: { config: developmentFront(options.providers ?? ['a', 'b'], options.front.products ?? {}) },
        }),
    terminals: [{ id: 'desk', config: { ...(options.terminal ?? { pcscReaders: {} }) } }],
    nodes: options.nodes ?? 1,
  };
}

/** A certificate holder reference, 16 bytes, that no other part of a development topology has. */
export function developmentHolderReference(peer: Peer, part: string): string {
  return createHash('sha256')
    .update(`${peerUri(peer)}#${part}`)
    .digest('hex')
    .slice(0, 32)
    .toUpperCase();
}

/** The AID of a provider's SSD: our unregistered prefix and four bytes of the provider's id. */
export function developmentSsdAid(providerId: string): string {
  return `F06F70656E74736D10${createHash('sha256').update(providerId).digest('hex').slice(0, 8).toUpperCase()}`;
}

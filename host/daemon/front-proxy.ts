// SPDX-License-Identifier: Apache-2.0
import type { AddressInfo } from 'node:net';
import type { FastifyBaseLogger } from 'fastify';
import type { Registry } from 'prom-client';
import { type Static, Type } from 'typebox';
import type { TlsIdentity } from '../rest/identity.ts';
import { RateLimits } from '../rest/rate-limit.ts';
import { createReverseProxy } from '../rest/reverse-proxy/server.ts';
import { ServiceNodes, ServicePool } from '../rest/reverse-proxy/service-nodes.ts';
import { checkStaticRoutes, StaticRoute } from '../rest/reverse-proxy/static-routes.ts';
import type { UserTokens } from '../rest/user-tokens.ts';
import type { ServiceNodeBeats } from '../service/front/service-nodes.ts';
import type { PoolNode } from '../wire/message/front.ts';
import { daemonFields } from './config.ts';

const PoolName = Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' });

export const ProxyConfig = Type.Object(
  {
    listen: daemonFields.listen,
    routes: Type.Array(StaticRoute, { maxItems: 1_000 }),
    /** Where the services are, by the name that routes call them. */
    pools: Type.Record(PoolName, ServicePool),
    /** How often one caller may ask it. */
    rate: Type.Optional(RateLimits),
  },
  { additionalProperties: false },
);

export interface FrontProxy {
  readonly nodes: readonly PoolNode[];
  listen(): Promise<void>;
  /** Port that it listens on; 0 where there is none. */
  readonly port: number;
  /** Shows its certificate as it is now to whoever connects from here on. */
  reload(): void;
  /** Takes nothing new; what is under way ends. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

const NONE: FrontProxy = {
  nodes: [],
  port: 0,
  listen: async () => {},
  reload: () => {},
  drain: async () => {},
  close: async () => {},
};

/** Who speaks for which pool. */
export const speakersOf = (config: Static<typeof ProxyConfig> | undefined): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(config?.pools ?? {}).flatMap(([name, { heartbeats }]) =>
      heartbeats === undefined ? [] : [[name, heartbeats] as const],
    ),
  );

/** The proxy of a config; one that does nothing where there is none. @throws UsageError `config-field` */
export async function openProxy(
  config: Static<typeof ProxyConfig> | undefined,
  parts: {
    readonly tls: TlsIdentity;
    readonly logger: FastifyBaseLogger;
    readonly metrics: Registry;
    readonly users: Pick<UserTokens, 'userOf'>;
    readonly beats: Pick<ServiceNodeBeats, 'heard'>;
  },
): Promise<FrontProxy> {
  if (config === undefined) return NONE;
  const { routes, listen, rate } = config;
  checkStaticRoutes(routes, new Set(Object.keys(config.pools)));
  const onError = (error: Error) => parts.logger.warn({ reason: error.message }, 'nodes of a service are not known');
  const pools = new Map(
    Object.entries(config.pools).map(([name, pool]) => [
      name,
      new ServiceNodes({ name, config: pool, onError, heard: () => parts.beats.heard(name) }),
    ]),
  );
  const server = await createReverseProxy({ ...parts, routes, pools, ...(rate === undefined ? {} : { rate }) });
  let port = 0;
  return {
    get nodes() {
      return [...pools.values()].flatMap(({ nodes }) => nodes);
    },
    listen: async () => {
      await server.listen(listen);
      port = (server.server.address() as AddressInfo).port;
      parts.logger.info({ port }, 'services behind are reached here');
    },
    get port() {
      return port;
    },
    reload: () => {
      const { key, certificate: cert } = parts.tls;
      server.server.setSecureContext({ key, cert, minVersion: 'TLSv1.2' });
    },
    drain: () => server.close(),
    close: async () => {
      await server.close();
      await Promise.all([...pools.values()].map((pool) => pool[Symbol.asyncDispose]()));
    },
  };
}

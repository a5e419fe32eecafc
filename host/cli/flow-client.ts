// SPDX-License-Identifier: Apache-2.0
import { type Static, type TSchema, Type } from 'typebox';
import { PeerEndpoint, readConfig, TlsFiles } from '../daemon/config.ts';
import { LiveTls } from '../daemon/live-tls.ts';
import { TransportError, UsageError } from '../errors.ts';
import { RestClient } from '../rest/client.ts';
import { FlowDetail, FlowList } from '../wire/message/flow.ts';
import { type PoolNode, PoolNodes } from '../wire/message/front.ts';
import { AuditRecords } from '../wire/message/operator.ts';
import { SecureElement, SeenRegistry } from '../wire/message/secure-elements.ts';
import { type AuditPages, PAGE } from './audit-chain.ts';

/** What an operator's config file says: the platform and the operator's own certificate. */
export const OperatorConfig = Type.Object({ platform: PeerEndpoint, tls: TlsFiles }, { additionalProperties: false });

interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
}

async function call<S extends TSchema>(file: string, question: Question, response: S): Promise<Static<S>> {
  const { platform, tls } = await readConfig(file, OperatorConfig);
  await using client = new RestClient({ baseUrl: platform.url, tls: await LiveTls.open(tls), expectedPeer: platform });
  return await client.call({ ...question, response });
}

export const listFlows = (file: string, query: Question['query'] = {}): Promise<FlowList> =>
  call(file, { method: 'GET', path: '/v1/flows', query }, FlowList);

export const oneFlow = (file: string, method: Question['method'], path: string): Promise<FlowDetail> =>
  call(file, { method, path }, FlowDetail);

/** @throws UsageError `no-audit-log` for a daemon that has none to be asked for */
export async function listAuditRecords(
  file: string,
  query: Question['query'] = {},
): Promise<Static<typeof AuditRecords>> {
  const { role, id } = (await readConfig(file, OperatorConfig)).platform;
  if (role === 'kms')
    throw new UsageError(
      'no-audit-log',
      `the record of KMS ${id} is a file: where it runs, tsm kms audit verify --config the KMS's own config`,
    );
  if (role !== 'issuer' && role !== 'provider')
    throw new UsageError('no-audit-log', `${role} ${id} keeps no audit records: issuers, providers and KMSs do`);
  return call(file, { method: 'GET', path: '/v1/audit-records', query }, AuditRecords);
}

export const auditPages = (file: string): AuditPages => ({
  after: (number) => listAuditRecords(file, { limit: String(PAGE), after: String(number) }),
});

const elementPath = (name: string): string => `/v1/secure-elements/${encodeURIComponent(name)}`;

export const showSecureElement = (file: string, name: string): Promise<SecureElement> =>
  call(file, { method: 'GET', path: elementPath(name) }, SecureElement);

export const seenRegistry = (file: string, name: string): Promise<SeenRegistry> =>
  call(file, { method: 'GET', path: `${elementPath(name)}/registry` }, SeenRegistry);

/** What one node of the front sees, or why it says nothing. */
export interface FrontView {
  readonly address: string;
  readonly nodes: readonly PoolNode[];
  readonly error?: TransportError;
}

/** Every node of the front has a view of its own, so each is asked. */
export async function listPoolNodes(file: string): Promise<FrontView[]> {
  const { platform, tls } = await readConfig(file, OperatorConfig);
  const identity = await LiveTls.open(tls);
  return Promise.all(
    platform.url.split(' ').map(async (address): Promise<FrontView> => {
      await using client = new RestClient({ baseUrl: address, tls: identity, expectedPeer: platform });
      try {
        return { address, nodes: await client.call({ method: 'GET', path: '/v1/nodes', response: PoolNodes }) };
      } catch (error) {
        if (error instanceof TransportError) return { address, nodes: [], error };
        throw error;
      }
    }),
  );
}

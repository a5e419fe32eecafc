// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { LossReports, Services, TopUps } from '../../service/front/ports.ts';
import { LossReport, LossReportEntry, TopUpState } from '../../wire/message/platform.ts';
import { CheckResult, Instance, Instances, Process } from '../../wire/message/service-instance.ts';
import type { Caller } from '../node-pool.ts';

/** Calls that may safely run twice: each carries the operation's own key. */
const RETRIES = 3;
const ANSWER_MS = 15_000;

/** A `provider` daemon, for the front. */
export function topUpsClient(client: Caller): TopUps {
  const path = '/v1/top-ups';
  return {
    start: (idempotencyKey, body) =>
      client.call({ method: 'POST', path, idempotencyKey, body, response: TopUpState, retries: RETRIES }),
    state: (id, { waitMs, afterStep }) =>
      client.call({
        method: 'GET',
        path: `${path}/${encodeURIComponent(id)}`,
        query: { waitMs, afterStep },
        response: TopUpState,
        timeoutMs: waitMs + ANSWER_MS,
        retries: RETRIES,
      }),
  };
}

/** The `issuer` daemon, for the front. */
export function lossReportsClient(client: Caller): LossReports {
  const path = '/v1/loss-reports';
  const one = (id: string) => `${path}/${encodeURIComponent(id)}`;
  return {
    report: (idempotencyKey, body) =>
      client.call({ method: 'POST', path, idempotencyKey, body, response: LossReport, retries: RETRIES }),
    state: (id) => client.call({ method: 'GET', path: one(id), response: LossReport, retries: RETRIES }),
    open: ({ kind, value }) =>
      client.call({
        method: 'GET',
        path,
        query: { card: `${kind}:${value}`, state: 'open', limit: '500' },
        retries: RETRIES,
        response: Type.Array(LossReportEntry),
      }),
    close: async (id) => {
      await client.call({ method: 'DELETE', path: one(id), retries: RETRIES });
    },
  };
}

/** A `provider` daemon's service instances, for the front. */
export function servicesClient(client: Caller): Services {
  const path = '/v1/service-instances';
  const one = (id: string) => `${path}/${encodeURIComponent(id)}`;
  const post = { method: 'POST', retries: RETRIES } as const;
  const get = { method: 'GET', retries: RETRIES } as const;
  return {
    contact: async (cardId) => {
      await client.call({ ...post, path: '/v1/card-contacts', body: { cardId } });
    },
    create: (body) => client.call({ ...post, path, body, response: Instance }),
    find: (body) => client.call({ ...post, path: `${path}/find`, body, response: Instances }),
    checkDeployment: (body) => client.call({ ...post, path: '/v1/deployment-checks', body, response: CheckResult }),
    get: (id) => client.call({ ...get, path: one(id), response: Instance }),
    checkUpdate: (id, version) =>
      client.call({ ...get, path: `${one(id)}/update-check`, query: { version }, response: CheckResult }),
    start: (idempotencyKey, id, body) =>
      client.call({ ...post, path: `${one(id)}/processes`, idempotencyKey, body, response: Process }),
    process: (id, { waitMs, afterStep }) =>
      client.call({
        ...get,
        path: `/v1/processes/${encodeURIComponent(id)}`,
        query: { waitMs, afterStep },
        response: Process,
        timeoutMs: waitMs + ANSWER_MS,
      }),
  };
}

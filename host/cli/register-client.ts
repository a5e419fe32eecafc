// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { type Static, type TSchema, Type } from 'typebox';
import { Check } from 'typebox/value';
import { readConfig } from '../daemon/config.ts';
import { LiveTls } from '../daemon/live-tls.ts';
import { UsageError } from '../errors.ts';
import { RestClient } from '../rest/client.ts';
import { CardId } from '../wire/message/common.ts';
import { EndedTokens } from '../wire/message/content-change.ts';
import { RouteExplanation, Routes, type StartAction } from '../wire/message/front.ts';
import { ProviderRegistration, RegisteredProvider } from '../wire/message/operator.ts';
import { CardProduct, Load, LossReport, LossReportEntry, RegisteredProduct } from '../wire/message/platform.ts';
import { type MoveSecureElement, SecureElement, SecureElementState } from '../wire/message/secure-elements.ts';
import { OperatorConfig } from './flow-client.ts';

/** What operators read and write in the registers of issuer, provider and front. */

interface Call<S extends TSchema> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: object;
  readonly idempotencyKey?: string;
  readonly response?: S;
}

async function call<S extends TSchema>(file: string, what: Call<S>): Promise<Static<S>> {
  const { platform, tls } = await readConfig(file, OperatorConfig);
  await using client = new RestClient({ baseUrl: platform.url, tls: await LiveTls.open(tls), expectedPeer: platform });
  return await client.call(what);
}

const part = encodeURIComponent;
const LOSS_REPORTS = '/v1/loss-reports';

/** @param text `iccid:8986..`, `iin-cin:..` or `cplc:..` @throws UsageError */
function cardIdOf(text: string): CardId {
  const at = text.indexOf(':');
  const card = { kind: text.slice(0, at), value: text.slice(at + 1).toUpperCase() };
  if (Check(CardId, card)) return card;
  throw new UsageError('card-name', `${text} names no card: want iccid:8986.., iin-cin:.. or cplc:..`);
}

export async function moveSecureElement(
  file: string,
  name: string,
  state: string,
  more: { readonly replacedBy?: string; readonly reason?: string },
): Promise<SecureElement> {
  const to = state.toUpperCase();
  if (!Check(SecureElementState, to))
    throw new UsageError('secure-element-state', `${state} is no state: want active, blocked, replaced or retired`);
  const body: MoveSecureElement = {
    state: to,
    ...(more.replacedBy === undefined ? {} : { replacedBy: cardIdOf(more.replacedBy) }),
    ...(more.reason === undefined ? {} : { reason: more.reason }),
  };
  return call(file, { method: 'POST', path: `/v1/secure-elements/${part(name)}/state`, body, response: SecureElement });
}

/** @param card `iccid:8986..`, whose token key is another one now */
export async function endContentTokens(file: string, card: string, reason: string): Promise<EndedTokens> {
  const { kind, value } = cardIdOf(card);
  const path = `/v1/cards/${part(kind)}/${part(value)}/content-tokens/end`;
  return call(file, { method: 'POST', path, body: { reason }, response: EndedTokens });
}

export async function openLossReport(
  file: string,
  card: string,
  { products, reason, request = randomUUID() }: { products?: string[]; reason: string; request?: string },
): Promise<LossReport> {
  const productIds = products === undefined ? {} : { productIds: products };
  const body = { cardId: cardIdOf(card), ...productIds, reason, reportedBy: 'operator' };
  return call(file, { method: 'POST', path: LOSS_REPORTS, body, idempotencyKey: request, response: LossReport });
}

export const closeLossReport = (file: string, id: string) =>
  call(file, { method: 'DELETE', path: `${LOSS_REPORTS}/${part(id)}` });

export async function listLossReports(
  file: string,
  { card, ...query }: { card?: string; state?: string; limit: string; after?: string },
): Promise<LossReportEntry[]> {
  const { kind, value } = card === undefined ? {} : cardIdOf(card);
  const named = kind === undefined ? {} : { card: `${kind}:${value}` };
  return call(file, {
    method: 'GET',
    path: LOSS_REPORTS,
    query: { ...query, ...named },
    response: Type.Array(LossReportEntry),
  });
}

export const listLoads = (file: string, query: Call<TSchema>['query'] = {}) =>
  call(file, { method: 'GET', path: '/v1/loads', query, response: Type.Array(Load) });

export const listProducts = (file: string, query: Call<TSchema>['query'] = {}) =>
  call(file, { method: 'GET', path: '/v1/products', query, response: Type.Array(RegisteredProduct) });

export async function productsOnCard(file: string, card: string): Promise<CardProduct[]> {
  const { kind, value } = cardIdOf(card);
  return call(file, { method: 'GET', path: `/v1/cards/${kind}/${value}/products`, response: Type.Array(CardProduct) });
}

export const putProduct = (file: string, productId: string, providerId: string) =>
  call(file, { method: 'PUT', path: `/v1/products/${part(productId)}`, body: { providerId } });

export const listProviders = (file: string) =>
  call(file, { method: 'GET', path: '/v1/providers', response: Type.Array(RegisteredProvider) });

/** @throws UsageError for what is no registration */
export async function putProvider(file: string, providerId: string, registration: object): Promise<void> {
  if (!Check(ProviderRegistration, registration))
    throw new UsageError('provider-registration', 'Want an https address, permissions and AIDs as the issuer has them');
  await call(file, { method: 'PUT', path: `/v1/providers/${part(providerId)}`, body: registration });
}

export const listRoutes = (file: string) => call(file, { method: 'GET', path: '/v1/routes', response: Routes });

export const explainRoute = (file: string, body: StartAction) =>
  call(file, { method: 'POST', path: '/ext/1/routes/explain', body, response: RouteExplanation });

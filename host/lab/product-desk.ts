// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import { TransportError } from '../errors.ts';
import { peerUri } from '../rest/identity.ts';
import { requestIdOf } from '../store/request-log.ts';
import type { CardId } from '../wire/message/common.ts';
import {
  DeploymentState,
  Ledger,
  LossReport,
  ServiceInstance,
  type StartTopUp,
  TopUpState,
} from '../wire/message/platform.ts';
import type { Platforms } from './platforms.ts';
import { TERMINAL_ID } from './platforms.ts';

/** A product of one provider, as an operator with its certificates uses it. */

const POLL_MS = 20_000;
const FLOW_MS = 300_000;
const SYNCHRONISATION_MS = 60_000;

export const PRODUCT_ID = 'transit';
export const PURSE_AID = 'F06F70656E74736D5001';

export interface CardAtReader {
  readonly cardId: CardId;
  readonly readerName: string;
}

export class ProductDesk {
  readonly #platforms: Platforms;
  readonly #provider: string;

  constructor(platforms: Platforms, provider: string) {
    this.#platforms = platforms;
    this.#provider = provider;
  }

  /** Fields of the provider's config for the purse of this CAP file. */
  static config(cap: string) {
    return { products: [{ productId: PRODUCT_ID, cap, instanceAid: PURSE_AID }] };
  }

  /** Tells the issuer whose product it is. */
  async register(): Promise<void> {
    const issuer = await this.#platforms.client('issuer');
    await issuer.call({ method: 'PUT', path: `/v1/products/${PRODUCT_ID}`, body: { providerId: this.#provider } });
  }

  async deploy({ readerName }: Pick<CardAtReader, 'readerName'>, key: string = randomUUID()): Promise<DeploymentState> {
    const body = { productId: PRODUCT_ID, terminalId: TERMINAL_ID, readerName };
    return this.#follow('/v1/deployments', key, body, DeploymentState);
  }

  /** @param amount cents; 0 settles and reads the purse */
  async topUp({ cardId, readerName }: CardAtReader, amount: number, key: string = randomUUID()): Promise<TopUpState> {
    const body: StartTopUp = { productId: PRODUCT_ID, cardId, amount, terminalId: TERMINAL_ID, readerName };
    return this.#follow('/v1/top-ups', key, body, TopUpState);
  }

  /** Steps of a top-up that the front has begun for a phone. @param processId of the action */
  async stepsOf(processId: string): Promise<TopUpState['steps']> {
    const provider = await this.#platforms.client(this.#daemon);
    const id = requestIdOf(peerUri(this.#platforms.topology.peer('front')), processId);
    const { steps } = await provider.call({ method: 'GET', path: `/v1/top-ups/${id}`, response: TopUpState });
    return steps;
  }

  /** The product's instance on this card, whatever services are on it too. */
  async instance(cardId: CardId): Promise<ServiceInstance | undefined> {
    const provider = await this.#platforms.client(this.#daemon);
    const request = { method: 'GET', path: '/v1/service-instances', response: Type.Array(ServiceInstance) } as const;
    const rows = await provider.call(request);
    return rows.find((row) => row.productId === PRODUCT_ID && row.cardId.value === cardId.value);
  }

  /** Reads the purse and compares it with what was booked. */
  async ledger(card: CardAtReader, serial: string): Promise<Ledger> {
    await this.topUp(card, 0);
    const provider = await this.#platforms.client(this.#daemon);
    return provider.call({ method: 'GET', path: `/v1/ledger/${serial}`, response: Ledger });
  }

  async reportLoss(cardId: CardId, key: string = randomUUID()): Promise<LossReport> {
    const issuer = await this.#platforms.client('issuer');
    const body = { cardId, reason: 'lost', reportedBy: 'user' };
    const request = {
      method: 'POST',
      path: '/v1/loss-reports',
      idempotencyKey: key,
      body,
      response: LossReport,
    } as const;
    return issuer.call({ ...request, retries: 30 });
  }

  async found(reportId: string): Promise<void> {
    const issuer = await this.#platforms.client('issuer');
    await issuer.call({ method: 'DELETE', path: `/v1/loss-reports/${reportId}` });
  }

  /** Waits until the provider has taken over what this report changed. @throws TransportError */
  async synchronised(reportId: string): Promise<void> {
    const issuer = await this.#platforms.client('issuer');
    const deadline = Date.now() + SYNCHRONISATION_MS;
    const request = { method: 'GET', path: `/v1/loss-reports/${reportId}`, response: LossReport } as const;
    while (!(await issuer.call({ ...request, retries: 30 })).synchronised) {
      if (Date.now() > deadline)
        throw new TransportError('not-synchronised', 'The provider does not take the change over');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  get #daemon(): string {
    return `provider-${this.#provider}`;
  }

  async #follow<S extends typeof DeploymentState | typeof TopUpState>(
    path: string,
    key: string,
    body: object,
    response: S,
  ) {
    const provider = await this.#platforms.client(this.#daemon);
    const deadline = Date.now() + FLOW_MS;
    let state = await provider.call({ method: 'POST', path, idempotencyKey: key, body, response, retries: 30 });
    while (state.state === 'running') {
      if (Date.now() > deadline) throw new TransportError('flow-time', `${path} does not end`);
      const query = { waitMs: POLL_MS, afterStep: state.steps.length };
      const poll = { method: 'GET', path: `${path}/${state.id}`, query, response } as const;
      state = await provider.call({ ...poll, timeoutMs: POLL_MS + 15_000, retries: 30 });
    }
    return state;
  }
}

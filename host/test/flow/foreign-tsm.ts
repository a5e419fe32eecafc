// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { Type } from 'typebox';
import { cardInPhone } from '../../lab/card-in-phone.ts';
import type { Platforms } from '../../lab/platforms.ts';
import type { InsertedCard } from '../../lab/single-provider-lab.ts';
import { developmentSsdAid } from '../../local/topology-plan.ts';
import type { RestApp } from '../../rest/app.ts';
import type { RestClient } from '../../rest/client.ts';
import { createRestServer } from '../../rest/server.ts';
import { runScript } from '../../transport/script-runner.ts';
import { type CardCommand, type CardResponse, ExchangeResult } from '../../wire/message/card-script.ts';
import type { CardId } from '../../wire/message/common.ts';
import { RelayExchange } from '../../wire/message/key-distribution.ts';
import {
  type ApduExchange,
  ApduExchangeResult,
  type CreateSecurityDomain,
  KeyBlob,
  SecurityDomainResource,
} from '../../wire/message/security-domain-resource.ts';

const DOMAINS = '/ext/1/security-domains';
const RELAY = 'a-relay-of-the-foreign-tsm';

type Between = { answers?: (commands: readonly CardCommand[], responses: CardResponse[]) => CardResponse[] };

/** A TSM that is not ours: nothing but a certificate, an address, and a card in its hand. */
export class ForeignTsm implements AsyncDisposable {
  readonly id: string;
  readonly ssdAid: string;
  readonly issuer: RestClient;
  readonly #app: RestApp;
  /** What it makes of the card's answers on their way to the issuer. */
  readonly between: Between;

  private constructor(id: string, issuer: RestClient, app: RestApp, between: Between) {
    this.between = between;
    this.id = id;
    this.ssdAid = developmentSsdAid(id);
    this.issuer = issuer;
    this.#app = app;
  }

  /** @param permissions what the issuer's operator registers for it */
  static async start(platforms: Platforms, id: string, card: InsertedCard['card'], permissions: readonly string[]) {
    const self = { role: 'provider', id } as const;
    const { topology } = platforms;
    const channel = await cardInPhone(card)();
    const between: Between = {};
    const app = await createRestServer({
      self,
      version: '0.0.0',
      tls: await topology.pki.identity(self),
      logger: pino({ level: 'silent' }),
      routes: (own) => {
        own.post(
          '/v1/card-relays/:relayId/exchange',
          {
            config: { access: ['issuer'] },
            schema: {
              params: Type.Object({ relayId: Type.Literal(RELAY) }, { additionalProperties: false }),
              body: RelayExchange,
              response: { 200: ExchangeResult },
            },
          },
          async ({ body }) => {
            const {
              responses: told,
              stopped,
              failure,
              apdus,
              bytesOut,
              bytesIn,
            } = await runScript(channel, body.commands);
            if (failure !== undefined) throw failure;
            const responses = between.answers?.(body.commands, [...told]) ?? told;
            return { responses, stopped, cost: { roundTrips: 1, ms: 0, apdus, bytesOut, bytesIn } };
          },
        );
      },
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    const body = { baseUrl: `https://127.0.0.1:${port}`, permissions, aids: [developmentSsdAid(id)] };
    const operator = await platforms.client('issuer');
    await operator.call({ method: 'PUT', path: `/v1/providers/${id}`, body });
    return new ForeignTsm(id, await topology.client(self, 'issuer'), app, between);
  }

  /** Asks for its domain on this card; 1024 bits. */
  ask(card: CardId, more: Partial<CreateSecurityDomain>, key: string = randomUUID()): Promise<SecurityDomainResource> {
    const trustPoint = {
      holderReference: '11'.repeat(16),
      publicKey: { modulus: 'C1'.repeat(128), exponent: '010001' },
    };
    const body: CreateSecurityDomain = {
      secureElement: { type: 'ICCID', value: card.value },
      sdAid: this.ssdAid,
      keyProvisioning: {
        mode: 'CASD_PULL',
        keySizeBits: 1024,
        trustPoint,
        applicationProviderId: '22'.repeat(16),
      },
      transport: { kind: 'relay', relayId: RELAY },
      ...more,
    };
    const call = { method: 'POST', path: DOMAINS, body, idempotencyKey: key } as const;
    return this.issuer.call({ ...call, response: SecurityDomainResource });
  }

  look(id: string): Promise<SecurityDomainResource> {
    const query = { waitMs: 20_000 };
    return this.issuer.call({ method: 'GET', path: `${DOMAINS}/${id}`, query, response: SecurityDomainResource });
  }

  /** Looks until nothing is under way: the domain is made, or gone, or neither will come. */
  async settled(id: string): Promise<SecurityDomainResource> {
    for (;;) {
      const domain = await this.look(id);
      const moves = ['REQUESTED', 'REACHING'].includes(domain.state) || domain.deletion?.state === 'running';
      if (!moves) return domain;
    }
  }

  remove(id: string): Promise<SecurityDomainResource> {
    return this.issuer.call({ method: 'DELETE', path: `${DOMAINS}/${id}`, response: SecurityDomainResource });
  }

  exchange(id: string, body: ApduExchange): Promise<ApduExchangeResult> {
    const path = `${DOMAINS}/${id}/apdu-exchanges`;
    return this.issuer.call({ method: 'POST', path, body, response: ApduExchangeResult });
  }

  keyBlob(id: string): Promise<KeyBlob> {
    return this.issuer.call({ method: 'GET', path: `${DOMAINS}/${id}/key-blob`, response: KeyBlob });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#app.server.closeAllConnections();
    await this.#app.close();
  }
}

// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Type } from 'typebox';
import { Check, Errors } from 'typebox/value';
import { readConfig } from '../daemon/config.ts';
import { LiveTls } from '../daemon/live-tls.ts';
import { UsageError } from '../errors.ts';
import { RestClient } from '../rest/client.ts';
import { Campaign, QueuedPacket, StartCampaign } from '../wire/message/campaign.ts';
import { OperatorConfig } from './flow-client.ts';

const PAGE = 200;
const RETRIES = 5;
const Campaigns = Type.Array(Campaign);
const Packets = Type.Array(QueuedPacket);

/** Campaigns of an OTA server, for an operator. */
export class CampaignClient implements AsyncDisposable {
  readonly #rest: RestClient;

  private constructor(rest: RestClient) {
    this.#rest = rest;
  }

  static async open(configFile: string): Promise<CampaignClient> {
    const { platform, tls } = await readConfig(configFile, OperatorConfig);
    return new CampaignClient(
      new RestClient({ baseUrl: platform.url, tls: await LiveTls.open(tls), expectedPeer: platform }),
    );
  }

  /**
   * Starts the campaign that a file describes; once for each `request`.
   *
   * @throws UsageError for a file that is no campaign, with the field that is wrong
   */
  async create(file: string, request: string = randomUUID()): Promise<Campaign> {
    const body = await readCampaign(file);
    const call = { method: 'POST', path: '/v1/campaigns', body, response: Campaign, retries: RETRIES } as const;
    return await this.#rest.call({ ...call, idempotencyKey: request });
  }

  list(): Promise<readonly Campaign[]> {
    return this.#rest.call({ method: 'GET', path: '/v1/campaigns', response: Campaigns });
  }

  find(id: string): Promise<Campaign> {
    return this.#rest.call({ method: 'GET', path: pathOf(id), response: Campaign });
  }

  async *packets(id: string): AsyncGenerator<QueuedPacket> {
    for (let after: string | undefined; ; ) {
      const query = { limit: String(PAGE), after };
      const page = await this.#rest.call({ method: 'GET', path: `${pathOf(id)}/packets`, query, response: Packets });
      yield* page;
      after = page.at(-1)?.id;
      if (page.length < PAGE) return;
    }
  }

  change(id: string, verb: 'pause' | 'resume' | 'cancel'): Promise<Campaign> {
    return this.#rest.call({ method: 'POST', path: `${pathOf(id)}/${verb}`, response: Campaign });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rest.close();
  }
}

const pathOf = (id: string): string => `/v1/campaigns/${encodeURIComponent(id)}`;

async function readCampaign(file: string): Promise<StartCampaign> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UsageError('campaign-file', `${file}: ${error.message}`, {}, error);
  });
  const found = parsed(file, text);
  if (Check(StartCampaign, found)) return found;
  const [fault] = Errors(StartCampaign, found);
  const where = fault?.instancePath === undefined || fault.instancePath === '' ? 'the file' : fault.instancePath;
  throw new UsageError('campaign-file', `${file}: ${where} ${fault?.message ?? 'is no campaign'}`);
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError('campaign-file', `${file}: not JSON: ${(error as Error).message}`, {}, error);
  }
}

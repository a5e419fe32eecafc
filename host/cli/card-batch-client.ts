// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { readConfig } from '../daemon/config.ts';
import { LiveTls } from '../daemon/live-tls.ts';
import { RestClient } from '../rest/client.ts';
import { CardBatch, CardBatchFault, type CardBatchRow, type StartCardBatch } from '../wire/message/card-batches.ts';
import { type BatchFormat, readBatchFile } from './card-batch-file.ts';
import { OperatorConfig } from './flow-client.ts';

/** Rows in one request, and requests under way at a time: what bounds the memory of both sides. */
const PART = 250;
const PARTS = 3;
/** Parts may come twice. */
const RETRIES = 5;

export type ImportRequest = StartCardBatch & { readonly file: string; readonly format: BatchFormat };

/** The issuer's batches, for an operator. */
export class CardBatchClient implements AsyncDisposable {
  readonly #rest: RestClient;

  private constructor(rest: RestClient) {
    this.#rest = rest;
  }

  static async open(configFile: string): Promise<CardBatchClient> {
    const { platform, tls } = await readConfig(configFile, OperatorConfig);
    return new CardBatchClient(
      new RestClient({
        baseUrl: platform.url,
        tls: await LiveTls.open(tls),
        expectedPeer: platform,
        timeoutMs: 120_000,
      }),
    );
  }

  /**
   * Sends a whole file and has it decided on.
   *
   * @param progress gets the number of rows that were taken
   * @throws UsageError for a file that cannot be read; the batch is then cancelled
   */
  async import(request: ImportRequest, progress: (rows: number) => void): Promise<CardBatch> {
    const { file, format, ...batch } = request;
    await this.#call('POST', '', batch, CardBatch);
    try {
      const rows = await this.#send(batch.batchId, readBatchFile(file, format), progress);
      return await this.#call('POST', `/${batch.batchId}/commit`, { rows }, CardBatch);
    } catch (error) {
      // A batch that is half here helps nobody; when the issuer is away, it stays for an operator.
      await this.cancel(batch.batchId).catch(() => {});
      throw error;
    }
  }

  async #send(batchId: string, rows: AsyncIterable<CardBatchRow>, progress: (rows: number) => void): Promise<number> {
    const under = new Set<Promise<void>>();
    let sent = 0;
    let taken = 0;
    let part: CardBatchRow[] = [];
    const flush = async () => {
      const full = part;
      part = [];
      if (full.length === 0) return;
      const work = this.#call('POST', `/${batchId}/rows`, { rows: full }).then(() => {
        taken += full.length;
        progress(taken);
        under.delete(work);
      });
      under.add(work);
      // One that failed ends the import here or at the end.
      if (under.size >= PARTS) await Promise.race(under);
    };
    try {
      for await (const row of rows) {
        part.push(row);
        sent += 1;
        if (part.length >= PART) await flush();
      }
      await flush();
      await Promise.all(under);
    } finally {
      await Promise.allSettled(under);
    }
    return sent;
  }

  find(batchId: string): Promise<CardBatch> {
    return this.#call('GET', `/${encodeURIComponent(batchId)}`, undefined, CardBatch);
  }

  faults(batchId: string, after: number): Promise<Static<typeof Faults>> {
    const query = `?limit=500&after=${after}`;
    return this.#call('GET', `/${encodeURIComponent(batchId)}/faults${query}`, undefined, Faults);
  }

  async cancel(batchId: string): Promise<void> {
    await this.#call('DELETE', `/${encodeURIComponent(batchId)}`);
  }

  async #call<S extends typeof CardBatch | typeof Faults>(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
    response?: S,
  ): Promise<Static<S>> {
    return this.#rest.call({
      method,
      path: `/v1/card-batches${path}`,
      retries: RETRIES,
      ...(body === undefined ? {} : { body }),
      ...(response === undefined ? {} : { response }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rest.close();
  }
}

const Faults = Type.Array(CardBatchFault);

// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { type Static, type TSchema, Type } from 'typebox';
import { readConfig } from '../../daemon/config.ts';
import { LiveTls } from '../../daemon/live-tls.ts';
import { UsageError } from '../../errors.ts';
import { RestClient } from '../../rest/client.ts';
import * as message from '../../wire/message/managed-keys.ts';
import { OperatorConfig } from '../flow-client.ts';

/** Keys with a life cycle, as an operator of the KMS. @param config the operator's: platform is the KMS, and tls */
export class KeyClient {
  readonly #config: string;

  constructor(config: string) {
    this.#config = config;
  }

  list = () => this.#call('GET', '/v1/managed-keys', Type.Array(message.ManagedKey));
  show = (label: string) => this.#call('GET', `/v1/managed-keys/${encodeURIComponent(label)}`, message.ManagedKey);
  move = (label: string, act: 'activate' | 'suspend' | 'rotate') =>
    this.#call('POST', `/v1/managed-keys/${encodeURIComponent(label)}/${act}`, message.ManagedKey);
  waiting = () => this.#call('GET', '/v1/key-approvals', Type.Array(message.KeyApproval));
  ask = (request: message.KeyApprovalRequest) => this.#call('POST', '/v1/key-approvals', message.KeyApproval, request);
  approve = (id: string) =>
    this.#call('POST', `/v1/key-approvals/${encodeURIComponent(id)}/approve`, message.ApprovedAct);

  /** What came from the command line is looked at by the KMS, which names the field that is wrong. */
  generate = (attributes: Readonly<Record<string, unknown>>) =>
    this.#call('POST', '/v1/managed-keys', message.ManagedKey, attributes);

  async import(request: Omit<message.KeyImport, 'keyBlock'>, file: string): Promise<message.ManagedKey> {
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new UsageError('key-block-file', `cannot read ${file} (${error.code}): name a file with one TR-31 block`);
    });
    return this.#call('POST', '/v1/key-imports', message.ManagedKey, { ...request, keyBlock: text.trim() });
  }

  async #call<S extends TSchema>(
    method: 'GET' | 'POST',
    path: string,
    response: S,
    body?: unknown,
  ): Promise<Static<S>> {
    const { platform, tls } = await readConfig(this.#config, OperatorConfig);
    await using client = new RestClient({
      baseUrl: platform.url,
      tls: await LiveTls.open(tls),
      expectedPeer: platform,
    });
    return await client.call({ method, path, response, ...(body === undefined ? {} : { body }) });
  }
}

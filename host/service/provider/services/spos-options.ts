// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { NotFoundError } from '../../../errors.ts';
import type { ProviderTables } from '../../../store/provider/schema.ts';
import { findSposOptions, putSposOptions } from '../../../store/provider/spos-notices.ts';

/** Which operation numbers beyond the guideline's the server of a service provider wants to hear. */
export class SposOptions {
  readonly #database: Kysely<ProviderTables>;

  constructor(database: Kysely<ProviderTables>) {
    this.#database = database;
  }

  /** @throws NotFoundError `spos-config-unknown`, for another provider's too */
  async get(spId: string, configId: string): Promise<number[]> {
    const operations = await findSposOptions(this.#database, { spId, configId });
    if (operations === undefined) throw unknown();
    return operations;
  }

  /** @throws NotFoundError `spos-config-unknown` */
  async put(spId: string, configId: string, operations: readonly number[]): Promise<void> {
    if (!(await putSposOptions(this.#database, { spId, configId, operations: [...operations] }))) throw unknown();
  }
}

const unknown = () => new NotFoundError('spos-config-unknown', 'You have no SposConfig of this id');

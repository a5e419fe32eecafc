import type { Kysely } from 'kysely';
import { NotFoundError } from '../../errors.ts';
import { findProvider, type Provider, putProvider } from '../../store/issuer/providers.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';

/** Application provider management: who the providers are and what each may do. */
export class Providers {
  readonly #database: Kysely<IssuerTables>;

  constructor(database: Kysely<IssuerTables>) {
    this.#database = database;
  }

  async put(provider: Provider): Promise<void> {
    await putProvider(this.#database, provider);
  }

  /** @throws NotFoundError */
  async get(providerId: string): Promise<Provider> {
    const provider = await findProvider(this.#database, providerId);
    if (provider === undefined) throw new NotFoundError('provider-unknown', 'The issuer does not know this provider');
    return provider;
  }
}

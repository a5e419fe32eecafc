// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { NotFoundError } from '../../errors.ts';
import { type AuditLog, audited } from '../../store/audit-log.ts';
import { findProvider, listProviders, type Provider, putProvider } from '../../store/issuer/providers.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';

/** Application provider management: who the providers are and what each may do. */
export class Providers {
  readonly #database: Kysely<IssuerTables>;
  readonly #auditLog: AuditLog;

  constructor(database: Kysely<IssuerTables>, auditLog: AuditLog) {
    this.#database = database;
    this.#auditLog = auditLog;
  }

  /** @param caller URI name of the operator @throws ConflictError `aid-taken` */
  async put(provider: Provider, caller: string): Promise<void> {
    const { providerId, baseUrl, permissions, aids } = provider;
    const before = await findProvider(this.#database, providerId);
    const change = {
      act: 'register provider',
      subject: providerId,
      workflowId: '',
      numeral: '',
      details: {
        operator: caller,
        baseUrl,
        permissions: permissions.join(' '),
        aids: aids.join(' '),
        permissionsBefore: before?.permissions.join(' ') ?? '',
        aidsBefore: before?.aids.join(' ') ?? '',
      },
    };
    await audited(this.#auditLog, change, () => putProvider(this.#database, provider));
  }

  list(): Promise<Provider[]> {
    return listProviders(this.#database);
  }

  /** @throws NotFoundError */
  async get(providerId: string): Promise<Provider> {
    const provider = await findProvider(this.#database, providerId);
    if (provider === undefined) throw new NotFoundError('provider-unknown', 'The issuer does not know this provider');
    return provider;
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { Gauge, type Registry } from 'prom-client';
import { listWaiting } from '../store/issuer/outbox.ts';
import type { IssuerTables } from '../store/issuer/schema.ts';

/** Changes of products that their providers have not taken yet, for monitoring. */
export function outboxGauges(database: Kysely<IssuerTables>, metrics: Registry): void {
  const registers = [metrics];
  const labelNames = ['provider'] as const;
  const seconds = new Gauge({
    name: 'opentsm_state_changes_wait_seconds',
    help: 'how long the oldest change of a product has waited for its provider',
    labelNames,
    registers,
  });
  new Gauge({
    name: 'opentsm_state_changes_waiting',
    help: 'changes of products that wait for their provider',
    labelNames,
    registers,
    async collect() {
      // A database that is away fails no look at the other values.
      const rows = await listWaiting(database).catch(() => []);
      this.reset();
      seconds.reset();
      for (const row of rows) {
        this.set({ provider: row.providerId }, row.waiting);
        seconds.set({ provider: row.providerId }, row.seconds);
      }
    },
  });
}

// SPDX-License-Identifier: Apache-2.0
import { Gauge, type Registry } from 'prom-client';
import type { PoolCounts } from '../store/database.ts';

/** Connections to the database: `waiting` above 0 for long means that the pool is too small. */
export function poolGauge(pool: PoolCounts, metrics: Registry): void {
  new Gauge({
    name: 'opentsm_database_connections',
    help: 'connections of the pool that are idle or busy, and calls that wait for one',
    labelNames: ['state'],
    registers: [metrics],
    collect() {
      this.set({ state: 'idle' }, pool.idleCount);
      this.set({ state: 'busy' }, pool.totalCount - pool.idleCount);
      this.set({ state: 'waiting' }, pool.waitingCount);
    },
  });
}

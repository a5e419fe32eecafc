// SPDX-License-Identifier: Apache-2.0
import { Counter, Gauge, type Registry } from 'prom-client';
import type { PoolNode } from '../wire/message/front.ts';

/** The nodes behind, for monitoring: label `state` has the value 1 for the state that a node is in. */
export function nodeGauges(nodes: () => readonly PoolNode[], metrics: Registry): void {
  const registers = [metrics];
  new Gauge({
    name: 'opentsm_front_node_state',
    help: 'state of a node behind: starting, up, draining, suspect or down',
    labelNames: ['pool', 'node', 'state'],
    registers,
    collect() {
      this.reset();
      for (const { pool, address, state } of nodes()) this.set({ pool, node: address, state }, 1);
    },
  });
  new Gauge({
    name: 'opentsm_front_node_outstanding',
    help: 'calls that wait for the answer of a node',
    labelNames: ['pool', 'node'],
    registers,
    collect() {
      for (const { pool, address, outstanding } of nodes()) this.set({ pool, node: address }, outstanding);
    },
  });
  new Counter({
    name: 'opentsm_front_node_calls_total',
    help: 'calls to a node, by result: answered, or failed by the node',
    labelNames: ['pool', 'node', 'result'],
    registers,
    collect() {
      this.reset();
      for (const { pool, address, calls, failures, outstanding } of nodes()) {
        this.inc({ pool, node: address, result: 'failed' }, failures);
        this.inc({ pool, node: address, result: 'answered' }, calls - failures - outstanding);
      }
    },
  });
}

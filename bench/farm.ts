// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { numbered } from '../simulator/src/commands/farm.ts';
import { readCardImage, type SimulatorLoad, startSimulator } from '../simulator/src/index.ts';

/** Cards that are made before one begins to count: classes and tables that all cards share come with them. */
const BEFORE = 20;

export interface FarmCost {
  readonly cards: number;
  readonly cardsPerSecond: number;
  /** Memory that one idle card more costs, heap and classes, in KiB. */
  readonly heapKiB: number;
  readonly classKiB: number;
}

/**
 * Cards with an issuer's domain and one supplementary domain in one process.
 * @param awake so many stay ready; the others sleep
 */
export async function farmCost(cards: number, awake = 0): Promise<FarmCost> {
  const stateDir = await mkdtemp(join(tmpdir(), 'opentsm-farm-'));
  try {
    const { image } = await readCardImage('gp');
    const keySets = image.isd?.keySets ?? [];
    const withDomain = { ...image, ssds: [{ aid: 'F04F50454E54534D01', keySets }] };
    await using simulator = await startSimulator({ stateDir, awake });
    const idle = async (): Promise<SimulatorLoad> => {
      for (;;) {
        const load = await simulator.load();
        if (load.awake <= awake) return load;
        await delay(100);
      }
    };
    for (let number = 1; number <= BEFORE; number += 1) await simulator.insert(numbered(withDomain, number));
    const before = await idle();
    const start = performance.now();
    for (let number = 1; number <= cards; number += 1) await simulator.insert(numbered(withDomain, BEFORE + number));
    const seconds = (performance.now() - start) / 1000;
    const after = await idle();
    const each = (pick: (load: SimulatorLoad) => number): number => (pick(after) - pick(before)) / cards / 1024;
    return {
      cards,
      cardsPerSecond: cards / seconds,
      heapKiB: each(({ heapBytes }) => heapBytes),
      classKiB: each(({ classBytes }) => classBytes),
    };
  } finally {
    await rm(stateDir, { recursive: true });
  }
}

// SPDX-License-Identifier: Apache-2.0
import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { SingleProviderLab } from '../../lab/single-provider-lab.ts';

/** Scripts that have reached a card, by the OTA server's record. */
export async function scriptsSoFar(lab: SingleProviderLab): Promise<number> {
  const text = await readFile(lab.platforms.trafficFile, 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '').length;
}

/** Waits until the record holds so many scripts. */
export async function afterScripts(lab: SingleProviderLab, scripts: number): Promise<void> {
  const file = lab.platforms.trafficFile;
  if ((await scriptsSoFar(lab)) >= scripts) return;
  const { promise: reached, resolve, reject } = Promise.withResolvers<void>();
  const look = () =>
    void scriptsSoFar(lab).then((found) => {
      if (found >= scripts) resolve();
    }, reject);
  // Others may wait for the same file; what came before it was watched is seen now.
  watchFile(file, { interval: 5 }, look);
  look();
  try {
    await reached;
  } finally {
    unwatchFile(file, look);
  }
}

import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Stage } from '../../demo/stage.ts';

/** Scripts that have reached a card, by the OTA server's record. */
export async function scriptsSoFar(stage: Stage): Promise<number> {
  const text = await readFile(stage.platforms.trafficFile, 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '').length;
}

/** Waits until the record holds so many scripts. */
export async function afterScripts(stage: Stage, scripts: number): Promise<void> {
  const file = stage.platforms.trafficFile;
  if ((await scriptsSoFar(stage)) >= scripts) return;
  await new Promise<void>((resolve) => {
    watchFile(file, { interval: 5 }, async () => {
      if ((await scriptsSoFar(stage)) >= scripts) resolve();
    });
  });
  unwatchFile(file);
}

// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { rename, rm } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * A new cluster that others are copied from: `initdb` takes three times as long as a copy. For tests alone, by the
 * environment variable OPENTSM_POSTGRES_TEMPLATE: all copies have one system identifier.
 */

const execute = promisify(execFile);

/** The folder of the template for a cluster that may lose its last writes in a power failure; undefined for none. */
export const templateFor = (durable: boolean): string | undefined =>
  durable ? undefined : process.env.OPENTSM_POSTGRES_TEMPLATE || undefined;

/** Copies it into the data folder, with owners and modes; false, with nothing copied, when there is none yet. */
export async function copyTemplate(template: string, data: string): Promise<boolean> {
  return execute('cp', ['-a', `${template}/.`, data]).then(
    () => true,
    () => false,
  );
}

/** Keeps a copy of a new cluster as the template. Of several at once one is kept. */
export async function keepTemplate(data: string, template: string): Promise<void> {
  const fresh = `${template}.${process.pid}`;
  try {
    await execute('cp', ['-a', data, fresh]);
    await rename(fresh, template);
  } catch {
    // Another was first, or there is no room: the next cluster is made as this one was.
    await rm(fresh, { recursive: true, force: true });
  }
}

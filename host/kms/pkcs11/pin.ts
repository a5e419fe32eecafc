// SPDX-License-Identifier: Apache-2.0
import { stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';
import { createDurably, readPrivate } from '../durable-file.ts';
import { pinRefused } from './token.ts';

/** Where the PIN is: a file that is private to its owner, or a variable of the environment. */
export interface PinSource {
  readonly pinFile?: string | undefined;
  readonly pinVariable?: string | undefined;
}

/** Stays over restarts: a supervisor that starts the daemon again and again would lock the token. */
const markOf = (folder: string): string => join(folder, 'pin-refused');

const changedAt = async (file: string): Promise<number | undefined> => {
  try {
    return (await stat(file)).mtimeMs;
  } catch {
    return undefined;
  }
};

/**
 * @throws KeyError `token-pin` when the token refused it before, and the file was not changed since
 * @throws UsageError `token-pin-source`
 */
export async function readPin(folder: string, { pinFile, pinVariable }: PinSource): Promise<string> {
  const refusedAt = await changedAt(markOf(folder));
  const writtenAt = pinFile === undefined ? undefined : await changedAt(pinFile);
  if (refusedAt !== undefined && (writtenAt === undefined || writtenAt <= refusedAt))
    throw pinRefused(`at an earlier start; after correcting it in the environment remove ${markOf(folder)}`);
  const text = pinFile === undefined ? process.env[pinVariable ?? ''] : await readPrivate(pinFile);
  const pin = text?.trim() ?? '';
  if (pin === '' || (pinFile === undefined) === (pinVariable === undefined))
    throw new UsageError('token-pin-source', 'Give the PIN in /pkcs11/pinFile, mode 0600, or in /pkcs11/pinVariable');
  return pin;
}

export async function noteRefusedPin(folder: string): Promise<void> {
  await forgetRefusedPin(folder);
  await createDurably(markOf(folder), '');
}

export async function forgetRefusedPin(folder: string): Promise<void> {
  await unlink(markOf(folder)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

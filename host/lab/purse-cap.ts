// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..', '..');

let built: Promise<string> | undefined;

/** Builds the purse with this repository's toolchain, once a process. Returns the path of its CAP file. */
export function buildPurseCap(): Promise<string> {
  built ??= build().catch((error: unknown) => {
    built = undefined;
    throw error;
  });
  return built;
}

async function build(): Promise<string> {
  await promisify(execFile)(process.execPath, [join(ROOT, 'toolchain/bin/ant-javacard.mjs'), 'purse'], { cwd: ROOT });
  return join(ROOT, 'build', 'cap', 'purse-3.0.4.cap');
}

// SPDX-License-Identifier: Apache-2.0
import { existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** An executable on the PATH. */
export function findCommand(name: string, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const suffixes = process.platform === 'win32' ? ['.cmd', '.exe', '.bat'] : [''];
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    for (const suffix of suffixes) {
      const path = join(folder, name + suffix);
      if (folder !== '' && existsSync(path) && statSync(path).isFile()) return path;
    }
  }
  return undefined;
}

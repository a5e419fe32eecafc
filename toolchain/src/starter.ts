import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ToolchainError } from './errors.ts';
import { STARTER_FILES } from './starter-files.ts';

const TOOLCHAIN = resolve(import.meta.dirname, '..').replaceAll('\\', '/');

/**
 * Writes a starter project: an applet, its build file, a test and a CI file.
 *
 * @returns the files written, relative to the folder
 * @throws ToolchainError when the folder has files already: nothing is overwritten
 */
export function writeStarter(folder: string): string[] {
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new ToolchainError(`${folder} is not empty; a starter project needs a folder of its own`);
  }
  for (const [name, text] of Object.entries(STARTER_FILES)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text.replace('%TOOLCHAIN%', `file:${TOOLCHAIN}`), { flag: 'wx' });
  }
  return Object.keys(STARTER_FILES);
}

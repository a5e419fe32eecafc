// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { ANT_VERSION, MODULES, PINNED_JARS } from './pins.ts';

/** Files that decide what our jars contain: the POMs and the main sources, sorted. */
export function buildInputs(javaFolder: string): string[] {
  const files = [join(javaFolder, 'pom.xml')];
  for (const module of MODULES) {
    files.push(join(javaFolder, module, 'pom.xml'));
    const main = join(javaFolder, module, 'src', 'main');
    if (existsSync(main)) files.push(...filesBelow(main));
  }
  return files.filter((file) => existsSync(file)).sort();
}

/** SHA-256 over names and contents of the build inputs and over the pins, first 24 hex digits. */
export function sourceHash(javaFolder: string): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([ANT_VERSION, PINNED_JARS]));
  for (const file of buildInputs(javaFolder)) {
    const content = readFileSync(file);
    hash.update(`${relative(javaFolder, file).split(sep).join('/')}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 24);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

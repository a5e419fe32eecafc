// SPDX-License-Identifier: Apache-2.0
// Packages of very many small files, which the set-up (`setup/join-packages.mjs`) joins into one file each: opening a
// thousand files is half of a daemon's start. Without the joined files, as after `npm ci` alone, all works as well.
import { existsSync, readFileSync } from 'node:fs';
import { findPackageJSON, registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

const PACKAGES = ['kysely', 'typebox'];
/** Everything that may be imported of them. */
export const SPECIFIERS = ['kysely', 'typebox', 'typebox/compile', 'typebox/format', 'typebox/value'];

/** The folder for the versions that are installed, so that what was joined of another one is not taken. */
export function joinedFolder(): URL {
  const versions = PACKAGES.map((name) => {
    const file = findPackageJSON(name, import.meta.url);
    const version = file === undefined ? 'none' : JSON.parse(readFileSync(file, 'utf8')).version;
    return `${name}-${version}`;
  });
  return new URL(`../../build/packages/${versions.join('+')}/`, import.meta.url);
}

/** Name of the file in {@link joinedFolder}, without its ending. */
export const joinedName = (specifier: string): string => specifier.replace('/', '-');

/** From now on this process imports the joined files. */
export function useJoinedPackages(): void {
  const folder = joinedFolder();
  if (!existsSync(fileURLToPath(folder))) return;
  const urls = new Map(SPECIFIERS.map((name) => [name, new URL(`${joinedName(name)}.mjs`, folder).href]));
  registerHooks({
    resolve: (specifier, context, next) => {
      const url = urls.get(specifier);
      return url === undefined ? next(specifier, context) : { url, format: 'module', shortCircuit: true };
    },
  });
}

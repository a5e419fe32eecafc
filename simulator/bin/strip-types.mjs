// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

let done = false;

/**
 * Node strips types everywhere but below node_modules: there this package does it itself, for its own files.
 * @param {string} url of a file in the package's root folder
 */
export function stripTypesOfInstalledPackage(url) {
  const source = new URL('./src/', url).href;
  if (done || !source.includes('/node_modules/')) return;
  done = true;
  const { emitWarning } = process;
  process.emitWarning = (warning, ...rest) => {
    if (!String(warning).includes('stripTypeScriptTypes')) emitWarning.call(process, warning, ...rest);
  };
  module.registerHooks({
    load(file, context, next) {
      if (!file.startsWith(source) || !file.endsWith('.ts')) return next(file, context);
      const text = module.stripTypeScriptTypes(readFileSync(fileURLToPath(file), 'utf8'));
      return { format: 'module', source: text, shortCircuit: true };
    },
  });
}

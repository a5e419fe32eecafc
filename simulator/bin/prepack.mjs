// SPDX-License-Identifier: Apache-2.0
// Before "npm pack": puts what Maven built into lib/, so that the package runs without the repository; afterwards,
// --clean.
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(home, 'java', 'target');
const lib = join(home, 'lib');

if (existsSync(join(target, 'opentsm-simulator.jar'))) {
  rmSync(lib, { recursive: true, force: true });
  if (process.argv.includes('--clean')) process.exit();
  mkdirSync(lib);
  cpSync(join(target, 'opentsm-simulator.jar'), join(lib, 'opentsm-simulator.jar'));
  cpSync(join(target, 'lib'), join(lib, 'lib'), { recursive: true });
  cpSync(join(home, '..', 'applet', 'target', 'classes'), join(lib, 'applet'), { recursive: true });
} else if (!existsSync(join(lib, 'opentsm-simulator.jar'))) {
  console.error(`${target} is not built: run "npm run setup" in the repository first`);
  process.exitCode = 1;
}

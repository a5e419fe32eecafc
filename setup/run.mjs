// SPDX-License-Identifier: Apache-2.0
// Entry of every npm script. Plain JavaScript without dependencies, because it runs on any Node 20+
// before anything is installed; all else runs on Node 24 (DESIGN: TypeScript natively).
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from './prepare.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [target, ...rest] = process.argv.slice(2);

const SCRIPTS = {
  demo: ['host/demo/demo.ts'],
  test: ['setup/test.mjs'],
  lint: ['setup/lint.mjs'],
  format: ['setup/lint.mjs', '--fix'],
  bench: ['bench/bench.ts'],
  soak: ['setup/soak/soak.mjs'],
  setup: [],
};

if (target === undefined || !(target in SCRIPTS)) {
  console.error(`usage: npm run ${Object.keys(SCRIPTS).join('|')} [-- flags]`);
  process.exit(2);
}
const environment = await prepare(root);
const script = SCRIPTS[target];
if (script.length > 0) {
  const result = spawnSync(environment.node, [...script, ...rest], {
    cwd: root,
    stdio: 'inherit',
    env: environment.env,
  });
  process.exit(result.status ?? 1);
}

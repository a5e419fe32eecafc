// `npm run lint`: formatting and lint (Biome), types (tsc), direction of imports (dependency-cruiser).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const checks = [
  ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings'],
  [
    ...['node_modules/typescript/bin/tsc', '--project', '.', '--noEmit'],
    ...['--incremental', '--tsBuildInfoFile', 'build/setup/types.tsbuildinfo'],
  ],
  [
    'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
    '--config',
    'setup/dependency-cruiser.cjs',
    ...['host', 'simulator', 'bench', 'toolchain/src', 'toolchain/test', 'applet/test', 'setup'],
  ],
];
let ok = true;
for (const args of checks) {
  const result = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  ok &&= result.status === 0;
}
process.exit(ok ? 0 : 1);

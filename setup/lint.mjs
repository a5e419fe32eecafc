// SPDX-License-Identifier: Apache-2.0
// `npm run lint`: formatting and lint (Biome), types (the native tsc of TypeScript 7; dependency-cruiser reads
// TypeScript by the library of version 6), direction of imports (dependency-cruiser), what nobody uses (knip), format
// of Java (palantir-java-format through Spotless). `npm run format` is the same with --fix: it formats instead of
// complaining.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const fix = process.argv.includes('--fix');
const node = (...args) => [process.execPath, ...args];
const formats = [
  node('node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', ...(fix ? ['--write'] : [])),
  ['mvn', '-q', '-B', '-N', `spotless:${fix ? 'apply' : 'check'}`],
];
const checks = [
  node(
    // Several checkers do much of the work twice: they cost the suite beside more than they spare this one.
    ...['node_modules/typescript-7/bin/tsc', '--project', '.', '--noEmit', '--singleThreaded'],
    ...['--incremental', '--tsBuildInfoFile', 'build/setup/types.tsbuildinfo'],
  ),
  node(
    'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
    '--config',
    'setup/dependency-cruiser.cjs',
    ...['host', 'simulator', 'bench', 'toolchain/src', 'toolchain/test', 'applet/test', 'setup', 'deploy'],
  ),
  node(
    'node_modules/knip/bin/knip.js',
    '--config',
    'setup/knip.json',
    '--no-progress',
    '--treat-config-hints-as-errors',
  ),
];
let ok = true;
for (const [program, ...args] of fix ? formats : [...formats, ...checks]) {
  const result = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  ok &&= result.status === 0;
}
process.exit(ok ? 0 : 1);

#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

// The command needs Node 24, which runs TypeScript as it is; an older one says so instead of failing on syntax.
const [major] = process.versions.node.split('.').map(Number);
if (major < 24) {
  process.stderr.write(
    `tsm needs Node 24 or newer, this is ${process.version}: run npm run setup, or install Node 24\n`,
  );
  process.exit(1);
}
// Types are stripped once, not at every start. What is kept is run, so it lies in the user's own folder or nowhere.
const { enableCompileCache, getCompileCacheDir } = await import('node:module');
const own = ownCache();
if (own !== undefined) enableCompileCache(own);
// The processes that hold the readers start with it too.
process.env.NODE_COMPILE_CACHE ??= getCompileCacheDir() ?? '';
// What works on a card imports none of them.
if (!['card', 'apdu', 'reader'].includes(process.argv[2])) {
  const { useJoinedPackages } = await import('./joined-packages.ts');
  useJoinedPackages();
}
const { startReaders } = await import('./card/early-readers.ts');
startReaders(process.argv);
const { main } = await import('./main.ts');
await main(process.argv);

function ownCache() {
  try {
    if (statSync(homedir()).uid !== process.getuid?.()) return undefined;
    return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'opentsm', 'code');
  } catch {
    return undefined;
  }
}

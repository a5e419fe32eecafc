#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { lstatSync, mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

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
    if (!isOwn(statSync(homedir()))) return undefined;
    const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'opentsm', 'code');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Each of them may give those below it another meaning.
    for (const at of [folder, dirname(folder), dirname(dirname(folder))]) if (!isOwn(lstatSync(at))) return undefined;
    return folder;
  } catch {
    return undefined;
  }
}

/** Nobody else's, and nobody else may write to it. */
function isOwn({ uid, mode }) {
  return uid === process.getuid?.() && (mode & 0o022) === 0;
}

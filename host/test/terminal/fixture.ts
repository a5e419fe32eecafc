// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunningDaemon, startDaemon } from '../../daemon/daemon.ts';
import { terminalDaemon } from '../../daemon/terminal.ts';
import { OTA, type TestDatabase, type TestOta } from '../ota/fixture.ts';
import { testPki } from '../rest/fixture.ts';

let files = 0;

/** The real terminal daemon in this process, connected to a test's `ota`. */
export async function startTerminal(
  database: TestDatabase,
  ota: TestOta,
  config: object,
): Promise<RunningDaemon & AsyncDisposable> {
  const pki = await testPki();
  const file = join(database.folder, `terminal-${++files}.json`);
  const text = JSON.stringify({
    listen: { host: '127.0.0.1', port: 0 },
    tls: await pki.issue({ role: 'terminal', id: 'desk' }),
    log: { level: 'silent' },
    ota: { url: `https://127.0.0.1:${ota.port}`, ...OTA },
    ...config,
  });
  await writeFile(file, text, { mode: 0o600 });
  const daemon = await startDaemon(terminalDaemon, file);
  return { ...daemon, [Symbol.asyncDispose]: () => daemon.stop() };
}

// SPDX-License-Identifier: Apache-2.0
import { readConfig } from '../daemon/config.ts';
import { LiveTls } from '../daemon/live-tls.ts';
import { RestClient } from '../rest/client.ts';
import { type AskedCommand, AskedCommands } from '../wire/message/asked-command.ts';
import { OperatorConfig } from './flow-client.ts';

const WAIT_MS = 25_000;
/** The terminal's own wait, and the way there and back. */
const TIMEOUT_MS = 40_000;

/** Proactive commands of the cards at a terminal after this one, without end. @throws TransportError, PeerError */
export async function* watchCommands(configFile: string, after: number): AsyncGenerator<AskedCommand> {
  const { platform, tls } = await readConfig(configFile, OperatorConfig);
  await using terminal = new RestClient({
    baseUrl: platform.url,
    tls: await LiveTls.open(tls),
    expectedPeer: platform,
    timeoutMs: TIMEOUT_MS,
  });
  for (let last = after; ; ) {
    const query = { after: String(last), waitMs: String(WAIT_MS) };
    const call = { method: 'GET', path: '/v1/proactive-commands', query, response: AskedCommands } as const;
    const found = await terminal.call(call);
    yield* found;
    last = found.at(-1)?.number ?? last;
  }
}

// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Platforms } from '../../lab/platforms.ts';
import { type CardCommand, CardSessionInfo, ExchangeResult } from '../../wire/message/card-script.ts';

const READER = 'my reader';

/**
 * A terminal with a certificate of its own says that the card with this number is in its reader; a provider that
 * believes it opens a session and sends a command. Answers what the provider is told.
 */
export async function exchangeAtLiar(platforms: Platforms, msisdn: string): Promise<unknown> {
  const { topology } = platforms;
  const liar = await topology.pki.identity({ role: 'terminal', id: 'liar' });
  const url = `${topology.url('ota').replace('https', 'wss')}/v1/terminal-link`;
  const socket = new WebSocket(url, { key: liar.key, cert: liar.certificate, ca: liar.authority });
  try {
    await once(socket, 'open');
    const said = { readerName: READER, link: 'direct', cardPresent: true, atr: '3B00', insertion: 'x', msisdn };
    socket.send(JSON.stringify({ type: 'hello', terminalId: 'liar', readers: [said] }));
    await platforms.cardPresent(READER);
    return await exchangeOnce(platforms, { terminalId: 'liar', readerName: READER }).catch(
      (error: unknown): unknown => error,
    );
  } finally {
    socket.terminate();
  }
}

/** A provider's card session with one script; default one command. */
export async function exchangeOnce(
  { topology }: Platforms,
  place: { readonly terminalId: string; readonly readerName: string },
  commands: readonly CardCommand[] = [{ label: 'GET DATA', apdus: ['80CA006600'] }],
): Promise<ExchangeResult> {
  const provider = await topology.client(topology.peer('provider-a'), 'ota');
  const body = { ...place, owner: `workflow-${place.terminalId}` };
  const opened = { method: 'POST', path: '/v1/card-sessions', body, response: CardSessionInfo } as const;
  const { sessionId, fence } = await provider.call(opened);
  const path = `/v1/card-sessions/${sessionId}`;
  const exchange = { fence, commands };
  try {
    return await provider.call({ method: 'POST', path: `${path}/exchange`, body: exchange, response: ExchangeResult });
  } finally {
    await provider.call({ method: 'DELETE', path }).catch(() => {});
  }
}

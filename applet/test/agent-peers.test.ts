// SPDX-License-Identifier: Apache-2.0
/** TLS of the administration agent with OpenSSL's server in a process of its own, in both suites. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import { COMMANDS, PROTOCOL } from './support/admin-server.ts';
import { AgentWorld, agentCard, IDENTITY, PSK } from './support/agent-card.ts';
import { onOtaCard } from './support/ota-card.ts';
import { expandedScript } from './support/packet-host.ts';
import { hex } from './support/tlv.ts';

const SCRIPT = expandedScript(['80CA006600']);
const ANSWER =
  `HTTP/1.1 200 OK\r\nX-Admin-Protocol: ${PROTOCOL}\r\nContent-Type: ${COMMANDS}\r\n` +
  `X-Admin-Next-URI: /2\r\nContent-Length: ${SCRIPT.length}\r\n\r\n`;
const END = `HTTP/1.1 204 No Content\r\nX-Admin-Protocol: ${PROTOCOL}\r\n\r\n`;

/** `openssl s_server`: what comes out of it, and its port. */
async function openssl(cipher: string) {
  const server = spawn('openssl', [
    ...['s_server', '-accept', '127.0.0.1:0', '-nocert', '-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`],
    ...['-psk', hex(PSK), '-psk_identity', IDENTITY],
  ]);
  let text = '';
  server.stdout.on('data', (part: Buffer) => {
    text += part.toString('latin1');
  });
  server.stderr.resume();
  /** When it has said this. */
  const said = async (what: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = what.exec(text);
      if (found !== null) return found;
      await once(server.stdout, 'data');
    }
  };
  const [, port = ''] = await said(/ACCEPT \S+:(\d+)/);
  const stop = async () => {
    server.kill();
    if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
  };
  return { port: Number(port), said, input: server.stdin, [Symbol.asyncDispose]: stop };
}

describe('The administration agent and OpenSSL', function () {
  this.timeout(60_000);

  it('speak with each other in both suites', () =>
    onOtaCard(agentCard('8D0103'), async (card) => {
      const world = await AgentWorld.open(card);
      for (const cipher of ['PSK-AES128-CBC-SHA256', 'PSK-NULL-SHA256']) {
        await using server = await openssl(cipher);
        await world.call(() => connect(server.port, '127.0.0.1'));
        await server.said(/POST \/adm\?n=0 HTTP\/1.1\r\n[\s\S]*\r\n\r\n/);
        server.input.write(Buffer.concat([Buffer.from(ANSWER), SCRIPT]));
        await server.said(/POST \/2 HTTP\/1.1\r\n[\s\S]*X-Admin-Script-Status: ok\r\n[\s\S]*\r\n\r\n\u00ab/);
        const [, chosen] = await server.said(/CIPHER is (\S+)/);
        expect(chosen).equal(cipher);
        server.input.write(END);
        await world.terminal.closed();
      }
    }));
});

// SPDX-License-Identifier: Apache-2.0
/** Answers that the administration agent takes beside those of a server of ours (RFC 9110, RFC 9112, RFC 5246). */

import { expect } from 'chai';
import { COMMANDS, PROTOCOL } from './support/admin-server.ts';
import { AgentWorld, agentCard } from './support/agent-card.ts';
import { onOtaCard } from './support/ota-card.ts';
import { expandedScript } from './support/packet-host.ts';
import { TlsByHand } from './support/tls-server.ts';

describe('The administration agent and servers of others', function () {
  this.timeout(60_000);

  it('takes what servers of others write otherwise', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await AgentWorld.open(card);
      const body = expandedScript(['80CA006600']).toString('latin1');
      const head = `HTTP/1.1 200 OK\r\nX-Admin-Protocol: ${PROTOCOL}\r\nContent-Type: ${COMMANDS}\r\n`;
      const good = `${head}X-Admin-Next-URI: /2\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      const chunked = `${head}X-Admin-Next-URI: /2\r\nTransfer-Encoding: chunked\r\n\r\n`;
      const size = body.length.toString(16).padStart(8, '0');
      const lines = (text: string) => text.replaceAll('\r\n', '\n').replace(body.replaceAll('\r\n', '\n'), body);
      const helloRequest = { type: 22, content: Buffer.alloc(4) };
      for (const [name, faults] of [
        ['nothing otherwise', { answer: good }],
        ['no X-Admin-Protocol', { answer: good.replace(/X-Admin-Protocol.*\r\n/, '') }],
        ['lines that end with LF', { answer: lines(good) }],
        ['a field in two lines', { answer: good.replace('Content-Type: ', 'Content-Type:\r\n\t ') }],
        ['a field in three lines', { answer: good.replace(';version', '\r\n ;\r\n version') }],
        ['100 first, and 103', { answer: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n${good}` }],
        ['zeros before a length', { answer: good.replace('Content-Length: ', 'Content-Length: 000000') }],
        ['zeros before chunks', { answer: `${chunked}${size};x=1\r\n${body}\r\n00000000\r\nX-Sum: 1\r\n 2\r\n\r\n` }],
        ['a wish to begin TLS anew', { answer: good, before: helloRequest }],
      ] as const) {
        const server = new TlsByHand(faults);
        expect(await world.call(server.connect), name).equal('00');
        await world.terminal.idle();
        expect(server.posted, name).include('POST /2 HTTP/1.1').and.include('X-Admin-Script-Status: ok');
        await world.terminal.drop();
      }
    }));
});

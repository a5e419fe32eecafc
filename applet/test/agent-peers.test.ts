// SPDX-License-Identifier: Apache-2.0
/** TLS of the administration agent with the servers of OpenSSL and GnuTLS in processes of their own, in both suites. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { freePort } from '../../host/local/free-port.ts';
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

/** As setup/clients/prepare.mjs installs it; where it is not, one test is skipped. */
const GNUTLS_SERV = '/usr/bin/gnutls-serv';

/** A server in a process of its own, and what comes out of it. */
class PeerServer implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #events = new EventEmitter();
  #text = '';

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args);
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on('data', (part: Buffer) => {
        this.#text += part.toString('latin1');
        this.#events.emit('said');
      });
    this.#child.once('exit', () => this.#events.emit('said'));
  }

  get input() {
    return this.#child.stdin;
  }

  /** When it has said this. */
  async said(what: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = what.exec(this.#text);
      if (found !== null) return found;
      expect(this.#child.exitCode, this.#text).equal(null);
      await once(this.#events, 'said');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }
}

/** `openssl s_server`, which sends what its input says. */
async function openssl(cipher: string) {
  const server = new PeerServer('openssl', [
    ...['s_server', '-accept', '127.0.0.1:0', '-nocert', '-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`],
    ...['-psk', hex(PSK), '-psk_identity', IDENTITY],
  ]);
  const [, port = ''] = await server.said(/ACCEPT \S+:(\d+)/);
  return { server, port: Number(port) };
}

/** `gnutls-serv`, which sends back what comes: the card closes, since its own POST is no answer. */
async function gnutls(cipher: string, keys: string) {
  const port = await freePort();
  const priority = `NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK:-CIPHER-ALL:-MAC-ALL:+${cipher}:+SHA256`;
  const args = ['--echo', '--port', String(port), '--pskpasswd', keys, '--priority', priority];
  const server = new PeerServer(GNUTLS_SERV, args);
  await server.said(/listening on IPv4/);
  return { server, port };
}

describe('The administration agent and OpenSSL', function () {
  this.timeout(60_000);

  it('speak with each other in both suites', () =>
    onOtaCard(agentCard('8D0103'), async (card) => {
      const world = await AgentWorld.open(card);
      for (const cipher of ['PSK-AES128-CBC-SHA256', 'PSK-NULL-SHA256']) {
        const { server, port } = await openssl(cipher);
        await using _stopped = server;
        await world.call(() => connect(port, '127.0.0.1'));
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

describe('The administration agent and GnuTLS', function () {
  this.timeout(60_000);
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-gnutls-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('speak with each other in both suites', function () {
    if (!existsSync(GNUTLS_SERV)) return this.skip();
    return onOtaCard(agentCard('8D0103'), async (card) => {
      const keys = join(folder, 'psk');
      await writeFile(keys, `${IDENTITY}:${hex(PSK)}\n`);
      const world = await AgentWorld.open(card);
      for (const cipher of ['AES-128-CBC', 'NULL']) {
        const { server, port } = await gnutls(cipher, keys);
        await using _stopped = server;
        await world.call(() => connect(port, '127.0.0.1'));
        await server.said(new RegExp(`\\(PSK\\)-\\(${cipher}\\)-\\(SHA256\\)`));
        await server.said(/received cmd: POST \/adm\?n=0 HTTP\/1.1/);
        await world.terminal.closed();
      }
    });
  });
});

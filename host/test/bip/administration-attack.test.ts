// SPDX-License-Identifier: Apache-2.0
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { CARD_TLS } from '../../bearer/bip/tls-profile.ts';
import { toHex } from '../../wire/hex.ts';
import { ADMIN_PROTOCOL } from '../../wire/uicc/admin-http.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { IDENTITY, KEY, PSK, TestNode } from './fixture.ts';

/** The port that cards call, with OpenSSL's own client at the other end: first as a card, then as who is none. */

/** As setup/clients/prepare.mjs installs it; where it is not, one test is skipped. */
const GNUTLS_CLI = '/usr/bin/gnutls-cli';
const SESSION = 'd'.repeat(32);
const URI = `/administration?s=${SESSION}&n=0`;
const FIELDS = [`Host: ota`, `X-Admin-Protocol: ${ADMIN_PROTOCOL}`, 'X-Admin-From: //se-id/iccid/89'];

describe('the port that cards call', function () {
  this.timeout(60_000);
  let database: TestDatabase;
  let node: TestNode;
  /** Gives clients no time. */
  let hasty: TestNode;
  const running: ChildProcessWithoutNullStreams[] = [];

  before(async () => {
    database = await TestDatabase.start();
    const url = await database.server.createDatabase('attack');
    node = await TestNode.open(url, { holdMs: 100 });
    hasty = await TestNode.open(url, { handshakeMs: 50 });
    await node.table.open({ ...KEY, fence: 1 }, SESSION, IDENTITY);
    await node.table.offer({ ...KEY, fence: 1 }, { body: Uint8Array.from([0xae, 0x80, 0, 0]) });
  });
  after(async () => {
    for (const child of running) child.kill('SIGKILL');
    await node?.[Symbol.asyncDispose]();
    await hasty?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  /** What OpenSSL's client prints to the end of its connection, when it sends this text. */
  async function openssl(text: string, more: readonly string[] = [], psk: Uint8Array = PSK): Promise<string> {
    const { host, port } = node.address;
    const key = ['-psk_identity', IDENTITY, '-psk', toHex(psk)];
    const version = more.some((one) => one.startsWith('-tls1_')) ? [] : ['-tls1_2'];
    const args = ['s_client', '-connect', `${host}:${port}`, ...version, '-quiet', '-no_ign_eof', ...key, ...more];
    return converse('openssl', args, text);
  }

  /** The same of GnuTLS's client. */
  async function gnutls(text: string, suite: string, more: readonly string[], psk: Uint8Array = PSK) {
    const { host, port } = node.address;
    const priority = `NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK:-CIPHER-ALL:-MAC-ALL:${suite}`;
    const key = ['--pskusername', IDENTITY, '--pskkey', toHex(psk)];
    return converse(GNUTLS_CLI, ['--port', String(port), '--priority', priority, ...key, ...more, host], text);
  }

  async function converse(command: string, args: readonly string[], text: string): Promise<string> {
    const child = spawn(command, args);
    running.push(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (part: Buffer) => {
        output += part.toString('latin1');
      });
    child.stdin.on('error', () => {});
    child.stdin.write(text, 'latin1');
    await once(child, 'close');
    return output;
  }

  const post = (uri = URI, fields: readonly string[] = FIELDS, body = '') => {
    const all = [...fields, 'Connection: close', `Content-Length: ${body.length}`];
    return `POST ${uri} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n${body}`;
  };

  for (const [name, more] of [
    ['AES-128-CBC with SHA-256', ['-cipher', 'PSK-AES128-CBC-SHA256']],
    ['AES-128-GCM', ['-cipher', 'PSK-AES128-GCM-SHA256']],
    ['fragments of 512 bytes', ['-cipher', 'PSK-AES128-CBC-SHA256', '-maxfraglen', '512']],
    ['TLS 1.3 and AES-128-GCM', ['-tls1_3']],
    ['TLS 1.3 and AES-128-CCM', ['-tls1_3', '-ciphersuites', 'TLS_AES_128_CCM_SHA256']],
    ['TLS 1.3 without Diffie-Hellman', ['-tls1_3', '-allow_no_dhe_kex']],
  ] as const) {
    it(`gives a script to another maker's client with ${name}`, async () => {
      const output = await openssl(post(), more);
      expect(output).to.include('HTTP/1.1 200 OK').and.to.include(`X-Admin-Protocol: ${ADMIN_PROTOCOL}`);
      expect(output).to.include(`X-Admin-Next-URI: /administration?s=${SESSION}&n=1`);
      expect(output).to.include('\xae\x80\x00\x00');
    });
  }

  /** Suites and sizes that another stack than OpenSSL's offers; its defaults have no CBC with SHA-256. */
  const GNUTLS = [
    ['AES-128-CBC with SHA-256', '+AES-128-CBC:+SHA256', []],
    ['AES-128-GCM', '+AES-128-GCM:+AEAD', []],
    ['fragments of 512 bytes', '+AES-128-CBC:+SHA256', ['--recordsize', '512']],
  ] as const;

  it('gives a script to GnuTLS, and nothing to one with another key', async function () {
    if (!existsSync(GNUTLS_CLI)) return this.skip();
    for (const [name, suite, more] of GNUTLS) {
      const output = await gnutls(post(), suite, more);
      expect(output, name).to.include('HTTP/1.1 200 OK').and.to.include('\xae\x80\x00\x00');
    }
    const [, suite] = GNUTLS[0];
    expect(await gnutls(post(), suite, [], new Uint8Array(16))).not.to.include('HTTP/1.1');
    expect(await gnutls(post(), '+NULL:+SHA256', [])).not.to.include('HTTP/1.1');
  });

  it('takes a chunked body', async () => {
    const fields = [...FIELDS, 'X-Admin-Script-Status: ok', 'Transfer-Encoding: chunked', 'Connection: close'];
    const type = 'Content-Type: application/vnd.globalplatform.card-content-mgt-response;version=1.0';
    const chunks = '2\r\n\xaf\x80\r\n2\r\n\x00\x00\r\n0\r\n\r\n';
    const text = `POST ${URI} HTTP/1.1\r\n${[...fields, type].join('\r\n')}\r\n\r\n${chunks}`;
    expect(await openssl(text)).to.include('HTTP/1.1 200 OK');
  });

  const result = '\xaf\x80\x00\x00';
  const said = 'X-Admin-Script-Status: ok';
  const type = 'Content-Type: application/vnd.globalplatform.card-content-mgt-response';
  for (const [name, text] of [
    ['names the server in its request line', post(`https://ota.example:8443${URI}`)],
    ['names no host', post(URI, FIELDS.slice(1))],
    ['writes names in lower case, in another order', post(URI, FIELDS.map((one) => one.toLowerCase()).toReversed())],
    ['speaks HTTP/1.0', post().replace('HTTP/1.1', 'HTTP/1.0')],
    ['says that it does not resume', post(URI, [...FIELDS, 'X-Admin-Resume: false'])],
    ['does not say what its result is', post(URI, [...FIELDS, said], result)],
    ['says only what its result is', post(URI, [...FIELDS, `${type};version=1.0`], result)],
    ['names no version', post(URI, [...FIELDS, said, type], result)],
    ['quotes the version', post(URI, [...FIELDS, said, `${type}; charset=binary; version="1.0"`], result)],
    ['shouts its status', post(URI, [...FIELDS, 'x-admin-script-status: OK', type], result)],
    ['asks whether to go on', post(URI, [...FIELDS, said, type, 'Expect: 100-continue'], result)],
    ['ends its lines with LF alone', post(URI, [...FIELDS, said, type], result).replaceAll('\r\n', '\n')],
    [
      'sends chunks with extensions and trailers',
      post(URI, [...FIELDS, said, type])
        .replace('Content-Length: 0', 'Transfer-Encoding: chunked')
        .concat('2;last=no\r\n\xaf\x80\r\n02\r\n\x00\x00\r\n0\r\nX-Sum: 1\r\n\r\n'),
    ],
  ] as const)
    it(`answers an agent that ${name}`, async () => {
      expect(await openssl(text)).to.include('HTTP/1.1 200 OK');
    });

  for (const [name, more, psk] of [
    ['another key', [], new Uint8Array(16)],
    ['an identity that nobody has', ['-psk_identity', 'nobody'], PSK],
    ['no encryption', ['-cipher', 'PSK-NULL-SHA256:@SECLEVEL=0'], PSK],
    ['SHA-1', ['-cipher', 'PSK-AES128-CBC-SHA:@SECLEVEL=0'], PSK],
    ['another key in TLS 1.3', ['-tls1_3'], new Uint8Array(16)],
    ['no suite of 1.3', ['-tls1_3', '-ciphersuites', 'TLS_AES_256_GCM_SHA384'], PSK],
    ['a certificate suite', ['-cipher', 'ECDHE-RSA-AES128-GCM-SHA256'], PSK],
    ['TLS 1.1', ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'], PSK],
  ] as const) {
    it(`ends the handshake with ${name}`, async () => {
      const output = await openssl(post(), more, psk);
      expect(output).not.to.include('HTTP/1.1');
      expect(output).to.match(/alert|errno|no ciphers|unexpected eof|error/i);
    });
  }

  it('takes no hello out of which somebody on the way took TLS 1.3', async () => {
    const versions = Buffer.from('002b00050403040303', 'hex');
    for (const offered of ['0304', '0302']) {
      const server = createServer((socket) => {
        const { host, port } = node.address;
        const onward = connect(port, host);
        for (const end of [socket, onward]) end.on('error', () => {});
        socket.once('data', (first: Buffer) => {
          first.write(offered, first.indexOf(versions) + 5, 'hex');
          onward.write(first);
          socket.pipe(onward);
        });
        onward.pipe(socket);
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const key = ['-psk_identity', IDENTITY, '-psk', toHex(PSK), '-cipher', 'PSK-AES128-GCM-SHA256'];
      const more = ['-no_tls1', '-no_tls1_1', '-quiet', '-no_ign_eof', ...key];
      const output = await converse('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...more], post());
      server.close();
      if (offered === '0304') expect(output).to.include('HTTP/1.1 200 OK');
      else expect(output).not.to.include('HTTP/1.1');
    }
  });

  it('ends a handshake that nobody goes on with', async () => {
    const { host, port } = hasty.address;
    const socket = connect(port, host);
    socket.on('error', () => {});
    socket.write(Buffer.from([22, 3, 1, 0, 200, 1]));
    await once(socket, 'close');
  });

  const big = `X-Filler: ${'a'.repeat(5_000)}`;
  const json = 'Content-Type: application/json';
  const status = 'X-Admin-Script-Status: ok';
  for (const [name, text, answer] of [
    ['GET', `GET ${URI} HTTP/1.1\r\nHost: ota\r\nConnection: close\r\n\r\n`, '405'],
    ['the session of nobody', post(URI.replace(SESSION, 'e'.repeat(32))), '404'],
    ['no protocol field', post(URI, ['Host: ota']), '400'],
    ['another protocol', post(URI, ['Host: ota', 'X-Admin-Protocol: x/2.0', 'X-Admin-From: a']), '400'],
    ['a field twice', post(URI, [...FIELDS, 'X-Admin-From: b']), '400'],
    ['a result of another type', post(URI, [...FIELDS, status, json], 'x'), '400'],
    ['a result without status', post(URI, FIELDS, 'x'), '400'],
    ['the status ok without result', post(URI, [...FIELDS, status]), '400'],
  ] as const) {
    it(`answers ${name} with ${answer}`, async () => {
      expect(await openssl(text)).to.match(new RegExp(`HTTP/1.1 ${answer} `));
    });
  }

  for (const [name, text] of [
    ['a body of 70,000 bytes', post(URI, FIELDS, 'x'.repeat(70_000))],
    ['header fields of 5,000 bytes', post(URI, [...FIELDS, big])],
    ['a field that is none', post(URI, ['Host ota'])],
    ['both length and chunks', post(URI, [...FIELDS, 'Transfer-Encoding: chunked'])],
    [
      'chunks in another coding',
      post(URI, [...FIELDS, 'Transfer-Encoding: gzip, chunked']).replace(/Content.*\r\n/, ''),
    ],
    ['chunks that are not last', post(URI, [...FIELDS, 'Transfer-Encoding: chunked, x']).replace(/Content.*\r\n/, '')],
    ['two lengths', post(URI, [...FIELDS, 'Content-Length: 3'])],
    ['a length with a sign', post().replace('Content-Length: 0', 'Content-Length: +0')],
    ['a length that a line end hides', post(URI, [...FIELDS, 'X-Filler: a\rContent-Length: 3'])],
    ['a zero byte in a field', post(URI, [...FIELDS, 'X-Filler: a\0b'])],
    ['a version that nobody speaks', post().replace('HTTP/1.1', 'HTTP/1.7')],
  ] as const) {
    it(`ends the connection at ${name}`, async () => {
      expect(await openssl(text)).not.to.include('HTTP/1.1 200');
    });
  }

  it('has not given the script away to any of them, and still answers', async () => {
    expect((await node.table.find(SESSION))?.state).to.be.oneOf(['offered', 'sent']);
    expect(await openssl(post())).to.include('HTTP/1.1 200 OK');
  });

  it('answers requests with any byte changed, cut off or doubled, or ends their connection', async () => {
    const fuzzed = 'a'.repeat(32);
    const key = { ...KEY, readerName: 'slot 2', fence: 1 };
    await node.table.open(key, fuzzed, IDENTITY);
    await node.table.offer(key, { body: Uint8Array.from([0xae, 0x80, 0, 0]) });
    const whole = Buffer.from(
      post(URI.replace(SESSION, fuzzed), [...FIELDS, said, `${type};version=1.0`], result),
      'latin1',
    );
    const change = fc.tuple(fc.constantFrom('change', 'cut', 'double'), fc.nat(whole.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const text = changes.reduce<Buffer>((bytes, [what, place, byte]) => {
          const at = place % Math.max(1, bytes.length);
          const [before, behind] = [bytes.subarray(0, at), bytes.subarray(at)];
          if (what === 'cut') return before;
          return Buffer.concat([
            before,
            what === 'double' ? behind.subarray(0, 40) : Buffer.of(byte),
            behind.subarray(1),
          ]);
        }, whole);
        const answer = await answerTo(text);
        if (answer !== '') expect(answer).to.match(/^HTTP\/1\.1 [1-5][0-9]{2} /);
        expect(answer).not.to.match(/^HTTP\/1\.1 500 /);
      }),
      { numRuns: soakRuns(60) },
    );
    // The key is the card's own: what it says at an address of nobody may have ended the card's other session.
    expect(await openssl(post())).to.match(/HTTP\/1\.1 20[04] /);
  });

  /** What comes over a channel of TLS for these bytes, to its end. */
  async function answerTo(text: Buffer): Promise<string> {
    const psk = { identity: IDENTITY, psk: PSK.slice() };
    const socket = connectTls({
      ...node.address,
      ...CARD_TLS,
      pskCallback: () => psk,
      checkServerIdentity: () => undefined,
    });
    let answer = '';
    socket.on('data', (part: Buffer) => {
      answer += part.toString('latin1');
    });
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    socket.end(text);
    if (!socket.closed) await once(socket, 'close');
    return answer;
  }
});

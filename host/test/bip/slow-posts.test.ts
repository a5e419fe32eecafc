// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { toHex } from '../../wire/hex.ts';
import { ADMIN_PROTOCOL } from '../../wire/uicc/admin-http.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { findKey, TestNode } from './fixture.ts';

/** POSTs that take long: an agent sends the first answers while later commands of the script still run. */

const IDENTITY = 'iccid:8949000000000000077';
const LIMIT_MS = 100;
const FOREVER_MS = 600_000;
const HEAD = [
  ...['POST /some/agent HTTP/1.1', 'Host: ota', `X-Admin-Protocol: ${ADMIN_PROTOCOL}`],
  ...['Content-Type: application/vnd.globalplatform.card-content-mgt-response;version=1.0'],
].join('\r\n');
const CHUNKED = `${HEAD}\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\xaf\x80\x23\x02\r\n`;
const COUNTED = `${HEAD}\r\nContent-Length: 8\r\n\r\n\xaf\x80\x23\x02`;

describe('a POST of a card that takes long', function () {
  this.timeout(30_000);
  let database: TestDatabase;
  let url: string;
  const running: ChildProcess[] = [];

  before(async () => {
    database = await TestDatabase.start();
    url = await database.server.createDatabase('slow');
  });
  after(async () => {
    for (const child of running) child.kill('SIGKILL');
    await database?.[Symbol.asyncDispose]();
  });

  /** OpenSSL as the agent: what it hears, and when its connection has ended. */
  async function connect({ address: { host, port } }: TestNode) {
    const key = ['-psk_identity', IDENTITY, '-psk', toHex(await findKey(IDENTITY))];
    const child = spawn('openssl', ['s_client', '-connect', `${host}:${port}`, '-tls1_2', '-quiet', ...key]);
    running.push(child);
    child.stdin.on('error', () => {});
    const say = (text: string) => child.stdin.write(text, 'latin1');
    const ended = once(child, 'close').then(() => ['the connection ended']);
    return { say, heard: () => Promise.race([once(child.stdout, 'data'), ended]), ended };
  }

  it('is taken whole, however long it is silent between its chunks', async () => {
    await using node = await TestNode.open(url, { silenceMs: LIMIT_MS, idleMs: FOREVER_MS });
    const agent = await connect(node);
    agent.say(CHUNKED);
    for (let times = 0; times < 4; times += 1) {
      await pause(LIMIT_MS);
      agent.say('2\r\n\x90\x00\r\n');
    }
    agent.say('0\r\n\r\n');
    expect(String(await agent.heard())).to.match(/^HTTP\/1.1 204 /);
  });

  for (const [what, bytes, limits] of [
    ['whose length is said', COUNTED, { silenceMs: LIMIT_MS, idleMs: FOREVER_MS }],
    ['in chunks', CHUNKED, { silenceMs: LIMIT_MS, idleMs: LIMIT_MS }],
  ] as const)
    it(`ends with its connection when one ${what} is silent for too long`, async () => {
      await using node = await TestNode.open(url, limits);
      const agent = await connect(node);
      agent.say(bytes);
      await agent.ended;
    });
});

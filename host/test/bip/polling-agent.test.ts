// SPDX-License-Identifier: Apache-2.0
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { toHex } from '../../wire/hex.ts';
import { ADMIN_PROTOCOL } from '../../wire/uicc/admin-http.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { findKey, TestNode } from './fixture.ts';

/** An agent of another maker, played with OpenSSL's client: it polls an address of its own, and knows no other. */

const CARD = 'iccid:8949000000000000077';
const OWN = '/some/agent?poll=1';
const SCRIPT = Uint8Array.from([0xae, 0x80, 0x22, 0x05, 0x80, 0xca, 0x00, 0x66, 0x00, 0, 0]);
const RESULT = '\xaf\x80\x23\x02\x90\x00\x00\x00';
const TYPE = 'Content-Type: application/vnd.globalplatform.card-content-mgt-response;version=1.0';
const SAID = 'X-Admin-Script-Status: ok';
const TIME = { timeoutMs: 30_000 };

describe('an agent that polls an address of its own', function () {
  this.timeout(60_000);
  let database: TestDatabase;
  let node: TestNode;
  let fence = 0;
  const running: ChildProcessWithoutNullStreams[] = [];

  before(async () => {
    database = await TestDatabase.start();
    node = await TestNode.open(await database.server.createDatabase('polling'), { holdMs: 100 });
  });
  after(async () => {
    for (const child of running) child.kill('SIGKILL');
    await node?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  /** One connection of this identity. */
  async function agent(identity = CARD) {
    const { host, port } = node.address;
    const key = ['-psk_identity', identity, '-psk', toHex(await findKey(identity))];
    const child = spawn('openssl', ['s_client', '-connect', `${host}:${port}`, '-tls1_2', '-quiet', ...key]);
    running.push(child);
    let [heard, said] = ['', ''];
    child.stderr.on('data', (part: Buffer) => {
      said += part.toString('latin1');
    });
    let look = () => {};
    child.stdout.on('data', (part: Buffer) => {
      heard += part.toString('latin1');
      look();
    });
    /** How the connection ended: what OpenSSL has to say of it, behind its exit code. */
    const ended = once(child, 'close').then(([code]) => `${code} ${said.split('\n').slice(1).join('\n')}`);
    /** The answer to one POST, read to the end of its fields and its body. */
    const post = (fields: readonly string[] = [], body = '', uri = OWN): Promise<string> => {
      const all = ['Host: ota', `X-Admin-Protocol: ${ADMIN_PROTOCOL}`, ...fields, `Content-Length: ${body.length}`];
      child.stdin.write(`POST ${uri} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n${body}`, 'latin1');
      return new Promise((resolve) => {
        look = () => {
          const end = heard.indexOf('\r\n\r\n') + 4;
          const length = Number(/content-length: (\d+)/i.exec(heard)?.[1] ?? 0);
          if (end < 4 || heard.length < end + length) return;
          resolve(heard.slice(0, end + length));
          heard = heard.slice(end + length);
        };
        look();
      });
    };
    return Object.assign(post, { ended });
  }

  const newKey = (readerName = 'slot 1') => ({
    terminalId: 'phone',
    readerName,
    fence: ++fence,
    pskIdentity: CARD,
  });

  /** A script that the card shall run, which it calls for by itself. */
  async function offered(key = newKey()) {
    const trigger = Promise.withResolvers<void>();
    const called = async () => {
      trigger.resolve();
      return {};
    };
    const run = node.administration
      .run(key, { body: SCRIPT }, { trigger: called, ...TIME })
      .catch((error: { code: string }) => error.code);
    await trigger.promise;
    return { key, run };
  }

  it('gets what there is for its identity, and brings the result there too', async () => {
    const { key, run } = await offered();
    const post = await agent();
    const got = await post();
    expect(got).to.match(/^HTTP\/1.1 200 OK/);
    expect(got.endsWith(Buffer.from(SCRIPT).toString('latin1'))).to.equal(true);
    const next = post([SAID, TYPE], RESULT);
    expect(await run).to.deep.include({ status: 'ok', body: Buffer.from(RESULT, 'latin1') });
    const again = await next;
    expect(again).to.match(/^HTTP\/1.1 204 /);
    expect(again).to.match(/X-Admin-Next-URI/i);
    await node.administration.end(key);
    const last = await post();
    expect(last).to.match(/^HTTP\/1.1 204 /);
    expect(last).not.to.match(/X-Admin-Next-URI/i);
  });

  it('hears by close_notify that there is no more', async () => {
    const post = await agent();
    expect(await post()).to.match(/^HTTP\/1.1 204 /);
    // Without that alert OpenSSL speaks of an unexpected end; without an end this waits.
    expect(await post.ended).to.equal('0 ');
  });

  it('says by a word of its own that it failed', async () => {
    const { key, run } = await offered();
    const post = await agent();
    await post();
    expect(await post(['X-Admin-Script-Status: no-such-thing'])).to.match(/^HTTP\/1.1 204 /);
    expect(await run).to.deep.include({ status: 'unrecognized' });
    await node.administration.end(key);
  });

  it('loses what it ran when it resumes, and gets nothing of another identity', async () => {
    const { key, run } = await offered();
    const stranger = await agent('iccid:8949000000000000078x');
    expect(await stranger()).to.match(/^HTTP\/1.1 204 /);
    expect((await node.table.ofFence(key))?.state).to.equal('offered');
    await (await agent())();
    const resumed = await agent();
    expect(await resumed(['X-Admin-Resume: true'])).not.to.match(/^HTTP\/1.1 200 /);
    expect(await run).to.equal('outcome-unknown');
  });

  it('brings nothing that may be of two readers', async () => {
    const [one, two] = [await offered(newKey('slot 1')), await offered(newKey('slot 2'))];
    const post = await agent();
    for (let round = 0; round < 2; round += 1) expect(await post()).to.match(/^HTTP\/1.1 200 /);
    expect(await post([SAID, TYPE], RESULT)).to.match(/^HTTP\/1.1 204 /);
    for (const { key } of [one, two]) {
      expect(await node.table.ofFence(key)).to.include({ state: 'sent', result: null });
      await node.administration.end(key);
    }
    expect(await Promise.all([one.run, two.run])).to.deep.equal(['outcome-unknown', 'outcome-unknown']);
  });
});

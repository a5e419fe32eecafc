// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { CARD_TLS } from '../../bearer/bip/tls-profile.ts';
import { ADMIN_PROTOCOL } from '../../wire/uicc/admin-http.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { findKey, TestNode } from './fixture.ts';

/** The answer that ends a session, and the end of the connection behind it. */

const CARD = 'iccid:8949000000000000077';
const POST = `POST / HTTP/1.1\r\nX-Admin-Protocol: ${ADMIN_PROTOCOL}\r\nContent-Length: 0\r\n\r\n`;
/** Before its card reads. */
const READS_AFTER_MS = 50;

/** A handset that keeps what comes for its card until that reads, and drops it when the link goes. */
class Handset extends Duplex {
  readonly #socket: Socket;
  readonly #cardEnds: boolean;
  #waiting: Buffer[] = [];

  constructor(socket: Socket, cardEnds = true) {
    super();
    this.#socket = socket;
    this.#cardEnds = cardEnds;
    socket.on('data', (bytes: Buffer) => {
      if (this.#waiting.push(bytes) === 1) setTimeout(() => this.#fetched(), READS_AFTER_MS);
    });
    socket.on('error', (error) => this.destroy(error));
    socket.on('end', () => {
      this.#waiting = [];
      this.push(null);
    });
  }

  #fetched(): void {
    for (const bytes of this.#waiting) this.push(bytes);
    this.#waiting = [];
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(bytes, done);
  }

  override _final(done: () => void): void {
    if (this.#cardEnds) this.#socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#cardEnds) this.#socket.destroy();
    done(error);
  }
}

describe('the last answer of a session', function () {
  this.timeout(60_000);
  let database: TestDatabase;
  let url: string;

  before(async () => {
    database = await TestDatabase.start();
    url = await database.server.createDatabase('last_answer');
  });
  after(async () => {
    await database?.[Symbol.asyncDispose]();
  });

  const psk = async () => ({ identity: CARD, psk: await findKey(CARD) });
  async function secure(socket: Duplex): Promise<TLSSocket> {
    const key = await psk();
    const options = { ...CARD_TLS, pskCallback: () => key, checkServerIdentity: () => undefined };
    return connectTls({ socket, ...options });
  }

  it('is read at a handset that drops what is not read when the link goes, and the card ends it first', async () => {
    // Nobody waits so long here.
    await using node = await TestNode.open(url, { lingerMs: 600_000 });
    const socket = connect(node.address);
    const tls = await secure(new Handset(socket));
    const heard = text(tls);
    tls.write(POST);
    expect(await heard).to.match(/^HTTP\/1.1 204 /);
    socket.end();
    while (node.size > 0) await new Promise((resolve) => setTimeout(resolve, 2));
  });

  it('is the end of the connection too for a card that never ends it', async () => {
    await using node = await TestNode.open(url, { lingerMs: 50 });
    const socket = connect({ ...node.address, allowHalfOpen: true });
    const tls = await secure(new Handset(socket, false));
    tls.write(POST);
    tls.resume();
    await once(socket, 'end');
    socket.end();
    while (node.size > 0) await new Promise((resolve) => setTimeout(resolve, 2));
  });
});

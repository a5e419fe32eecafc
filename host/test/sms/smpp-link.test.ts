// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { rootCertificates } from 'node:tls';
import { expect } from 'chai';
import fc from 'fast-check';
import { connect, createServer, PDU, type Pdu } from 'smpp';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { SmppConnection } from '../../bearer/sms/smpp-connection.ts';
import { SmppLink, type SmppLinkOptions, type SmppState } from '../../bearer/sms/smpp-link.ts';
import { ESM, relativeMs, relativeTime, SMPP_STATUS, type SmppMessage } from '../../bearer/sms/smpp-pdu.ts';
import { TokenBucket } from '../../bearer/sms/token-bucket.ts';
import { Smsc, type SmscOptions } from '../../lab/smsc.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { testPki } from '../rest/fixture.ts';

const SERVER = '1000';
const CARD = '491700000001';
/** A packet in a message of the lowest and the highest byte values, which no alphabet keeps. */
const USER_DATA = fromHex('027000000102030A0D1B7F80FEFF');

const message = (more: Partial<SmppMessage> = {}): SmppMessage => ({
  source: SERVER,
  destination: CARD,
  esmClass: ESM.HEADER,
  pid: 0x7f,
  dcs: 0xf6,
  userData: USER_DATA,
  ...more,
});

/** An end of a link, with what came to it. */
class End implements AsyncDisposable {
  readonly received: SmppMessage[] = [];
  readonly states: SmppState[] = [];
  readonly link: SmppLink;
  #waiting: { readonly done: () => boolean; readonly resolve: () => void }[] = [];

  constructor(
    smsc: { readonly port: number },
    systemId: string,
    status = () => SMPP_STATUS.OK as number,
    more: { readonly ca?: string } & Partial<Pick<SmppLinkOptions, 'mode' | 'window' | 'pause'>> = {},
  ) {
    const { ca, ...rest } = more;
    const address = { host: '127.0.0.1', port: smsc.port, systemId, password: 'secret' };
    this.link = new SmppLink({
      smsc: ca === undefined ? address : { ...address, tls: { ca } },
      mode: 'transceiver',
      retryMs: 5,
      window: 2,
      ...rest,
      onMessage: async (received) => {
        const answer = status();
        if (answer === SMPP_STATUS.OK) this.received.push(received);
        this.#look();
        return answer;
      },
      onState: (state) => {
        this.states.push(state);
        this.#look();
      },
    });
  }

  #look(): void {
    for (const { done, resolve } of this.#waiting) if (done()) resolve();
  }

  until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ done, resolve });
    return promise;
  }

  bound(times = 1): Promise<void> {
    return this.until(() => this.states.filter(({ kind }) => kind === 'bound').length >= times);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.link[Symbol.asyncDispose]();
  }
}

/** An SMSC that takes every bind; how it answers messages is the test's. */
async function answering(
  take: (pdu: Pdu, answer: (to: Pdu, fields: Readonly<Record<string, unknown>>) => void) => void,
): Promise<AsyncDisposable & { readonly port: number }> {
  const smsc = createServer({}, (session) => {
    session.on('error', () => session.destroy());
    session.on('pdu', (pdu: Pdu) => {
      if (pdu.command === 'submit_sm') take(pdu, (to, fields) => void session.send(to.response(fields)));
      else if (!pdu.isResponse()) session.send(pdu.response());
    });
  });
  smsc.listen(0, '127.0.0.1');
  await once(smsc, 'listening');
  const address = smsc.address();
  return {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    [Symbol.asyncDispose]: () => smsc[Symbol.asyncDispose](),
  };
}

const smscWith = (options: Partial<SmscOptions> = {}) => Smsc.start({ port: 0, retryMs: 5, ...options });

async function refusalOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return String((error as { code?: unknown } | undefined)?.code);
}

describe('the link to an SMSC', function () {
  this.timeout(20_000);

  it('carries user data byte for byte, with PID, DCS and header bit, and tells what became of it', async () => {
    await using smsc = await smscWith();
    await using server = new End(smsc, SERVER);
    await using handset = new End(smsc, CARD);
    await server.bound();
    const id = await server.link.submit(message({ registeredDelivery: 1, validityPeriod: relativeTime(90_000) }));
    await handset.until(() => handset.received.length === 1);
    const [got] = handset.received;
    expect(got).to.include({ source: SERVER, destination: CARD, esmClass: ESM.HEADER, pid: 0x7f, dcs: 0xf6 });
    expect(toHex(got?.userData ?? fromHex(''))).to.equal(toHex(USER_DATA));
    expect(got?.messageId).to.equal(id);
    await server.until(() => server.received.length === 1);
    expect(server.received[0]).to.include({ esmClass: ESM.DELIVERY_RECEIPT, messageId: id, messageState: 2 });
    // As jsmpp and ch-smpp read it, field by field.
    const text = Buffer.from(server.received[0]?.userData ?? []).toString('latin1');
    expect(text).to.match(
      /^id:[0-9A-F]{8} sub:001 dlvrd:001 submit date:\d{10} done date:\d{10} stat:DELIVRD err:000 text:$/,
    );
    expect(smsc.traffic).to.deep.equal({ messages: 1, bytes: USER_DATA.length });
  });

  it('takes data_sm, and what message_payload has', async () => {
    await using smsc = await smscWith();
    await using handset = new End(smsc, CARD);
    await handset.bound();
    const session = connect({ host: '127.0.0.1', port: smsc.port });
    session.on('error', () => {});
    const ask = (command: string, fields: Record<string, unknown>) =>
      new Promise<Pdu>((resolve) => session.send(new PDU(command, fields), resolve));
    await ask('bind_transmitter', { system_id: SERVER, password: 'secret' });
    const fields = { source_addr: SERVER, destination_addr: CARD, esm_class: ESM.HEADER, data_coding: 0xf6 };
    const { command_status, message_id } = await ask('data_sm', { ...fields, message_payload: Buffer.from(USER_DATA) });
    expect([command_status, message_id]).to.deep.equal([SMPP_STATUS.OK, '00000001']);
    await handset.until(() => handset.received.length === 1);
    expect(handset.received[0]).to.include({ source: SERVER, esmClass: ESM.HEADER, dcs: 0xf6 });
    expect(toHex(handset.received[0]?.userData ?? fromHex(''))).to.equal(toHex(USER_DATA));
    session.destroy();
  });

  it('binds anew where the SMSC has forgotten that it is bound', async () => {
    let binds = 0;
    await using smsc = createServer({}, (session) => {
      session.on('error', () => session.destroy());
      session.on('pdu', (pdu: Pdu) => {
        if (pdu.command === 'bind_transceiver') binds += 1;
        const forgot = pdu.command === 'submit_sm' && binds === 1;
        session.send(pdu.response(forgot ? { command_status: SMPP_STATUS.INVALID_BIND_STATUS } : { message_id: '1' }));
      });
    });
    smsc.listen(0, '127.0.0.1');
    await once(smsc, 'listening');
    const address = smsc.address();
    await using server = new End({ port: typeof address === 'object' ? (address?.port ?? 0) : 0 }, SERVER);
    await server.bound();
    expect(await refusalOf(server.link.submit(message()))).to.equal('smsc-busy');
    await server.bound(2);
    expect(await server.link.submit(message())).to.equal('1');
  });

  it('binds anew behind answers of its own to what was sent before, where the bind is forgotten', async () => {
    const sent: Pdu[] = [];
    await using smsc = await answering((pdu, answer) => {
      sent.push(pdu);
      if (sent.length !== 2) return sent.length > 2 ? answer(pdu, { message_id: '2' }) : undefined;
      const [first = pdu] = sent;
      answer(pdu, { command_status: SMPP_STATUS.INVALID_BIND_STATUS });
      answer(first, { message_id: '1' });
    });
    await using server = new End(smsc, SERVER);
    await server.bound();
    const [first, second] = [server.link.submit(message()), server.link.submit(message())];
    expect(await refusalOf(second)).to.equal('smsc-busy');
    expect(await first).to.equal('1');
    await server.bound(2);
    expect(await server.link.submit(message())).to.equal('2');
  });

  it('says that a person must look where binds are taken and no message is, and pauses longer each time', async () => {
    let takes = false;
    await using smsc = await answering((pdu, answer) =>
      answer(pdu, takes ? { message_id: '1' } : { command_status: SMPP_STATUS.INVALID_BIND_STATUS }),
    );
    const pauses: number[] = [];
    await using server = new End(smsc, SERVER, undefined, { pause: async (ms) => void pauses.push(ms) });
    for (let binds = 1; binds <= 5; binds += 1) {
      await server.bound(binds);
      expect(await refusalOf(server.link.submit(message()))).to.equal('smsc-busy');
    }
    await server.bound(6);
    // Each is drawn between the half and the whole.
    for (const [index, most] of [5, 10, 20, 40, 80].entries())
      expect(pauses[index], `pause ${index}`).to.be.within(most / 2, most);
    const ends = server.states.filter(({ kind }) => kind !== 'bound');
    expect(ends.map(({ kind }) => kind)).to.deep.equal(['away', ...Array.from({ length: 4 }, () => 'refused')]);
    takes = true;
    expect(await server.link.submit(message())).to.equal('1');
  });

  it('carries any user data', async () => {
    await using smsc = await smscWith();
    await using server = new End(smsc, SERVER);
    await using handset = new End(smsc, CARD);
    await server.bound();
    await handset.bound();
    const userDatas = fc.uint8Array({ minLength: 1, maxLength: 140 });
    let count = 0;
    await fc.assert(
      fc.asyncProperty(userDatas, fc.boolean(), async (userData, header) => {
        await server.link.submit(message({ userData, esmClass: header ? ESM.HEADER : 0 }));
        count += 1;
        await handset.until(() => handset.received.length === count);
        expect(toHex(handset.received[count - 1]?.userData ?? fromHex(''))).to.equal(toHex(userData));
      }),
      { numRuns: soakRuns(50) },
    );
  });

  it('keeps a message for a receiver that is away, and for one that cannot take it now', async () => {
    let busy = 2;
    await using smsc = await smscWith();
    await using server = new End(smsc, SERVER);
    await server.bound();
    await server.link.submit(message());
    await using handset = new End(smsc, CARD, () => (busy-- > 0 ? SMPP_STATUS.TEMPORARY : SMPP_STATUS.OK));
    await handset.until(() => handset.received.length === 1);
    expect(busy).to.equal(-1);
  });

  it('comes back after the connection was cut', async () => {
    await using smsc = await smscWith();
    await using server = new End(smsc, SERVER);
    await server.bound();
    smsc.cut();
    await server.bound(2);
    expect(await server.link.submit(message())).to.match(/^[0-9A-F]{8}$/);
    expect(server.states.map(({ kind }) => kind)).to.deep.equal(['bound', 'away', 'bound']);
  });

  it('says smsc-away before it is bound, and why a bind was refused', async () => {
    await using smsc = await smscWith({ passwords: new Map([[SERVER, 'other']]) });
    await using server = new End(smsc, SERVER);
    expect(await refusalOf(server.link.submit(message()))).to.equal('smsc-away');
    await server.until(() => server.states.some(({ kind }) => kind === 'refused'));
    expect(server.link.state).to.deep.equal({
      kind: 'refused',
      reason: 'the SMSC refuses 1000 as transceiver: status 0000000d',
    });
  });

  it('says smsc-busy when the queue is full, and sends nothing for a while then', async () => {
    await using smsc = await smscWith({ queue: 1 });
    await using server = new End(smsc, SERVER);
    await server.bound();
    await server.link.submit(message());
    expect(await refusalOf(server.link.submit(message()))).to.equal('smsc-busy');
    const held = await server.link.submit(message({ destination: '491700000002' })).catch((error: unknown) => error);
    expect(held).to.have.nested.property('context.retryMs').that.is.within(1, 1_000);
  });

  it('tells a trouble that passes from a refusal, and goes on with other messages', async () => {
    const rows: readonly (readonly [status: number, code: string])[] = [
      [SMPP_STATUS.SYSTEM_ERROR, 'smsc-busy'],
      [SMPP_STATUS.TEMPORARY, 'smsc-busy'],
      [SMPP_STATUS.PERMANENT, 'smsc-refused'],
      [SMPP_STATUS.INVALID_DESTINATION, 'smsc-refused'],
    ];
    const statuses = rows.map(([status]) => status);
    const troubled = createServer({}, (session) => {
      session.on('error', () => session.destroy());
      session.on('pdu', (pdu: Pdu) => {
        if (pdu.isResponse()) return;
        const status = pdu.command === 'submit_sm' ? (statuses.shift() ?? SMPP_STATUS.OK) : SMPP_STATUS.OK;
        session.send(pdu.response({ command_status: status, message_id: 'A1' }));
      });
    });
    troubled.listen(0, '127.0.0.1');
    await once(troubled, 'listening');
    const address = troubled.address();
    {
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      await using server = new End({ port }, SERVER);
      await server.bound();
      for (const [, code] of rows) expect(await refusalOf(server.link.submit(message()))).to.equal(code);
      expect(await server.link.submit(message())).to.equal('A1');
    }
    troubled.close();
  });

  it('lets the most urgent go first where messages wait for their turn', async () => {
    await using smsc = await smscWith();
    await using server = new End(smsc, SERVER);
    await using handset = new End(smsc, CARD);
    await server.bound();
    await handset.bound();
    const sent = [0, 0, 0, 0, 2, 1, 0].map((priority, index) =>
      server.link.submit(message({ priority, userData: fromHex(`027000${priority}${index}`) })),
    );
    await Promise.all(sent);
    await handset.until(() => handset.received.length === 7);
    // Two are in the window when the others come.
    const order = handset.received.map(({ userData }) => toHex(userData).slice(-2));
    expect(order).to.deep.equal(['00', '01', '24', '15', '02', '03', '06']);
  });

  it('says smsc-unknown for a message whose answer went with the connection', async () => {
    const cut = Promise.withResolvers<void>();
    await using smsc = await smscWith({
      fate: () => {
        cut.resolve();
        smsc.cut();
        return { copies: 1 };
      },
    });
    await using server = new End(smsc, SERVER);
    await server.bound();
    expect(await refusalOf(server.link.submit(message()))).to.equal('smsc-unknown');
    await cut.promise;
  });

  it('goes over TLS, to an SMSC of the authority that was named and to no other', async () => {
    const pki = await testPki();
    const { key, certificate: cert, authority } = await pki.identity({ role: 'ota', id: 'main' });
    await using smsc = await smscWith({ tls: { key, cert } });
    await using server = new End(smsc, SERVER, undefined, { ca: authority });
    await server.bound();
    expect(await server.link.submit(message())).to.match(/^[0-9A-F]{8}$/);
    const [other = authority] = rootCertificates;
    await using wary = new End(smsc, SERVER, undefined, { ca: other });
    await wary.until(() => wary.states.length > 0);
    expect(wary.states[0]).to.include({ kind: 'away' });
    // One without TLS is not served at all.
    await using plain = new End(smsc, SERVER);
    await plain.until(() => plain.states.length > 0);
    expect(plain.states[0]).to.include({ kind: 'away' });
  });

  it('has a connection for each way where the SMSC wants that', async () => {
    await using smsc = await smscWith();
    await using out = new End(smsc, SERVER, undefined, { mode: 'transmitter' });
    await using back = new End(smsc, SERVER, undefined, { mode: 'receiver' });
    await using handset = new End(smsc, CARD);
    for (const end of [out, back, handset]) await end.bound();
    const id = await out.link.submit(message({ registeredDelivery: 1 }));
    await back.until(() => back.received.length === 1);
    expect(back.received[0]).to.include({ esmClass: ESM.DELIVERY_RECEIPT, messageId: id });
    expect(out.received).to.deep.equal([]);
    smsc.cut();
    await back.bound(2);
    await out.bound(2);
    await out.link.submit(message({ registeredDelivery: 1 }));
    await back.until(() => back.received.length === 2);
  });

  it('leaves no more messages unanswered than its window, and loses none under load', async () => {
    const [window, many] = [7, 100];
    let [open, most] = [0, 0];
    const held: (() => void)[] = [];
    const slow = createServer({}, (session) => {
      session.on('error', () => session.destroy());
      session.on('pdu', (pdu: Pdu) => {
        if (pdu.isResponse()) return;
        if (pdu.command !== 'submit_sm') return void session.send(pdu.response());
        open += 1;
        most = Math.max(most, open);
        held.push(() => {
          open -= 1;
          session.send(pdu.response({ message_id: String(pdu.sequence_number) }));
        });
        // It answers when its window is full or nothing more can come, the last one first.
        if (open === window || answered + open === many)
          for (const go of held.splice(0).reverse()) {
            answered += 1;
            go();
          }
      });
    });
    let answered = 0;
    slow.listen(0, '127.0.0.1');
    await once(slow, 'listening');
    const address = slow.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    {
      await using server = new End({ port }, SERVER, undefined, { window });
      await server.bound();
      const ids = await Promise.all(Array.from({ length: many }, () => server.link.submit(message())));
      expect(new Set(ids).size).to.equal(many);
      expect(most).to.equal(window);
    }
    slow.close();
  });

  it('ends a connection whose SMSC sends what is no PDU', async () => {
    const { createServer } = await import('node:net');
    const rogue = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.write(Buffer.from('00000005ff', 'hex')));
    });
    await new Promise<void>((listening) => rogue.listen(0, '127.0.0.1', listening));
    const address = rogue.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const smsc = { host: '127.0.0.1', port, systemId: SERVER, password: 'secret' };
    const bind = SmppConnection.bind({ smsc, mode: 'receiver', onMessage: async () => 0 });
    expect(await refusalOf(bind)).to.equal('smsc-unknown');
    rogue.close();
  });
});

describe('times and rates of SMPP', () => {
  it('writes relative times in whole seconds, never less', () => {
    const times: readonly (readonly [number, string])[] = [
      [1, '000000000001000R'],
      [61_500, '000000000102000R'],
      [86_400_000, '000001000000000R'],
      [400 * 86_400_000, '000099000000000R'],
    ];
    for (const [ms, text] of times) expect(relativeTime(ms)).to.equal(text);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99 * 86_400 }), (seconds) => {
        expect(relativeMs(relativeTime(seconds * 1_000))).to.equal(seconds * 1_000);
      }),
      { numRuns: soakRuns(100) },
    );
    expect(relativeMs('261126201500000+')).to.equal(undefined);
  });

  it('lets a second of messages leave at once, and then one after the other', () => {
    let now = 0;
    const bucket = new TokenBucket(4, () => now);
    expect(Array.from({ length: 6 }, () => bucket.take())).to.deep.equal([0, 0, 0, 0, 250, 500]);
    now = 10_000;
    expect(Array.from({ length: 5 }, () => bucket.take())).to.deep.equal([0, 0, 0, 0, 250]);
  });

  it('gives two nodes together what one has alone', () => {
    let now = 0;
    const buckets = [0, 1].map(() => new TokenBucket(4, () => now));
    for (const bucket of buckets) bucket.change(4 / 2);
    // What they had at once when each was alone is theirs still: it cannot be more than their share.
    for (const bucket of buckets)
      expect(Array.from({ length: 4 }, () => bucket.take())).to.deep.equal([0, 0, 500, 1_000]);
    now = 60_000;
    for (const bucket of buckets) expect(Array.from({ length: 3 }, () => bucket.take())).to.deep.equal([0, 0, 500]);
    buckets[0]?.change(4);
    now = 120_000;
    expect(Array.from({ length: 5 }, () => buckets[0]?.take())).to.deep.equal([0, 0, 0, 0, 250]);
  });
});

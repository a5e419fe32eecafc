// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { PeerError } from '../../errors.ts';
import { reader, success, TestDatabase, TestOta, TestTerminal } from './fixture.ts';

describe('ota terminal link', () => {
  let database: TestDatabase;
  let ota: TestOta;
  before(async () => {
    database = await TestDatabase.start();
    ota = await TestOta.start(database, 'ota_links');
  });
  after(async () => {
    await ota[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const hostile: { name: string; send: (terminal: TestTerminal) => void }[] = [
    { name: 'a message that is not JSON', send: (terminal) => terminal.send('{"type":') },
    { name: 'a binary message', send: (terminal) => terminal.send(Buffer.from('{}')) },
    { name: 'an unknown type', send: (terminal) => terminal.send({ type: 'shell', command: 'id' }) },
    { name: 'no object', send: (terminal) => terminal.send('null') },
    {
      name: 'an unknown field',
      send: (terminal) => terminal.send({ type: 'hello', terminalId: 'desk', readers: [], admin: true }),
    },
    { name: 'a hello under the name of another terminal', send: (terminal) => terminal.hello([], 'other') },
    { name: 'readers before hello', send: (terminal) => terminal.readers([]) },
    {
      name: 'a second hello',
      send: (terminal) => {
        terminal.hello();
        terminal.hello();
      },
    },
    {
      name: 'a result that nobody asked for',
      send: (terminal) => {
        terminal.hello();
        terminal.send({ type: 'result', id: 1, responses: [], stopped: false, apdus: 0, bytesOut: 0, bytesIn: 0 });
      },
    },
    { name: 'a message over the limit', send: (terminal) => terminal.send(`"${'x'.repeat(1_100_000)}"`) },
    { name: 'two readers of one name', send: (terminal) => terminal.hello([reader('1'), reader('2')]) },
    {
      name: 'too many readers',
      send: (terminal) => terminal.hello(Array.from({ length: 513 }, (_, index) => reader('1', `slot ${index}`))),
    },
    { name: 'an ATR that is too long', send: (terminal) => terminal.hello([{ ...reader('1'), atr: '3B'.repeat(34) }]) },
  ];
  for (const { name, send } of hostile) {
    it(`closes the link after ${name}`, async () => {
      const terminal = await ota.terminal('desk');
      send(terminal);
      await terminal.closed;
    });
  }

  it('ends a script whose answer is against the contract, with an unknown outcome', async () => {
    const provider = await ota.provider();
    const answers: ((id: number) => unknown)[] = [
      (id) => ({ type: 'result', id, responses: 'none' }),
      (id) => ({ type: 'result', id: id + 1, responses: [], stopped: true, apdus: 0, bytesOut: 0, bytesIn: 0 }),
      (id) => ({ type: 'result', id, responses: [], stopped: false, apdus: 0, bytesOut: 0, bytesIn: 0 }),
      (id) => ({
        type: 'result',
        id,
        responses: [{ data: 'FF'.repeat(5_000), sw: '9000' }],
        stopped: false,
        apdus: 1,
        bytesOut: 0,
        bytesIn: 0,
      }),
    ];
    for (const [index, answer] of answers.entries()) {
      const terminal = await ota.terminal('desk');
      terminal.hello([reader(`hostile-${index}`)]);
      terminal.answer = (exchange) => answer(exchange.id);
      const session = await provider.open(`one-${index}`, { waitMs: 10_000 });
      if (session.insertion !== `hostile-${index}`) throw new Error('the card of the last round is still there');
      const outcome = await provider.exchange(session).catch((error: unknown) => error);
      expect(outcome).to.be.instanceOf(PeerError);
      expect((outcome as PeerError).code).to.equal('outcome-unknown');
      terminal.drop();
      await terminal.closed;
    }
  });

  it('lets in terminals only, by the role of the certificate', async () => {
    for (const role of ['provider', 'issuer', 'ota'] as const) {
      const outcome = await TestTerminal.connect(ota.port, 'desk', role).catch((error: unknown) => error);
      expect((outcome as Error).message).to.contain('403');
    }
  });

  it('takes the newest of two connections of one terminal', async () => {
    const old = await ota.terminal('desk');
    old.hello([reader('old')]);
    const provider = await ota.provider();
    await provider.close(await provider.open('first', { waitMs: 10_000 }));
    const fresh = await ota.terminal('desk');
    fresh.hello([reader('fresh')]);
    await old.closed;
    const session = await provider.open('second', { waitMs: 10_000 });
    expect(session.insertion).to.equal('fresh');
    fresh.answer = success;
    await provider.exchange(session);
  });
});

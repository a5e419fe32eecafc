// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { Type } from 'typebox';
import { PeerError } from '../../errors.ts';
import { TerminalInfo } from '../../wire/message/card-script.ts';
import { command, reader, TestDatabase, TestOta } from './fixture.ts';

/** Two nodes of one OTA server on one database: a provider may ask any of them for any card. */
describe('two nodes of ota', () => {
  let database: TestDatabase;
  let one: TestOta;
  let two: TestOta;
  before(async () => {
    database = await TestDatabase.start();
  });
  after(async () => {
    await database[Symbol.asyncDispose]();
  });
  let pairs = 0;
  beforeEach(async () => {
    pairs += 1;
    one = await TestOta.start(database, `nodes_${pairs}`, { nodeId: 'one' });
    two = await TestOta.start(database, `nodes_${pairs}`, { nodeId: 'two' });
  });
  afterEach(async () => {
    await Promise.all([one[Symbol.asyncDispose](), two[Symbol.asyncDispose]()]);
  });

  const wait = { waitMs: 10_000 };
  const codeOf = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'accepted',
      (error: unknown) => (error instanceof PeerError ? error.code : String(error)),
    );

  it('reach a terminal through each other', async () => {
    const terminal = await one.terminal();
    terminal.hello([reader('card-1')]);
    const provider = await two.provider();
    const session = await provider.open('one', wait);
    const result = await provider.exchange(session, [command('00A40400'), command('00B00000')]);
    expect(result.responses).to.have.length(2);
    expect((await terminal.script()).fence).to.equal(session.fence);
    const list = await provider.client.call({
      method: 'GET',
      path: '/v1/terminals',
      response: Type.Array(TerminalInfo),
    });
    expect(list.map(({ terminalId, readers }) => [terminalId, readers[0]?.insertion])).to.deep.equal([
      ['desk', 'card-1'],
    ]);
  });

  it('go on with a session that the other one opened, and refuse one that it replaced', async () => {
    (await one.terminal()).hello();
    const [at1, at2] = [await one.provider(), await two.provider()];
    const session = await at1.open('one', wait);
    await at2.exchange(session);
    const next = await at2.open('one');
    expect(next.fence).to.equal(session.fence + 1);
    expect(await codeOf(at1.exchange(session))).to.equal('stale-fence');
    await at1.exchange(next);
  });

  it('count the cards of a provider together', async () => {
    const pair = (nodeId: string) =>
      TestOta.start(database, 'nodes_count', { nodeId, providers: [{ id: 'a', maxSessions: 1 }] });
    await using first = await pair('one');
    await using second = await pair('two');
    (await first.terminal()).hello([reader('card-1'), reader('card-2', 'slot 2')]);
    const [at1, at2] = [await first.provider(), await second.provider()];
    const session = await at1.open('one', wait);
    expect(await codeOf(at2.open('two', { readerName: 'slot 2' }))).to.equal('too-many-sessions');
    // The same card again is the same card.
    await at2.open('one');
    expect(await codeOf(at1.close(session))).to.equal('accepted');
    expect(await codeOf(at2.open('two', { readerName: 'slot 2' }))).to.equal('too-many-sessions');
    await at2.close(await at2.open('one'));
    expect(await codeOf(at2.open('two', { readerName: 'slot 2' }))).to.equal('accepted');
  });

  it('wake who waits at one for a lease that is given back at the other', async () => {
    (await one.terminal()).hello();
    const [at1, at2] = [await one.provider(), await two.provider()];
    const session = await at1.open('one', wait);
    const waiting = at2.open('two', wait);
    expect(await codeOf(at2.open('three'))).to.equal('card-busy');
    const started = performance.now();
    await at1.close(session);
    expect((await waiting).fence).to.equal(session.fence + 1);
    expect(performance.now() - started).to.be.lessThan(5_000);
  });

  it('follow a terminal that connects to the other one, and hear of its cards there', async () => {
    const before = await one.terminal();
    before.hello([reader('card-1')]);
    const at1 = await one.provider();
    const session = await at1.open('one', wait);
    const after = await two.terminal();
    after.hello([reader('')]);
    // The older connection is ended by its node.
    await before.closed;
    expect(await codeOf(at1.exchange(session))).to.equal('card-removed');
    const waiting = at1.open('one', wait);
    after.readers([reader('card-2')]);
    expect((await waiting).insertion).to.equal('card-2');
    await at1.exchange(await waiting);
    expect(after.received.some(({ type }) => type === 'exchange')).to.equal(true);
  });

  it('say that the terminal is away when its node is gone, until it comes to another', async () => {
    (await two.terminal()).hello();
    const at1 = await one.provider();
    const session = await at1.open('one', wait);
    await two.stopHere();
    expect(await codeOf(at1.exchange(session))).to.equal('terminal-away');
    expect(await codeOf(at1.open('one'))).to.equal('terminal-away');
    const waiting = at1.open('one', wait);
    (await one.terminal()).hello();
    await at1.exchange(await waiting);
  });
});

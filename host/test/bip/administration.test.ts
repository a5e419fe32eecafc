// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { decodeAdminResult, encodeAdminBody } from '../../bearer/bip/admin-script.ts';
import type { AdministrationAgentOptions } from '../../bearer/bip/administration-agent.ts';
import { TransportError } from '../../errors.ts';
import type { CardCommand } from '../../wire/message/card-script.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { KEY, TestNode, testAgent, triggerOf } from './fixture.ts';

/** Sessions of remote administration on two nodes of one database, over real connections. */

const COMMANDS: CardCommand[] = [
  { label: 'SELECT', apdus: ['00A4040000'] },
  { label: 'GET DATA', apdus: ['80CA006600'], anyStatus: true },
];
const TIME = { timeoutMs: 20_000 };
const noTrigger = async () => ({});

describe('remote administration', function () {
  this.timeout(60_000);
  let database: TestDatabase;
  let one: TestNode;
  let two: TestNode;
  let url: string;
  let fence = 0;

  before(async () => {
    database = await TestDatabase.start();
    url = await database.server.createDatabase('administration');
    one = await TestNode.open(url, { holdMs: 200 });
    two = await TestNode.open(url, { holdMs: 200 });
  });
  after(async () => {
    await one?.[Symbol.asyncDispose]();
    await two?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  const newKey = () => ({ ...KEY, fence: ++fence });
  const countScripts = (count: { runs: number }): AdministrationAgentOptions['run'] => {
    return async ({ commands }) => {
      count.runs += 1;
      const responses = commands.map(() => ({ data: '', sw: '9000' }));
      return { responses, stopped: false, apdus: 0, bytesOut: 0, bytesIn: 0 };
    };
  };

  it('has scripts run in order over one channel, and ends it when the session is over', async () => {
    await using agent = testAgent([one.address]);
    const key = newKey();
    const trigger = triggerOf(agent, key.fence);
    for (let round = 0; round < 3; round += 1) {
      const { status, body, bytesIn, bytesOut } = await one.administration.run(key, encodeAdminBody(COMMANDS), {
        trigger,
        ...TIME,
      });
      const { responses } = decodeAdminResult(COMMANDS, body);
      expect([status, responses.map(({ data }) => data)]).to.deep.equal(['ok', ['00', '01']]);
      expect(Math.min(bytesIn, bytesOut)).to.be.greaterThan(100);
    }
    await one.administration.end(key);
    expect((await one.table.ofFence(key))?.state).to.equal('ended');
  });

  it('asks at another node than the one that the card calls', async () => {
    await using agent = testAgent([two.address]);
    const key = newKey();
    const request = { trigger: triggerOf(agent, key.fence), ...TIME };
    const { status } = await one.administration.run(key, encodeAdminBody(COMMANDS), request);
    expect(status).to.equal('ok');
    await one.administration.end(key);
  });

  it('goes on at another node when the one that the card called is gone between two scripts', async () => {
    const third = await TestNode.open(url, { holdMs: 200 });
    const count = { runs: 0 };
    await using agent = testAgent([third.address, two.address], { run: countScripts(count) });
    const key = newKey();
    const request = { trigger: triggerOf(agent, key.fence), ...TIME };
    await one.administration.run(key, encodeAdminBody(COMMANDS), request);
    await third[Symbol.asyncDispose]();
    await one.administration.run(key, encodeAdminBody(COMMANDS), request);
    expect(count.runs).to.equal(2);
    await one.administration.end(key);
  });

  it('says that the outcome is unknown when the channel breaks under a script, and runs nothing twice', async () => {
    const third = await TestNode.open(url, { holdMs: 200 });
    const count = { runs: 0 };
    const run = countScripts(count);
    await using agent = testAgent([third.address, two.address], {
      run: async (script) => {
        const result = await run(script);
        await third.cut();
        return result;
      },
    });
    const key = newKey();
    const request = { trigger: triggerOf(agent, key.fence), ...TIME };
    const failed = await one.administration.run(key, encodeAdminBody(COMMANDS), request).catch((error) => error);
    expect(failed).to.be.instanceOf(TransportError).with.property('code', 'outcome-unknown');
    expect(count.runs).to.equal(1);
    await third[Symbol.asyncDispose]();
  });

  it('takes an offer back from a card that does not call: it got nothing', async () => {
    await using quick = await TestNode.open(url, { callMs: 50 });
    const key = newKey();
    const request = { trigger: noTrigger, ...TIME };
    const failed = await quick.administration.run(key, encodeAdminBody(COMMANDS), request).catch((error) => error);
    expect(failed).to.be.instanceOf(TransportError).with.property('code', 'bearer-unreachable');
    const row = await quick.table.ofFence(key);
    expect(row?.state).to.equal('ended');
    // A card that calls after that is told that there is nothing for it.
    const late = { ...POST, sessionId: row?.sessionId ?? '' };
    expect(await quick.administration.answer(late)).to.deep.equal({ kind: 'end' });
  });

  it('gives a script again to a card that did not get it, and takes a result once', async () => {
    const key = newKey();
    const offer = encodeAdminBody(COMMANDS);
    const run = one.administration.run(key, offer, { trigger: noTrigger, ...TIME });
    const { sessionId = '' } = await until(
      () => one.table.ofFence(key),
      ({ state }) => state === 'offered',
    );
    const first = await one.administration.answer({ ...POST, sessionId });
    const again = await two.administration.answer({ ...POST, sessionId, resume: true });
    expect([first.kind, again]).to.deep.equal(['script', first]);
    const result = { ...POST, sessionId, done: 1, status: 'ok', body: Uint8Array.of(1) };
    expect(await two.administration.answer(result)).to.deep.equal({ kind: 'again', script: 1 });
    expect((await run).body).to.deep.equal(Buffer.of(1));
    await one.administration.answer({ ...result, body: Uint8Array.of(2) });
    expect((await one.table.find(sessionId))?.result).to.deep.equal(Buffer.of(1));
    await one.administration.end(key);
  });

  it('gives a script that goes once to nobody twice: who asks again may have run a half of it', async () => {
    for (const resume of [true, false]) {
      const key = newKey();
      const offer = { ...encodeAdminBody(COMMANDS), once: true };
      const run = one.administration.run(key, offer, { trigger: noTrigger, ...TIME }).catch((error: unknown) => error);
      const { sessionId = '' } = await until(
        () => one.table.ofFence(key),
        ({ state }) => state === 'offered',
      );
      expect(await one.administration.answer({ ...POST, sessionId })).to.include({ kind: 'script' });
      expect(await two.administration.answer({ ...POST, sessionId, resume })).to.deep.equal({ kind: 'end' });
      expect(await run)
        .to.be.instanceOf(TransportError)
        .with.property('code', 'outcome-unknown');
    }
  });

  it('gives a script that goes once to one of two POSTs that wait together, and takes its result', async () => {
    await using patient = await TestNode.open(url, { holdMs: 10_000 });
    const key = newKey();
    const sessionId = 'd'.repeat(32);
    await patient.table.open(key, sessionId, KEY.pskIdentity);
    const posts = callsOf(patient, 'post');
    const both = [1, 2].map(() => patient.administration.answer({ ...POST, sessionId }));
    await posts(2);
    const run = one.administration.run(
      key,
      { ...encodeAdminBody(COMMANDS), once: true },
      { trigger: noTrigger, ...TIME },
    );
    const kinds = (await Promise.all(both)).map(({ kind }) => kind);
    expect(kinds.toSorted()).to.deep.equal(['again', 'script']);
    await one.administration.answer({ ...POST, sessionId, done: 1, status: 'ok', body: Uint8Array.of(7) });
    expect(await run).to.deep.include({ status: 'ok', body: Uint8Array.of(7) });
    await one.administration.end(key);
  });

  it('gives a script that goes once to the newest of the POSTs that wait, whichever asks first', async () => {
    await using older = await TestNode.open(url, { holdMs: 10_000 });
    await using newer = await TestNode.open(url, { holdMs: 10_000 });
    const key = newKey();
    const sessionId = '9'.repeat(32);
    await older.table.open(key, sessionId, KEY.pskIdentity);
    const [first, second] = [callsOf(older, 'post'), callsOf(newer, 'post')];
    // Its connection was cut off by the network: nobody reads what it is told, and nothing says so here.
    const forgotten = older.administration.answer({ ...POST, sessionId }, new AbortController().signal);
    await first(1);
    const send = newer.table.send.bind(newer.table);
    newer.table.send = async (...place) => {
      await forgotten;
      return send(...place);
    };
    const live = newer.administration.answer({ ...POST, sessionId });
    await second(1);
    const run = one.administration.run(
      key,
      { ...encodeAdminBody(COMMANDS), once: true },
      { trigger: noTrigger, ...TIME },
    );
    expect(await forgotten).to.deep.equal({ kind: 'again', script: 0 });
    expect(await live).to.include({ kind: 'script', script: 1 });
    await one.administration.answer({ ...POST, sessionId, done: 1, status: 'ok', body: Uint8Array.of(7) });
    expect(await run).to.deep.include({ status: 'ok', body: Uint8Array.of(7) });
    await one.administration.end(key);
  });

  it('keeps a script that goes once for the next POST when the connection ends before it has left', async () => {
    await using patient = await TestNode.open(url, { holdMs: 10_000 });
    const key = newKey();
    const sessionId = 'e'.repeat(32);
    await patient.table.open(key, sessionId, KEY.pskIdentity);
    const [connection, posts] = [new AbortController(), callsOf(patient, 'post')];
    const send = patient.table.send.bind(patient.table);
    patient.table.send = async (...place) => {
      const row = await send(...place);
      if (row?.state === 'sent') connection.abort('FIN');
      return row;
    };
    const gone = patient.administration.answer({ ...POST, sessionId }, connection.signal);
    await posts(1);
    const run = one.administration.run(
      key,
      { ...encodeAdminBody(COMMANDS), once: true },
      { trigger: noTrigger, ...TIME },
    );
    expect(await gone).to.deep.equal({ kind: 'again', script: 0 });
    expect(await one.administration.answer({ ...POST, sessionId })).to.include({ kind: 'script', script: 1 });
    await one.administration.answer({ ...POST, sessionId, done: 1, status: 'ok', body: Uint8Array.of(7) });
    expect(await run).to.include({ status: 'ok' });
    await one.administration.end(key);
  });

  it('takes a script back that has not left when the time is over, however late its connection ended', async () => {
    await using patient = await TestNode.open(url, { holdMs: 10_000 });
    // It looks once for the call of its card.
    await using hasty = await TestNode.open(url, { callMs: 0 });
    const key = newKey();
    const sessionId = '8'.repeat(32);
    await patient.table.open(key, sessionId, KEY.pskIdentity);
    const [connection, posts] = [new AbortController(), callsOf(patient, 'post')];
    const [send, unsent] = [patient.table.send.bind(patient.table), patient.table.unsent.bind(patient.table)];
    const [find, withdraw] = [hasty.table.find.bind(hasty.table), hasty.table.withdraw.bind(hasty.table)];
    const [taken, waits, back] = [Promise.withResolvers(), Promise.withResolvers(), Promise.withResolvers()];
    patient.table.send = async (...place) => {
      const row = await send(...place);
      if (row?.state !== 'sent') return row;
      connection.abort('FIN');
      taken.resolve(row);
      return row;
    };
    // It comes back behind the time for the call, in which it would be taken back too, and before that for the result.
    let finds = 0;
    hasty.table.find = async (...place) => {
      await taken.promise;
      const row = await find(...place);
      if (++finds === 2) waits.resolve(row);
      return row;
    };
    patient.table.unsent = async (...place) => {
      await waits.promise;
      await unsent(...place);
      back.resolve(undefined);
    };
    hasty.table.withdraw = async (...place) => {
      await back.promise;
      return withdraw(...place);
    };
    const gone = patient.administration.answer({ ...POST, sessionId }, connection.signal);
    await posts(1);
    const run: unknown = await hasty.administration
      .run(key, { ...encodeAdminBody(COMMANDS), once: true }, { trigger: noTrigger, timeoutMs: 100 })
      .catch((error: unknown) => error);
    expect(await gone).to.deep.equal({ kind: 'again', script: 0 });
    expect(run).to.be.instanceOf(TransportError).with.property('code', 'bearer-unreachable');
  });

  it('answers nobody but the one who was called, and no number that was never given', async () => {
    const key = newKey();
    const run = one.administration.run(key, encodeAdminBody(COMMANDS), { trigger: noTrigger, ...TIME });
    const { sessionId = '' } = await until(
      () => one.table.ofFence(key),
      ({ state }) => state === 'offered',
    );
    for (const more of [{ pskIdentity: 'other' }, { done: 2 }, { sessionId: 'f'.repeat(32) }])
      expect(await one.administration.answer({ ...POST, sessionId, ...more })).to.deep.equal({ kind: 'unknown' });
    expect((await one.table.find(sessionId))?.state).to.equal('offered');
    await one.administration.end(key);
    expect(await run.catch((error) => error.code)).to.equal('outcome-unknown');
  });

  it('ends a session of an older fence when a newer one begins', async () => {
    const key = newKey();
    await one.table.open(key, 'a'.repeat(32), KEY.pskIdentity);
    await one.table.open(newKey(), 'b'.repeat(32), KEY.pskIdentity);
    expect((await one.table.find('a'.repeat(32)))?.state).to.equal('ended');
  });

  it('ends a session that nobody has used for long', async () => {
    await using tired = await TestNode.open(url, { holdMs: 10, silentMs: 0 });
    const key = newKey();
    await tired.table.open(key, 'c'.repeat(32), KEY.pskIdentity);
    expect(await tired.administration.answer({ ...POST, sessionId: 'c'.repeat(32) })).to.deep.equal({ kind: 'end' });
  });
});

const POST = {
  pskIdentity: KEY.pskIdentity,
  sessionId: '',
  done: 0,
  resume: false,
  body: new Uint8Array(),
  traffic: { bytesOut: 0, bytesIn: 0 },
};

/** Waits until so many of these calls of a node have ended. */
function callsOf({ table }: TestNode, name: 'post'): (count: number) => Promise<void> {
  const call = table[name].bind(table);
  let ended = 0;
  table[name] = async (...values) => {
    const row = await call(...values);
    ended += 1;
    return row;
  };
  return async (count) => {
    while (ended < count) await new Promise((resolve) => setTimeout(resolve, 2));
  };
}

async function until<T>(read: () => Promise<T | undefined>, done: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read();
    if (value !== undefined && done(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

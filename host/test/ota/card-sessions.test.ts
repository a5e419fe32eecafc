// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { Type } from 'typebox';
import { PeerError } from '../../errors.ts';
import { otaClient } from '../../rest/clients/ota.ts';
import { CardLinks } from '../../service/card-links.ts';
import { type ExchangeResult, TerminalInfo } from '../../wire/message/card-script.ts';
import { command, Provider, reader, success, TestDatabase, TestOta } from './fixture.ts';

async function refusal(work: Promise<unknown>): Promise<PeerError> {
  const outcome = await work.then(
    () => 'it was accepted',
    (error: unknown) => error,
  );
  expect(outcome).to.be.instanceOf(PeerError);
  return outcome as PeerError;
}

describe('ota card sessions', () => {
  let database: TestDatabase;
  let ota: TestOta;
  let databases = 0;
  before(async () => {
    database = await TestDatabase.start();
  });
  after(async () => {
    await database[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    databases++;
    ota = await TestOta.start(database, `ota_${databases}`);
  });
  afterEach(async () => {
    await ota[Symbol.asyncDispose]();
  });

  it('runs a script in one round trip and says what it cost', async () => {
    const terminal = await ota.terminal();
    terminal.hello();
    const provider = await ota.provider();
    const session = await provider.open('one', { waitMs: 5_000 });
    expect(session).to.include({ fence: 1, atr: '3B00', insertion: 'card-1' });
    const result = await provider.exchange(session, [command('00A40400'), command('00B00000')]);
    expect(result.responses).to.deep.equal([
      { data: '', sw: '9000' },
      { data: '', sw: '9000' },
    ]);
    expect(result.cost).to.include({ roundTrips: 1, apdus: 2, bytesOut: 5, bytesIn: 2 });
    expect((await terminal.script()).commands.map(({ apdus }) => apdus)).to.deep.equal([['00A40400'], ['00B00000']]);
  });

  it('opens a session with its first script and ends it with its last', async () => {
    const terminal = await ota.terminal();
    terminal.hello();
    const link = otaClient((await ota.provider()).client);
    const place = { terminalId: 'desk', readerName: 'slot 1', waitMs: 5_000 };
    const { first, ...session } = await link.openCardSession({
      ...place,
      owner: 'workflow-1',
      commands: [command('00A40400')],
    });
    expect([first?.responses, first?.cost.roundTrips]).to.deep.equal([[{ data: '', sw: '9000' }], 1]);
    expect((await link.exchange(session, [command('00B00000')])).ended).to.equal(undefined);
    expect((await link.exchange(session, [command('00B00000')], true)).ended).to.equal(true);
    expect((await refusal(link.exchange(session, [command('00B00000')]))).code).to.equal('no-such-card-session');
    // Nobody waits for the lease of a session that ended so, nor for that of one whose first script failed.
    terminal.answer = (script) => ({
      ...success(script),
      responses: [],
      failure: { code: 'link-lost', message: 'lost' },
    });
    const failing = link.openCardSession({ ...place, owner: 'workflow-2', commands: [command('00A40400')] });
    expect((await refusal(failing)).code).to.equal('link-lost');
    const next = await link.openCardSession({ ...place, waitMs: 0, owner: 'workflow-3' });
    expect([next.fence, next.first]).to.deep.equal([session.fence + 2, undefined]);
  });

  it('lists terminals and their readers for providers only', async () => {
    const terminal = await ota.terminal();
    terminal.hello([reader('card-1'), reader('', 'slot 2')]);
    const provider = await ota.provider();
    await provider.open('one', { waitMs: 5_000 });
    const list = await provider.client.call({
      method: 'GET',
      path: '/v1/terminals',
      response: Type.Array(TerminalInfo),
    });
    expect(list[0]?.readers.map(({ readerName, cardPresent }) => [readerName, cardPresent])).to.deep.equal([
      ['slot 1', true],
      ['slot 2', false],
    ]);
    for (const role of ['issuer', 'terminal', 'kms', 'ota'] as const) {
      const client = await ota.client({ role, id: 'x' });
      expect((await refusal(client.call({ method: 'GET', path: '/v1/terminals' }))).code).to.equal('access-denied');
    }
  });

  it('shows of a card that another provider holds only that it is there', async () => {
    const terminal = await ota.terminal();
    terminal.hello([reader('card-1'), reader('card-2', 'slot 2')]);
    const [a, b] = [await ota.provider('a'), await ota.provider('b')];
    await a.open('one', { waitMs: 5_000 });
    const call = { method: 'GET', path: '/v1/terminals', response: Type.Array(TerminalInfo) } as const;
    const shown = async ({ client }: typeof a) => (await client.call(call))[0]?.readers;
    expect(await shown(a)).to.deep.equal([reader('card-1'), reader('card-2', 'slot 2')]);
    const hidden = { ...reader('card-1'), atr: '', insertion: 'held' };
    expect(await shown(b)).to.deep.equal([hidden, reader('card-2', 'slot 2')]);
    const stranger = await ota.provider('unknown');
    expect((await refusal(stranger.client.call(call))).code).to.equal('provider-not-registered');
  });

  it('refuses a second owner, lets it wait, and hands over when the first closes', async () => {
    (await ota.terminal()).hello();
    const provider = await ota.provider();
    const first = await provider.open('first', { waitMs: 5_000 });
    expect((await refusal(provider.open('second'))).code).to.equal('card-busy');
    const waiting = provider.open('second', { waitMs: 20_000 });
    await provider.exchange(first);
    await provider.close(first);
    const second = await waiting;
    expect(second.fence).to.equal(2);
    expect((await refusal(provider.exchange(first))).code).to.equal('no-such-card-session');
  });

  it('takes no lease for a caller that left while it waited', async () => {
    (await ota.terminal()).hello();
    const provider = await ota.provider();
    const first = await provider.open('first', { waitMs: 5_000 });
    const leaving = new AbortController();
    const body = { terminalId: 'desk', readerName: 'slot 1', owner: 'workflow-left', waitMs: 60_000 };
    const left = provider.client
      .call({ method: 'POST', path: '/v1/card-sessions', body, signal: leaving.signal })
      .catch((error: unknown) => error);
    // Another request on the way: the waiting one has arrived when this is answered.
    await provider.exchange(first);
    leaving.abort();
    expect(await left).to.have.property('code', 'aborted');
    await provider.exchange(first);
    await provider.close(first);
    expect((await provider.open('second', { waitMs: 20_000 })).fence).to.be.at.most(first.fence + 2);
  });

  it('gives the same owner its lease back with a new fence, and the old one is stale', async () => {
    const terminal = await ota.terminal();
    terminal.hello();
    const provider = await ota.provider();
    const old = await provider.open('one', { waitMs: 5_000 });
    const fresh = await provider.open('one');
    expect(fresh.fence).to.equal(2);
    expect((await refusal(provider.exchange(old))).code).to.equal('stale-fence');
    expect((await refusal(provider.exchange({ ...old, fence: 2 }))).code).to.equal('stale-fence');
    expect((await refusal(provider.exchange({ ...fresh, fence: 1 }))).code).to.equal('stale-fence');
    expect((await refusal(provider.exchange({ ...fresh, fence: 3 }))).code).to.equal('stale-fence');
    expect(terminal.received.filter(({ type }) => type === 'exchange')).to.have.length(0);
    await provider.exchange(fresh);
  });

  it('gives back what an owner held in the life before its kill, and nothing of others', async () => {
    (await ota.terminal()).hello();
    const [a, b] = [await ota.provider('a'), await ota.provider('b')];
    const slot = { terminalId: 'desk', readerName: 'slot 1' };
    await new CardLinks(otaClient(a.client), 5_000).of('workflow-1', slot).exchange([command('00A40400')]);
    for (const [stranger, owner] of [[a, 'workflow-2'] as const, [b, 'workflow-1'] as const]) {
      await otaClient(stranger.client).giveBackCard({ ...slot, owner });
      expect((await refusal(b.open('waits'))).code).to.equal('card-busy');
    }
    // The flow's end is all that the next life of its process has to do: no trip, so no session that it knows.
    const links = new CardLinks(otaClient(a.client), 5_000);
    links.of('workflow-1', slot);
    await links.release('workflow-1');
    expect((await b.open('waits')).fence).to.equal(2);
  });

  it('of two owners at once exactly one gets the card', async () => {
    (await ota.terminal()).hello();
    const provider = await ota.provider();
    await provider.close(await provider.open('zero', { waitMs: 5_000 }));
    for (let round = 0; round < 10; round++) {
      const owners = ['one', 'two', 'three', 'four'].map((name) => `${name}-${round}`);
      const outcomes = await Promise.allSettled(owners.map((owner) => provider.open(owner)));
      const winners = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      expect(winners).to.have.length(1);
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason.code).to.equal('card-busy');
      for (const winner of winners) await provider.close(winner);
    }
  });

  it('keeps providers apart: another one sees no session and cannot take a lease by its owner name', async () => {
    (await ota.terminal()).hello();
    const a = await ota.provider('a');
    const b = await ota.provider('b');
    const session = await a.open('one', { waitMs: 5_000 });
    expect((await refusal(b.exchange(session))).code).to.equal('no-such-card-session');
    expect((await refusal(b.close(session))).code).to.equal('no-such-card-session');
    expect((await refusal(b.open('one'))).code).to.equal('card-busy');
    await a.exchange(session);
  });

  it('keeps the issuer apart from a provider of its name, and from issuers that it does not know', async () => {
    const more = { issuer: { id: 'main' }, providers: [{ id: 'main' }] };
    await using both = await TestOta.start(database, 'ota_issuer', more);
    (await both.terminal()).hello();
    const issuer = new Provider(await both.client({ role: 'issuer', id: 'main' }));
    const provider = await both.provider('main');
    const session = await issuer.open('one', { waitMs: 5_000 });
    expect((await refusal(provider.exchange(session))).code).to.equal('no-such-card-session');
    expect((await refusal(provider.open('one'))).code).to.equal('card-busy');
    const other = new Provider(await both.client({ role: 'issuer', id: 'other' }));
    expect((await refusal(other.open('one'))).code).to.equal('provider-not-registered');
    await issuer.exchange(session);
  });

  it('ends the session when the card is pulled, also when another comes at once', async () => {
    const terminal = await ota.terminal();
    terminal.hello();
    const provider = await ota.provider();
    const session = await provider.open('one', { waitMs: 5_000 });
    terminal.readers([reader('')]);
    terminal.readers([reader('card-2')]);
    // Another owner gets the new card: only possible once the old session has ended.
    const next = await provider.open('two', { waitMs: 10_000 });
    expect(next.insertion).to.equal('card-2');
    expect((await refusal(provider.exchange(session))).code).to.equal('card-removed');
    expect(terminal.received.filter(({ type }) => type === 'exchange')).to.have.length(0);
  });

  it('says that the outcome is unknown when the terminal goes in the middle', async () => {
    const terminal = await ota.terminal();
    terminal.answer = () => undefined;
    terminal.hello();
    const provider = await ota.provider();
    const session = await provider.open('one', { waitMs: 5_000 });
    const running = refusal(provider.exchange(session));
    await terminal.script();
    terminal.drop();
    const error = await running;
    expect(error.code).to.equal('outcome-unknown');
    expect(error.context.status).to.equal(503);
    const again = await ota.terminal();
    again.hello();
    expect((await refusal(provider.exchange(session))).code).to.equal('session-lost');
    expect((await provider.open('one', { waitMs: 5_000 })).fence).to.equal(2);
  });

  it('tells a link failure at the terminal with its code and what was answered', async () => {
    const terminal = await ota.terminal();
    terminal.hello();
    terminal.answer = (exchange) => ({
      ...success(exchange),
      responses: [{ data: '', sw: '9000' }],
      failure: { code: 'card-removed', message: 'pulled' },
    });
    const provider = await ota.provider();
    const session = await provider.open('one', { waitMs: 5_000 });
    const error = await refusal(provider.exchange(session, [command('00A40400'), command('00B00000')]));
    expect(error.code).to.equal('card-removed');
    expect(error.message).to.contain('pulled');
  });

  it('keeps a session over a short loss of the link', async () => {
    const terminal = await ota.terminal();
    terminal.hello();
    const provider = await ota.provider();
    const session = await provider.open('one', { waitMs: 5_000 });
    terminal.drop();
    await terminal.closed;
    const back = await ota.terminal();
    back.hello();
    let result: ExchangeResult | undefined;
    while (result === undefined) {
      result = await provider.exchange(session).catch((error: PeerError) => {
        expect(error.code).to.equal('terminal-away');
        return undefined;
      });
    }
    expect(result.responses).to.have.length(1);
  });

  it('runs one script at a time for one reader', async () => {
    const terminal = await ota.terminal();
    terminal.answer = () => undefined;
    terminal.hello();
    const provider = await ota.provider();
    const session = await provider.open('one', { waitMs: 5_000 });
    const first = provider.exchange(session, [command('00A40401')]);
    const script = await terminal.script();
    const second = provider.exchange(session, [command('00A40402')]);
    // A whole request goes by, so the second script would have been sent by now.
    await provider.client.call({ method: 'GET', path: '/v1/terminals', response: Type.Array(TerminalInfo) });
    expect(terminal.received.filter(({ type }) => type === 'exchange')).to.have.length(1);
    terminal.answer = (exchange) => success(exchange);
    terminal.send(success(script));
    await Promise.all([first, second]);
    expect(terminal.received.filter(({ type }) => type === 'exchange')).to.have.length(2);
  });

  it('when told to stop lets the script that runs finish and takes no other', async () => {
    const terminal = await ota.terminal();
    terminal.answer = () => undefined;
    terminal.hello();
    const provider = await ota.provider();
    const session = await provider.open('one', { waitMs: 5_000 });
    const running = provider.exchange(session);
    const script = await terminal.script();
    const stopped = ota.stopHere();
    let refused = '';
    while (refused !== 'draining') refused = (await refusal(provider.open('one'))).code;
    terminal.send(success(script));
    expect((await running).responses).to.have.length(1);
    await stopped;
    await terminal.closed;
  });

  it('refuses what is not in the contract', async () => {
    (await ota.terminal()).hello();
    const provider = await ota.provider();
    const session = await provider.open('one', { waitMs: 5_000 });
    const bad: unknown[] = [
      { fence: 1, commands: [] },
      { fence: 1, commands: [{ label: 'x', apdus: ['0'] }] },
      { fence: 1, commands: [{ label: 'x', apdus: ['00a4'] }] },
      { fence: '1', commands: [command('00A4')] },
      { fence: 1, commands: [{ ...command('00A4'), secret: 1 }] },
      { fence: 1, commands: Array.from({ length: 65 }, () => command('00A4')) },
    ];
    for (const body of bad) {
      const path = `/v1/card-sessions/${session.sessionId}/exchange`;
      expect((await refusal(provider.client.call({ method: 'POST', path, body }))).code).to.equal('invalid-request');
    }
    expect((await refusal(provider.open('one', { readerName: 'none' }))).code).to.equal('reader-unknown');
    expect((await refusal(provider.open('one', { terminalId: 'none' }))).code).to.equal('terminal-away');
  });

  it('refuses bytes that are no command, before anything is sent', async () => {
    const terminal = await ota.terminal();
    terminal.hello();
    const provider = await ota.provider();
    const session = await provider.open('one', { waitMs: 5_000 });
    const good = command('00A40400');
    for (const apdu of ['', '00A404', '00A4040002A0', '00B000000000', `00DA000000${'00'.repeat(257)}`]) {
      const refused = await refusal(provider.exchange(session, [good, command(apdu)]));
      expect([refused.code, refused.context.status], apdu).to.deep.equal(['apdu-malformed', 422]);
    }
    const place = { terminalId: 'desk', readerName: 'slot 1', waitMs: 5_000 };
    const opening = otaClient(provider.client).openCardSession({
      ...place,
      owner: 'workflow-2',
      commands: [command('00A4')],
    });
    expect((await refusal(opening)).code).to.equal('apdu-malformed');
    // The session is as it was: what it sends is the first that the terminal gets.
    await provider.exchange(session, [good]);
    expect((await terminal.script()).commands.map(({ apdus }) => apdus)).to.deep.equal([good.apdus]);
  });

  it('lets a lease that is not used run out, and not one that is renewed', async () => {
    await using short = await TestOta.start(database, 'ota_short', { leaseMs: 1_500 });
    (await short.terminal()).hello();
    const provider = await short.provider();
    const first = await provider.open('first', { waitMs: 5_000 });
    const second = await provider.open('second', { waitMs: 20_000 });
    expect(second.fence).to.equal(first.fence + 1);
    expect((await refusal(provider.exchange(first))).code).to.equal('stale-fence');
    const running = new AbortController();
    const renewing = (async () => {
      while (!running.signal.aborted) {
        await provider.client.call({
          method: 'POST',
          path: `/v1/card-sessions/${second.sessionId}/renew`,
          body: { fence: second.fence },
        });
      }
    })();
    expect((await refusal(provider.open('third', { waitMs: 2_500 }))).code).to.equal('card-busy');
    running.abort();
    await renewing;
  });

  it('when started again waits for no lease longer than the usual length', async () => {
    await using short = await TestOta.start(database, 'ota_settle', { leaseMs: 1_500 });
    (await short.terminal()).hello();
    const before = await short.provider();
    const first = await before.open('first', { waitMs: 5_000 });
    // The lease now lasts as long as the script might have: over half a minute.
    await before.exchange(first);
    await short.restartHere();
    (await short.terminal()).hello();
    const second = await (await short.provider()).open('second', { waitMs: 10_000 });
    expect(second.fence).to.equal(first.fence + 1);
  });

  it('writes the traffic to a file when told, and not otherwise', async () => {
    const file = join(database.folder, 'traffic.jsonl');
    await using recording = await TestOta.start(database, 'ota_record', { trafficRecord: file });
    (await recording.terminal()).hello();
    const provider = await recording.provider();
    await provider.exchange(await provider.open('one', { waitMs: 5_000 }));
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    expect(lines).to.have.length(1);
    expect(JSON.parse(lines[0] ?? '')).to.deep.include({
      providerId: 'a',
      fence: 1,
      responses: [{ data: '', sw: '9000' }],
    });
  });
});

// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { sql } from 'kysely';
import { cardIdText } from '../../store/card-id.ts';
import { findDeployed, setApplications } from '../../store/provider/service-processes.ts';
import type { CardPlace } from '../../wire/message/card-script.ts';
import type { CardId } from '../../wire/message/common.ts';
import { INSTANCE_STATE as S } from '../../wire/message/platform.ts';
import type { Instance } from '../../wire/message/service-instance.ts';
import { type InProcess, SSD_AID } from './in-process.ts';
import { PURSE_AID } from './product-world.ts';
import { ServiceDesk } from './service-desk.ts';
import { sharedProducts } from './shared-products.ts';

const LOCKED = '6A82';
const FREE = '9000';
const SELECT = {
  format: 'opentsm-service-script/1',
  name: 'select-purse',
  version: '1.0.0',
  inputs: {},
  start: 'select',
  steps: {
    select: {
      send: { cla: '00', ins: 'A4', p1: '04', p2: '00', data: PURSE_AID, le: '00' },
      accept: { 9000: 'done' },
    },
    done: { end: 'done' },
  },
};

/** A card that was reported lost turns up, and one that was found again (seram-tsms 4.2, 5 and 6). */
describe('services on lost cards, at the next contact', function () {
  this.timeout(240_000);
  let world: InProcess;
  let desk: ServiceDesk;
  let card: Awaited<ReturnType<InProcess['insertMade']>>;
  let other: Awaited<ReturnType<InProcess['insertMade']>>;
  let instance: Instance;
  /** The card that is sought in place of `card`. */
  let begun: typeof card | undefined;
  /** Readers in which somebody says that the card is. */
  let places: string[] = [];
  let asked = 0;

  before(async () => {
    world = await sharedProducts();
    desk = await ServiceDesk.open(world);
    card = await world.insertMade('lost');
    other = await world.insertMade('lost-other');
    instance = await desk.create(card.cardId);
    const all = { operation: 'deploy', commands: ['I', 'P', 'A'], finalize: true } as const;
    await desk.run(instance, 'lost', { ...all, commands: [...all.commands] });
    expect((await desk.get(instance)).state).to.equal(S.OPERATIONAL);
    await desk.addAction('SELECT', SELECT);
    world.products.between.places = placesOf;
  });
  after(() => {
    delete world?.products.between.places;
  });
  afterEach(() => {
    places = [];
    delete world.between.beforeTrip;
    delete world.between.answers;
  });

  function placesOf(cardId: CardId): CardPlace[] {
    if (cardIdText(cardId) !== cardIdText((begun ?? card).cardId)) return [];
    asked += 1;
    return places.map((readerName) => ({ terminalId: 't', readerName, insertion: '1', named: true }));
  }
  const rowOf = () =>
    world.provider.database
      .selectFrom('card_locks')
      .selectAll()
      .where('instance_id', '=', instance.serviceInstanceId)
      .executeTakeFirst();
  async function until(what: string, is: () => Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + 30_000; !(await is()); await delay(10))
      if (Date.now() > deadline) expect.fail(`not seen: ${what}: ${JSON.stringify(await rowOf())}`);
  }
  const untilLocked = (locked: boolean) =>
    until(locked ? 'locked' : 'free', async () => {
      const row = await rowOf();
      return row?.locked === locked && row.terminal_id === null;
    });
  const untilAway = () => until('away', async () => (await rowOf())?.waits === true && places.length === 0);
  async function report(): Promise<string> {
    const { id } = await world.products.reportLoss(card.cardId);
    await world.products.synchronised(id);
    return id;
  }
  async function found(id: string): Promise<void> {
    await world.products.products.closeLossReport(id, 'test');
    await world.products.synchronised(id);
  }
  /** A phone brings the card into these readers. */
  async function contact(...readers: string[]): Promise<void> {
    places = readers;
    await world.products.cardLocks.contact(card.cardId);
  }
  /** Looks now, whatever the pause between tries, however many there were. */
  const hurry = async () => {
    await sql`UPDATE card_locks SET due_at = now(), tries = 0, refusals = 0`.execute(world.provider.database);
    await world.products.cardLocks.contact(card.cardId);
  };
  /** Nothing is to be done about it: longer than the longest pause. */
  const isPutOff = async () => Number((await rowOf())?.due_at) > Date.now() + 1_800_000;
  const processes = async () => {
    const { rows } = await sql<{ state: string; wanted: string }>`
      SELECT state, request ->> 'locked' AS wanted FROM service_processes WHERE request ->> 'operation' = 'lock'
        AND instance_id = ${instance.serviceInstanceId} ORDER BY started_at`.execute(world.provider.database);
    return rows;
  };
  const lastProblem = async () => {
    const { result } = await world.provider.database
      .selectFrom('service_processes')
      .select('result')
      .where('instance_id', '=', instance.serviceInstanceId)
      .orderBy('started_at', 'desc')
      .executeTakeFirstOrThrow();
    return result?.problem?.type;
  };
  const labels = (since: number) => card.seat.sent.slice(since).map(({ label }) => label);
  const state = async () => (await desk.get(instance)).state;

  it('are locked where it turns up, and free again where it does so after it was found', async () => {
    const id = await report();
    await untilAway();
    expect(await desk.selected(card.seat), 'nobody has brought it').to.equal(FREE);
    await contact('lost');
    await untilLocked(true);
    expect(await desk.selected(card.seat)).to.equal(LOCKED);
    expect(await state()).to.equal(S.SUSPENDED);
    places = [];
    await found(id);
    await untilAway();
    expect([await state(), await desk.selected(card.seat)]).to.deep.equal([S.OPERATIONAL, LOCKED]);
    await contact('lost');
    await untilLocked(false);
    expect(await desk.selected(card.seat)).to.equal(FREE);
    expect(await processes()).to.deep.equal([
      { state: 'done', wanted: 'true' },
      { state: 'done', wanted: 'false' },
    ]);
    const notices = await world.provider.database
      .selectFrom('spos_notices')
      .select('number')
      .where('instance_id', '=', instance.serviceInstanceId)
      .execute();
    expect(notices, 'this service has no server').to.deep.equal([]);
  });

  it('are not touched when the report was withdrawn before the card turned up', async () => {
    const before = (await processes()).length;
    const id = await report();
    await untilAway();
    await found(id);
    const sent = card.seat.sent.length;
    const looks = asked;
    await contact('lost');
    await hurry();
    await until('put off', isPutOff);
    expect([(await processes()).length, asked]).to.deep.equal([before, looks]);
    expect(labels(sent)).to.deep.equal([]);
    expect(await desk.selected(card.seat)).to.equal(FREE);
  });

  it('are not locked by a flow that begins when the report is being withdrawn', async () => {
    const before = (await processes()).length;
    const id = await report();
    await untilAway();
    let withdrawn: Promise<void> | undefined;
    world.products.between.places = async (cardId: CardId) => {
      if (cardIdText(cardId) !== cardIdText((begun ?? card).cardId)) return [];
      withdrawn ??= found(id);
      await withdrawn;
      return placesOf(cardId);
    };
    try {
      await contact('lost');
      await until('found', async () => withdrawn !== undefined);
      await withdrawn;
      await until('put off', async () => {
        await hurry();
        return isPutOff();
      });
    } finally {
      world.products.between.places = placesOf;
    }
    expect((await processes()).length).to.equal(before);
    expect(await desk.selected(card.seat)).to.equal(FREE);
  });

  it('are tried again where a phone shows the card in part, and where the card has them not', async () => {
    const { database } = world.provider;
    const id = await report();
    const placed = (await findDeployed(database, instance.serviceInstanceId))?.applications ?? [];
    const missing = placed.map((application) => ({ ...application, instanceAid: `${PURSE_AID}FF` }));
    const answered = (name: string, sw: string) => {
      world.between.answers = (commands, responses, { readerName }) =>
        responses.map((response, index) =>
          readerName === 'lost' && commands[index]?.label === name ? { ...response, data: '', sw } : response,
        );
    };
    const hidesDomain = async () => {
      world.between.answers = (commands, responses, { readerName }) =>
        responses.map((response, index) =>
          readerName === 'lost' &&
          commands[index]?.apdus.some((apdu) => apdu.startsWith('00A4') && apdu.includes(SSD_AID))
            ? { ...response, data: '', sw: '6A82' }
            : response,
        );
    };
    const failures = [
      { breaks: async () => answered('GET STATUS', '6F00'), refuses: false },
      // In clear anybody says so who has the card: that it is locked, or has not our domain.
      { breaks: async () => answered('SELECT', '6283'), says: 'card-locked', refuses: false },
      { breaks: hidesDomain, says: 'security-domain-missing', refuses: false },
      {
        breaks: () => setApplications(database, instance.serviceInstanceId, missing),
        says: 'application-gone',
        refuses: true,
      },
    ];
    const countFailed = async () => (await processes()).filter((one) => one.state === 'failed').length;
    for (const { breaks, says, refuses } of failures) {
      const failed = await countFailed();
      await breaks();
      await contact('lost');
      await hurry();
      await until('failed', async () => {
        const row = await rowOf();
        return (await countFailed()) > failed && row?.terminal_id === null && row.tries > 0;
      });
      places = [];
      expect(await rowOf()).to.deep.include({ locked: false });
      if (says !== undefined) expect(await lastProblem()).to.equal(`urn:opentsm:problem:${says}`);
      expect(Number((await rowOf())?.refusals) > 0, `${says} is a refusal`).to.equal(refuses);
      expect([await state(), await desk.selected(card.seat)], 'as the issuer has it').to.deep.equal([
        S.SUSPENDED,
        FREE,
      ]);
      delete world.between.answers;
    }
    await setApplications(database, instance.serviceInstanceId, placed);
    // Who lies about the lock does not hide it: the card is looked at again.
    answered('SET STATUS', '6985');
    await contact('lost');
    await hurry();
    await untilLocked(true);
    delete world.between.answers;
    expect(await desk.selected(card.seat)).to.equal(LOCKED);
    await found(id);
    await contact('lost');
    await hurry();
    await untilLocked(false);
  });

  it('are sought in no card that only says that it is this one', async () => {
    const id = await report();
    const sent = other.seat.sent.length;
    await contact('lost-other');
    await hurry();
    await until('refused', async () => Number((await rowOf())?.tries) > 0);
    const acts = other.seat.sent.slice(sent).map(({ label }) => label);
    expect(acts.filter((label) => /^(SET STATUS|EXTERNAL|INITIALIZE)/.test(label))).to.deep.equal([]);
    await contact('lost');
    await hurry();
    await untilLocked(true);
    await found(id);
    await contact('lost');
    await hurry();
    await untilLocked(false);
  });

  it('are locked once, however many say at once that the card is there, and whoever dies meanwhile', async () => {
    const before = (await processes()).length;
    const id = await report();
    await untilAway();
    const reached = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    world.between.beforeTrip = async (commands, { readerName }) => {
      if (readerName !== 'lost' || !commands.some(({ label }) => label.startsWith('SET STATUS'))) return;
      reached.resolve();
      await goOn.promise;
    };
    await Promise.all([contact('lost', 'lost-other'), contact('lost-other', 'lost'), contact('lost')]);
    places = ['lost'];
    await hurry();
    await reached.promise;
    // As if its node had died: another one takes it, sees the card elsewhere, and goes on where that was.
    places = ['lost-other'];
    await hurry();
    await until('taken again', async () => Number((await rowOf())?.due_at) > Date.now() - 1_000);
    goOn.resolve();
    await untilLocked(true);
    const since = (await processes()).slice(before).filter((one) => one.state === 'done');
    expect(since).to.deep.equal([{ state: 'done', wanted: 'true' }]);
    places = ['lost'];
    await found(id);
    await hurry();
    await untilLocked(false);
  });

  it('stay locked for their provider, who has suspended them too', async () => {
    const id = await report();
    await contact('lost');
    await hurry();
    await untilLocked(true);
    places = [];
    await desk.run(instance, 'lost', { operation: 'suspension', suspend: true });
    await found(id);
    await contact('lost');
    await hurry();
    await untilLocked(false);
    expect([await state(), await desk.selected(card.seat)]).to.deep.equal([S.SUSPENDED, LOCKED]);
    await desk.run(instance, 'lost', { operation: 'suspension', suspend: false });
    expect([await state(), await desk.selected(card.seat)]).to.deep.equal([S.OPERATIONAL, FREE]);
  });

  it('are free for an action that comes before the card was met again', async () => {
    const id = await report();
    await contact('lost');
    await hurry();
    await untilLocked(true);
    places = [];
    await found(id);
    await untilAway();
    expect(await desk.selected(card.seat)).to.equal(LOCKED);
    const { problem } = await desk.run(instance, 'lost', { operation: 'execution', actionCode: 'SELECT' });
    expect(problem).to.equal(undefined, JSON.stringify(problem));
    expect([(await rowOf())?.locked, await desk.selected(card.seat)]).to.deep.equal([false, FREE]);
    const sent = card.seat.sent.length;
    await desk.run(instance, 'lost', { operation: 'execution', actionCode: 'SELECT' });
    expect(
      labels(sent).filter((label) => label.startsWith('GET STATUS')),
      'once',
    ).to.deep.equal([]);
  });

  /** SET STATUS is done and its answer is lost; from then on nobody is told how the card is. */
  function breaksAtSetStatus(): void {
    let sent = false;
    world.between.answers = (commands, responses, { readerName }) =>
      responses.map((response, index) => {
        const label = readerName === 'lost' ? (commands[index]?.label ?? '') : '';
        sent ||= label.startsWith('SET STATUS');
        return sent && label.includes('STATUS') ? { ...response, data: '', sw: '6F00' } : response;
      });
  }
  async function contactThatBreaks(): Promise<void> {
    const countFailed = async () => (await processes()).filter((one) => one.state === 'failed').length;
    const failed = await countFailed();
    breaksAtSetStatus();
    await contact('lost');
    await hurry();
    await until('broken', async () => (await countFailed()) > failed && (await rowOf())?.terminal_id === null);
    places = [];
    delete world.between.answers;
    expect((await rowOf())?.locked, 'nobody knows').to.equal(null);
  }
  const act = () => desk.run(instance, 'lost', { operation: 'execution', actionCode: 'SELECT' });

  it('are free again where the lock was done and its end was not heard, though the report was withdrawn', async () => {
    const ways = [
      async () => {
        await contact('lost');
        await hurry();
      },
      async () => expect((await act()).problem).to.equal(undefined),
    ];
    for (const frees of ways) {
      const id = await report();
      await contactThatBreaks();
      expect(await desk.selected(card.seat)).to.equal(LOCKED);
      await found(id);
      expect([await state(), await desk.selected(card.seat)]).to.deep.equal([S.OPERATIONAL, LOCKED]);
      await frees();
      await untilLocked(false);
      expect(await desk.selected(card.seat)).to.equal(FREE);
    }
  });

  it('are locked again where they were freed and the end was not heard, when the card is reported anew', async () => {
    const id = await report();
    await contact('lost');
    await hurry();
    await untilLocked(true);
    await found(id);
    await contactThatBreaks();
    expect(await desk.selected(card.seat)).to.equal(FREE);
    const again = await report();
    await contact('lost');
    await hurry();
    await untilLocked(true);
    expect(await desk.selected(card.seat)).to.equal(LOCKED);
    await found(again);
    await contact('lost');
    await hurry();
    await untilLocked(false);
  });

  it('are locked where the report came while they were updated', async () => {
    let id = '';
    world.between.beforeTrip = async (_commands, { readerName }) => {
      // S5 is done, S13 is not.
      if (id !== '' || readerName !== 'lost' || (await state()) !== S.INSTALLED) return;
      id = 'on its way';
      id = await report();
    };
    const all = { operation: 'update', version: '1.0.0', commands: ['I', 'P', 'A'], finalize: true } as const;
    const { problem } = await desk.run(instance, 'lost', { ...all, commands: [...all.commands] });
    expect(problem).to.equal(undefined, JSON.stringify(problem));
    expect([await state(), await desk.selected(card.seat)]).to.deep.equal([S.SUSPENDED, FREE]);
    await contact('lost');
    await until('put off no more', async () => !(await isPutOff()));
    await untilLocked(true);
    expect(await desk.selected(card.seat)).to.equal(LOCKED);
    await found(id);
    await contact('lost');
    await hurry();
    await untilLocked(false);
  });

  it('are locked in error too, as far as they are there, and free with what mends them', async () => {
    const { database } = world.provider;
    await desk.run(instance, 'lost', { operation: 'suspension', suspend: true });
    breaksAtSetStatus();
    await desk.run(instance, 'lost', { operation: 'suspension', suspend: false });
    delete world.between.answers;
    expect([await state(), await desk.selected(card.seat)]).to.deep.equal([S.IN_ERROR, FREE]);
    const placed = (await findDeployed(database, instance.serviceInstanceId))?.applications ?? [];
    const missing = placed.map((application) => ({ ...application, instanceAid: `${PURSE_AID}FF` }));
    await setApplications(database, instance.serviceInstanceId, [...missing, ...placed, ...placed]);
    const id = await report();
    await contact('lost');
    await hurry();
    await untilLocked(true);
    expect([await state(), await desk.selected(card.seat)]).to.deep.equal([S.IN_ERROR, LOCKED]);
    await setApplications(database, instance.serviceInstanceId, placed);
    await found(id);
    const before = (await processes()).length;
    await contact('lost');
    await hurry();
    await until('put off', isPutOff);
    expect((await processes()).length).to.equal(before);
    await desk.run(instance, 'lost', { operation: 'suspension', suspend: false });
    expect([await state(), await desk.selected(card.seat)]).to.deep.equal([S.OPERATIONAL, FREE]);
    expect(await rowOf()).to.include({ locked: false });
  });

  it('are locked where they were activated and nobody has finalized them, and free again', async () => {
    begun = await world.insertMade('lost-begun');
    const { cardId, seat } = begun;
    instance = await desk.create(cardId);
    await desk.run(instance, 'lost-begun', { operation: 'deploy', commands: ['I', 'P', 'A'], finalize: false });
    expect([await state(), await desk.selected(seat)]).to.deep.equal([S.ACTIVATED, FREE]);
    const { id } = await world.products.reportLoss(cardId);
    await world.products.synchronised(id);
    places = ['lost-begun'];
    await world.products.cardLocks.contact(cardId);
    await untilLocked(true);
    expect([await state(), await desk.selected(seat)]).to.deep.equal([S.ACTIVATED, LOCKED]);
    await found(id);
    await world.products.cardLocks.contact(cardId);
    await untilLocked(false);
    expect([await state(), await desk.selected(seat)]).to.deep.equal([S.ACTIVATED, FREE]);
  });
});

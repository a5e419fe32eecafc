// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import type { Kysely } from 'kysely';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { RouteBook } from '../../service/front/route-book.ts';
import { chooseRule, conflict, explain } from '../../service/front/routes.ts';
import { ServiceNodeBeats } from '../../service/front/service-nodes.ts';
import { AuditLog } from '../../store/audit-log.ts';
import { BellsByDatabase } from '../../store/bells.ts';
import { openDatabase } from '../../store/database.ts';
import { ROUTES_BELL } from '../../store/front/routes.ts';
import { FRONT_MIGRATIONS, type FrontTables } from '../../store/front/schema.ts';
import type { PutRoute, Rule, StartAction } from '../../wire/message/front.ts';
import { TestDatabase } from '../ota/fixture.ts';

const CARD = { kind: 'iccid', value: '89860000000000000005' } as const;
const request = (more: Partial<StartAction> = {}): StartAction => ({
  actionCode: 'TOPUP',
  productId: 'transit',
  seType: 'uicc',
  seId: CARD.value,
  amount: 1,
  ...more,
});
const rule = (name: string, when: Partial<Rule['when']> = {}, precedence = 0): Rule => ({
  name,
  pool: 'provider-a',
  operation: 'top-up',
  precedence,
  when: { actionCode: 'TOPUP', ...when },
});

describe('Rules of the front', () => {
  it('take what they name and nothing else, and say why', () => {
    const rules = [
      rule('other-product', { productId: 'bus' }),
      rule('range', { seIdFrom: '89860000000000000006', seIdTo: '89860000000000000009' }),
      rule('all'),
      rule('best', { productId: 'transit' }, 1),
    ];
    expect(explain(rules, request(), CARD)).to.deep.equal({
      taken: rules[3],
      considered: [
        { name: 'other-product', reason: 'productId is not bus' },
        { name: 'range', reason: 'seId is out of its range' },
        { name: 'all', reason: 'best has precedence' },
        { name: 'best' },
      ],
    });
    const error = (() => {
      try {
        return chooseRule([rule('all')], request({ actionCode: 'OTHER' }), CARD);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).to.have.property('code', 'no-route');
  });

  it('are in conflict where their ranges meet, with a filler or without it', () => {
    const plain = rule('plain', { seIdFrom: '8986012345678901000', seIdTo: '8986012345678901999' });
    const filled = (from: string, to: string) =>
      rule('filled', { seIdFrom: `8986012345678901${from}F`, seIdTo: `8986012345678901${to}F` });
    expect(conflict(plain, filled('999', '999'))).to.equal(true);
    expect(conflict(filled('000', '000'), plain)).to.equal(true);
    const beyond = rule('beyond', { seIdFrom: '8986012345678902000F' });
    expect(conflict(plain, beyond)).to.equal(false);
  });

  it('are in conflict whenever a request could take two of them', () => {
    const Field = fc.option(fc.constantFrom('x', 'y'), { nil: undefined });
    const Digits = fc.option(
      fc.integer({ min: 0, max: 9 }).map((digit) => `898600000000000000${digit}0`),
      { nil: undefined },
    );
    const AnyRule = fc
      .record({ productId: Field, domain: Field, from: Digits, to: Digits })
      .map(({ productId, domain, from, to }) => {
        const [low, high] = [from, to ?? from].sort();
        return rule('r', {
          ...(productId === undefined ? {} : { productId }),
          ...(domain === undefined ? {} : { domain }),
          ...(from === undefined ? {} : { seIdFrom: low ?? from, seIdTo: high ?? from }),
        });
      });
    const AnyCard = fc
      .integer({ min: 0, max: 9 })
      .map((digit) => ({ kind: 'iccid', value: `898600000000000000${digit}0` }) as const);
    fc.assert(
      fc.property(
        AnyRule,
        AnyRule,
        fc.constantFrom('x', 'y'),
        fc.constantFrom('x', 'y'),
        AnyCard,
        (one, other, productId, domain, card) => {
          const asked = request({ productId, domain });
          const both = [one, other].every((each) => explain([each], asked, card).taken !== undefined);
          if (both) expect(conflict(one, other)).to.equal(true);
          expect(conflict(one, other)).to.equal(conflict(other, one));
          expect(conflict(one, { ...other, precedence: 1 })).to.equal(false);
        },
      ),
      { numRuns: soakRuns(300) },
    );
  });
});

describe('Routes that operators enter', () => {
  const OPERATOR = 'urn:opentsm:operator:front:main/alice';
  let server: TestDatabase;
  let stack: AsyncDisposableStack;
  let database: Kysely<FrontTables>;
  let books: RouteBook[];
  let bells: BellsByDatabase[];

  before(async () => {
    stack = new AsyncDisposableStack();
    server = stack.use(await TestDatabase.start());
    const url = await server.server.createDatabase('front');
    database = await openDatabase<FrontTables>({ url, migrations: FRONT_MIGRATIONS });
    stack.defer(() => database.destroy());
    books = [];
    bells = [];
    for (let node = 0; node < 2; node += 1) {
      const listening = stack.use(await BellsByDatabase.listen({ url, onError: () => {} }));
      const parts = {
        database,
        bells: listening.bells,
        fixed: [rule('fixed', {}, 1)],
        pools: ['provider-a', 'provider-b'],
      };
      books.push(stack.use(await RouteBook.open({ ...parts, onError: () => {} })));
      bells.push(listening);
    }
  });
  after(async () => {
    await stack?.disposeAsync();
  });

  const first = (): RouteBook => books[0] ?? expect.fail();
  const second = (): RouteBook => books[1] ?? expect.fail();
  const wanted = (when: Partial<Rule['when']>, more: Partial<PutRoute> = {}): PutRoute => ({
    when: { actionCode: 'TOPUP', ...when },
    pool: 'provider-b',
    operation: 'top-up',
    ...more,
  });
  const codeOf = (act: Promise<unknown>): Promise<unknown> =>
    act.then(
      () => 'no refusal',
      (error: { code?: string }) => error.code,
    );
  /** Until the other node has heard. */
  async function follows(done: () => boolean): Promise<void> {
    while (!done()) await bells[1]?.bells.heard(ROUTES_BELL, 100);
  }

  it('have beside them services whose nodes say that they are there, to every node of the front', async () => {
    const own = 'urn:opentsm:provider:a';
    const speakers = new Map([['shop', own]]);
    const onError = (error: Error) => expect.fail(error.message);
    using one = new ServiceNodeBeats(database, speakers, onError);
    using other = new ServiceNodeBeats(database, speakers, onError);
    const beat = { pool: 'shop', origin: 'https://10.0.0.1:8443' };
    await one.beat(beat, own);
    await one.beat({ ...beat, origin: 'https://10.0.0.2:8443' }, own);
    await other.look();
    expect(other.heard('shop')).to.deep.equal(['https://10.0.0.1:8443', 'https://10.0.0.2:8443']);
    expect(await codeOf(one.beat(beat, 'urn:opentsm:provider:b'))).to.equal('not-our-service');
    expect(await codeOf(one.beat({ ...beat, pool: 'other' }, own))).to.equal('not-our-service');
    await one.beat({ ...beat, leaving: true }, own);
    // One that says nothing any more is gone.
    await database
      .updateTable('service_nodes')
      .set({ seen_at: new Date(Date.now() - 60_000) })
      .execute();
    await other.look();
    expect(other.heard('shop')).to.deep.equal([]);
    for (let node = 0; node < 64; node += 1) await one.beat({ ...beat, origin: `https://10.0.1.${node}` }, own);
    expect(await codeOf(one.beat(beat, own))).to.equal('pool-full');
  });

  it('are followed by every node, in versions, and audited', async () => {
    const entered = await first().put('bus', wanted({ productId: 'bus' }, { precedence: 2 }), OPERATOR);
    expect(entered.version).to.equal(1);
    await follows(() => second().choose(request({ productId: 'bus' }), CARD).name === 'bus');
    expect(second().choose(request(), CARD).name).to.equal('fixed');
    const next = await second().put('bus', wanted({ productId: 'bus' }, { precedence: 3, follows: 1 }), OPERATOR);
    expect(next.version).to.equal(2);
    expect(await codeOf(first().put('bus', wanted({ productId: 'bus' }, { follows: 1 }), OPERATOR))).to.equal(
      'route-changed',
    );
    await first().remove('bus', OPERATOR);
    await follows(() => second().choose(request({ productId: 'bus' }), CARD).name === 'fixed');
    expect(await codeOf(first().remove('bus', OPERATOR))).to.equal('no-such-route-entry');
    const acts = (await new AuditLog(database).records()).map(({ act, subject }) => `${act} ${subject}`);
    expect(acts).to.deep.equal(['enter route bus', 'enter route bus', 'remove route bus']);
  });

  it('are refused when they could take another’s, unless one has precedence or their times are apart', async () => {
    const when = { productId: 'tram' };
    const before2030 = { validTo: '2030-01-01T00:00:00Z', precedence: 5 };
    await first().put('tram', wanted(when, before2030), OPERATOR);
    expect(await codeOf(second().put('tram-2', wanted({ domain: 'north' }, { precedence: 5 }), OPERATOR))).to.equal(
      'rules-conflict',
    );
    const after = { validFrom: '2030-01-01T00:00:00Z', precedence: 5 };
    expect(await codeOf(second().put('tram-2', wanted(when, after), OPERATOR))).to.equal('no refusal');
    expect(first().explain(request({ productId: 'tram' })).taken?.name).to.equal('tram');
    expect(await codeOf(first().put('north', wanted({ domain: 'north' }, { precedence: 1 }), OPERATOR))).to.equal(
      'rules-conflict',
    );
    expect(await codeOf(first().put('fixed', wanted({}), OPERATOR))).to.equal('route-fixed');
    expect(await codeOf(first().put('bad', wanted({}, { pool: 'nowhere', precedence: 9 }), OPERATOR))).to.equal(
      'no-such-pool',
    );
    const backwards = { validFrom: '2030-01-02T00:00:00Z', validTo: '2030-01-01T00:00:00Z', precedence: 9 };
    expect(await codeOf(first().put('bad', wanted({}, backwards), OPERATOR))).to.equal('route-validity');
    const names = (await second().list()).map(({ rule: { name } }) => name);
    expect(names).to.deep.equal(['fixed', 'tram', 'tram-2']);
  });

  it('that race each other are checked one after the other', async () => {
    const race = await Promise.all([
      codeOf(first().put('race-1', wanted({ productId: 'ferry' }, { precedence: 7 }), OPERATOR)),
      codeOf(second().put('race-2', wanted({ productId: 'ferry' }, { precedence: 7 }), OPERATOR)),
    ]);
    expect(race.sort()).to.deep.equal(['no refusal', 'rules-conflict']);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { findSecurityDomainRow } from '../../store/provider/security-domains.ts';
import { aid } from '../../wire/gp/aid.ts';
import { STATUS_TARGET, setStatus } from '../../wire/gp/set-status.ts';
import { handOn } from '../attack/issuer-hand.ts';
import { type InProcess, SSD_AID } from './in-process.ts';
import { insertWithPurse, sharedProducts } from './shared-products.ts';

const STATE = { SECURED: 0x0f, CARD_LOCKED: 0x7f } as const;
const LOCKED = 'urn:opentsm:problem:card-locked';
const HIDDEN = 'urn:opentsm:problem:security-domain-hidden';

/** CARD_LOCKED hides everything but the issuer's domain: no flow may take that for a card without our domain. */
describe('flows on a card that its issuer has locked', function () {
  this.timeout(240_000);
  let world: InProcess;

  before(async () => {
    world = await sharedProducts();
  });
  afterEach(() => {
    delete world.between.beforeTrip;
    delete world.between.answers;
  });

  type Seated = Awaited<ReturnType<InProcess['insertMade']>>;
  const row = ({ cardId }: Seated) => findSecurityDomainRow(world.provider.database, cardId);

  async function move(seated: Seated, state: number): Promise<void> {
    const channel = await (await handOn(world, seated)).openIsd();
    expect((await channel.send(setStatus(STATUS_TARGET.CARD, state))).sw).to.equal('9000');
  }

  /** Locks the card right before the trip of this number; answers how many there were. */
  function lockBefore(seated: Seated, trip: number): () => number {
    let trips = 0;
    world.between.beforeTrip = async (_commands, seat) => {
      if (seat !== seated.seat) return;
      trips += 1;
      if (trips === trip) await move(seated, STATE.CARD_LOCKED);
    };
    return () => trips;
  }

  for (const [trip, numeral] of [
    [1, '41a'],
    [2, '45'],
  ] as const)
    it(`end the key distribution at ${numeral}, at once, and it goes on when the card is unlocked`, async () => {
      const seated = await world.insertMade(`locked at ${numeral}`);
      const trips = lockBefore(seated, trip);
      const { problem, outcome } = await world.distribute(seated.readerName);
      expect([problem?.type, problem?.numeral, outcome], JSON.stringify(problem)).to.deep.equal([
        LOCKED,
        numeral,
        'refused',
      ]);
      expect(trips()).to.equal(trip);
      await move(seated, STATE.SECURED);
      expect((await world.distribute(seated.readerName)).outcome).to.equal('distributed');
    });

  it('name a domain that its issuer has locked, which SELECT does not show, and keep its row', async () => {
    const seated = await world.insertMade('locked domain');
    expect((await world.distribute('locked domain')).outcome).to.equal('distributed');
    const before = await row(seated);
    const set = async (state: number) => {
      const channel = await (await handOn(world, seated)).openIsd();
      const name = aid(SSD_AID);
      expect((await channel.send(setStatus(STATUS_TARGET.APPLICATION, state, name))).sw).to.equal('9000');
    };
    await set(0x80);
    const sent = seated.seat.sent.length;
    const { problem, outcome } = await world.distribute('locked domain');
    expect([problem?.type, problem?.status, outcome]).to.deep.equal([HIDDEN, 409, 'refused']);
    const installs = seated.seat.sent.slice(sent).filter(({ label }) => label === 'INSTALL [for install]');
    expect(installs, 'asked once').to.have.length(1);
    expect(await row(seated)).to.deep.equal(before);
    await set(0x00);
    expect((await world.distribute('locked domain')).outcome).to.equal('already-present');
  });

  it('keep the row of the domain, and work when the card is unlocked', async () => {
    const seated = await world.insertMade('locked');
    expect((await world.distribute('locked')).outcome).to.equal('distributed');
    const before = await row(seated);
    await move(seated, STATE.CARD_LOCKED);
    for (const flow of [() => world.distribute('locked'), () => world.products.deploy('locked')]) {
      const { problem } = await flow();
      expect(problem?.type, JSON.stringify(problem)).to.equal(LOCKED);
      expect(await row(seated)).to.deep.equal(before);
    }
    await move(seated, STATE.SECURED);
    expect((await world.distribute('locked')).outcome).to.equal('already-present');
    expect((await world.products.deploy('locked')).problem).to.equal(undefined);
  });

  it('end a top-up, and no money moves', async () => {
    const { card } = await insertWithPurse(world, 'locked before a top-up');
    await move(card, STATE.CARD_LOCKED);
    const { problem } = await world.products.topUp(card, 500);
    expect([problem?.type, problem?.numeral], JSON.stringify(problem)).to.deep.equal([LOCKED, 'A5a']);
    await move(card, STATE.SECURED);
    expect((await world.products.topUp(card, 500)).problem).to.equal(undefined);
  });

  for (const [nth, numeral] of [
    [1, 'D9'],
    [2, 'D12'],
  ] as const)
    it(`end the deployment of a purse at ${numeral}, and it goes on when the card is unlocked`, async () => {
      const name = `locked at ${numeral}`;
      const seated = await world.insertMade(name);
      expect((await world.distribute(name)).outcome).to.equal('distributed');
      let looks = 0;
      let installed = false;
      world.between.beforeTrip = async ([first, ...more], seat) => {
        if (seat !== seated.seat) return;
        if (installed && first?.label.startsWith('SELECT')) looks += 1;
        installed ||= [first, ...more].some((command) => command?.label === 'INSTALL [for install]');
        if (looks !== nth) return;
        delete world.between.beforeTrip;
        await move(seated, STATE.CARD_LOCKED);
      };
      const { problem } = await world.products.deploy(name);
      expect([problem?.type, problem?.numeral], JSON.stringify(problem)).to.deep.equal([LOCKED, numeral]);
      await move(seated, STATE.SECURED);
      expect((await world.products.deploy(name)).problem).to.equal(undefined);
    });

  it('are not taken for locked where they say 6A81 of what they have not, and answer otherwise', async () => {
    const name = 'an old card';
    const seated = await world.insertMade(name);
    world.between.answers = (commands, responses, seat) =>
      responses.map((response, index) =>
        seat === seated.seat && response.sw === '6A82' && commands[index]?.label.startsWith('SELECT')
          ? { ...response, sw: '6A81' }
          : response,
      );
    const { problem, outcome } = await world.distribute(name);
    expect(outcome, JSON.stringify(problem)).to.equal('distributed');
    const deployed = await world.products.deploy(name);
    expect(deployed.problem, JSON.stringify(deployed.problem)).to.equal(undefined);
  });
});

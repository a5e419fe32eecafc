// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { findSecurityDomainRow } from '../../store/provider/security-domains.ts';
import { STATUS_TARGET, setStatus } from '../../wire/gp/set-status.ts';
import { handOn } from '../attack/issuer-hand.ts';
import type { InProcess } from './in-process.ts';
import { sharedProducts } from './shared-products.ts';

const STATE = { SECURED: 0x0f, CARD_LOCKED: 0x7f } as const;
const LOCKED = 'urn:opentsm:problem:card-locked';

/** CARD_LOCKED hides everything but the issuer's domain: no flow may take that for a card without our domain. */
describe('flows on a card that its issuer has locked', function () {
  this.timeout(240_000);
  let world: InProcess;

  before(async () => {
    world = await sharedProducts();
  });
  afterEach(() => {
    delete world.between.beforeTrip;
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
});

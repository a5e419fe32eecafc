// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { runScript } from '../../transport/script-runner.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import { channelOf, type InProcess, type Seat } from '../flow/in-process.ts';
import { insertWithPurse, sharedProducts } from '../flow/shared-products.ts';

/**
 * A front that lies carries the scripts of two users: it may send each to the other's card, hand over the other's
 * answers, run them twice, or play old ones back. Platforms, KMSs and cards are the real ones.
 */
describe('a front that lies', function () {
  this.timeout(240_000);
  let world: InProcess;
  const users: { readonly card: Awaited<ReturnType<InProcess['insertMade']>>; readonly serial: string }[] = [];

  before(async () => {
    world = await sharedProducts();
    for (const name of ['alice', 'mallory']) {
      const { card, instance } = await insertWithPurse(world, name);
      users.push({ card, serial: instance.serial });
    }
    for (const { card } of users) expect((await world.products.topUp(card, 100)).outcome).to.equal('credited');
  });
  afterEach(() => {
    delete world.between.answers;
    delete world.between.beforeTrip;
  });

  const [alice, mallory] = [0, 1].map((index) => () => users[index] ?? expect.fail('there is no such user'));
  const real = new Map<Seat, Seat['card']>();
  const other = (seat: Seat): Seat | undefined =>
    users.map(({ card }) => card.seat).find((each) => each !== seat && each.readerName !== seat.readerName);

  /** What a lie does before a script and to its answers; `trip` counts from 1. */
  interface Lie {
    before?(commands: readonly CardCommand[], seat: Seat): Promise<void>;
    answers?(responses: readonly CardResponse[], seat: Seat): readonly CardResponse[] | undefined;
  }
  let others: readonly CardResponse[] | undefined;
  const lastOf = new Map<Seat, readonly CardResponse[]>();
  const first = new Map<number, readonly CardResponse[]>();

  const LIES: Readonly<Record<string, Lie>> = {
    'sends a script to the other user’s card': {
      before: async (_commands, seat) => {
        real.set(seat, seat.card);
        seat.card = other(seat)?.card ?? seat.card;
      },
      answers: (responses, seat) => {
        seat.card = real.get(seat) ?? seat.card;
        return responses;
      },
    },
    'hands over the answers of the other user’s card': {
      before: async (commands, seat) => {
        const victim = other(seat);
        if (victim !== undefined) others = (await runScript(channelOf(victim), commands)).responses;
      },
      answers: () => others,
    },
    'runs a script twice': {
      before: async (commands, seat) => void (await runScript(channelOf(seat), commands)),
    },
    'plays the answers of the script before back': {
      answers: (responses, seat) => {
        const old = lastOf.get(seat);
        lastOf.set(seat, responses);
        return old?.length === responses.length ? old : responses;
      },
    },
    'says that nothing was answered': { answers: (responses) => responses.slice(0, 1) },
    'plays the answers of an earlier session back': {
      answers: (responses) => {
        const old = first.get(responses.length);
        first.set(responses.length, old ?? responses);
        return old ?? responses;
      },
    },
  };

  /** The books of both users agree with their cards, once somebody honest carries again. */
  async function expectEqualBooks(): Promise<number> {
    let cards = 0;
    for (const { card, serial } of users) {
      const ledger = await world.products.ledger(card, serial);
      expect(ledger, JSON.stringify(ledger)).to.include({ open: 0, equal: true });
      cards += ledger.card?.balance ?? 0;
    }
    return cards;
  }

  for (const [name, { before: act, answers }] of Object.entries(LIES)) {
    for (const trip of [1, 2]) {
      it(`moves no money when it ${name}, from trip ${trip} on`, async () => {
        const total = await expectEqualBooks();
        let trips = 0;
        world.between.beforeTrip = async (commands, seat) => {
          trips += 1;
          if (trips >= trip) await act?.(commands, seat);
        };
        world.between.answers = (_commands, responses, seat) => [
          ...((trips >= trip ? answers?.(responses, seat) : undefined) ?? responses),
        ];
        const state = await world.products.topUp(alice?.().card ?? expect.fail(), 7);
        delete world.between.beforeTrip;
        delete world.between.answers;
        const now = await expectEqualBooks();
        expect(trips).to.be.greaterThan(0);
        // Either the one amount is on the right card, or nothing is.
        expect(now - total, JSON.stringify(state)).to.be.oneOf([0, 7]);
        if (state.outcome === 'credited') expect(now - total).to.equal(7);
        const { card, serial } = mallory?.() ?? expect.fail();
        expect((await world.products.ledger(card, serial)).card?.balance).to.equal(100);
      });
    }
  }
});

// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { soaking } from '../../../setup/soak/runs.ts';
import { findSecurityDomainRow, removeSecurityDomainRow } from '../../store/provider/security-domains.ts';
import { aid } from '../../wire/gp/aid.ts';
import { toCardCommand } from '../../wire/gp/command.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { decodeGetStatus, getStatus, REGISTRY } from '../../wire/gp/get-status.ts';
import { select } from '../../wire/gp/select.ts';
import { fromHex } from '../../wire/hex.ts';
import { handOn, sendTo } from '../attack/issuer-hand.ts';
import { type InProcess, SSD_AID } from './in-process.ts';
import { instanceOf, sharedProducts } from './shared-products.ts';

/** In the gate so many of a trip's writes, spread over them; in a soak each. */
const GATE_CUTS = 2;
const PERSONALIZED = 0x0f;

/** The card loses its power at a write inside a command of several; the flow meets it so, and mends it. */
describe('cards that lost their power inside a command', function () {
  this.timeout(300_000);
  let world: InProcess;

  before(async () => {
    world = await sharedProducts();
  });
  afterEach(() => {
    delete world.between.beforeTrip;
  });

  type Seated = Awaited<ReturnType<InProcess['insertMade']>>;

  /** Calls `act` once, before the first trip to this card with such a command. */
  function beforeTripWith(label: string, { seat }: Seated, act: () => Promise<void>): void {
    let done = false;
    world.between.beforeTrip = async (commands, at) => {
      if (done || at !== seat || !commands.some((command) => command.label === label)) return;
      done = true;
      await act();
    };
  }

  /** Writes to persistent memory of the trip with this command and of what comes after it in `work`. */
  async function writesFrom(label: string, seated: Seated, work: () => Promise<void>): Promise<number> {
    const writes = async () => (await seated.seat.card.statistics()).persistentWrites;
    let before: number | undefined;
    beforeTripWith(label, seated, async () => {
      before = await writes();
    });
    await work();
    expect(before, label).to.be.a('number');
    return (await writes()) - (before ?? 0);
  }

  /** Write numbers, 1 the first. */
  function cutsOf(writes: number): number[] {
    expect(writes).to.be.greaterThan(GATE_CUTS);
    const all = Array.from({ length: writes }, (_, index) => index + 1);
    if (soaking) return all;
    return Array.from({ length: GATE_CUTS }, (_, index) => 1 + Math.floor(((index + 0.5) * writes) / GATE_CUTS));
  }

  /** Plays `work` with the power ending at this write of the trip with the command. */
  async function withCut(atWrite: number, label: string, seated: Seated, work: () => Promise<void>): Promise<void> {
    const { insertion } = seated.seat;
    beforeTripWith(label, seated, () => seated.seat.card.cutPower({ atWrite }));
    await work();
    expect(seated.seat.insertion, `the power ended at write ${atWrite}`).to.equal(insertion + 1);
  }

  it('end with certificate, state and database at one, at whichever write of 59 it was', async () => {
    const seated = await world.insertMade('torn certificate');
    const hand = await handOn(world, seated);
    const distributed = async () => {
      const state = await world.distribute(seated.readerName);
      expect(state.outcome, JSON.stringify(state.problem)).to.equal('distributed');
      const row = await findSecurityDomainRow(world.provider.database, seated.cardId);
      const look = [select(aid(SSD_AID)), getData(DATA_OBJECT.CERTIFICATE)].map(toCardCommand);
      const [, shown] = await sendTo(seated.seat)(look);
      expect([row?.state, shown?.data]).to.deep.equal(['certified', row?.certificate]);
      const channel = await hand.openIsd();
      const prefix = fromHex(SSD_AID);
      const { data } = await channel.send(getStatus(REGISTRY.APPLICATIONS, { prefix }));
      expect(decodeGetStatus(fromHex(data)).map(({ lifeCycle }) => lifeCycle)).to.deep.equal([PERSONALIZED]);
    };
    const anew = async () => {
      await hand.throughIsd(hand.delete());
      await removeSecurityDomainRow(world.provider.database, seated.cardId);
    };
    const label = 'PUT KEY [certificate]';
    const writes = await writesFrom(label, seated, distributed);
    for (const atWrite of cutsOf(writes)) {
      await anew();
      await withCut(atWrite, label, seated, distributed);
    }
  });

  it('end with a purse that is whole, at whichever write of its STORE DATA it was', async () => {
    const label = 'STORE DATA [purse]';
    const deployed = (seated: Seated) => async () => {
      const { problem } = await world.products.deploy(seated.readerName);
      expect(JSON.stringify(problem)).to.equal(undefined);
    };
    const inserted = async (name: string) => {
      const seated = await world.insertMade(name);
      expect((await world.distribute(name)).outcome).to.equal('distributed');
      return seated;
    };
    const honest = await inserted('whole purse');
    const writes = await writesFrom(label, honest, deployed(honest));
    for (const atWrite of cutsOf(writes)) {
      const seated = await inserted(`torn purse ${atWrite}`);
      await withCut(atWrite, label, seated, deployed(seated));
      // Serial, limits and both keys are there: a load goes through, and the books agree.
      const { outcome, problem } = await world.products.topUp(seated, 10);
      expect(outcome, JSON.stringify(problem)).to.equal('credited');
      const { serial } = await instanceOf(world, seated);
      expect(await world.products.ledger(seated, serial)).to.include({ platform: 10, loads: 1, open: 0, equal: true });
    }
  });
});

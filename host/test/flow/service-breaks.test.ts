// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { gateSeed, soakRuns } from '../../../setup/soak/runs.ts';
import { identityCommands } from '../../card/identity.ts';
import { INSTANCE_STATE as S } from '../../wire/message/platform.ts';
import type { Command, Instance, Operation } from '../../wire/message/service-instance.ts';
import { moveOf } from '../../wire/tsms/instance-state.ts';
import type { InProcess } from './in-process.ts';
import { ServiceDesk } from './service-desk.ts';
import { sharedProducts } from './shared-products.ts';

const READER = 'service breaks';
const ALL: Operation = { operation: 'deploy', commands: ['I', 'P', 'A'], finalize: true };
const CUTS = soakRuns(2);

/** Card and database say the same after whatever broke. */
describe('services whose card is taken away', function () {
  this.timeout(600_000);
  let world: InProcess;
  let desk: ServiceDesk;
  let card: Awaited<ReturnType<InProcess['insertMade']>>;

  before(async () => {
    world = await sharedProducts();
    desk = await ServiceDesk.open(world);
    card = await world.insertMade(READER);
    expect((await world.distribute(READER)).outcome).to.equal('distributed');
  });

  const selected = () => desk.selected(card.seat);

  /** The number of commands that `act` sends. */
  async function counted(act: () => Promise<unknown>): Promise<number> {
    const before = (await card.seat.card.statistics()).apdus;
    await act();
    return (await card.seat.card.statistics()).apdus - before;
  }

  async function terminated(instance: Instance): Promise<void> {
    const end = await desk.run(instance, READER, { operation: 'termination' });
    expect(end.problem).to.equal(undefined, JSON.stringify(end.problem));
    expect(await selected()).to.equal('6A82');
  }

  it('hold up no flow of another card, whatever the card says it is on the way', async () => {
    const victim = '89860077999999999999';
    const liar = await world.insertMade('a liar');
    const asked = identityCommands.at(-1)?.label;
    let readings = 0;
    world.between.answers = (commands, responses, { readerName }) =>
      responses.map((response, index) => {
        if (readerName !== 'a liar' || commands[index]?.label !== asked) return response;
        readings += 1;
        // S1 reads it first; 41, which takes the card's turn, next.
        return readings === 2 ? { ...response, data: '98680077999999999999' } : response;
      });
    try {
      const instance = await desk.create(liar.cardId);
      const end = await desk.run(instance, 'a liar', { operation: 'deploy', commands: ['I'], finalize: false });
      expect(end.problem).to.equal(undefined, JSON.stringify(end.problem));
    } finally {
      delete world.between.answers;
    }
    expect(readings).to.be.above(2);
    const claims = await world.provider.database.selectFrom('card_claims').select('card').execute();
    expect(claims.map(({ card: claimed }) => claimed))
      .to.include(`iccid:${liar.cardId.value}`)
      .and.not.include(`iccid:${victim}`);
  });

  for (const when of ['before-processing', 'before-response'] as const) {
    it(`are deployed and terminated wholly when it loses its power ${when}`, async () => {
      let instance = await desk.create(card.cardId);
      const deploying = await counted(() => desk.run(instance, READER, ALL));
      const terminating = await counted(() => terminated(instance));
      expect([deploying > 30, terminating > 8]).to.deep.equal([true, true]);
      for (let cut = 0; cut < CUTS; cut += 1) {
        const place = (of: number) => Math.floor(((cut + 0.5) * of) / CUTS);
        instance = await desk.create(card.cardId);
        await card.seat.card.cutPower({ afterApdus: place(deploying), when });
        const end = await desk.run(instance, READER, ALL);
        expect(end.problem).to.equal(undefined, `${place(deploying)}: ${JSON.stringify(end.problem)}`);
        expect([(await desk.get(instance)).state, await selected()]).to.deep.equal([S.OPERATIONAL, '9000']);
        await card.seat.card.cutPower({ afterApdus: place(terminating), when });
        await terminated(instance);
      }
    });
  }

  it('go the way of the figure on the card too, whatever is asked in which order', async () => {
    const commands = fc.shuffledSubarray<Command>(['I', 'P', 'A']);
    const request: fc.Arbitrary<Operation> = fc.oneof(
      fc.record({ operation: fc.constant('deploy' as const), commands, finalize: fc.boolean() }),
      fc.record({ operation: fc.constant('suspension' as const), suspend: fc.boolean() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 12, maxLength: 24 }), async (walk) => {
        const instance = await desk.create(card.cardId);
        for (const asked of walk) {
          const { state } = await desk.get(instance);
          const move = moveOf(state, asked);
          const end = await desk.run(instance, READER, asked).catch((error: unknown) => error);
          const after = (await desk.get(instance)).state;
          if ('illegal' in move) {
            expect(end).to.have.nested.property('context.executionStatus', 13);
            expect(after).to.equal(state);
          } else expect(after).to.equal(move.to);
        }
        const { state } = await desk.get(instance);
        if (state === S.OPERATIONAL) expect(await selected()).to.equal('9000');
        if ([S.NOT_DEPLOYED, S.INSTALLED, S.SUSPENDED].some((locked) => locked === state))
          expect(await selected()).to.equal('6A82');
        await terminated(instance);
      }),
      { ...gateSeed, numRuns: soakRuns(1) },
    );
  });
});

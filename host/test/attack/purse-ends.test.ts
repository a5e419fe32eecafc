// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { findOpenLoad } from '../../store/provider/loads.ts';
import { aid } from '../../wire/gp/aid.ts';
import { toCardCommand } from '../../wire/gp/command.ts';
import { select } from '../../wire/gp/select.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import { creditForLoad, initializeForLoad } from '../../wire/purse/commands.ts';
import type { InProcess, Seat } from '../flow/in-process.ts';
import { PURSE_AID } from '../flow/product-world.ts';
import { insertWithPurse, sharedProducts } from '../flow/shared-products.ts';

/** A purse that takes no load any more still proves the last one: whoever ends its key makes no money vanish. */
describe('a load of a purse that has come to its end', function () {
  this.timeout(240_000);
  const TRIES = 15;
  let world: InProcess;

  before(async () => {
    world = await sharedProducts();
  });
  afterEach(() => {
    delete world.between.answers;
    delete world.between.beforeTrip;
  });

  const asksProof = (commands: readonly CardCommand[]) =>
    commands.some(({ label }) => label === 'GET TRANSACTION PROOF');

  /** Changes answers by the label of their command. */
  const lie = (lies: Readonly<Record<string, CardResponse>>) => {
    world.between.answers = (commands: readonly CardCommand[], responses: readonly CardResponse[]) =>
      responses.map((response, index) => lies[commands[index]?.label ?? ''] ?? response);
  };

  /** Wrong MACs until the load key has ended. */
  async function endLoadKey({ card }: Seat): Promise<string> {
    const send = async ({ apdus }: CardCommand) => toHex(await card.transmit(fromHex(apdus[0] ?? '')));
    const asked = { account: 'purse', keyIndex: 1, amount: 0, terminal: 'FFFFFFFFFFFF' } as const;
    await send(toCardCommand(select(aid(PURSE_AID))));
    for (let tried = 0; tried < TRIES; tried++) {
      expect(await send(toCardCommand(initializeForLoad(asked)))).to.match(/9000$/);
      // A random of four bytes makes the MAC: this one is right once in 2^32.
      expect(await send(toCardCommand(creditForLoad('20261126120000', new Uint8Array(4))))).to.equal('9302');
    }
    return send(toCardCommand(initializeForLoad(asked)));
  }

  it('is done by its proof where the relay kept the TAC back and ended the load key', async () => {
    const { card, instance } = await insertWithPurse(world, 'ended');
    lie({ 'CREDIT FOR LOAD': { data: '', sw: '9302' } });
    let ended = '';
    world.between.beforeTrip = async (commands: readonly CardCommand[], seat: Seat) => {
      if (!asksProof(commands)) return;
      delete world.between.beforeTrip;
      ended = await endLoadKey(seat);
    };
    const state = await world.products.topUp(card, 11);
    expect(ended).to.equal('9303');
    expect([state.outcome, state.balanceAfter], JSON.stringify(state.problem)).to.deep.equal(['credited', 11]);
    const { serial } = instance;
    expect(await findOpenLoad(world.provider.database, serial)).to.equal(undefined);
    expect(await world.products.productStates.ledger(serial)).to.include({ platform: 11, loads: 1, equal: true });

    const more = await world.products.topUp(card, 12);
    expect([more.outcome, more.problem?.type, more.problem?.status]).to.deep.equal([
      ...['refused', 'urn:opentsm:problem:purse-key-dead', 409],
    ]);
    expect(more.problem?.detail, 'what to do').to.include('can still be spent at a terminal');
  });

  it('stays open without a proof, and is done when the proof comes', async () => {
    const { card, instance } = await insertWithPurse(world, 'ended-silently');
    lie({ 'CREDIT FOR LOAD': { data: '', sw: '9302' }, 'GET TRANSACTION PROOF': { data: '', sw: '9406' } });
    world.between.beforeTrip = async (commands: readonly CardCommand[], seat: Seat) => {
      if (!asksProof(commands)) return;
      delete world.between.beforeTrip;
      expect(await endLoadKey(seat)).to.equal('9303');
    };
    const state = await world.products.topUp(card, 13);
    expect([state.state, state.problem?.type]).to.deep.equal(['failed', 'urn:opentsm:problem:load-open']);
    const { serial } = instance;
    expect((await findOpenLoad(world.provider.database, serial))?.amount).to.equal(13);
    delete world.between.answers;
    await world.products.topUp(card, 0);
    expect(await world.products.productStates.ledger(serial)).to.include({ platform: 13, open: 0, equal: true });
  });

  for (const sw of ['9402', '9403', '6F00'])
    it(`is done by its proof where the query is answered with ${sw}`, async () => {
      const { card, instance } = await insertWithPurse(world, `refused-${sw}`);
      lie({ 'CREDIT FOR LOAD': { data: '', sw: '9302' } });
      const lies = world.between.answers;
      world.between.answers = (commands, responses, seat) =>
        (lies?.(commands, responses, seat) ?? []).map((response, index) =>
          asksProof(commands) && commands[index]?.label === 'INITIALIZE FOR LOAD' ? { data: '', sw } : response,
        );
      const state = await world.products.topUp(card, 14);
      expect([state.outcome, state.balanceAfter], JSON.stringify(state.problem)).to.deep.equal(['credited', 14]);
      const ledger = await world.products.productStates.ledger(instance.serial);
      expect(ledger).to.include({ platform: 14, loads: 1, equal: true });
    });

  for (const [sw, type] of [
    ['9402', 'purse-counter-end'],
    ['9403', 'purse-key-dead'],
  ] as const)
    it(`is refused for good, as ${type}, where nothing is open and INITIALIZE is ${sw}`, async () => {
      const { card } = await insertWithPurse(world, `closed-${sw}`);
      let asked = 0;
      world.between.answers = (commands: readonly CardCommand[], responses: readonly CardResponse[]) =>
        responses.map((response, index) => {
          if (commands[index]?.label !== 'INITIALIZE FOR LOAD') return response;
          asked += 1;
          return { data: '', sw };
        });
      const state = await world.products.topUp(card, 15);
      expect([state.outcome, state.problem?.type, state.problem?.status]).to.deep.equal([
        ...['refused', `urn:opentsm:problem:${type}`, 409],
      ]);
      expect(asked).to.equal(1);
    });
});

// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { findOpenLoad, reserveLoad, settleLoad } from '../../store/provider/loads.ts';
import { aid } from '../../wire/gp/aid.ts';
import { toCardCommand } from '../../wire/gp/command.ts';
import { select } from '../../wire/gp/select.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import { creditForLoad, decodeLoadInitialized, initializeForLoad } from '../../wire/purse/commands.ts';
import { openedLoad } from '../../workflow/top-up/opened-load.ts';
import type { InProcess, Seat } from '../flow/in-process.ts';
import { PURSE_AID } from '../flow/product-world.ts';
import { insertWithPurse, sharedProducts } from '../flow/shared-products.ts';

/** Who stands between platform and card cannot make money, nor make it vanish; nor does a break. */
describe('money on its way to a purse', function () {
  this.timeout(240_000);
  let world: InProcess;
  let card: Awaited<ReturnType<InProcess['insertMade']>>;
  let serial = '';
  let paid = 0;
  let loads = 0;

  before(async () => {
    world = await sharedProducts();
    const made = await insertWithPurse(world, 'seat');
    card = made.card;
    serial = made.instance.serial;
  });
  afterEach(async () => {
    // Whatever was tried: an honest contact settles it, and the books agree with the card.
    delete world.between.answers;
    delete world.between.beforeTrip;
    delete world.products.between.permitMs;
    const ledger = await world.products.ledger(card, serial);
    expect(ledger, JSON.stringify(ledger)).to.include({ platform: paid, loads, open: 0, equal: true });
  });

  async function credited(amount: number): Promise<void> {
    const state = await world.products.topUp(card, amount);
    expect([state.outcome, state.balanceAfter], JSON.stringify(state.problem)).to.deep.equal([
      'credited',
      paid + amount,
    ]);
    paid += amount;
    loads += 1;
  }

  async function countLoads(state: 'done' | 'reversed'): Promise<number> {
    const rows = await world.provider.database
      .selectFrom('loads')
      .select('load_id')
      .where('state', '=', state)
      .where('serial', '=', serial)
      .execute();
    return rows.length;
  }

  /** Changes the response to the commands of this label. */
  const lie = (label: string, answer: (response: CardResponse) => CardResponse) => {
    world.between.answers = (commands: readonly CardCommand[], responses: readonly CardResponse[]) =>
      responses.map((response, index) => (commands[index]?.label === label ? answer(response) : response));
  };

  /** Books a load as another node would that has this card in its own reader. @returns its id */
  const reserveAnother = async (amount: number, { counter }: { readonly counter: number }) =>
    (await reserveLoad(world.provider.database, {
      topUpId: `another of ${amount}`,
      serial,
      amount,
      balanceBefore: paid,
      counter,
      terminal: '0102030405FE',
      dateTime: '20261126120000',
    })) ?? expect.fail('another load is open');

  it('arrives once when a credit that went well is reported as refused', async () => {
    lie('CREDIT FOR LOAD', () => ({ data: '', sw: '9302' }));
    await credited(11);
  });

  it('arrives once when the credit never reached the card and an old TAC is played back', async () => {
    let old = '';
    lie('CREDIT FOR LOAD', (response) => {
      old = response.data;
      return response;
    });
    await credited(12);
    let kept = 2;
    world.between.beforeTrip = async (commands: readonly CardCommand[], seat: Seat) => {
      // The relay keeps two credits to itself: the card is reset instead.
      if (commands.some(({ label }) => label === 'CREDIT FOR LOAD') && kept-- > 0) await seat.card.reset();
    };
    lie('CREDIT FOR LOAD', (response) => (response.sw === '9000' ? response : { data: old, sw: '9000' }));
    await credited(13);
    expect(kept).to.be.below(1);
    expect(await countLoads('reversed'), 'settled by the query, and begun again').to.be.greaterThan(0);
  });

  it('arrives without a TAC, for a clerk, when the proof is kept back', async () => {
    lie('CREDIT FOR LOAD', () => ({ data: '', sw: '9302' }));
    const lies = world.between.answers;
    world.between.answers = (commands, responses, seat) =>
      (lies?.(commands, responses, seat) ?? []).map((response, index) =>
        commands[index]?.label === 'GET TRANSACTION PROOF' ? { data: '', sw: '9406' } : response,
      );
    const state = await world.products.topUp(card, 10);
    expect([state.outcome, state.tacVerified], JSON.stringify(state.problem)).to.deep.equal(['credited', false]);
    paid += 10;
    loads += 1;
  });

  it('is not given for an INITIALIZE that is played back from an earlier load', async () => {
    let old: CardResponse | undefined;
    lie('INITIALIZE FOR LOAD', (response) => {
      old ??= response;
      return response;
    });
    await credited(14);
    lie('INITIALIZE FOR LOAD', (response) => old ?? response);
    const state = await world.products.topUp(card, 14);
    expect([state.state, state.problem?.type]).to.deep.equal(['failed', 'urn:opentsm:problem:purse-mac']);
    expect(await findOpenLoad(world.provider.database, serial)).to.equal(undefined);
  });

  it('is not given back for a card that was credited, whatever is played back to the query', async () => {
    // Collected before the credit: the purse with its old counter, under a terminal id of the relay's choice.
    const beforehand = toCardCommand(
      initializeForLoad({ account: 'purse', keyIndex: 1, amount: 0, terminal: 'FFFFFFFFFFFF' }),
    );
    const collected: string[] = [];
    await card.seat.card.reset();
    for (const apdu of [...toCardCommand(select(aid(PURSE_AID))).apdus, ...beforehand.apdus]) {
      collected.push(toHex(await card.seat.card.transmit(fromHex(apdu))));
    }
    const fake = { data: collected[1]?.slice(0, -4) ?? '', sw: '9000' };
    let credits = 0;
    world.between.answers = (commands: readonly CardCommand[], responses: readonly CardResponse[]) => {
      if (commands.some(({ label }) => label === 'CREDIT FOR LOAD')) credits += 1;
      return responses.map((response, index) => {
        const label = commands[index]?.label;
        if (label === 'CREDIT FOR LOAD') return { data: '', sw: '9302' };
        if (label === 'GET TRANSACTION PROOF') return { data: '', sw: '9406' };
        return label === 'INITIALIZE FOR LOAD' && credits > 0 ? fake : response;
      });
    };
    const state = await world.products.topUp(card, 15);
    expect([state.state, state.problem?.type]).to.deep.equal(['failed', 'urn:opentsm:problem:load-open']);
    expect((await findOpenLoad(world.provider.database, serial))?.amount).to.equal(15);
    // The next honest contact, in afterEach, finds it done.
    paid += 15;
    loads += 1;
  });

  it('waits for a load that another top-up opened while the card was asked', async () => {
    let other: string | undefined;
    world.between.beforeTrip = async (commands: readonly CardCommand[]) => {
      if (!commands.some(({ label }) => label === 'INITIALIZE FOR LOAD')) return;
      delete world.between.beforeTrip;
      const { counter = 0 } = (await world.products.productStates.ledger(serial)).card ?? {};
      other = await reserveAnother(40, { counter });
    };
    const reversed = await countLoads('reversed');
    await credited(15);
    expect(other, 'the other load was opened').to.be.a('string');
    expect(await countLoads('reversed')).to.equal(reversed + 1);
  });

  it('is not reversed by an answer about an earlier load that was kept back meanwhile', async () => {
    const { kms, database } = world.provider;
    const send = async ({ apdus }: CardCommand) =>
      fromHex(toHex(await card.seat.card.transmit(fromHex(apdus[0] ?? ''))));
    const { counter = 0 } = (await world.products.productStates.ledger(serial)).card ?? {};
    const earlier = await reserveAnother(41, { counter });
    world.between.beforeTrip = async (commands: readonly CardCommand[]) => {
      if (!commands.some(({ label }) => label === 'INITIALIZE FOR LOAD')) return;
      delete world.between.beforeTrip;
      const kept: CardResponse[] = [];
      for (const command of commands) {
        const answer = toHex(await send(command));
        kept.push({ data: answer.slice(0, -4), sw: answer.slice(-4) });
      }
      world.between.answers = () => {
        delete world.between.answers;
        return kept;
      };
      // In another reader the earlier load is settled, and one with the same counter is credited, and not booked yet.
      await settleLoad(database, earlier, { state: 'reversed' });
      await reserveAnother(42, { counter });
      const asked = { amount: 42, terminal: '0102030405FE' };
      await send(toCardCommand(select(aid(PURSE_AID))));
      const answer = await send(toCardCommand(initializeForLoad({ account: 'purse', keyIndex: 1, ...asked })));
      const opened = openedLoad({ keySet: 'purse transit', serial }, asked, decodeLoadInitialized(answer.slice(0, -2)));
      const { mac2 } = await kms.purse.authorizeLoad({ load: opened, dateTime: '20261126120000' });
      const credit = toCardCommand(creditForLoad('20261126120000', fromHex(mac2)));
      expect(toHex(await send(credit)).slice(-4)).to.equal('9000');
      paid += 42;
      loads += 1;
    };
    await credited(43);
  });

  it('that a TAC proves is done, also where the load was taken for reversed', async () => {
    let reversed = '';
    world.between.beforeTrip = async (commands: readonly CardCommand[]) => {
      if (!commands.some(({ label }) => label === 'CREDIT FOR LOAD')) return;
      delete world.between.beforeTrip;
      const open = (await findOpenLoad(world.provider.database, serial)) ?? expect.fail('a load is open');
      reversed = open.loadId;
      await settleLoad(world.provider.database, reversed, { state: 'reversed' });
    };
    await credited(44);
    expect(reversed).not.to.equal('');
  });

  it('is not there twice for one credit, when a TAC comes for a load in whose place another was opened', async () => {
    let other = '';
    world.between.beforeTrip = async (commands: readonly CardCommand[]) => {
      if (!commands.some(({ label }) => label === 'CREDIT FOR LOAD')) return;
      delete world.between.beforeTrip;
      const open = (await findOpenLoad(world.provider.database, serial)) ?? expect.fail('a load is open');
      await settleLoad(world.provider.database, open.loadId, { state: 'reversed' });
      other = await reserveAnother(46, open);
    };
    const reversed = await countLoads('reversed');
    await credited(45);
    expect(other).not.to.equal('');
    await world.products.topUp(card, 0);
    expect(await countLoads('reversed')).to.equal(reversed + 1);
  });

  it('is whole when the power ends before or after any command of a top-up', async () => {
    for (const when of ['before-processing', 'before-response'] as const) {
      for (let afterApdus = 0; afterApdus < 3; afterApdus++) {
        await card.seat.card.cutPower({ afterApdus, when });
        await credited(16 + afterApdus);
      }
    }
  });

  it('is whole when the power ends at any write of the credit', async () => {
    for (let atWrite = 1; atWrite <= 6; atWrite++) {
      world.between.beforeTrip = async (commands: readonly CardCommand[], seat: Seat) => {
        if (!commands.some(({ label }) => label === 'CREDIT FOR LOAD')) return;
        delete world.between.beforeTrip;
        await seat.card.cutPower({ atWrite });
      };
      await credited(20 + atWrite);
      await card.seat.card.cutPower({ atWrite: 0 });
    }
  });

  it('waits for the issuer: without its permit nothing is credited', async () => {
    world.products.between.issuerAway = true;
    const state = await world.products.topUp(card, 30);
    world.products.between.issuerAway = false;
    expect([state.state, state.problem?.type]).to.deep.equal(['failed', 'urn:opentsm:problem:unreachable']);
  });

  it('sends nothing under a permit that is nearly over, and goes on under the next one', async () => {
    const credits = () => card.seat.sent.filter(({ label }) => label === 'CREDIT FOR LOAD').length;
    const before = credits();
    const { between } = world.products;
    between.permitMs = () => 2_000;
    const state = await world.products.topUp(card, 32);
    expect([state.state, state.problem?.type, state.problem?.numeral], JSON.stringify(state.problem)).to.deep.equal([
      ...['failed', 'urn:opentsm:problem:permit-over', 'A5e'],
    ]);
    expect(credits()).to.equal(before);
    let permits = 0;
    between.permitMs = (validMs) => {
      permits += 1;
      return permits === 1 ? 2_000 : validMs;
    };
    await credited(33);
    expect([permits, credits()]).to.deep.equal([2, before + 1]);
  });

  it('is refused to a card with other keys in the same reader', async () => {
    await insertWithPurse(world, 'other');
    const state = await world.products.topUp({ readerName: 'other', cardId: card.cardId }, 31);
    expect([state.state, state.problem?.type]).to.deep.equal(['failed', 'urn:opentsm:problem:purse-mac']);
  });

  it('is seen in the ledger when a process of the provider credits without booking', async () => {
    const { kms } = world.provider;
    const { card: stranger, instance: own } = await insertWithPurse(world, 'stranger');
    const send = async (command: CardCommand) =>
      fromHex(toHex(await stranger.card.transmit(fromHex(command.apdus[0] ?? ''))));
    const asked = { amount: 99, terminal: '010203040506' };
    await send(toCardCommand(select(aid(PURSE_AID))));
    const answer = decodeLoadInitialized(
      (await send(toCardCommand(initializeForLoad({ account: 'purse', keyIndex: 1, ...asked })))).slice(0, 16),
    );
    const load = openedLoad({ keySet: 'purse transit', serial: own.serial }, asked, answer);
    const { mac2 } = await kms.purse.authorizeLoad({ load, dateTime: '20261126120000' });
    expect((await send(toCardCommand(creditForLoad('20261126120000', fromHex(mac2))))).slice(-2)).to.deep.equal(
      fromHex('9000'),
    );
    const ledger = await world.products.ledger(stranger, own.serial);
    expect([ledger.platform, ledger.card?.balance, ledger.equal]).to.deep.equal([0, 99, false]);
  });
});

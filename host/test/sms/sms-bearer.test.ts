// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { readerLinkBearer } from '../../bearer/reader-link/reader-link-bearer.ts';
import { TransportError } from '../../errors.ts';
import { BearerChoice, type BearerName } from '../../service/ota/bearer-choice.ts';
import type { ReachedCard, TerminalLink } from '../../service/ota/terminal-directory.ts';
import type { CardCommand } from '../../wire/message/card-script.ts';
import { countParts } from '../../wire/uicc/concatenation.ts';
import { RESPONSE_STATUS } from '../../wire/uicc/response-status.ts';
import { reader, success } from '../ota/fixture.ts';
import { CARD, MSISDN, ScriptedCard, SmsNode, SmsWorld } from './fixture.ts';

/** Scripts over an outbox in PostgreSQL, SMPP, an SMSC, and a card that opens packets. */

const READER = 'slot 1';
const command = (bytes: number): CardCommand => ({
  label: 'STORE DATA',
  apdus: [`80E20000${bytes.toString(16).padStart(2, '0')}${'5A'.repeat(bytes)}`],
});
const script = (commands: readonly CardCommand[], fence = 1) => ({
  providerId: 'a',
  readerName: READER,
  insertion: 'card-1',
  fence,
  commands: [...commands],
});

describe('the bearer by short message', function () {
  this.timeout(90_000);
  let world: SmsWorld;
  let node: SmsNode;

  before(async () => {
    world = await SmsWorld.start();
    // Nothing is lost here, so that nothing is sent again however slow the machine is.
    node = await SmsNode.open(world, await world.url('bearer'), { resendMs: 80_000 });
    node.outbox.start();
    await node.subscriptions.put(CARD, { msisdn: MSISDN, terminalId: 'desk' }, world.now());
  });
  after(async () => {
    await node?.[Symbol.asyncDispose]();
    await world?.[Symbol.asyncDispose]();
  });

  const scripts: string[] = [];
  const link: TerminalLink = {
    terminalId: 'desk',
    trigger: async () => {},
    exchange: async (exchange) => {
      scripts.push(exchange.readerName);
      const { type: _type, id: _id, ...result } = success({ type: 'exchange', id: 1, ...exchange });
      return { type: 'result', id: 1, ...result };
    },
    release: () => {},
    close: () => {},
  };
  const reached = (msisdn?: string): ReachedCard => ({
    link,
    reader: { ...reader('card-1', READER), ...(msisdn === undefined ? {} : { msisdn }) },
  });

  it('takes one message there and none back where the deliver report has room', async () => {
    await using card = new ScriptedCard(world);
    const before = world.smsc.traffic.messages;
    const result = await node.bearer.exchange(reached(MSISDN), script([command(10), command(20)]), 20_000);
    expect(result).to.deep.include({ stopped: false, roundTrips: 1, apdus: 2 });
    expect(result.responses).to.deep.equal([
      { data: '00', sw: '9000' },
      { data: '01', sw: '9000' },
    ]);
    expect(card.ran).to.have.lengthOf(2);
    expect(world.smsc.traffic.messages - before).to.equal(1);
  });

  it('takes no more messages than the bytes need', async () => {
    const long = (_index: number) => new Uint8Array(250).fill(1);
    await using card = new ScriptedCard(world, { data: long });
    const before = world.smsc.traffic.messages;
    const commands = [command(255), command(255), command(255)];
    const result = await node.bearer.exchange(reached(MSISDN), script(commands), 20_000);
    expect(result.responses.map(({ data }) => data.length / 2)).to.deep.equal([250, 250, 250]);
    // What is enciphered in whole blocks, behind what is not: see docs/ota.md section 2.
    const blocks = (bytes: number) => Math.ceil(bytes / 16) * 16;
    const [out, back] = [10 + blocks(14 + 4 + 3 * (4 + 260)), 6 + blocks(15 + 7 + 3 * (3 + 252))];
    const least = countParts(out) + countParts(back);
    expect(world.smsc.traffic.messages - before).to.equal(least);
    expect(card.ran).to.have.lengthOf(3);
  });

  it('sends what a packet has no room for in the next one', async () => {
    await using card = new ScriptedCard(world);
    const commands = Array.from({ length: 10 }, () => command(255));
    const result = await node.bearer.exchange(reached(MSISDN), script(commands), 20_000);
    expect(result).to.deep.include({ stopped: false, roundTrips: 2, apdus: 10 });
    expect(card.ran).to.have.lengthOf(10);
  });

  it('goes on in a new packet where the card stops and the script does not, and stops where it does', async () => {
    await using _card = new ScriptedCard(world, { statusWords: [undefined, 0x6a88, undefined, 0x6985] });
    const commands: CardCommand[] = [
      command(1),
      { ...command(2), anyStatus: true },
      command(3),
      command(4),
      command(5),
    ];
    const result = await node.bearer.exchange(reached(MSISDN), script(commands), 20_000);
    expect(result.responses.map(({ sw }) => sw)).to.deep.equal(['9000', '6A88', '9000', '6985']);
    expect(result).to.include({ stopped: true, roundTrips: 2 });
  });

  it('sends nothing long in vain behind a SELECT of what the card may not have', async () => {
    const probe: CardCommand = { label: 'SELECT', apdus: ['00A4040005A000000001'], expect: ['9000', '6A82'] };
    const long = [command(255), command(255)];
    const blocks = (bytes: number) => Math.ceil(bytes / 16) * 16;
    const least = 1 + countParts(10 + blocks(14 + 4 + 2 * (4 + 260)));
    for (const sw of [0x6a82, 0x9000]) {
      await using card = new ScriptedCard(world, { statusWords: [sw] });
      const before = world.smsc.traffic.messages;
      const commands = [probe, ...long];
      const units = node.bearer.units(script(commands));
      const result = await node.bearer.exchange(reached(MSISDN), script(commands), 20_000);
      expect(result).to.deep.include({ stopped: false, roundTrips: 2, apdus: 3 });
      expect(card.ran).to.have.lengthOf(3);
      expect(world.smsc.traffic.messages - before)
        .to.equal(least)
        .and.to.equal(units);
    }
    // What goes in one message has nothing to save.
    await using _card = new ScriptedCard(world, { statusWords: [0x9000] });
    expect(await node.bearer.exchange(reached(MSISDN), script([probe, command(9)]), 20_000)).to.include({
      roundTrips: 1,
    });
  });

  it('reaches nobody without a number, without a card for it, and with a command that may not be late', async () => {
    const attempts: readonly (readonly [ReachedCard, readonly CardCommand[], RegExp])[] = [
      [reached(), [command(1)], /has no number/],
      [reached('491799999999'), [command(1)], /no card is entered/],
      [reached(MSISDN), [{ ...command(1), timeoutMs: 1_000 }], /short time limit/],
    ];
    for (const [card, commands, why] of attempts) {
      const error: unknown = await node.bearer
        .exchange(card, script(commands), 20_000)
        .catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(TransportError).with.property('code', 'bearer-unreachable');
      expect((error as TransportError).message).to.match(why);
    }
  });

  it('sends nothing for a terminal that tells another one’s number, and gives up none of its packets', async () => {
    const liar: ReachedCard = { ...reached(MSISDN), link: { ...link, terminalId: 'liar' } };
    const before = world.smsc.traffic.messages;
    const refused: unknown = await node.bearer.exchange(liar, script([command(1)]), 20_000).catch((error) => error);
    expect(refused).to.be.instanceOf(TransportError).with.property('code', 'bearer-unreachable');
    expect((refused as TransportError).message).not.to.include(MSISDN);
    expect(await node.table.open(CARD)).to.deep.equal([]);
    expect(world.smsc.traffic.messages).to.equal(before);
    await using card = new ScriptedCard(world);
    card.reachable = false;
    const exchange = node.bearer.exchange(reached(MSISDN), script([command(1)], 3), 20_000);
    let open = await node.table.open(CARD);
    while (open[0]?.state !== 'sent') open = await node.table.open(CARD);
    node.bearer.release(liar, 1_000);
    card.reachable = true;
    expect((await exchange).responses).to.have.lengthOf(1);
  });

  it('is fallen back from, and to, and says so', async () => {
    const told: string[] = [];
    const onFallback = (from: string, to: string) => told.push(`${from} ${to}`);
    const named = (name: BearerName, bearer: typeof node.bearer | typeof readerLinkBearer) => ({ name, bearer });
    const both = [named('sms', node.bearer), named('reader', readerLinkBearer)];
    const first = new BearerChoice(both, { onFallback });
    expect((await first.exchange(reached(), script([command(1)]), 20_000)).responses).to.have.lengthOf(1);
    expect([told, scripts]).to.deep.equal([['sms reader'], [READER]]);
  });

  it('is fallen back from where the card says that it ran nothing, and not where it may have run all', async () => {
    const named = [
      { name: 'sms' as const, bearer: node.bearer },
      { name: 'reader' as const, bearer: readerLinkBearer },
    ];
    const { CHECKSUM_FAILED, TAR_UNKNOWN, SECURITY_LEVEL_TOO_LOW, NOT_ENOUGH_MEMORY } = RESPONSE_STATUS;
    const went: unknown[] = [];
    for (const says of [CHECKSUM_FAILED, TAR_UNKNOWN, SECURITY_LEVEL_TOO_LOW, NOT_ENOUGH_MEMORY, 0x0d]) {
      await using card = new ScriptedCard(world, { says });
      const { fence, queued } = { fence: 10 + says, queued: scripts.length };
      const carried = await new BearerChoice(named)
        .exchange(reached(MSISDN), script([command(1)], fence), 20_000)
        .catch((error: unknown) => error);
      const how = carried instanceof TransportError ? [carried.code, carried.message] : 'by reader';
      went.push([says, how, card.ran.length, scripts.length - queued]);
    }
    expect(went).to.deep.equal([
      [CHECKSUM_FAILED, 'by reader', 1, 1],
      [TAR_UNKNOWN, 'by reader', 1, 1],
      [SECURITY_LEVEL_TOO_LOW, 'by reader', 1, 1],
      [NOT_ENOUGH_MEMORY, ['outcome-unknown', 'the card says: not enough memory'], 1, 0],
      [0x0d, ['outcome-unknown', 'the card says: status that is not defined'], 1, 0],
    ]);
  });

  it('comes behind another bearer for a card that says time and again that it has no memory', async () => {
    const named = [
      { name: 'sms' as const, bearer: node.bearer },
      { name: 'reader' as const, bearer: readerLinkBearer },
    ];
    for (const says of [RESPONSE_STATUS.NOT_ENOUGH_MEMORY, 0x0d]) {
      await using card = new ScriptedCard(world, { says });
      const choice = new BearerChoice(named);
      const exchange = () => choice.exchange(reached(MSISDN), script([command(1)], 40 + says), 20_000);
      expect(await exchange().catch((error: unknown) => error)).to.have.property('code', 'outcome-unknown');
      const insteadOf = [{ bearer: 'sms', reason: 'it failed just now' }];
      expect(await exchange()).to.deep.include({ bearer: 'reader', insteadOf });
      expect(card.ran).to.have.lengthOf(1);
    }
  });

  it('comes behind another bearer for what is said without a proof, or of a copy, when it is said twice', async () => {
    const named = [
      { name: 'sms' as const, bearer: node.bearer },
      { name: 'reader' as const, bearer: readerLinkBearer },
    ];
    const { TAR_UNKNOWN, NOT_ENOUGH_MEMORY, COUNTER_LOW } = RESPONSE_STATUS;
    for (const [says, unproved] of [
      [TAR_UNKNOWN, true],
      [NOT_ENOUGH_MEMORY, true],
      [COUNTER_LOW, false],
    ] as const) {
      const choice = new BearerChoice(named);
      const exchange = () =>
        choice.exchange(reached(MSISDN), script([command(1)], 60 + says), 20_000).catch((error: unknown) => error);
      const lost = async () => {
        await using card = new ScriptedCard(world, { says, unproved });
        expect(await exchange(), String(says)).to.have.property('code', 'outcome-unknown');
        expect(card.ran).to.have.lengthOf(1);
      };
      const right = async () => {
        await using _card = new ScriptedCard(world);
        return await exchange();
      };
      await lost();
      expect(await right(), String(says)).to.include({ bearer: 'sms' });
      await lost();
      await lost();
      expect(await exchange()).to.deep.include({
        bearer: 'reader',
        insteadOf: [{ bearer: 'sms', reason: 'it failed just now' }],
      });
    }
  });

  it('stays the way to a card that has promised its answer, and whose answer did not come in time', async () => {
    await using card = new ScriptedCard(world, { says: RESPONSE_STATUS.RESPONSE_BY_SUBMIT });
    const lost: unknown = await node.bearer
      .exchange(reached(MSISDN), script([command(1)], 77), 1_500)
      .catch((error: unknown) => error);
    expect(lost).to.be.instanceOf(TransportError).and.have.property('code', 'outcome-unknown');
    expect(Object(lost).message).to.contain('the response follows by SMS-SUBMIT');
    expect(Object(lost).context).not.to.have.property('rests');
    expect(card.ran).to.have.lengthOf(1);
    node.bearer.release(reached(MSISDN), 77);
    while ((await node.table.open(CARD)).length > 0) await node.table.messages('none');
  });

  it('is not fallen back from where a node of a release before takes an unproved word for a refusal', async () => {
    await using card = new ScriptedCard(world);
    card.reachable = false;
    const exchange = node.bearer.exchange(reached(MSISDN), script([command(1)], 90), 20_000);
    const lost: Promise<unknown> = exchange.catch((reason: unknown) => reason);
    let open = await node.table.open(CARD);
    while (open[0]?.state !== 'sent') open = await node.table.open(CARD);
    const said = { status: RESPONSE_STATUS.TAR_UNKNOWN, response: new Uint8Array(), authenticated: false };
    await node.table.answered(open[0].id, { state: 'refused', ...said });
    expect(await lost).to.have.property('code', 'outcome-unknown');
  });

  it('gives up what an older session has in the queue when the card is given back', async () => {
    await using card = new ScriptedCard(world);
    card.reachable = false;
    const exchange = node.bearer.exchange(reached(MSISDN), script([command(1)], 7), 20_000);
    const lost: Promise<unknown> = exchange.catch((reason: unknown) => reason);
    let open = await node.table.open(CARD);
    while (open[0]?.state !== 'sent') open = await node.table.open(CARD);
    node.bearer.release(reached(MSISDN), 7);
    expect(await lost).to.have.property('code', 'outcome-unknown');
    expect(await node.table.open(CARD)).to.deep.equal([]);
  });

  it('gives up nothing of the card’s session at another reader, however far the fence of this one is', async () => {
    await using card = new ScriptedCard(world);
    card.reachable = false;
    const exchange = node.bearer.exchange(reached(MSISDN), script([command(1)], 2), 20_000);
    let open = await node.table.open(CARD);
    while (open[0]?.state !== 'sent') open = await node.table.open(CARD);
    // The reader that it was in before is released late, and has counted further.
    await node.table.giveUpSession(CARD, { terminalId: 'desk', readerName: 'slot 2', fence: 90 });
    await node.table.giveUpSession(CARD, { terminalId: 'other', readerName: READER, fence: 90 });
    card.reachable = true;
    expect((await exchange).responses).to.have.lengthOf(1);
  });
});

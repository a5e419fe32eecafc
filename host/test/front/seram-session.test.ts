// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { hasNoChannel, listLength, readList } from '../../service/front/seram-script.ts';
import {
  aged,
  cut,
  end,
  give,
  giveStart,
  giveUp,
  hear,
  LOST_MS,
  negotiate,
  newSession,
  type SeramSession,
  submit,
} from '../../service/front/seram-session.ts';
import type { CardCommand } from '../../wire/message/card-script.ts';
import type { SeramScript } from '../../wire/message/front.ts';
import type { Order, Report } from '../../wire/message/seram.ts';
import { expectPublished } from '../conformance/published-order.ts';

/**
 * The remote agent's states without clock and network (SERAM 2.0.0): each lost, repeated or late message in its
 * place.
 */

const ELEMENT = { seType: 'uicc', seId: '89860000000000000001' } as const;
const SELECT = '00A4040005F000000001';
const READ = '80500002';
const CREDIT = '80520000';
const polling: Report = { localAgentStatus: { localAgentStatusEnum: 'POLLING' } };
const answered = (...listOfRAPDU: string[]): Report => ({
  localAgentStatus: { localAgentStatusEnum: 'PROCESSED', executedSeRamCommands: 1 },
  ramResponses: [{ ramResponseType: 'seRamResponse', listOfRAPDU }],
});
const commands = (...apdus: string[]): CardCommand[] => apdus.map((apdu) => ({ label: 'C', apdus: [apdu] }));
const script = (id: string, list: CardCommand[], fence = 1): SeramScript => ({
  id: id.repeat(32).slice(0, 32),
  fence,
  insertion: 'x',
  commands: list,
  timeoutMs: 10_000,
});
const apdusOf = (order: Order | undefined): readonly string[] =>
  (order?.ramCommands ?? []).flatMap((command) => ('listOfCAPDU' in command ? command.listOfCAPDU : []));
const typesOf = (order: Order | undefined): readonly string[] =>
  (order?.ramCommands ?? []).map(({ ramCommandType }) => ramCommandType);
const cookies = (seq: number) => ({ seq, binding: 'b' });

function negotiated(): SeramSession {
  const made = negotiate(newSession(ELEMENT, 0), { secureElements: [ELEMENT] }, 'b', 0);
  if (made.kind !== 'chosen') expect.fail('not chosen');
  return made.session;
}

function heard(session: SeramSession, report: Report, seq: number, now = 0): SeramSession {
  const result = hear(session, report, cookies(seq), now);
  if (result.kind !== 'heard') expect.fail(`it was ${result.kind}`);
  return result.session;
}

function given(session: SeramSession, now = 0) {
  const next = give(session, now, 0);
  if (next === undefined) expect.fail('nothing was given');
  // As it goes over the wire.
  expectPublished(JSON.parse(JSON.stringify(next.order)));
  return next;
}

/** A session whose first order, with these commands, is out. */
function withScript(list: CardCommand[], id = 'a') {
  const { session } = submit(heard(negotiated(), polling, 0), script(id, list), 0);
  return given(session);
}

describe('A SERAM session', () => {
  it('begins with start, carries the first script with it, and ends with stop', () => {
    const first = withScript(commands(SELECT, READ));
    expect(typesOf(first.order)).to.deep.equal(['ramStartCommand', 'seRamCommand']);
    expect(apdusOf(first.order)).to.deep.equal([SELECT, READ]);
    expect(first.order.chosenSecureElement).to.deep.equal(ELEMENT);
    const after = heard(first.session, answered('9000', '00019000'), 1);
    expect(after.result?.result).to.deep.include({ stopped: false, apdus: 2 });
    expect(after.result?.result.responses).to.deep.equal([
      { data: '', sw: '9000' },
      { data: '0001', sw: '9000' },
    ]);
    const last = given(end(after, 'top-up/credited'));
    expect([typesOf(last.order), last.session.state]).to.deep.equal([
      ['notificationCommand', 'ramStopCommand'],
      'STOPPED',
    ]);
    expect(hear(last.session, polling, cookies(2), 0).kind).to.equal('unknown');
  });

  it('gives a lost order again as it was, and consumes nothing', () => {
    const first = withScript(commands(SELECT));
    const again = hear(first.session, polling, cookies(0), 5);
    expect(again).to.deep.include({ kind: 'again', seq: 1, order: first.order });
  });

  it('gives a lost stop again: to an agent with cookies until it has it, to one without them once', () => {
    const over = given(end(heard(negotiated(), polling, 0), 'top-up/credited'));
    for (const now of [5, 10]) {
      const again = hear(over.session, polling, cookies(0), now);
      expect(again).to.deep.include({ kind: 'again', seq: 1, order: over.order });
    }
    expect(hear(over.session, polling, cookies(1), 5).kind).to.equal('unknown');
    expect(hear(over.session, polling, { seq: 0, binding: 'other' }, 5).kind).to.equal('unknown');
    expect(hear(over.session, polling, cookies(0), LOST_MS + 1).kind).to.equal('unknown');
    const start = hear(negotiated(), polling, {}, 0);
    if (start.kind !== 'heard') expect.fail();
    const bare = given(end(start.session, 'top-up/credited'));
    const once = hear(bare.session, polling, {}, 5);
    expect(once).to.deep.include({ kind: 'again', order: bare.order });
    expect(once.kind === 'again' && hear(once.session, polling, {}, 5).kind).to.equal('unknown');
  });

  it('takes its element by whatever type and spelling the phone has for it, and names it so', () => {
    const CPLC = '1A2B'.repeat(21);
    const asked = [
      [{ seType: 'eSE', seId: CPLC }, { seType: 'iSE', seId: `9f7f2a${CPLC.toLowerCase()}` }, true],
      [{ seType: 'uicc', seId: '8986012345678901234' }, { seType: 'euicc', seId: '8986012345678901234F' }, true],
      [{ seType: 'uicc', seId: '898601234567890123A' }, { seType: 'uicc', seId: '898601 234567 890123a' }, true],
      [{ seType: 'uicc', seId: '8986012345678901234' }, { seType: 'uicc', seId: '8986012345678901235F' }, false],
      [{ seType: 'eSE', seId: '42000000-00FF' }, { seType: 'eSE', seId: '42000000-00' }, false],
    ] as const;
    for (const [element, offered, same] of asked) {
      const others = [{ seType: 'undefined', seId: 'SIM 1 (vendor)' }, ...Array(30).fill({ seType: 'eSE', seId: '' })];
      const made = negotiate(newSession(element, 0), { secureElements: [...others, offered] }, 'b', 0);
      expect(made.kind).to.equal(same ? 'chosen' : 'refused');
      if (made.kind === 'chosen') expect(made.session.element).to.deep.equal(offered);
    }
    const euicc = { seType: 'euicc', seId: '89049032123451234512345678901235' } as const;
    for (const [names, kind] of [
      [[], 'refused'],
      [[ELEMENT.seId, euicc.seId], 'chosen'],
    ] as const)
      expect(negotiate(newSession(ELEMENT, 0, names), { secureElements: [euicc] }, 'b', 0).kind).to.equal(kind);
    expect(negotiate(newSession(ELEMENT, 0), { secureElements: [] }, 'b', 0).kind).to.equal('refused');
  });

  it('takes the same report twice as one', () => {
    const first = withScript(commands(SELECT, READ).map((command) => ({ ...command, anyStatus: true as const })));
    const once = heard(first.session, answered('9000', '9000'), 1);
    const twice = heard(once, answered('6A82', '6A82'), 1);
    expect(twice.result).to.deep.equal(once.result);
  });

  it('refuses a report for an order that was not given, and one from another phone', () => {
    const first = withScript(commands(SELECT));
    expect(hear(first.session, answered('9000'), cookies(2), 0).kind).to.equal('refused');
    expect(hear(first.session, answered('9000'), { seq: 1, binding: 'other' }, 0).kind).to.equal('unknown');
    expect(hear(first.session, answered('9000'), { seq: 1 }, 0).kind).to.equal('unknown');
  });

  it('stops the script of an agent without cookies whose connection broke with APDUs out', () => {
    const start = hear(negotiated(), polling, {}, 0);
    if (start.kind !== 'heard') expect.fail();
    const out = given(submit(start.session, script('a', commands(SELECT)), 0).session);
    const broken = hear(out.session, polling, {}, 0);
    expect(broken.kind === 'heard' && broken.session.result?.result.failure?.code).to.equal('link-lost');
  });

  it('does not take a report that an agent without cookies sends again for the answer to the next order', () => {
    const bare = hear(negotiated(), polling, { link: 'a' }, 0);
    if (bare.kind !== 'heard') expect.fail();
    const list = commands('80E20000', '80E28001', '80E28002');
    const first = given(submit(bare.session, script('a', list), 0).session);
    const once = hear(first.session, answered('9000'), { link: 'a' }, 0);
    if (once.kind !== 'heard') expect.fail();
    const second = given(once.session);
    expect(apdusOf(second.order)).to.deep.equal(['80E28001']);
    const outcome = (report: Report, link: { readonly link?: string }) => {
      const result = hear(second.session, report, link, 0);
      if (result.kind !== 'heard') expect.fail(result.kind);
      const { result: ended, script: goesOn } = result.session;
      return ended?.result.failure?.code ?? `${goesOn?.responses.length} answered`;
    };
    // The second order was lost with its connection: the same report comes on another one.
    expect(outcome(answered('9000'), { link: 'b' })).to.equal('link-lost');
    expect(outcome(answered('9000'), {})).to.equal('link-lost');
    // Whoever asks on the connection of an order has that order, and another answer is none that was sent again.
    expect(outcome(answered('9000'), { link: 'a' })).to.equal('2 answered');
    expect(outcome(answered('6A80'), { link: 'b' })).to.not.equal('link-lost');
    // The order that goes out next has a connection of its own to be known by.
    const kept = hear(second.session, answered('9000'), { link: 'a' }, 0);
    if (kept.kind !== 'heard') expect.fail();
    const third = hear(given(kept.session).session, answered('9000'), { link: 'a' }, 0);
    expect(third.kind === 'heard' && third.session.result?.result.failure).to.equal(undefined);
  });

  it('tells a SELECT done by opening a channel from one that went wrong, by what the agent has executed', () => {
    const select = [{ label: 'S', apdus: [SELECT], anyStatus: true as const }];
    const outcome = (executed: number | undefined, list: readonly string[], errorMsg?: string) => {
      const { executedSeRamCommands: _, ...status } = answered('').localAgentStatus;
      const report: Report = {
        ...answered(...list),
        localAgentStatus: {
          ...status,
          ...(errorMsg === undefined ? {} : { errorMsg }),
          ...(executed === undefined ? {} : { executedSeRamCommands: executed }),
        },
      };
      const { result } = heard(withScript(select).session, report, 1).result ?? {};
      return result?.failure?.code ?? result?.responses.map(({ sw }) => sw).join();
    };
    expect(outcome(1, [''])).to.equal('9000');
    expect(outcome(undefined, [''])).to.equal('9000');
    expect(outcome(0, [''], 'the reader is gone')).to.equal('link-lost');
    expect(outcome(0, ['6A82'])).to.equal('6A82');
    // The channel was opened, and what came behind it went wrong.
    const both = [...select, { label: 'R', apdus: [READ], anyStatus: true as const }];
    expect(readList(both, ['', '6D00'], { failed: true }).responses).to.have.length(2);
    expect(readList(both, ['', ''], { failed: true })).to.deep.equal({
      responses: [{ data: '', sw: '9000' }],
      stopped: false,
      failed: true,
    });
  });

  it('stops a script without cookies where the answer with its order broke off, and no other', () => {
    const bare = hear(negotiated(), polling, { link: 'a' }, 0);
    if (bare.kind !== 'heard') expect.fail();
    const first = given(submit(bare.session, script('a', commands(CREDIT)), 0).session);
    const ended = cut(first.session, first.seq);
    expect(ended.result?.result.failure?.code).to.equal('link-lost');
    expect(cut(first.session, first.seq + 1)).to.equal(first.session);
    expect(typesOf(given(submit(ended, script('b', commands(READ)), 0).session).order)[0]).to.equal('ramStartCommand');
    // With cookies the agent tells itself what it has.
    const told = withScript(commands(CREDIT));
    expect(cut(told.session, told.seq)).to.equal(told.session);
  });

  it('never hands out, and never repeats, what the phone did not fetch in time', () => {
    const list = [{ label: 'CREDIT FOR LOAD', apdus: [CREDIT], timeoutMs: 3_000 }];
    const waiting = submit(heard(negotiated(), polling, 0), script('a', list), 0).session;
    expect(give(waiting, 1_501, 0)).to.equal(undefined);
    const out = given(waiting, 1_000);
    const late = hear(out.session, polling, cookies(0), 60_000);
    if (late.kind !== 'heard') expect.fail(`it was ${late.kind}`);
    expect(late.session.result?.result.failure?.code).to.equal('card-timeout');
    expect(give(late.session, 60_000, 0)).to.equal(undefined);
    const abandoned = giveUp(out.session, script('a', list).id);
    expect(hear(abandoned, polling, cookies(0), 2_000).kind).to.equal('heard');
  });

  it('says start with the next order when the first, which held it, is not given again', () => {
    const first = withScript([{ label: 'C', apdus: [CREDIT], timeoutMs: 3_000 }]);
    const bare = hear(negotiated(), polling, {}, 0);
    if (bare.kind !== 'heard') expect.fail();
    const unheard = given(submit(bare.session, script('a', commands(CREDIT)), 0).session);
    for (const [name, heardOf] of [
      ['late', hear(first.session, polling, cookies(0), 60_000)],
      ['given up', hear(giveUp(first.session, script('a', []).id), polling, cookies(0), 2_000)],
      ['without cookies', hear(unheard.session, polling, {}, 2_000)],
    ] as const) {
      if (heardOf.kind !== 'heard') expect.fail(`${name}: it was ${heardOf.kind}`);
      const next = given(submit(heardOf.session, script('b', commands(READ)), 60_000).session, 60_000);
      expect(typesOf(next.order), name).to.deep.equal(['ramStartCommand', 'seRamCommand']);
      // Once it was fetched, no further order has it.
      const seq = name === 'without cookies' ? {} : cookies(next.seq);
      const after = hear(next.session, answered('9000'), seq, 60_000);
      if (after.kind !== 'heard') expect.fail(`${name}: it was ${after.kind}`);
      const third = given(submit(after.session, script('c', commands(READ)), 60_000).session, 60_000);
      expect(typesOf(third.order), name).to.deep.equal(['seRamCommand']);
    }
  });

  it('gives a higher fence the card, and refuses a lower one', () => {
    const first = withScript(commands(SELECT));
    const taken = submit(first.session, script('b', commands(READ), 2), 0);
    expect(taken.session.result?.result.failure?.code).to.equal('stale-fence');
    expect(submit(taken.session, script('c', commands(READ), 1), 0).refused?.failure?.code).to.equal('stale-fence');
    expect(submit(taken.session, script('d', commands(READ), 2), 0).refused?.failure?.code).to.equal('card-busy');
    // The answer to what was out is nobody's any more.
    const after = heard(taken.session, answered('9000'), 1);
    expect(apdusOf(given(after).order)).to.deep.equal([READ]);
  });

  it('fails with the agent, is lost after five minutes, and expires when nobody takes it up', () => {
    const first = withScript(commands(SELECT));
    const report: Report = { localAgentStatus: { localAgentStatusEnum: 'UNAVAILABLE_SE', errorMsg: 'gone' } };
    const failed = heard(first.session, report, 1);
    expect([failed.state, failed.result?.result.failure?.code]).to.deep.equal(['FAILED', 'link-lost']);
    expect(aged(first.session, LOST_MS).state).to.equal('LOST');
    expect(aged(newSession(ELEMENT, 0), LOST_MS).state).to.equal('EXPIRED');
    expect(aged(first.session, LOST_MS - 1).state).to.equal('WAIT_AGENT');
  });

  it('answers a handshake again until the first report, and offers nothing that it does not speak', () => {
    const session = negotiated();
    expect(negotiate(session, { secureElements: [ELEMENT] }, 'c', 0).kind).to.equal('chosen');
    expect(negotiate(heard(session, polling, 0), { secureElements: [ELEMENT] }, 'c', 0).kind).to.equal('unknown');
    const fresh = newSession(ELEMENT, 0);
    const other = { ...ELEMENT, seId: '1' };
    expect(negotiate(fresh, { secureElements: [other] }, 'b', 0).kind).to.equal('refused');
    for (const wrong of [
      { supportedVersions: ['3.0.0'] },
      { supportedDataFormats: ['application/cbor'] },
      { supportedTransportProtocols: ['COAP'] },
    ]) {
      expect(negotiate(fresh, { secureElements: [ELEMENT], ...wrong }, 'b', 0).kind).to.equal('refused');
    }
    // As generated clients write what they do not provide.
    const none = { supportedTransportProtocols: [], supportedDataFormats: [], supportedVersions: [] };
    expect(negotiate(fresh, { secureElements: [ELEMENT], ...none }, 'b', 0).kind).to.equal('chosen');
  });

  it('sends start alone when nothing else comes', () => {
    const alone = giveStart(heard(negotiated(), polling, 0), 0);
    expectPublished(alone?.order);
    expect(typesOf(alone?.order)).to.deep.equal(['ramStartCommand']);
    expect(
      heard(alone?.session ?? negotiated(), { localAgentStatus: { localAgentStatusEnum: 'PROCESSED' } }, 1).state,
    ).to.equal('WAIT_BACKEND');
  });

  it('runs each command once, whatever is lost, doubled or reordered on the way', () => {
    const Fault = fc.constantFrom('none', 'order lost', 'report twice', 'old report', 'report lost');
    fc.assert(
      fc.property(fc.array(Fault, { maxLength: 12 }), fc.integer({ min: 1, max: 6 }), (faults, count) => {
        const list = commands(...Array.from({ length: count }, (_, index) => `8010000${index}`));
        let session = submit(heard(negotiated(), polling, 0), script('a', list), 0).session;
        const ran: string[] = [];
        let agent = { seq: 0, report: polling };
        const obey = (order: Order, seq: number) => {
          const apdus = apdusOf(order);
          ran.push(...apdus);
          agent = { seq, report: apdus.length === 0 ? polling : answered(...apdus.map(() => '9000')) };
        };
        for (let turn = 0; session.result === undefined && turn < 60; turn += 1) {
          const fault = faults[turn] ?? 'none';
          if (fault === 'report lost') continue;
          const seq = fault === 'old report' ? Math.max(0, agent.seq - 1) : agent.seq;
          for (let times = fault === 'report twice' ? 2 : 1; times > 0; times -= 1) {
            const result = hear(session, agent.report, cookies(seq), 0);
            if (result.kind === 'unknown' || result.kind === 'refused') expect.fail(result.kind);
            const next = result.kind === 'again' ? result : give(result.session, 0, 0);
            session = next?.session ?? result.session;
            // Only the last answer reaches the agent, and an old report is another connection's.
            if (next !== undefined && times === 1 && fault !== 'order lost' && fault !== 'old report')
              obey(next.order, next.seq);
          }
        }
        expect(ran).to.deep.equal(list.flatMap(({ apdus }) => apdus));
        expect(session.result?.result.responses).to.have.length(count);
      }),
      { numRuns: soakRuns(300) },
    );
  });
});

describe('A script in lists of APDUs', () => {
  const secured = (ins: string) => `84${ins}0000`;

  it('sends together what does no harm behind a failed command, and nothing else', () => {
    expect(listLength(commands(SELECT, READ, CREDIT), 0)).to.equal(2);
    expect(listLength(commands(READ, CREDIT), 0)).to.equal(1);
    // A card executes what comes behind a command that failed under secure messaging.
    for (const [before, next] of [
      ...[
        ['E2', 'E2'],
        ['E6', 'E8'],
        ['E8', 'E6'],
        ['E4', 'E6'],
        ['D8', 'F0'],
        ['CA', 'E2'],
        ['F2', 'E4'],
      ],
    ] as const)
      expect(listLength(commands(secured(before ?? ''), secured(next ?? '')), 0), `${before} ${next}`).to.equal(1);
    for (const [before, next] of [
      ...[
        ['82', 'E6'],
        ['E8', 'E8'],
        ['F2', 'F2'],
        ['E4', 'F2'],
        ['E2', 'CA'],
        ['E6', 'CB'],
      ],
    ] as const)
      expect(listLength(commands(secured(before ?? ''), secured(next ?? '')), 0), `${before} ${next}`).to.equal(2);
    expect(listLength(commands('80E80000', '80E88001'), 0)).to.equal(1);
    expect(listLength(commands(secured('82'), '80E60000'), 0)).to.equal(1);
    expect(listLength(commands(secured('E8'), secured('E8'), READ), 0)).to.equal(2);
    expect(listLength([{ label: 'C', apdus: [READ], anyStatus: true }, ...commands(CREDIT)], 0)).to.equal(2);
    expect(listLength(commands(...Array.from({ length: 40 }, () => secured('E8'))), 0)).to.equal(32);
  });

  it('takes empty, short and lower-case answers as SERAM has them', () => {
    const list = commands(SELECT, READ);
    expect(readList(list, ['', 'ab9000'])).to.deep.equal({
      stopped: false,
      failed: false,
      responses: [
        { data: '', sw: '9000' },
        { data: 'AB', sw: '9000' },
      ],
    });
    expect(readList(list, ['9000'])).to.deep.include({ failed: true });
    expect(readList(list, ['9000', ''])).to.deep.include({ failed: true });
    expect(readList(list, ['6A82', '6985'])).to.deep.equal({
      stopped: true,
      failed: false,
      responses: [{ data: '', sw: '6A82' }],
    });
    expect(readList(list, ['9000', '9000', '9000'])).to.deep.include({ failed: true });
  });

  it('goes on behind an application that is not there: an app has no channel, and drops the rest', () => {
    const [found, gone] = ['9000', '6A82'];
    const probe = { label: 'S', apdus: [SELECT], expect: [found, gone] };
    const look = { label: 'L', apdus: [READ], anyStatus: true as const };
    const list = [probe, look, look, probe, look];
    const notSent = { data: '', sw: '6985' };
    const none = { stopped: false, failed: false, responses: [{ data: '', sw: gone }, notSent, notSent] };
    for (const answers of [[gone], [gone, '']]) expect(readList(list, answers)).to.deep.equal(none);
    expect(readList(list, [gone, '6D00', '6D00', found, found]).responses).to.have.length(5);
    expect(readList([probe, ...commands(READ)], [gone])).to.deep.include({ stopped: true, failed: false });
    // The same over two lists, and a card that was lost elsewhere is lost.
    expect(hasNoChannel(list, none.responses)).to.equal(true);
    expect(hasNoChannel(list, [{ data: '', sw: found }])).to.equal(false);
    expect(readList([look, probe], [], { noChannel: true })).to.deep.equal({
      stopped: false,
      failed: false,
      responses: [notSent],
    });
    expect(readList([probe, look], [])).to.deep.include({ failed: true });
    expect(readList([probe, look], [found])).to.deep.include({ failed: true });
  });
});

// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { BipBearer } from '../../bearer/bip/bip-bearer.ts';
import type { CardCaller } from '../../bearer/bip/card-caller.ts';
import { readerLinkBearer } from '../../bearer/reader-link/reader-link-bearer.ts';
import { TransportError } from '../../errors.ts';
import { BearerChoice } from '../../service/ota/bearer-choice.ts';
import type { CardBearer } from '../../service/ota/card-bearer.ts';
import type { TerminalLink } from '../../service/ota/terminal-directory.ts';
import type { CardCommand, TerminalExchange, TerminalTrigger } from '../../wire/message/card-script.ts';
import { reader, success, TestDatabase } from '../ota/fixture.ts';
import { IDENTITY, TestNode, testAgent } from './fixture.ts';

/** The bearer over real calls of an agent, and the choice between it and the reader link. */

const READER = 'slot 1';
const COMMANDS: CardCommand[] = [
  { label: 'GET DATA', apdus: ['80CA004500'], anyStatus: true },
  { label: 'GET DATA', apdus: ['80CA004200'], expect: ['9000', '6A88'] },
  { label: 'GET DATA', apdus: ['80CA006600'] },
  { label: 'GET DATA', apdus: ['80CA00CF00'] },
];

describe('the bearer of remote administration', function () {
  this.timeout(60_000);
  let database: TestDatabase;
  let node: TestNode;
  let bearer: CardBearer;
  let fence = 0;

  before(async () => {
    database = await TestDatabase.start();
    node = await TestNode.open(await database.server.createDatabase('bearer'), { callMs: 300 });
    bearer = new BipBearer({ administration: node.administration, onError: () => {} });
  });
  after(async () => {
    await node?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  /** A terminal's connection that hands triggers to whoever is given, and says what came over it. */
  function linkTo(start: (trigger: Omit<TerminalTrigger, 'type'>) => void) {
    const scripts: Omit<TerminalExchange, 'type' | 'id'>[] = [];
    const link: TerminalLink = {
      terminalId: IDENTITY,
      trigger: async (trigger) => start(trigger),
      exchange: async (script) => {
        scripts.push(script);
        const { type: _type, id: _id, ...result } = success({ type: 'exchange', id: 1, ...script });
        return { type: 'result', id: 1, ...result };
      },
      release: () => {},
      close: () => {},
    };
    return { scripts, card: { link, reader: { ...reader('card-1', READER), bip: true as const } } };
  }

  const script = (commands: CardCommand[] = COMMANDS) => {
    fence += 1;
    return { providerId: 'a', readerName: READER, insertion: 'card-1', fence, commands };
  };

  /** An agent whose card refuses some commands, and that may know nothing of our field beside the body. */
  const refusing = (statuses: readonly string[], { strict = false } = {}) => {
    const received: string[][] = [];
    const agent = testAgent([node.address], {
      run: async ({ commands }) => {
        received.push(commands.flatMap(({ apdus }) => apdus));
        const responses = [];
        for (const { apdus, anyStatus, expect: expected = ['9000'] } of commands) {
          const sw = statuses[COMMANDS.findIndex((command) => command.apdus[0] === apdus[0])] ?? '9000';
          responses.push({ data: '', sw });
          if (strict ? sw !== '9000' : anyStatus !== true && !expected.includes(sw)) break;
        }
        return { responses, stopped: false, apdus: 0, bytesOut: 0, bytesIn: 0 };
      },
    });
    return { agent, received };
  };

  it('takes one script where the agent knows after which answers to go on, and more where it does not', async () => {
    for (const [strict, trips] of [
      [false, 1],
      [true, 3],
    ] as const) {
      const { agent, received } = refusing(['6A88', '6A88', '9000', '9000'], { strict });
      await using _agent = agent;
      const { card } = linkTo((trigger) => agent.start(trigger));
      const request = script();
      const { responses, stopped, roundTrips } = await bearer.exchange(card, request, 20_000);
      expect(responses.map(({ sw }) => sw)).to.deep.equal(['6A88', '6A88', '9000', '9000']);
      expect([stopped, roundTrips, received.length]).to.deep.equal([false, trips, trips]);
      bearer.release(card, request.fence);
    }
  });

  it('stops where the script says so', async () => {
    const { agent } = refusing(['9000', '9000', '6985', '9000']);
    await using _agent = agent;
    const { card } = linkTo((trigger) => agent.start(trigger));
    const { responses, stopped } = await bearer.exchange(card, script(), 20_000);
    expect([responses.length, stopped]).to.deep.equal([3, true]);
  });

  it('gives an agent by Amendment B a script again that only reads, and no other one', async () => {
    const { card } = linkTo(() => {});
    const cards: Pick<CardCaller, 'find'> = {
      find: async () => ({ pskIdentity: IDENTITY, agent: 'amendment-b', trigger: async () => ({}) }),
    };
    const called = new BipBearer({
      administration: node.administration,
      cards: cards as CardCaller,
      onError: () => {},
    });
    const went: unknown[] = [];
    for (const apdu of ['80CA006600', '80E2900000']) {
      const request = script([{ label: 'C-APDU', apdus: [apdu] }]);
      const carried = called.exchange({ ...card, reader: { ...card.reader, msisdn: '491700000001' } }, request, 20_000);
      const ended = carried.catch((error: unknown) => error);
      const key = { terminalId: IDENTITY, readerName: READER, fence: request.fence };
      let session = await node.table.ofFence(key);
      while (session?.state !== 'offered') session = await node.table.ofFence(key);
      const { sessionId } = session;
      const post = { pskIdentity: IDENTITY, sessionId, done: 0, body: new Uint8Array() };
      const traffic = { bytesOut: 0, bytesIn: 0 };
      for (const resume of [false, true]) {
        const { kind } = await node.administration.answer({ ...post, resume, traffic });
        went.push(kind);
      }
      called.release(card, request.fence);
      went.push(await ended.then((error) => (error instanceof TransportError ? error.code : 'carried')));
    }
    expect(went).to.deep.equal(['script', 'script', 'outcome-unknown', ...['script', 'end', 'outcome-unknown']]);
  });

  it('tells of a chip that does not answer', async () => {
    await using agent = testAgent([node.address], {
      run: async () => ({
        responses: [],
        stopped: false,
        apdus: 0,
        bytesOut: 0,
        bytesIn: 0,
        failure: { code: 'card-removed', message: 'gone' },
      }),
    });
    const { card } = linkTo((trigger) => agent.start(trigger));
    const result = await bearer.exchange(card, script(), 20_000);
    expect([result.failure?.code, result.failure?.message]).to.deep.equal([
      'link-lost',
      'the agent says unavailable-se',
    ]);
  });

  for (const [name, change] of [
    ['no agent', { reader: reader('card-1', READER) }],
    ['a card that does not call', {}],
  ] as const) {
    it(`leaves the script to the reader link where there is ${name}`, async () => {
      const { card, scripts } = linkTo(() => {});
      const told: string[] = [];
      const chosen = new BearerChoice(
        [
          { name: 'bip', bearer },
          { name: 'reader', bearer: readerLinkBearer },
        ],
        { onFallback: (from, to) => void told.push(`${from} ${to}`) },
      );
      const carried = await chosen.exchange({ ...card, ...change }, script(), 20_000);
      expect([carried.responses.length, scripts.length, told]).to.deep.equal([4, 1, ['bip reader']]);
      expect(carried.bearer).to.equal('reader');
      expect(carried.insteadOf?.map((one) => one.bearer)).to.deep.equal(['bip']);
    });
  }

  it('does not carry what must not come late, and without another bearer nothing is sent', async () => {
    const { card, scripts } = linkTo(() => {});
    const hasty = script([{ label: 'credit', apdus: ['8052000000'], timeoutMs: 3_000 }]);
    const alone = new BearerChoice([{ name: 'bip', bearer }]);
    const refusal: unknown = await alone.exchange(card, hasty, 20_000).catch((error: unknown) => error);
    expect(refusal).to.be.instanceOf(TransportError).with.property('code', 'bearer-unreachable');
    expect(scripts).to.deep.equal([]);
  });
});

// SPDX-License-Identifier: Apache-2.0
/** The agent of a phone over HTTP; messages are lost or doubled on the way to the front: the card sees none of it. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { expect } from 'chai';
import { type AgentEnd, SeramAgent } from '../../bearer/seram/seram-agent.ts';
import { SeramCard } from '../../bearer/seram/seram-card.ts';
import {
  end,
  give,
  hear,
  negotiate,
  newSession,
  type SeramSession,
  submit,
} from '../../service/front/seram-session.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import { toHex } from '../../wire/hex.ts';
import type { Handshake, Order, Report } from '../../wire/message/seram.ts';
import { expectPublished } from '../conformance/published-order.ts';

const ELEMENT = { seType: 'uicc', seId: '89860000000000000001' } as const;
/** Each in a list of its own, but for the second, which goes with SELECT. */
const APDUS = ['00A4040005F000000001', '8010000001', '8010000002', '8010000003', '8010000004'];
/** Messages of such a session: handshake, first report, and one report for each of the four lists. */
const MESSAGES = 6;

const FAULTS = {
  'its answer is lost': { times: 1, answered: false },
  'it is lost itself': { times: 0, answered: false },
  'it comes twice': { times: 2, answered: true },
  'it comes twice and its answer is lost': { times: 2, answered: false },
} as const;
type Fault = keyof typeof FAULTS;

/** The states of a session behind HTTP, without a database. */
class Front {
  #session: SeramSession;

  constructor() {
    this.#session = newSession(ELEMENT, 0);
  }

  get result() {
    return this.#session.result?.result;
  }

  shake(offer: Handshake): object {
    const made = negotiate(this.#session, offer, 'b', 0);
    if (made.kind !== 'chosen') throw new RangeError(made.kind);
    const commands = APDUS.map((apdu) => ({ label: 'C', apdus: [apdu] }));
    const script = { id: 'a'.repeat(32), fence: 1, insertion: 'x', commands, timeoutMs: 60_000 };
    this.#session = submit(made.session, script, 0).session;
    return made.answer;
  }

  /** @returns undefined: the session is over */
  take(report: Report, seq: number): { readonly order: Order; readonly seq?: number } | undefined {
    const heard = hear(this.#session, report, { seq, binding: 'b' }, 0);
    if (heard.kind === 'unknown' || heard.kind === 'refused') return undefined;
    this.#session = heard.session;
    if (heard.kind === 'again') return heard;
    if (this.result !== undefined) this.#session = end(this.#session, 'done');
    const given = give(this.#session, 0, 0);
    this.#session = given?.session ?? this.#session;
    return given ?? { order: { delay: 0 } };
  }
}

const seqOf = ({ headers }: IncomingMessage): number => Number(/seq=([0-9]+)/.exec(headers.cookie ?? '')?.[1] ?? 0);

/** What the card got, and how both sides ended, with these faults by the number of the message. */
async function played(faults: ReadonlyMap<number, Fault>) {
  const front = new Front();
  let number = 0;
  const server = createServer(async (request, response) => {
    const fault = faults.get(number);
    number += 1;
    const { times, answered } = fault === undefined ? { times: 1, answered: true } : FAULTS[fault];
    const body = (await json(request)) as Handshake & Report;
    let answer: object | undefined;
    let cookie = 'seram=b; Path=/gp/seram';
    for (let count = 0; count < times; count += 1) {
      if (request.url?.startsWith('/gp/seram/handshake') === true) answer = front.shake(body);
      else {
        const next = front.take(body, seqOf(request));
        if (next !== undefined) expectPublished(next.order);
        if (next?.seq !== undefined) cookie = `seq=${next.seq}; Path=/gp/seram`;
        answer = next?.order;
      }
    }
    if (!answered) return void request.socket.destroy();
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json', 'set-cookie': cookie });
    response.end(JSON.stringify(answer ?? {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const got: string[] = [];
  const channel: CardChannel = {
    atr: new Uint8Array(),
    transmit: async (command) => {
      got.push(toHex(command));
      return Uint8Array.of(got.length, 0x90, 0x00);
    },
    reset: async () => new Uint8Array(),
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
  try {
    await using agent = new SeramAgent({
      endpoints: [`http://127.0.0.1:${(server.address() as AddressInfo).port}/gp/seram`],
      sessionId: 's'.repeat(32),
      secureElements: [ELEMENT],
      card: new SeramCard(async () => channel),
    });
    const ended: AgentEnd = await agent.run();
    return { got, ended, answers: front.result?.responses.map(({ data }) => data), failure: front.result?.failure };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('An agent whose messages to the front are lost or doubled', () => {
  const whole = { got: APDUS, ended: 'stopped', answers: ['01', '02', '03', '04', '05'], failure: undefined };

  for (let at = 0; at < MESSAGES; at += 1)
    for (const fault of Object.keys(FAULTS) as Fault[])
      it(`has the card execute everything once when of message ${at} ${fault}`, async () => {
        expect(await played(new Map([[at, fault]]))).to.deep.equal(whole);
      });

  it('has the card execute everything once when every other message has a fault', async () => {
    const names = Object.keys(FAULTS) as Fault[];
    const faults = Array.from({ length: 12 }, (_, at) => [2 * at, names[at % names.length] ?? names[0]] as const);
    expect(await played(new Map(faults as readonly (readonly [number, Fault])[]))).to.deep.equal(whole);
  });
});

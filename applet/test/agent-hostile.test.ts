// SPDX-License-Identifier: Apache-2.0
/** The card's applications for remote administration before a terminal that lies, and then before an honest one. */
import { expect } from 'chai';
import { draws, soakRuns } from '../../setup/soak/runs.ts';
import { AdminServer, nothing, script } from './support/admin-server.ts';
import { AgentWorld, agentCard, PACKETS } from './support/agent-card.ts';
import type { BipTerminal } from './support/bip-terminal.ts';
import { apdu } from './support/card.ts';
import { onOtaCard, openPlainStatus } from './support/ota-card.ts';
import { envelopes, expandedAnswers, expandedScript } from './support/packet-host.ts';
import { bytes, hex, tlv } from './support/tlv.ts';

/** Three retries, a minute each, and a message when none is left. */
const RETRY = hex(tlv('86', '0003', '2503001000', tlv('8B', '01000491326500F6020102')));
const KEYS = { hostile: 0x50, honest: 0x51 } as const;
const STATUS = '80F2000000';
/** More pauses than the sessions of a run can have together. */
const MOST_PAUSES = 12;
/** Commands of a session in which the terminal lies. */
const LIES = 24;
const EVENTS = [
  'D60B99010A82028281B8020105',
  'D60B99010A82028281B8028105',
  'D60A99010A82028281B80105',
  'D60E99010982028281B8028100B701FF',
  'D60799010982028281',
  'D70C82028281A40101A503000000',
  'D70482028281',
] as const;

/** By proactive command: whether the channel is open then, and what timers run. */
const BROKEN: Readonly<Record<number, readonly (boolean | string)[]>> = {
  64: [true, '001000'],
  66: [false, '001000'],
  67: [false, '001000'],
};

type Draw = (below: number) => number;
type Right = () => Promise<Buffer>;

const without = (response: Buffer): Buffer => response.subarray(0, 9);
const result = (general: number): Buffer => tlv('83', Buffer.of(general, 0));

/** What a terminal may answer. */
const ANSWERS: readonly ((right: Right, draw: Draw) => Promise<Buffer>)[] = [
  (right) => right(),
  (right) => right(),
  async () => Buffer.of(0),
  async () => bytes('8103010000'),
  async (right) => without(await right()),
  async (right) => Buffer.concat([without(await right()), bytes('8300')]),
  async (_right, draw) => Buffer.concat([bytes('810301000082028281'), result(draw(256))]),
  async (right, draw) => Buffer.concat([without(await right()), result(draw(256))]),
  async () => bytes('810301000082028281830100'),
  async (_right, draw) => bytes(`810301000082028281830100B8028${draw(8)}00`),
  async (right, draw) => {
    const all = await right();
    return all.subarray(0, 1 + draw(all.length));
  },
  async (_right, draw) => Buffer.from(Array.from({ length: 1 + draw(40) }, () => draw(256))),
];

/** Lies for a while, with events of its own between command and response; dies at its last lie where it shall. */
function liar(terminal: BipTerminal, draw: Draw, dies: boolean): NonNullable<BipTerminal['liar']> {
  let left = 1 + draw(LIES);
  return async (right) => {
    left -= 1;
    if (left <= 0 && dies) return undefined;
    if (left <= 0) return right();
    const event = draw(4) === 0 ? EVENTS[draw(EVENTS.length)] : undefined;
    const made = await ANSWERS[draw(ANSWERS.length)]?.(right, draw);
    if (event !== undefined) await terminal.between(event);
    return made;
  };
}

/** A server whose sessions each delete the key that their URI names. */
function deletingServer() {
  const results: string[] = [];
  const server = new AdminServer(({ url, body }, response) => {
    const [, key, run, part] = /^\/(\w+)\?run=(\d+)&n=(\d)$/.exec(url) ?? [];
    if (part === '0') {
      const version = hex(Buffer.of(Number(key)));
      return script(response, [`80E4000003D201${version}`, '80CA006600'], `/${key}?run=${run}&n=1`);
    }
    if (body.length > 0) results.push(`${key} ${run} ${expandedAnswers(body)[0] ?? ''}`);
    nothing(response);
  });
  return { server, results };
}

/** Until no retry is left. */
async function end({ terminal }: AgentWorld): Promise<void> {
  await terminal.drop();
  for (let pauses = 0; terminal.timers.size > 0; pauses += 1) {
    expect(pauses, 'pauses').below(MOST_PAUSES);
    await terminal.expire();
    await terminal.idle();
    await terminal.drop();
  }
}

describe('Remote administration, before a terminal that lies', function () {
  this.timeout(600_000);

  it('takes a response without a result for a broken link, whichever command it answers', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await AgentWorld.open(card);
      const server = new AdminServer(() => {});
      for (const [command, then] of Object.entries(BROKEN)) {
        await world.restart(server.connect);
        world.terminal.liar = async (right) => {
          const response = await right();
          return response[3] === Number(command) ? response.subarray(0, 9) : response;
        };
        await world.trigger({ retry: RETRY.replace('0003', '0001') });
        await world.terminal.idle();
        world.terminal.liar = undefined;
        expect([world.terminal.isOpen, ...world.terminal.timers.values()], command).deep.equal(then);
        await end(world);
      }
    }));

  it('has a session within its rules for the next trigger, runs no script twice and lowers no counter', () =>
    onOtaCard(agentCard(), async (card, simulated) => {
      const world = await AgentWorld.open(card);
      const { server, results } = deletingServer();
      await world.restart(server.connect);
      const draw = draws();
      for (let run = 0; run < soakRuns(5); run += 1) {
        for (const version of Object.values(KEYS)) {
          const put = await world.putKey(version, Buffer.alloc(16, 7));
          expect(put.sw, `run ${run}`).equal('9000');
        }
        const dies = draw(2) === 0;
        world.terminal.liar = liar(world.terminal, draw, dies);
        const packet = world.packet({ spi: '1639', tar: 'B20100', data: expandedScript(['80CA006600']) });
        for (const envelope of envelopes(packet)) await world.terminal.send(envelope);
        await world
          .trigger({ uri: `/${KEYS.hostile}?run=${run}&n=0`, retry: draw(2) === 0 ? RETRY : '' })
          .catch(() => '');
        await world.terminal.idle();
        await world.terminal.drop();
        world.terminal.liar = undefined;
        if (dies) {
          world.terminal.forget();
          await simulated.power('off');
          await simulated.power('on');
          await world.restart(server.connect);
        }
        // an answer that waits for its turn goes first
        await world.terminal.send(STATUS);
        await world.terminal.idle();
        expect(await world.trigger({ uri: `/${KEYS.honest}?run=${run}&n=0`, retry: RETRY }), `run ${run}`).equal('00');
        await world.terminal.idle();
        for (let pauses = 0; world.terminal.timers.size > 0; pauses += 1) {
          expect(pauses, `pauses in run ${run}`).below(MOST_PAUSES);
          await world.terminal.expire();
          await world.terminal.idle();
        }
        expect(world.terminal.isOpen, `run ${run}`).equal(false);
        expect(results, `run ${run}`).include(`${KEYS.honest} ${run} 009000`);
        expect(
          results.filter((each) => !each.endsWith(' 009000')),
          'a script that ran twice',
        ).deep.equal([]);
        const again = await card.exchange(envelopes(packet)[0] ?? '');
        expect(openPlainStatus(again.data, '1639', PACKETS), `the same packet, run ${run}`).equal('02');
        await world.manage(apdu('80E40000', `D201${hex(Buffer.of(KEYS.hostile))}`));
      }
    }));
});

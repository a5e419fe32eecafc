// SPDX-License-Identifier: Apache-2.0
/** Sessions of the administration agent that break: cut channels, retries, resets, triggers in between. */
import { expect } from 'chai';
import { soakRuns } from '../../setup/soak/runs.ts';
import { AdminServer, nothing, script } from './support/admin-server.ts';
import { AgentWorld, agentCard } from './support/agent-card.ts';
import { apdu } from './support/card.ts';
import { onOtaCard } from './support/ota-card.ts';
import { expandedAnswers } from './support/packet-host.ts';
import { bytes, hex, tlv } from './support/tlv.ts';

/** Three retries, a minute each. */
const RETRY = '86070003 2503001000';
/** What a server sends in a session of one script, about. */
const LAST = 1_000;
const VERSION = 0x50;
const SEND_SHORT_MESSAGE = 0x13;
const CLOSE_CHANNEL = 0x41;
const SEND_DATA = 0x43;

/** A server with one script, which deletes key 50: it answers by the number in the URI, as ours does. */
function oneScript(cutAfter: number) {
  let left = cutAfter;
  const results: string[] = [];
  const resumed: string[] = [];
  const server = new AdminServer(
    ({ url, headers, body }, response) => {
      if (headers['x-admin-resume'] !== undefined) resumed.push(url);
      if (url === '/adm?n=0') return script(response, ['80E4000003D20150', '80CA006600'], '/adm?n=1');
      if (body.length > 0) results.push(expandedAnswers(body)[0] ?? '');
      nothing(response);
    },
    {
      toCard: (part, close) => {
        const fits = part.subarray(0, Math.max(0, left));
        if (part.length > left) close();
        left = part.length > left ? Number.POSITIVE_INFINITY : left - part.length;
        return fits;
      },
    },
  );
  return { server, results, resumed };
}

describe('The administration agent, when its channel breaks', function () {
  this.timeout(600_000);

  it('runs no script twice, after whichever byte it is', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await AgentWorld.open(card);
      const key = Buffer.alloc(16, 7);
      const seen = new Set<string>();
      for (let bytes = 0; bytes < LAST; bytes += soakRuns(1) > 1 ? 7 : 197) {
        const put = await world.putKey(VERSION, key);
        expect(put.sw).equal('9000');
        const { server, results, resumed } = oneScript(bytes);
        expect(await world.call(server.connect, { retry: RETRY })).equal('00');
        await world.terminal.idle();
        if (world.terminal.timers.size > 0) {
          await world.terminal.expire();
          await world.terminal.idle();
        }
        expect(world.terminal.isOpen, `after ${bytes} bytes`).equal(false);
        expect(world.terminal.timers.size).equal(0);
        // a second run would have found no key: 6A88
        expect(
          results.filter((result) => result !== '009000'),
          `after ${bytes} bytes`,
        ).deep.equal([]);
        expect((await world.manage(apdu('80E40000', 'D20150'))).sw, `the script ran, ${bytes}`).equal('6A88');
        seen.add(results.length > 0 ? 'result' : 'lost').add(resumed.length > 0 ? 'resumed' : 'whole');
        for (const url of resumed) expect(url).match(/^\/adm\?n=[01]$/);
      }
      expect([...seen].sort()).include.members(['result', 'resumed', 'whole']);
    }));

  it('tries as often as its parameters say, with the pause that they say, and then no more', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await AgentWorld.open(card);
      await world.call(() => undefined, { retry: RETRY });
      for (let left = 3; left > 0; left -= 1) {
        expect([...world.terminal.timers.values()]).deep.equal(['001000']);
        await world.terminal.expire();
      }
      expect([...world.terminal.timers.values()]).deep.equal([]);
      await world.call(() => undefined);
      expect([...world.terminal.timers.values()], 'none where there is no policy').deep.equal([]);
    }));

  it('stops a timer that the terminal started in part or with changes', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await AgentWorld.open(card);
      for (const timed of ['83020100', '830107']) {
        const server = new AdminServer((_posted, response) => nothing(response));
        await world.restart(server.connect);
        world.terminal.timed = timed;
        await world.trigger();
        await server.posted(1);
        await world.terminal.closed();
        expect(world.terminal.timers.size, timed).equal(0);
      }
    }));

  it('sends the message of its parameters when no try is left, once, and none that is too long', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await AgentWorld.open(card);
      const retry = (report: Buffer) => hex(tlv('86', '0001', '2503001000', report));
      const message = '01000491326500F6020102';
      await world.call(() => undefined, { retry: retry(tlv('8B', message)) });
      expect(world.terminal.submitted).deep.equal([]);
      await world.terminal.expire();
      expect(world.terminal.submitted.map(hex)).deep.equal([message]);
      expect([...world.terminal.timers.values()]).deep.equal([]);
      await world.call(() => undefined, { retry: retry(Buffer.alloc(101, 0xff)) });
      await world.terminal.expire();
      expect(world.terminal.submitted, 'longer than it may be').deep.equal([]);
      const server = new AdminServer((_posted, response) => nothing(response));
      await world.call(server.connect);
      await server.posted(1);
      await world.terminal.closed();
    }));

  it('sends that message once, also where the power fails before it hears that it has gone', () =>
    onOtaCard(agentCard(), async (card, simulated) => {
      const world = await AgentWorld.open(card);
      const message = '01000491326500F6020102';
      await world.call(() => undefined, { retry: hex(tlv('86', '0001', '2503001000', tlv('8B', message))) });
      world.terminal.diesAt = SEND_SHORT_MESSAGE;
      await world.terminal.expire();
      expect(world.terminal.submitted.map(hex)).deep.equal([message]);
      await simulated.power('off');
      await simulated.power('on');
      await world.restart(() => undefined);
      expect(world.terminal.submitted.map(hex), 'after the reset').deep.equal([]);
      const server = new AdminServer((_posted, response) => nothing(response));
      await world.call(server.connect);
      await server.posted(1);
      await world.terminal.closed();
      expect(server.posts[0]?.headers['x-admin-resume'], 'the session before is over').equal(undefined);
    }));

  it('takes the pause with comprehension required too', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await AgentWorld.open(card);
      await world.call(() => undefined, { retry: RETRY.replace('2503', 'A503') });
      expect([...world.terminal.timers.values()]).deep.equal(['001000']);
    }));

  it('goes on after a reset, and takes a silent server for a broken channel', () =>
    onOtaCard(agentCard(), async (card, simulated) => {
      const world = await AgentWorld.open(card);
      const silent = new AdminServer(() => {});
      await world.call(silent.connect, { retry: RETRY });
      await silent.posted(1);
      await world.terminal.idle();
      expect([...world.terminal.timers.values()], 'two minutes of silence').deep.equal(['002000']);
      await world.terminal.expire();
      expect([world.terminal.isOpen, ...world.terminal.timers.values()]).deep.equal([false, '001000']);
      await simulated.power('off');
      await simulated.power('on');
      const server = new AdminServer((_posted, response) => nothing(response));
      await world.restart(server.connect);
      await server.posted(1);
      await world.terminal.closed();
      expect(server.posts[0]?.headers['x-admin-resume']).equal('true');
      expect([server.posts[0]?.url, server.posts[0]?.body.length]).deep.equal(['/adm?n=0', 0]);
    }));

  it('hears of no other channel’s end, not even of one that was its own', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await AgentWorld.open(card);
      let last = () => {};
      const server = new AdminServer((_posted, response, count) => {
        if (count === 2) last = () => nothing(response);
        else nothing(response);
      });
      await world.restart(server.connect);
      // A terminal that says that it could not close: for the card the channel is the agent's still.
      world.terminal.closes = false;
      await world.trigger();
      await server.posted(1);
      await world.terminal.closed();
      world.terminal.channel = 2;
      await world.trigger();
      await server.posted(2);
      await world.terminal.idle();
      await world.terminal.tellLost(1);
      await world.terminal.idle();
      expect(world.terminal.isOpen).equal(true);
      last();
      await world.terminal.closed();
      expect(server.posts.map(({ headers }) => headers['x-admin-resume'])).deep.equal([undefined, undefined]);
    }));

  it('keeps one trigger that comes in a session, the newest', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await AgentWorld.open(card);
      let answer = () => {};
      const server = new AdminServer((_posted, response, count) => {
        if (count === 1) answer = () => nothing(response);
        else nothing(response);
      });
      await world.call(server.connect);
      await server.posted(1);
      expect([await world.trigger({ uri: '/second' }), await world.trigger({ uri: '/third' })]).deep.equal([
        '00',
        '00',
      ]);
      answer();
      await server.posted(2);
      await world.terminal.closed();
      expect(server.posts.map(({ url }) => url)).deep.equal(['/adm?n=0', '/third']);
    }));

  it('does not wait for the end of a pause where another trigger comes in it', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await AgentWorld.open(card);
      const server = new AdminServer((_posted, response) => nothing(response));
      let reached = false;
      await world.call(() => (reached ? server.connect() : undefined), { retry: RETRY });
      expect([...world.terminal.timers.values()]).deep.equal(['001000']);
      // A terminal that lost its timer: nothing ever runs out.
      world.terminal.timers.clear();
      reached = true;
      await world.trigger({ uri: '/second' });
      await world.terminal.idle();
      expect(server.posts.map(({ url }) => url)).deep.equal(['/adm?n=0', '/second']);
      expect(world.terminal.timers.size).equal(0);
    }));

  it('takes the end of a channel before for no end of the next, of which it hears late', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await AgentWorld.open(card);
      let last = () => {};
      const server = new AdminServer((_posted, response, count) => {
        if (count === 2) last = () => nothing(response);
      });
      await world.call(server.connect);
      await server.posted(1);
      await world.terminal.idle();
      expect(await world.trigger({ uri: '/second' })).equal('00');
      await world.terminal.idle();
      // The link goes: the card is told while it asks for what came before, and that is answered by an error.
      let told = false;
      world.terminal.liar = async (right) => {
        if (told) return right();
        told = true;
        await world.terminal.between('D60B99010A82028281B8020105');
        return bytes('81030142008202828183022100');
      };
      await world.terminal.tellLost(1);
      world.terminal.liar = undefined;
      await world.terminal.idle();
      expect([told, world.terminal.isOpen]).deep.equal([true, true]);
      last();
      await world.terminal.idle();
      expect(server.posts.map(({ url }) => url)).deep.equal(['/adm?n=0', '/second']);
    }));

  it('runs a last script once, whose server names no next URI, wherever the power fails in it', () =>
    onOtaCard(agentCard(), async (card, simulated) => {
      const world = await AgentWorld.open(card);
      const seen = new Set<string>();
      for (const dies of [SEND_DATA, CLOSE_CHANNEL]) {
        expect((await world.putKey(VERSION, Buffer.alloc(16, 7))).sw).equal('9000');
        let answer = () => {};
        const server = new AdminServer((_posted, response) => {
          answer = () => script(response, ['80E4000003D20150']);
        });
        await world.call(server.connect, { retry: RETRY });
        await server.posted(1);
        world.terminal.diesAt = dies;
        answer();
        await world.terminal.idle();
        world.terminal.forget();
        await simulated.power('off');
        await simulated.power('on');
        await world.restart(server.connect);
        await world.terminal.idle();
        expect((await world.manage(apdu('80E40000', 'D20150'))).sw, 'the script ran').equal('6A88');
        seen.add(`${server.posts.length} ${world.terminal.opened} ${world.terminal.timers.size}`);
      }
      expect([...seen]).deep.equal(['1 0 0']);
    }));

  it('does not try again where TLS failed', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await AgentWorld.open(card);
      const other = new AdminServer((_posted, response) => nothing(response), { psk: Buffer.alloc(16) });
      await world.call(other.connect, { retry: RETRY });
      await world.terminal.idle();
      expect([world.terminal.isOpen, world.terminal.timers.size, other.posts.length]).deep.equal([false, 0, 0]);
      await world.call(other.connect, { retry: RETRY, key: '4101' });
      await world.terminal.idle();
      expect([world.terminal.isOpen, world.terminal.timers.size], 'no such key').deep.equal([false, 0]);
    }));
});

// SPDX-License-Identifier: Apache-2.0
/** What the administration agent does beyond Amendment B where a server of ours says so (docs/ota.md 6.1). */
import { expect } from 'chai';
import { AdminServer, nothing, script } from './support/admin-server.ts';
import { AgentWorld, agentCard } from './support/agent-card.ts';
import { ISD, type TestCard } from './support/card.ts';
import { onOtaCard } from './support/ota-card.ts';
import { expandedAnswers } from './support/packet-host.ts';

const NOT_THERE = '80CA123400';
const THERE = '80CA006600';
const ICCID = '986800214365870921F3';
const READ_ICCID = ['00A40004023F00', '00A4000C022FE2', '00B000000A'];
const SELECT_ISD = `00A40400${(ISD.length / 2).toString(16).padStart(2, '0')}${ISD}00`;
/** In chunks of so many bytes a script is in indefinite form. */
const CHUNK = 100;

interface Case {
  readonly commands: readonly string[];
  readonly goesOn?: string;
  readonly indefinite?: boolean;
}

/** Runs scripts in one session; the answers to each, and whether they came in chunks. */
async function run(card: TestCard, cases: readonly Case[]) {
  const world = await AgentWorld.open(card);
  const server = new AdminServer((_posted, response, count) => {
    const next = cases[count - 1];
    if (next === undefined) return nothing(response);
    if (next.goesOn !== undefined) response.setHeader('X-Opentsm-Goes-On', next.goesOn);
    script(response, next.commands, `/adm?n=${count}`, next.indefinite === true ? CHUNK : 0);
  });
  await world.call(server.connect);
  await server.posted(cases.length + 1);
  await world.terminal.closed();
  return server.posts.slice(1).map(({ body, headers }) => ({
    answers: expandedAnswers(body),
    statuses: expandedAnswers(body).map((answer) => answer.slice(-4)),
    chunked: headers['transfer-encoding'] === 'chunked',
  }));
}

describe('The administration agent and a server of ours', () => {
  it('has its own name where a trigger has none, as public tools send it', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await AgentWorld.open(card);
      const server = new AdminServer((_posted, response) => nothing(response));
      expect(await world.call(server.connect, { agent: null })).equal('00');
      await server.posted(1);
      await world.terminal.closed();
      expect(server.posts[0]?.headers['x-admin-from']).equal('//aa-id/aid/F06F70656E/74736D0401');
    }));

  it('goes on behind the answers that its rules name, and behind no others', () =>
    onOtaCard(agentCard(), async (card) => {
      const commands = [THERE, NOT_THERE, THERE];
      const rules = [
        '1=*',
        '1=6A88',
        '0=6D00,1=6A82|6A88',
        '1=6A82',
        '0=*,2=*',
        '1=6A8',
        '11=*',
        '',
        ',,1',
        '1',
        'x=*',
      ];
      const results = await run(
        card,
        rules.map((goesOn) => ({ commands, ...(goesOn === '' ? {} : { goesOn }) })),
      );
      expect(results.map(({ statuses }) => statuses.length)).deep.equal([
        3,
        3,
        3,
        ...Array.from({ length: 8 }, () => 2),
      ]);
    }));

  it('has files and domains in one script where that is said, and what was selected stays so', () =>
    onOtaCard(agentCard(), async (card) => {
      const both = [SELECT_ISD, ...READ_ICCID, THERE, '00B0000004', '80F28000024F00', ...READ_ICCID.slice(1)];
      const [mixed, plain, after] = await run(card, [
        { commands: both, goesOn: 'files', indefinite: true },
        { commands: READ_ICCID.slice(1), indefinite: true },
        { commands: ['80F28000024F00'], goesOn: 'files' },
      ]);
      expect(mixed?.statuses).deep.equal(['9000', '9000', '9000', '9000', '9000', '6D00']);
      expect(mixed?.answers[3]).equal(`${ICCID}9000`);
      expect(plain?.statuses).deep.equal(['6D00']);
      expect(after?.statuses).deep.equal(['9000']);
    }));

  it('sends answers on when they find no room at once, in indefinite form alone', () =>
    onOtaCard(agentCard(), async (card) => {
      const commands = Array.from({ length: 30 }, () => THERE);
      const [indefinite, definite] = await run(card, [{ commands, indefinite: true }, { commands }]);
      expect(indefinite).deep.include({ chunked: true });
      expect(indefinite?.answers.length).equal(30);
      expect(new Set(indefinite?.answers).size).equal(1);
      expect(definite).deep.include({ chunked: false });
      expect(definite?.answers.length).within(2, 29);
    }));

  it('has no timer against silence while it works, and one again behind that', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await AgentWorld.open(card);
      const server = new AdminServer((_posted, response, count) => {
        if (count === 1)
          script(
            response,
            Array.from({ length: 30 }, () => THERE),
            '/adm?n=1',
            CHUNK,
          );
      });
      await world.call(server.connect);
      await server.posted(2);
      await world.terminal.idle();
      const { sentWith, timers } = world.terminal;
      expect([Math.min(...sentWith), sentWith.at(-1), timers.size]).deep.equal([0, 1, 1]);
    }));
});

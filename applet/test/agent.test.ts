// SPDX-License-Identifier: Apache-2.0
/** The administration agent (applet/README.md 13): sessions with a server by node's TLS and HTTP. */
import { expect } from 'chai';
import { AdminServer, nothing, script } from './support/admin-server.ts';
import { agentCard, putPsk, sendTrigger } from './support/agent-card.ts';
import { BipTerminal } from './support/bip-terminal.ts';
import { ISD } from './support/card.ts';
import { onOtaCard } from './support/ota-card.ts';
import { expandedAnswers } from './support/packet-host.ts';

const SUITES = [
  { parameters: '', ciphers: 'PSK-AES128-CBC-SHA256', name: 'TLS_PSK_WITH_AES_128_CBC_SHA256' },
  { parameters: '8D0102', ciphers: 'PSK-NULL-SHA256', name: 'TLS_PSK_WITH_NULL_SHA256' },
] as const;

describe('The administration agent', () => {
  for (const { parameters, ciphers, name } of SUITES)
    it(`calls its server when a message says so, runs scripts and posts their answers, with ${name}`, () =>
      onOtaCard(agentCard(parameters), async (card) => {
        await putPsk(card);
        const server = new AdminServer(
          (_posted, response, count) => {
            if (count === 1) script(response, ['80CA006600'], '/adm?n=1', 7);
            else if (count === 2) nothing(response, '/adm?n=1b');
            else if (count === 3) script(response, ['80F28000024F00', '80CA123400', '80CA006600'], '/adm?n=2');
            else nothing(response);
          },
          { ciphers },
        );
        const terminal = new BipTerminal(card, server.connect);
        await terminal.profile();
        expect(await sendTrigger(terminal, {}, 2n)).equal('00');
        await server.posted(4);
        await terminal.closed();
        expect(server.suites, server.failures.join()).deep.equal([name]);
        const [first, second, third, fourth] = server.posts;
        expect([first?.url, first?.body.length]).deep.equal(['/adm?n=0', 0]);
        expect(first?.headers).deep.include({
          host: 'adm.example',
          'x-admin-protocol': 'globalplatform-remote-admin/1.0',
          'x-admin-from': '//se-id/iccid/89',
        });
        expect(first?.headers).not.have.any.keys('x-admin-resume', 'x-admin-script-status', 'content-type');
        expect(second?.url).equal('/adm?n=1');
        expect(second?.headers).deep.include({
          'x-admin-script-status': 'ok',
          'content-type': 'application/vnd.globalplatform.card-content-mgt-response;version=1.0',
        });
        expect(expandedAnswers(second?.body ?? Buffer.alloc(0))[0]).match(/^66.*9000$/);
        expect([third?.url, third?.body.length]).deep.equal(['/adm?n=1b', 0]);
        const answers = expandedAnswers(fourth?.body ?? Buffer.alloc(0));
        expect(answers[0]).contain(ISD).and.match(/9000$/);
        // a script stops behind what was not done
        expect(answers.slice(1)).deep.equal(['6A88']);
      }));
});

// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { expect } from 'chai';
import { parse } from 'yaml';
import { type AgentEnd, SeramAgent } from '../../bearer/seram/seram-agent.ts';
import { SeramCard } from '../../bearer/seram/seram-card.ts';
import { TransportError, WireError } from '../../errors.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import { ReplayChannel } from '../../transport/replay.ts';
import type { Report } from '../../wire/message/seram.ts';
import { original } from '../conformance/overlay.ts';

/** An agent at servers of others: they write what the published examples have, and what generated ones send. */
const examples: Record<string, { value: object }> = parse(original('seram')).components.examples;
const example = (name: string): object => examples[name]?.value ?? expect.fail(`there is no example ${name}`);
const commands = (...ramCommands: object[]): object => ({ delay: null, chosenSecureElement: null, ramCommands });
const [SELECT, READ] = ['00A4040005F000000001', '80CA006600'];

/** Answers of one server, in their order; what it was told. */
async function served(
  answers: readonly object[],
  open?: () => Promise<CardChannel>,
): Promise<{ end: AgentEnd | Error; told: object[]; texts: string[] }> {
  const [told, texts]: [object[], string[]] = [[], []];
  const server = createServer(async (request, response) => {
    told.push((await json(request)) as object);
    const answer = answers[told.length - 1];
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(answer === undefined ? '' : JSON.stringify(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const card = new ReplayChannel([
      { command: SELECT, response: '6F009000' },
      { command: READ, response: '6985' },
    ]);
    await using agent = new SeramAgent({
      endpoints: [`http://127.0.0.1:${(server.address() as AddressInfo).port}/gp/seram`],
      sessionId: '0f96af97-f879-45a2-a011-ee7439df3804',
      card: new SeramCard(open ?? (async () => card)),
      secureElements: [{ seType: 'eSE', seId: '89001012012341234012345678901224' }],
      onNotification: (text) => texts.push(text),
    });
    return { end: await agent.run().catch((error: Error) => error), told, texts };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('A local agent at a server of another make', () => {
  const hello = example('handshakeResponse');
  const begin = example('startCommandOrder');
  const run = (...listOfCAPDU: string[]) => commands({ ramCommandType: 'seRamCommand', listOfCAPDU, note: 'x' });

  it('does what the published examples order, and what a generated server writes', async () => {
    const work = run(SELECT.toLowerCase(), READ);
    const { end, told, texts } = await served([
      ...[hello, begin, work, example('notificationCommandOrder'), example('stopCommandOrder')],
    ]);
    expect([end, texts]).to.deep.equal(['stopped', ['step1/action2/OK']]);
    expect(told).to.have.length(5);
    expect((told[3] as Report).ramResponses).to.deep.equal([
      { ramResponseType: 'seRamResponse', listOfRAPDU: ['6F009000', '6985'] },
    ]);
  });

  it('says what went wrong: no card, another fault, and an element that it has not offered', async () => {
    const away = () => Promise.reject(new TransportError('no-card', 'There is no card in the reader'));
    const broken = () => Promise.reject(new WireError('reader', 'The reader talks nonsense'));
    const other = { ...run(SELECT), chosenSecureElement: { seType: 'eSE', seId: 'another' } };
    const mine = { ...run(SELECT), chosenSecureElement: { seType: 'eSE', seId: '89001012012341234012345678901224' } };
    for (const [work, open, status, executed] of [
      [run(SELECT), away, 'UNAVAILABLE_SE', 0],
      [run(SELECT), broken, 'UNKNOWN_FAILURE', 0],
      [other, undefined, 'UNAVAILABLE_SE', 0],
      [mine, undefined, 'PROCESSED', 1],
      // The card was there, and has no answer to the second.
      [run(SELECT, '80CA00FF00'), undefined, 'PROCESSED', 0],
    ] as const) {
      const { told } = await served([hello, { ...begin, delay: 0 }, { ...work, delay: 0 }], open);
      const { localAgentStatus } = told[3] as Report;
      expect(localAgentStatus).to.deep.include({ localAgentStatusEnum: status, executedSeRamCommands: executed });
      expect(localAgentStatus.errorMsg === undefined).to.equal(executed === 1);
    }
  });

  it('obeys at once, and pauses before it asks again: not at all behind a stop', async () => {
    const hour = 3_600_000;
    const stop = { ramCommandType: 'ramStopCommand' };
    const { end, texts } = await served([
      hello,
      { ...example('startCommandOrder'), delay: 0 },
      { delay: hour, ramCommands: [{ ramCommandType: 'notificationCommand', deviceAppNotification: 'bye' }, stop] },
    ]);
    expect([end, texts]).to.deep.equal(['stopped', ['bye']]);
  });

  for (const chosenBy of [
    { chosenDataProtocol: 'application/json' },
    { chosenDataFormat: null, chosenDataProtocol: null },
    { chosenDataFormat: 'application/json', chosenDataProtocol: 'application/json', more: 1 },
  ])
    it(`takes a handshake with ${JSON.stringify(chosenBy)}`, async () => {
      const { end } = await served([
        { chosenTransportProtocol: 'HTTPS', chosenVersion: '2.0.0', ...chosenBy },
        commands({ ramCommandType: 'ramStartCommand' }, { ramCommandType: 'ramStopCommand' }),
      ]);
      expect(end).to.equal('stopped');
    });

  for (const [name, code, answers] of [
    ['another version', 'peer-answer', [{ ...hello, chosenVersion: '3.0.0' }]],
    ['another format', 'peer-answer', [{ ...hello, chosenDataFormat: 'application/cbor' }]],
    ['a command that SERAM has not', 'peer-answer', [hello, commands({ ramCommandType: 'resetCommand' })]],
    ['what is no APDU, as one example', 'peer-answer', [hello, begin, example('seRamCommandOrder')]],
    ['an APDU of no bytes', 'peer-answer', [hello, begin, run('')]],
    ['APDUs before the start', 'seram-order', [hello, run(SELECT)]],
  ] as const)
    it(`refuses ${name}`, async () => {
      const { end, texts } = await served(answers);
      expect(end).to.include({ code });
      expect(texts).to.deep.equal([]);
    });
});

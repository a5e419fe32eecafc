// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { decodeAdminResult, encodeAdminBody } from '../../../bearer/bip/admin-script.ts';
import { Handset } from '../../../service/terminal/handset/handset.ts';
import { fromHex } from '../../../wire/hex.ts';
import type { CardCommand } from '../../../wire/message/card-script.ts';
import { catObject } from '../../../wire/uicc/cat-object.ts';
import { KEY, TestNode, testAgent, triggerOf } from '../../bip/fixture.ts';
import { TestDatabase } from '../../ota/fixture.ts';
import { CardPipe, ScriptedCard } from './scripted-card.ts';

/** An agent behind the card: its TLS goes by SEND DATA and RECEIVE DATA through the handset to the server. */

const COMMANDS: CardCommand[] = [
  { label: 'SELECT', apdus: ['00A4040000'] },
  { label: 'STORE DATA', apdus: [`80E29000F0${'00'.repeat(240)}`, `80E29001F0${'00'.repeat(240)}`] },
];
const STATUS = fromHex('80F2000C');

describe('remote administration through channels of a handset', function () {
  this.timeout(60_000);
  let database: TestDatabase;
  let node: TestNode;

  before(async () => {
    database = await TestDatabase.start();
    node = await TestNode.open(await database.server.createDatabase('handset'));
  });
  after(async () => {
    await node?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  it('has scripts run by an agent that has no network of its own', async () => {
    const card = new ScriptedCard();
    card.thinkMs = 20;
    await using handset = await Handset.start(card, { channels: { allow: [node.address] } });
    // Whatever the card has to say late it says at the next STATUS.
    void card.ask('pollInterval', [catObject('duration', { unit: 1, interval: 1 })]);
    await using agent = testAgent([node.address], { openChannel: (server) => new CardPipe(card, server) });
    const start = triggerOf(agent);
    const trigger = async (sessionId: string) => {
      const triggered = await start(sessionId);
      await handset.transmit(STATUS);
      return triggered;
    };
    for (let round = 0; round < 2; round += 1) {
      const request = { trigger, timeoutMs: 30_000 };
      const { status, body } = await node.administration.run(KEY, encodeAdminBody(COMMANDS), request);
      expect([status, decodeAdminResult(COMMANDS, body).responses.length]).to.deep.equal(['ok', 2]);
    }
    await node.administration.end(KEY);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { UsageError } from '../../errors.ts';
import { command, reader, TestDatabase, TestOta, type TestTerminal } from './fixture.ts';

/** The daemon's choice of bearer, with terminals that the test plays. */

describe('bearers of ota', function () {
  this.timeout(60_000);
  let database: TestDatabase;
  const administration = {
    listen: { host: '127.0.0.1', port: 0 },
    kms: { url: 'https://127.0.0.1:1', role: 'kms', id: 'ota' },
    callMs: 200,
  };
  const bip = () => ({ ...reader('card-1'), bip: true as const });
  const kinds = (terminal: TestTerminal) => terminal.received.map(({ type }) => String(type));

  before(async () => {
    database = await TestDatabase.start();
  });
  after(() => database?.[Symbol.asyncDispose]());

  it('trigger the card first, also over another node, and fall back to the reader link when it does not call', async () => {
    const more = { bearers: ['bip', 'reader'], administration };
    await using one = await TestOta.start(database, 'bearers', { ...more, nodeId: 'one' });
    await using two = await TestOta.start(database, 'bearers', { ...more, nodeId: 'two' });
    const terminal = await one.terminal();
    terminal.hello([bip()]);
    for (const [node, owner] of [
      [one, 'first'],
      [two, 'second'],
    ] as const) {
      terminal.received.length = 0;
      const provider = await node.provider();
      const session = await provider.open(owner, { waitMs: 10_000 });
      const { responses } = await provider.exchange(session, [command('00A40400')]);
      expect(responses).to.deep.equal([{ data: '', sw: '9000' }]);
      expect(kinds(terminal).filter((type) => type !== 'release')).to.deep.equal(['trigger', 'exchange']);
      await provider.close(session);
    }
  });

  it('are the reader link alone when nothing is said, and bip wants to know where cards call', async () => {
    await using ota = await TestOta.start(database, 'plain');
    const terminal = await ota.terminal();
    terminal.hello([bip()]);
    const provider = await ota.provider();
    await provider.exchange(await provider.open('plain', { waitMs: 10_000 }));
    expect(kinds(terminal)).to.deep.equal(['exchange']);
    const refusal: unknown = await TestOta.start(database, 'refused', { bearers: ['bip'] }).catch(
      (error: unknown) => error,
    );
    expect(refusal).to.be.instanceOf(UsageError).with.property('message').that.includes('/administration');
  });
});

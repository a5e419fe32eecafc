// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { Kysely } from 'kysely';
import { readerLinkBearer } from '../../bearer/reader-link/reader-link-bearer.ts';
import { TransportError } from '../../errors.ts';
import { CardSessions } from '../../service/ota/card-sessions.ts';
import { ProviderQuotas } from '../../service/ota/provider-quotas.ts';
import { TerminalDirectory, type TerminalLink } from '../../service/ota/terminal-directory.ts';
import { Bells } from '../../store/bells.ts';
import { openDatabase } from '../../store/database.ts';
import { LeaseTable, OTA_MIGRATIONS } from '../../store/ota/lease-table.ts';
import { TerminalTable } from '../../store/ota/terminal-table.ts';
import { command, reader, success, TestDatabase } from './fixture.ts';

const LEASE_MS = 600_000;
const QUOTA = { id: 'a', maxSessions: 1, maxWaiting: 8, requestsPerSecond: 1_000 };
const SLOT = { terminalId: 'desk', readerName: 'slot 1' };

/** What happens while a script is at the card. */
let ran = () => {};

/** A terminal that is always there. */
const DESK: TerminalLink = {
  terminalId: 'desk',
  exchange: async (script) => {
    ran();
    return success({ type: 'exchange', id: 1, ...script });
  },
  trigger: async () => {},
  release: () => {},
  close: () => {},
};

/** What callers leave behind: sessions that nobody closes, and a lease that comes when its caller has gone. */
describe('card sessions that nobody closes', () => {
  let server: TestDatabase;
  let database: Kysely<unknown>;
  let sessions: CardSessions;
  let terminals: TerminalDirectory;
  let table: TerminalTable;
  before(async () => {
    server = await TestDatabase.start();
    const url = await server.server.createDatabase('forgotten');
    database = await openDatabase<unknown>({ url, migrations: OTA_MIGRATIONS });
    const onError = (error: Error) => expect.fail(error.message);
    const linkTo = () => DESK;
    // Bells of this process alone: nothing that the database tells wakes anybody.
    const bells = new Bells();
    table = new TerminalTable(database, 'node/1');
    terminals = new TerminalDirectory({ table, bells, onError, linkTo, address: () => 'https://ota' });
    terminals.alone = true;
    await terminals.attach(DESK, [reader('card-1'), reader('card-2', 'slot 2')]);
    sessions = new CardSessions({
      leases: new LeaseTable(database, 'node/1'),
      terminals,
      bells,
      leaseMs: LEASE_MS,
      onError,
      bearer: readerLinkBearer,
      quotas: new ProviderQuotas([QUOTA, { ...QUOTA, id: 'b', maxSessions: 8 }]),
    });
  });
  after(async () => {
    // The directory waits for news of its terminals until they are gone.
    terminals?.detach(DESK);
    await table?.detachAll();
    await database?.destroy();
    await server?.[Symbol.asyncDispose]();
  });

  it('gives a lease back whose caller left while it came: it costs nothing, and who waits has the card', async () => {
    await sessions.open('b', { ...SLOT, owner: 'workflow-1' });
    const waiting = sessions.open('b', { ...SLOT, owner: 'workflow-2', waitMs: LEASE_MS });
    // The owner comes again for his lease and has gone when it is his; his first session is over by then.
    await sessions.open('b', { ...SLOT, owner: 'workflow-1' }, AbortSignal.abort());
    const { sessionId } = await waiting;
    await sessions.close('b', sessionId);
    await sessions.open('a', { ...SLOT, owner: 'workflow-3' }, AbortSignal.abort());
    const next = await sessions.open('a', { ...SLOT, readerName: 'slot 2', owner: 'workflow-4' });
    await sessions.close('a', next.sessionId);
  });

  it('gives a lease back whose caller left while the first script ran', async () => {
    const leaving = new AbortController();
    ran = () => leaving.abort();
    const commands = [command('00A40400')];
    await sessions.open('a', { ...SLOT, owner: 'workflow-6', commands }, leaving.signal);
    ran = () => {};
    const { sessionId, first } = await sessions.open('b', { ...SLOT, owner: 'workflow-7', commands });
    expect(first?.responses).to.deep.equal([{ data: '', sw: '9000' }]);
    await sessions.close('b', sessionId);
    const next = await sessions.open('a', { ...SLOT, readerName: 'slot 2', owner: 'workflow-8' });
    await sessions.close('a', next.sessionId);
  });

  it('remembers one session of a reader, however many were opened', async () => {
    for (let life = 0; life < 20; life += 1) await sessions.open('b', { ...SLOT, owner: 'workflow-5' });
    await sessions.open('b', { ...SLOT, readerName: 'slot 2', owner: 'workflow-5' });
    expect(sessions.remembered).to.equal(2);
  });

  it('remembers none that is over, and holds no card against a provider whose script broke', async () => {
    for (const readerName of ['slot 1', 'slot 2'])
      await sessions.giveBack('b', { terminalId: 'desk', readerName, owner: 'workflow-5' });
    expect(sessions.remembered).to.equal(0);
    ran = () => {
      throw new TransportError('link-lost', 'The terminal does not answer');
    };
    const commands = [command('00A40400')];
    for (const readerName of ['slot 1', 'slot 2', 'slot 1']) {
      const { sessionId, fence } = await sessions.open('a', { ...SLOT, readerName, owner: 'workflow-9' });
      const failure = await sessions.exchange('a', sessionId, { fence, commands }).catch((error: unknown) => error);
      expect(failure).to.have.property('code', 'outcome-unknown');
    }
    ran = () => {};
    expect(sessions.remembered).to.equal(0);
  });
});

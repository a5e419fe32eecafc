// SPDX-License-Identifier: Apache-2.0
import { readFile, writeFile } from 'node:fs/promises';
import { expect } from 'chai';
import pg from 'pg';
import type { TSchema } from 'typebox';
import { WORKFLOW_VERSION } from '../../daemon/platform-config.ts';
import { PeerError } from '../../errors.ts';
import { TERMINAL_ID } from '../../lab/platforms.ts';
import { type InsertedCard, SingleProviderLab } from '../../lab/single-provider-lab.ts';
import type { RestClient } from '../../rest/client.ts';
import { CardSessionInfo } from '../../wire/message/card-script.ts';
import { FlowDetail, FlowList } from '../../wire/message/flow.ts';
import { KeyDistributionState } from '../../wire/message/key-distribution.ts';

const READER = 'reader 0';

/** What operators see of flows and do with them, and what keeps flows from running for ever: on real daemons. */
describe('flows of a platform', function () {
  this.timeout(180_000);
  let lab: SingleProviderLab;
  let provider: RestClient;

  before(async () => {
    lab = await SingleProviderLab.open({ link: 'direct', keySizeBits: 1024, readers: 1 });
    provider = await lab.platforms.client('provider-a');
  });
  after(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  const get = <S extends TSchema>(path: string, response: S) => provider.call({ method: 'GET', path, response });
  const post = (path: string) => provider.call({ method: 'POST', path, response: FlowDetail });

  /** A flow whose card is not there yet; its id. */
  async function startWithoutCard(key: string): Promise<string> {
    const body = { terminalId: TERMINAL_ID, readerName: READER, keySizeBits: 1024 };
    const start = { method: 'POST', path: '/v1/key-distributions', idempotencyKey: key, body } as const;
    return (await provider.call({ ...start, response: KeyDistributionState })).id;
  }

  async function endOf(id: string): Promise<KeyDistributionState> {
    for (;;) {
      const query = { waitMs: 20_000, afterStep: 100 };
      const call = { method: 'GET', path: `/v1/key-distributions/${id}`, query, timeoutMs: 40_000 } as const;
      const state = await provider.call({ ...call, response: KeyDistributionState, retries: 5 });
      if (state.state !== 'running') return state;
    }
  }

  async function inDatabase(name: string, statements: readonly string[]): Promise<void> {
    const client = new pg.Client({ connectionString: lab.platforms.topology.databaseUrl(name) });
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  }

  const withCard = async (work: (card: InsertedCard) => Promise<unknown>) => {
    await using inserted = await lab.insert();
    await work(inserted);
  };

  it('are listed, given up and tried again by operators', async () => {
    const id = await startWithoutCard('flow-without-card');
    const running = await get(`/v1/flows/${id}`, FlowDetail);
    expect(running.state).to.be.oneOf(['queued', 'running']);
    expect([running.providerId, running.kind, running.tries]).to.deep.equal(['a', 'key-distribution', 1]);
    await post(`/v1/flows/${id}/cancel`);
    const state = await endOf(id);
    expect([state.state, state.problem?.type]).to.deep.equal(['failed', 'urn:opentsm:problem:cancelled']);
    const { flows } = await get('/v1/flows?state=failed', FlowList);
    expect(flows.map((flow) => [flow.id, flow.problem?.type])).to.deep.equal([[id, state.problem?.type]]);
    await withCard(async () => {
      expect((await post(`/v1/flows/${id}/retry`)).tries).to.equal(2);
      expect((await endOf(id)).outcome).to.equal('distributed');
    });
    const refused = await post(`/v1/flows/${id}/retry`).catch((error: unknown) => error);
    expect((refused as PeerError).code).to.equal('flow-not-failed');
    const absent = await get('/v1/flows/no-such-flow', FlowDetail).catch((error: unknown) => error);
    expect(absent).to.be.instanceOf(PeerError).with.property('code', 'no-such-flow');
  });

  it('give the card back when they are given up while they wait for a node', async () => {
    const id = 'flow-of-a-killed-node';
    const input = JSON.stringify({ terminalId: TERMINAL_ID, readerName: READER, keySizeBits: 1024 });
    // As a node leaves them that was killed with the card in its hands.
    await inDatabase('provider-a', [
      `INSERT INTO key_distributions (id, terminal_id, reader_name, key_size_bits, state)
        VALUES ('${id}', '${TERMINAL_ID}', '${READER}', 1024, 'running')`,
      `INSERT INTO workflows (id, kind, fair_key, state, version, input)
        VALUES ('${id}', 'key-distribution', 'a', 'queued', '${WORKFLOW_VERSION}', '${input}')`,
    ]);
    const { topology } = lab.platforms;
    const ota = await topology.client(topology.peer('provider-a'), 'ota');
    const open = (owner: string) => {
      const body = { terminalId: TERMINAL_ID, readerName: READER, owner, waitMs: 20_000 };
      return ota.call({ method: 'POST', path: '/v1/card-sessions', body, response: CardSessionInfo });
    };
    await withCard(async () => {
      await open(id);
      await post(`/v1/flows/${id}/cancel`);
      expect((await endOf(id)).problem?.type).to.equal('urn:opentsm:problem:cancelled');
      // The lease of the first would last for a minute.
      const { sessionId } = await open('another-flow');
      await ota.call({ method: 'DELETE', path: `/v1/card-sessions/${sessionId}` });
    });
  });

  it('are told page by page', async () => {
    await withCard((card) => lab.distribute(card));
    const first = await get('/v1/flows?limit=1', FlowList);
    const second = await get(`/v1/flows?limit=1&after=${first.next}`, FlowList);
    expect([first.flows.length, second.flows.length]).to.deep.equal([1, 1]);
    expect(second.flows[0]?.id).not.to.equal(first.flows[0]?.id);
    const issuer = await lab.platforms.client('issuer');
    const requests = await issuer.call({ method: 'GET', path: '/v1/flows', response: FlowList });
    expect(requests.flows.every(({ state, providerId }) => state === 'done' && providerId === 'a')).to.equal(true);
  });

  it('survive an upgrade from the release before', async () => {
    const { topology } = lab.platforms;
    const id = await startWithoutCard('flow-of-old-release');
    await topology.kill('provider-a');
    // The schema and the rows as that release left them: its engine kept workflows elsewhere.
    await inDatabase('provider-a', [
      'DROP VIEW flows',
      'DROP TABLE workflows, workflow_nodes',
      'ALTER TABLE key_distributions DROP COLUMN at',
      "DELETE FROM schema_migrations WHERE name IN ('workflows', 'traces')",
    ]);
    await topology.start('provider-a');
    await withCard(async () => expect((await endOf(id)).outcome).to.equal('distributed'));
  });

  it('start again when they were begun by another version', async () => {
    const { topology } = lab.platforms;
    const id = await startWithoutCard('flow-of-other-version');
    await topology.kill('provider-a');
    await inDatabase('provider-a', [
      `UPDATE workflows SET version = '1', results = '{"aStepOfThen": {"facts": {}}}' WHERE id = '${id}'`,
    ]);
    await topology.start('provider-a');
    await withCard(async () => expect((await endOf(id)).outcome).to.equal('distributed'));
  });

  it('do not mind a log on a full disk', async () => {
    const { topology } = lab.platforms;
    const file = topology.configFile('provider-a');
    const config = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...config, log: { level: 'trace', file: '/dev/full' } }));
    await topology.restart('provider-a');
    const pid = topology.pid('provider-a');
    // A step that is tried again is logged each time.
    const id = await startWithoutCard('flow-on-full-disk');
    await withCard(async () => expect((await endOf(id)).outcome).to.equal('distributed'));
    expect(topology.pid('provider-a')).to.equal(pid);
    await writeFile(file, JSON.stringify(config));
    await topology.restart('provider-a');
  });
});

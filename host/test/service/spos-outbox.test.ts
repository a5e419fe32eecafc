// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { AddressGuard } from '../../rest/address-guard.ts';
import { sposClient } from '../../rest/clients/spos.ts';
import type { TlsIdentity } from '../../rest/identity.ts';
import { SposOptions } from '../../service/provider/services/spos-options.ts';
import { SposOutbox } from '../../service/provider/services/spos-outbox.ts';
import { TsmsBackend } from '../../service/provider/tsms/backend.ts';
import { AuditLog } from '../../store/audit-log.ts';
import { Bells } from '../../store/bells.ts';
import { openDatabase } from '../../store/database.ts';
import { findRenewal } from '../../store/provider/renewals.ts';
import { PROVIDER_MIGRATIONS, type ProviderTables } from '../../store/provider/schema.ts';
import { provideInstance } from '../../store/provider/service-instances.ts';
import { addDeployment, setInstanceState } from '../../store/provider/service-processes.ts';
import { claimStatement, enqueueNotice, enqueueOwnNotice } from '../../store/provider/spos-notices.ts';
import { applySnapshot, applyStateChange } from '../../store/provider/state-changes.ts';
import { INSTANCE_STATE, type ProductState } from '../../wire/message/platform.ts';
import type { ProcessResult } from '../../wire/message/service-instance.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { testPki } from '../rest/fixture.ts';

const INSTANCE = '11111111-1111-4111-8111-111111111111';
const OTHER_INSTANCE = '22222222-2222-4222-8222-222222222222';
const LOOPBACK = ['127.0.0.0/8', '::1/128'];
const ANSWER_MS = 1_000;

type Answer = (body: ProcessResult, response: ServerResponse, request: IncomingMessage) => void;
const taken: Answer = (_body, response) => response.writeHead(200).end();

/** The server of a service provider, with a certificate of its own and mutual TLS, and the outbox before it. */
describe('notices to the servers of service providers', function () {
  this.timeout(60_000);
  let postgres: TestDatabase;
  let database: Kysely<ProviderTables>;
  let identity: TlsIdentity;
  let theirs: TlsIdentity;
  let server: Server;
  let answer: Answer = taken;
  let serviceId = '';
  let now = new Date('2026-01-01T00:00:00Z');
  let connections = 0;
  let path: string | undefined;
  const seen: { readonly body: ProcessResult; readonly peer: string | undefined }[] = [];

  before(async () => {
    postgres = await TestDatabase.start();
    const url = await postgres.server.createDatabase('provider');
    database = await openDatabase<ProviderTables>({ url, migrations: PROVIDER_MIGRATIONS });
    const pki = await testPki();
    identity = await pki.identity({ role: 'provider', id: 'a' });
    theirs = await pki.identity({ role: 'front', id: 'spos' });
    const tls = { key: theirs.key, cert: theirs.certificate, ca: theirs.authority, requestCert: true };
    server = createServer({ ...tls, rejectUnauthorized: true }, (request, response) => {
      let text = '';
      path = request.url;
      request.on('data', (part: Buffer) => (text += part.toString()));
      request.on('end', () => {
        const body = JSON.parse(text) as ProcessResult;
        seen.push({ body, peer: (request.socket as TLSSocket).getPeerCertificate().subjectaltname });
        answer(body, response, request);
      });
    });
    server.on('connection', () => (connections += 1));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    serviceId = await enter(new TextEncoder().encode(theirs.certificate));
  });
  after(async () => {
    server?.closeAllConnections();
    server?.close();
    await database?.destroy();
    await postgres?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    seen.length = 0;
    answer = taken;
    connections = 0;
  });

  /** A service with this server, reached under `host`, whose certificate is uploaded. */
  async function enter(certificate: Uint8Array, host = 'localhost'): Promise<string> {
    const backend = new TsmsBackend(database, new AuditLog(database), 'F000000001');
    const { spId } = await backend.createProvider(`sp ${Math.random()}`, 'test');
    const provider = { spId, name: 'sp' };
    const idOf = async (
      operation: 'createCertAndUploadBinary' | 'createSposConfig' | 'createService',
      sent: object,
    ) => {
      const made = await backend.run({ operation, provider, params: {}, ...sent });
      return made !== undefined && 'json' in made ? String(Object(made.json).id) : '';
    };
    const upload = { fileName: 'spos.pem', bytes: certificate };
    const certificateId = await idOf('createCertAndUploadBinary', { upload });
    const { port } = server.address() as AddressInfo;
    const url = `https://${host}:${port}/base/?key=1`;
    const sposConfigId = await idOf('createSposConfig', { body: { url, certificateId } });
    entered = { spId, configId: sposConfigId };
    return idOf('createService', { body: { name: 's', sposConfigId } });
  }

  let entered = { spId: '', configId: '' };

  it('are taken without a look at what other providers have', async () => {
    await database.transaction().execute(async (transaction) => {
      await sql`INSERT INTO tsms_entities (id, sp_id, kind, document, created_at)
        SELECT gen_random_uuid(), ${entered.spId}::uuid, 'Service', '{"name": "s"}', now()
        FROM generate_series(1, 3000)`.execute(transaction);
      await sql`ANALYZE tsms_entities`.execute(transaction);
      const claim = { now: new Date(), until: new Date(), not: [] };
      const { rows } = await sql`EXPLAIN ${claimStatement(claim)}`.execute(transaction);
      const plan = rows.map((row) => String(Object(row)['QUERY PLAN']));
      expect(plan.filter((line) => /tsms_entities/.test(line))).to.have.length(2);
      expect(plan.filter((line) => /Seq Scan on tsms_entities/.test(line))).to.deep.equal([]);
      await sql`DELETE FROM tsms_entities WHERE kind = 'Service' AND document = '{"name": "s"}'`.execute(transaction);
    });
  });

  it('tell of what the issuer has blocked and freed, by numbers of ours to whoever has asked for them', async () => {
    const service = await enter(new TextEncoder().encode(theirs.certificate));
    const { spId, configId } = entered;
    const cardId = { kind: 'iccid', value: '89860000000000000444' } as const;
    const instanceId = randomUUID();
    await provideInstance(database, { productId: service, cardId, instanceId, serial: '4100000000000444' });
    const chosen = { versionTag: '1.0.0', flavorId: instanceId, profileId: instanceId };
    await addDeployment(database, { instanceId, spId, serviceId: service, ...chosen });
    await setInstanceState(database, instanceId, INSTANCE_STATE.OPERATIONAL);
    const change = (sequence: number, to: ProductState) => {
      const told = { eventId: String(sequence), cardId, productId: service, from: 'VALID' as const };
      return applyStateChange(database, { ...told, to, sequence });
    };
    await change(1, 'INVALID');
    await change(1, 'INVALID');
    await change(2, 'VALID');
    const options = new SposOptions(database);
    expect(await options.get(spId, configId)).to.deep.equal([]);
    await options.put(spId, configId, [60, 50, 62]);
    expect(await options.get(spId, configId)).to.deep.equal([60, 50, 62]);
    await change(3, 'SUSPENDED');
    await change(4, 'INVALID');
    await change(5, 'VALID');
    const products = [{ productId: service, state: 'INVALID' as const }];
    await applySnapshot(database, cardId, { reason: 'sequence-gap', products, sequence: 9 });
    const replacedBy = { ...cardId, value: '89860000000000000445' };
    const ended = [{ productId: service, state: 'TERMINATED' as const }];
    await applySnapshot(database, cardId, { reason: 'sequence-gap', products: ended, sequence: 12, replacedBy });
    expect(await findRenewal(database, instanceId)).to.deep.include({ state: 'waiting', newCard: replacedBy });
    const rows = await database.selectFrom('spos_notices').selectAll().where('instance_id', '=', instanceId).execute();
    expect(
      rows.map(({ result }) => [result.requestedOperations, result.serviceStartState, result.serviceEndState]),
    ).to.deep.equal([
      [[30], 21, 22],
      [[31], 22, 21],
      [[60], 21, 22],
      [[31], 22, 21],
      [[60], 21, 22],
      [[62], 22, 22],
    ]);
    const [last] = rows;
    const done = { ...(last?.result ?? expect.fail()), processId: 'an action' };
    await enqueueOwnNotice(database, done, { operation: 'execution', at: now });
    expect((await stateOf('an action')).state).to.equal('waiting');
    const other = { ...done, processId: 'not told', serviceId };
    await enqueueOwnNotice(database, other, { operation: 'execution', at: now });
    expect(await stateOf('not told').catch(() => 'none')).to.equal('none');
    const refusal = async (act: Promise<unknown>) => ((await act.catch((error) => error)) as { code?: string }).code;
    expect(await refusal(options.get(randomUUID(), configId))).to.equal('spos-config-unknown');
    expect(await refusal(options.put(spId, service, [50]))).to.equal('spos-config-unknown');
    await database.deleteFrom('spos_notices').where('instance_id', '=', instanceId).execute();
  });

  let number = 0;
  async function enqueue(serviceInstanceId = INSTANCE, service = serviceId): Promise<string> {
    number += 1;
    const processId = `process-${number}`;
    const dates = { startDate: now.toISOString(), endDate: now.toISOString() };
    await enqueueNotice(
      database,
      {
        processId,
        serviceId: service,
        versionTag: '1.0.0',
        serviceInstanceId,
        executionStatus: 0,
        executionMessage: '',
        ...dates,
        requestedOperations: [10],
        serviceStartState: 1,
        serviceEndState: 11,
      },
      { at: now },
    );
    return processId;
  }

  const stateOf = async (processId: string) =>
    database
      .selectFrom('spos_notices')
      .select(['state', 'attempts', 'reason', 'due_at'])
      .where('process_id', '=', processId)
      .executeTakeFirstOrThrow();

  /** Runs the outbox until `done`. */
  async function work(done: () => Promise<boolean>, allow: readonly string[] = LOOPBACK): Promise<void> {
    const failed = Promise.withResolvers<never>();
    const timer = setTimeout(() => failed.reject(new Error(JSON.stringify(seen))), 30_000);
    const bells = new Bells();
    await using _outbox = new SposOutbox({
      database,
      bells,
      now: () => now,
      onFailure: () => {},
      send: sposClient(() => identity, new AddressGuard(allow), ANSWER_MS),
    });
    const look = async () => {
      while (!(await done())) {
        bells.ring('spos');
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await Promise.race([look(), failed.promise]).finally(() => clearTimeout(timer));
  }
  const settled = (id: string, state: string) => async () => (await stateOf(id)).state === state;
  const tried = (id: string, times: number) => async () => (await stateOf(id)).attempts >= times;

  it('are posted with the platform’s certificate, once, when the server takes them', async () => {
    const id = await enqueue();
    await work(settled(id, 'delivered'));
    expect(seen.map(({ body }) => body.processId)).to.deep.equal([id]);
    expect(seen[0]?.peer).to.include('urn:opentsm:provider:a');
    expect(path, 'a query stays a query').to.equal('/base/process-results?key=1');
    expect(seen[0]?.body).to.deep.include({ serviceId, serviceEndState: 11, requestedOperations: [10] });
  });

  it('come in their order for an instance, and another one does not wait', async () => {
    const [first, second, other] = [await enqueue(), await enqueue(), await enqueue(OTHER_INSTANCE)];
    answer = ({ processId }, response) => response.writeHead(processId === first ? 503 : 200).end();
    await work(async () => (await stateOf(first)).attempts > 0 && (await stateOf(other)).state === 'delivered');
    expect(seen.map(({ body }) => body.processId)).not.to.include(second);
    answer = taken;
    now = new Date(now.getTime() + 2_000);
    await work(settled(second, 'delivered'));
    expect(seen.slice(-2).map(({ body }) => body.processId)).to.deep.equal([first, second]);
  });

  it('are tried for a day, at growing distances, and then given up', async () => {
    const id = await enqueue();
    const next = await enqueue();
    answer = ({ processId }, response) => response.writeHead(processId === id ? 500 : 200).end();
    const begun = now.getTime();
    const pauses: number[] = [];
    for (let times = 1; (await stateOf(id)).state === 'waiting'; times += 1) {
      await work(tried(id, times));
      const due = (await stateOf(id)).due_at;
      pauses.push(due.getTime() - now.getTime());
      now = due;
    }
    expect((await stateOf(id)).reason).to.include('500');
    expect(pauses.slice(0, 4)).to.deep.equal([1_000, 2_000, 4_000, 8_000]);
    expect(Math.max(...pauses)).to.equal(600_000);
    expect(now.getTime() - begun).to.be.within(24 * 3_600_000, 24 * 3_600_000 + 600_000);
    await work(settled(next, 'delivered'));
  });

  const LIES: Readonly<Record<string, Answer>> = {
    'another success': (_body, response) => response.writeHead(201).end(),
    'a redirection': (_body, response) => response.writeHead(302, { location: '/elsewhere' }).end(),
    'a head without end': (_body, response) => {
      response.writeHead(200, { 'x-much': 'y'.repeat(65_536) }).end();
    },
    'no answer at all': () => {},
    'a broken connection': (_body, _response, request) => request.socket.destroy(),
  };
  for (const [name, lie] of Object.entries(LIES)) {
    it(`wait when the server answers with ${name}`, async () => {
      const id = await enqueue();
      answer = lie;
      await work(tried(id, 1));
      expect((await stateOf(id)).state).to.equal('waiting');
      expect(seen).to.have.length(1);
      answer = taken;
      now = new Date(now.getTime() + 2_000);
      await work(settled(id, 'delivered'));
    });
  }

  it('go to the address that the service has when they are tried again', async () => {
    const service = await enter(new TextEncoder().encode(identity.certificate));
    const { spId, configId: sposConfigId } = entered;
    const id = await enqueue(INSTANCE, service);
    await work(tried(id, 1));
    const backend = new TsmsBackend(database, new AuditLog(database), 'F000000001');
    const provider = { spId, name: 'sp' };
    const upload = { fileName: 'spos.pem', bytes: new TextEncoder().encode(theirs.certificate) };
    const made = await backend.run({ operation: 'createCertAndUploadBinary', provider, params: {}, upload });
    const certificateId = made !== undefined && 'json' in made ? String(Object(made.json).id) : '';
    const { port } = server.address() as AddressInfo;
    const body = { url: `https://localhost:${port}/moved`, certificateId };
    await backend.run({ operation: 'modifySposConfig', provider, params: { sposConfigId }, body });
    now = new Date(now.getTime() + 2_000);
    await work(settled(id, 'delivered'));
    expect(path).to.equal('/moved/process-results');
  });

  it('are told of instances whose service was deleted', async () => {
    const service = await enter(new TextEncoder().encode(theirs.certificate));
    const { spId } = entered;
    const cardId = { kind: 'iccid', value: '89860000000000000446' } as const;
    const instanceId = randomUUID();
    await provideInstance(database, { productId: service, cardId, instanceId, serial: '4100000000000446' });
    const chosen = { versionTag: '1.0.0', flavorId: instanceId, profileId: instanceId };
    await addDeployment(database, { instanceId, spId, serviceId: service, ...chosen });
    const backend = new TsmsBackend(database, new AuditLog(database), 'F000000001');
    const params = { serviceId: service };
    await backend.run({ operation: 'deleteService', provider: { spId, name: 'sp' }, params });
    const id = await enqueue(instanceId, service);
    await work(settled(id, 'delivered'));
    expect(seen.map(({ body }) => body.processId)).to.deep.equal([id]);
  });

  it('are delivered although a body without end follows the status', async () => {
    const id = await enqueue();
    answer = (_body, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', more);
      more();
    };
    await work(settled(id, 'delivered'));
  });

  it('reach no address of this machine that was not allowed, by name or by number', async () => {
    for (const host of ['localhost', '127.0.0.1', '[::1]', '[::ffff:127.0.0.1]']) {
      const service = await enter(new TextEncoder().encode(theirs.certificate), host);
      const id = await enqueue(INSTANCE, service);
      await work(tried(id, 1), []);
      expect((await stateOf(id)).reason, host).to.include('address that may be reached');
      await database.deleteFrom('spos_notices').where('process_id', '=', id).execute();
    }
    expect(connections).to.equal(0);
  });

  it('are not shown to a server with another certificate', async () => {
    const service = await enter(new TextEncoder().encode(identity.certificate));
    const id = await enqueue(INSTANCE, service);
    await work(tried(id, 1));
    expect((await stateOf(id)).state).to.equal('waiting');
    expect(seen).to.deep.equal([]);
  });
});

describe('addresses of other people', () => {
  const guard = new AddressGuard(['10.1.0.0/16', 'fd00:1::/32']);

  for (const address of [
    ...['127.0.0.1', '0.0.0.0', '10.0.0.1', '100.64.0.1', '169.254.169.254', '172.16.0.1', '192.168.1.1', '224.0.0.1'],
    ...['255.255.255.255', '::', '::1', '::ffff:127.0.0.1', '::ffff:a9fe:a9fe', 'fe80::1', 'fd00::1', 'ff02::1'],
    ...['64:ff9b::7f00:1', '2002:7f00:1::', '2001:db8::1', 'localhost', ''],
  ]) {
    it(`are refused: ${address || '(none)'}`, () => {
      expect(guard.permits(address)).to.equal(false);
    });
  }
  for (const address of ['93.184.216.34', '8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8', '10.1.2.3', 'fd00:1::2']) {
    it(`are reached: ${address}`, () => {
      expect(guard.permits(address)).to.equal(true);
    });
  }

  it('are networks in the config, or the config is refused', () => {
    for (const network of ['10.0.0.0', '10.0.0.0/33', 'x/8', '::/129', '/8'])
      expect(() => new AddressGuard([network]), network)
        .to.throw()
        .with.property('code', 'network');
  });
});

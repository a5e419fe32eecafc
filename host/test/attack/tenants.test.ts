// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { PeerError } from '../../errors.ts';
import { startTopology, type Topology } from '../../local/topology.ts';
import { developmentPlan, developmentSsdAid } from '../../local/topology-plan.ts';
import type { RestClient } from '../../rest/client.ts';
import type { Peer } from '../../rest/identity.ts';
import { type OpenCardSession, TerminalInfo } from '../../wire/message/card-script.ts';
import type { CardId } from '../../wire/message/common.ts';
import { type SecurityDomainRequest, SecurityDomainRequestState } from '../../wire/message/key-distribution.ts';
import { AuditRecords } from '../../wire/message/operator.ts';
import { failure } from '../transport/framed-card.ts';

/** Providers and operators who try what is another's, with real daemons and real certificates of their own. */

const CARD: CardId = { kind: 'iccid', value: '89860000000000000017' };
const PUBLIC_KEY = { modulus: `C1${'5A'.repeat(126)}01`, exponent: '010001' };
const ISD_AID = 'A000000151000000';
const CASD_AID = 'A00000015153504341534400';

describe('tenants', function () {
  this.timeout(120_000);
  let folder: string;
  let topology: Topology;
  let operator: RestClient;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-tenants-'));
    const plan = developmentPlan({
      providers: ['a', 'b'],
      terminal: { directReaders: [] },
      platform: { resumeWindowMs: 0 },
      ota: {
        providers: [
          { id: 'a', maxWaiting: 2 },
          { id: 'b', requestsPerSecond: 1 },
        ],
      },
    });
    topology = await startTopology({ ...plan, stateDir: join(folder, 'state'), durable: false });
    operator = await topology.client(operatorOf('issuer'), 'issuer');
    for (const id of ['a', 'b']) await register(id, [developmentSsdAid(id)]);
    await operator.call({ method: 'PUT', path: '/v1/cards', body: card({}) });
  });
  after(async () => {
    await topology.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const operatorOf = (name: string): Peer => ({ role: 'operator', id: 'alice', platform: topology.peer(name) });
  const card = (more: object) => ({
    cardId: CARD,
    isdAid: ISD_AID,
    isdKeyReference: '1002',
    isdPublicKey: PUBLIC_KEY,
    casdAid: CASD_AID,
    ...more,
  });
  const register = (id: string, aids: readonly string[]) =>
    operator.call({
      method: 'PUT',
      path: `/v1/providers/${id}`,
      body: { baseUrl: topology.url(`provider-${id}`), permissions: ['create-security-domain'], aids },
    });
  const requestOf = (id: string, ssdAid = developmentSsdAid(id)): SecurityDomainRequest => ({
    providerId: id,
    cardId: CARD,
    ssdAid,
    keySizeBits: 1024,
    applicationProviderId: '5A'.repeat(16),
    trustPoint: { holderReference: '5B'.repeat(16), publicKey: PUBLIC_KEY },
    relayId: `relay-of-${id}`,
  });
  async function request(as: string, body: SecurityDomainRequest, idempotencyKey: string) {
    const client = await topology.client({ role: 'provider', id: as }, 'issuer');
    const path = '/v1/security-domain-requests';
    return client.call({ method: 'POST', path, body, idempotencyKey, response: SecurityDomainRequestState });
  }
  async function refusal(work: Promise<unknown>): Promise<string> {
    const error = await failure(work);
    expect(error).to.be.instanceOf(PeerError);
    const { code, context } = error as PeerError;
    return `${context.status} ${code}${context.numeral === undefined ? '' : ` at ${context.numeral}`}`;
  }

  it('keeps an operator of one platform out of all others', async () => {
    for (const [of, at, path] of [
      ['provider-a', 'provider-b', '/v1/security-domains'],
      ['provider-a', 'issuer', '/v1/audit-records'],
      ['issuer', 'provider-a', '/v1/audit-records'],
      ['kms-issuer', 'kms-issuer', '/v1/certificate-authority'],
    ] as const) {
      const client = await topology.client(operatorOf(of), at);
      expect(await refusal(client.call({ method: 'GET', path })), `${of} at ${at}`).to.equal('403 access-denied');
    }
  });

  it('takes no provider for another, and gives none an AID that is not its own', async () => {
    expect(await refusal(request('b', requestOf('a'), 'attack-0001'))).to.equal('403 provider-not-permitted at 43');
    for (const aid of [developmentSsdAid('a'), ISD_AID, CASD_AID, `${developmentSsdAid('b')}00`]) {
      expect(await refusal(request('b', requestOf('b', aid), 'attack-0002')), aid).to.equal(
        '403 aid-not-registered at 43',
      );
    }
  });

  it('registers no AID that is or selects another provider, the ISD or the CASD', async () => {
    const others = [developmentSsdAid('a'), developmentSsdAid('a').slice(0, -2), `${developmentSsdAid('a')}01`];
    for (const aid of [...others, ISD_AID, CASD_AID, 'A000000151']) {
      expect(await refusal(register('b', [developmentSsdAid('b'), aid])), aid).to.equal('409 aid-taken');
    }
    const body = card({ isdAid: developmentSsdAid('a') });
    expect(await refusal(operator.call({ method: 'PUT', path: '/v1/cards', body }))).to.equal('409 aid-taken');
  });

  it('keeps idempotency keys of callers apart, and of a refused request none', async () => {
    const first = await request('a', requestOf('a'), 'order-0001');
    const same = await request('b', requestOf('b'), 'order-0001');
    expect(same.requestId).to.not.equal(first.requestId);
    expect((await request('a', requestOf('a'), 'order-0001')).requestId).to.equal(first.requestId);
    const another = { ...requestOf('a'), keySizeBits: 2048 } as const;
    expect(await refusal(request('a', another, 'order-0001'))).to.equal('409 idempotency-key-reused');
    const client = await topology.client({ role: 'provider', id: 'b' }, 'issuer');
    const path = `/v1/security-domain-requests/${first.requestId}`;
    expect(await refusal(client.call({ method: 'GET', path }))).to.equal('404 no-such-request');
    expect(await refusal(request('b', requestOf('b', ISD_AID), 'order-0002'))).to.equal('403 aid-not-registered at 43');
    expect((await request('b', requestOf('b'), 'order-0002')).requestId).to.match(/^[0-9a-f]{32}$/);
  });

  it('opens nothing at ota for a provider that is not registered there', async () => {
    const client = await topology.client({ role: 'provider', id: 'c' }, 'ota');
    expect(await refusal(open(client, 0))).to.equal('403 provider-not-registered');
  });

  it('bounds how many opens of a provider wait, and how often it asks', async () => {
    const a = await topology.client({ role: 'provider', id: 'a' }, 'ota');
    const leaving = new AbortController();
    const waiting = [1, 2].map(() => failure(open(a, 20_000, leaving.signal)));
    // The two wait once this one is told that there is no room for a third.
    let third = await refusal(open(a, 0));
    while (third === '404 reader-unknown' || third === '503 terminal-away') third = await refusal(open(a, 0));
    expect(third).to.equal('429 too-many-waiting');
    const b = await topology.client({ role: 'provider', id: 'b' }, 'ota');
    const answers = [];
    for (const _ of [1, 2, 3, 4]) answers.push(await refusal(open(b, 0)));
    expect(answers, 'its neighbour is not held up').to.include('429 too-many-requests');
    expect(answers[0]).to.match(/^(404|503) /);
    leaving.abort();
    await Promise.all(waiting);
  });

  it('records each change of providers, permissions and cards with who made it', async () => {
    const records = await operator.call({ method: 'GET', path: '/v1/audit-records', response: AuditRecords });
    const acts = records.map(({ phase, act, subject }) => `${phase} ${act} ${subject}`);
    expect(acts).to.include.members([
      ...['before register provider a', 'after register provider a', 'failed register provider b'],
      `after register card iccid:${CARD.value}`,
      `failed change card iccid:${CARD.value}`,
    ]);
    const { details } = records.find(({ act }) => act === 'register provider') ?? {};
    expect(details).to.include({ operator: 'urn:opentsm:operator:issuer:main/alice', aids: developmentSsdAid('a') });
    expect(details).to.include({ permissions: 'create-security-domain', permissionsBefore: '' });
  });

  function open(client: RestClient, waitMs: number, signal?: AbortSignal): Promise<unknown> {
    const body: OpenCardSession = { terminalId: 'desk', readerName: 'none', owner: 'flow-0001', waitMs };
    const call = { method: 'POST', path: '/v1/card-sessions', body, response: TerminalInfo } as const;
    return client.call({ ...call, ...(signal === undefined ? {} : { signal }) });
  }
});

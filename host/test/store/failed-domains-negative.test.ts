// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { Kysely } from 'kysely';
import { cardIdText } from '../../store/card-id.ts';
import { openDatabase } from '../../store/database.ts';
import { recordCreated, recordCreating } from '../../store/issuer/applications.ts';
import { putCard } from '../../store/issuer/cards.ts';
import { putProvider } from '../../store/issuer/providers.ts';
import { ISSUER_MIGRATIONS, type IssuerTables } from '../../store/issuer/schema.ts';
import { addRequest, finishRequest } from '../../store/issuer/security-domain-requests.ts';
import { addResource, mayHaveLeft } from '../../store/issuer/security-domain-resources.ts';
import { installSecurityDomain } from '../../workflow/key-distribution/47-install-security-domain.ts';
import type { IssuerContext } from '../../workflow/key-distribution/issuer-context.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { failure } from '../transport/framed-card.ts';

const CARD = { kind: 'iccid', value: '89860000000000000571' } as const;
const SSD = 'F00102030401';
const PROBLEM = { type: 'urn:opentsm:problem:test', title: 'test', status: 409 };

/** What a request that FAILED may have cleared away: nothing that was in service before it. */
describe('domains of requests that failed', function () {
  this.timeout(60_000);
  let postgres: TestDatabase;
  let database: Kysely<IssuerTables>;
  const way = { card: cardIdText(CARD), ssdAid: SSD, transport: { kind: 'ota' } } as const;

  before(async () => {
    postgres = await TestDatabase.start();
    const url = await postgres.server.createDatabase('issuer');
    database = await openDatabase<IssuerTables>({ url, migrations: ISSUER_MIGRATIONS });
    const isdPublicKey = { modulus: 'C0'.repeat(128), exponent: '010001' };
    await putCard(database, { cardId: CARD, isdAid: 'A000000151000000', isdKeyReference: '1002', isdPublicKey });
    await putProvider(database, { providerId: 'a', baseUrl: 'https://127.0.0.1:1', permissions: [], aids: [SSD] });
  });
  after(async () => {
    await database?.destroy();
    await postgres?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    for (const table of ['applications', 'security_domain_resources', 'security_domain_requests'] as const)
      await database.deleteFrom(table).execute();
  });

  /** 47 of this request, where the card shows no such domain, up to the answer of INSTALL; none: the link breaks. */
  async function install(id: string, sw?: string, ssdPresent = false): Promise<string | undefined> {
    const request = {
      cardId: CARD,
      ssdAid: SSD,
      providerId: 'a',
      applicationProviderId: 'F0'.repeat(16),
      keySizeBits: 1024,
    };
    const context = { database, workflowId: id, auditLog: { append: async () => {} } } as unknown as IssuerContext;
    const facts = { request, caller: 'a', ssdPresent } as unknown as Parameters<typeof installSecurityDomain>[0];
    const step = installSecurityDomain(facts, context);
    expect((await step.next()).done).to.equal(ssdPresent);
    if (ssdPresent) return undefined;
    if (sw === undefined) return undefined;
    const end = step.next([{ data: '', sw }]);
    if (sw !== '9000') return Object(await failure(end)).code;
    expect((await end).done).to.equal(true);
    return undefined;
  }
  async function resource(id: string, sw?: string, ssdPresent = false): Promise<string | undefined> {
    await addRequest(database, id, 'a');
    await addResource(database, id, 'a', way);
    const code = await install(id, sw, ssdPresent);
    await finishRequest(database, id, { problem: PROBLEM });
    return code;
  }
  const left = (id: string) => mayHaveLeft(database, id, 'a', way);
  /** By the key distribution of a provider of ours: no resource. */
  async function distributed(end: Parameters<typeof finishRequest>[2] = {}): Promise<void> {
    await addRequest(database, 'distribution', 'a');
    await install('distribution', '9000');
    await finishRequest(database, 'distribution', end);
  }

  it('do not clear away the one in service that the card only hid', async () => {
    await distributed();
    expect(await resource('hidden', '6985')).to.equal('security-domain-hidden');
    expect(await left('hidden')).to.equal(false);
  });

  it('nor where the link broke at INSTALL, nor when the flow of the distribution is forgotten', async () => {
    await distributed();
    await database.deleteFrom('security_domain_requests').execute();
    await resource('broken');
    expect(await left('broken')).to.equal(false);
  });

  it('nor where the card showed it, and no INSTALL was sent', async () => {
    await distributed();
    await resource('shown', undefined, true);
    expect(await left('shown')).to.equal(false);
  });

  it('clear away what they have made, or may have, where nothing was in service', async () => {
    await resource('lost');
    expect(await left('lost'), 'the answer was lost').to.equal(true);
    await resource('again');
    expect([await left('lost'), await left('again')], 'the last that came to INSTALL').to.deep.equal([false, true]);
    await distributed();
    expect(await left('again'), 'in service').to.equal(false);
    await resource('made', '9000');
    expect(await left('made'), 'the card had lost it, and made it anew').to.equal(true);
  });

  describe('behind one whose request is forgotten', () => {
    const forget = (id: string) =>
      database.deleteFrom('security_domain_requests').where('request_id', '=', id).execute();

    it('clear away what that one has made, or may have', async () => {
      for (const [number, sw] of [undefined, '9000'].entries()) {
        await resource(`of-before-${number}`, sw);
        await forget(`of-before-${number}`);
        await resource(`lost-${number}`);
        expect(await left(`lost-${number}`), `INSTALL: ${sw}`).to.equal(true);
        await forget(`lost-${number}`);
        await resource(`found-${number}`, undefined, true);
        expect(await left(`found-${number}`), `INSTALL: ${sw}, and shown`).to.equal(true);
        await database.deleteFrom('applications').execute();
      }
    });

    it('but not what another one brings into service meanwhile, or has brought', async () => {
      for (const id of ['distribution', 'beside']) await addRequest(database, id, 'a');
      await addResource(database, 'beside', 'a', way);
      // 47 of both, of which the first finds the domain there that its own INSTALL has made.
      const domain = { cardId: CARD, aid: SSD, providerId: 'a' };
      for (const workflowId of ['distribution', 'beside']) await recordCreating(database, { ...domain, workflowId });
      await recordCreated(database, domain);
      await finishRequest(database, 'beside', { problem: PROBLEM });
      await finishRequest(database, 'distribution', {});
      expect(await left('beside'), 'one was under way').to.equal(false);
      await forget('distribution');
      await resource('later');
      expect(await left('later'), 'it was done').to.equal(false);
    });
  });
});

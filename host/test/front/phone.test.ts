// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import pg from 'pg';
import { Type } from 'typebox';
import { gateCases } from '../../../setup/soak/runs.ts';
import { PeerError } from '../../errors.ts';
import { cardInPhone } from '../../lab/card-in-phone.ts';
import type { Phone } from '../../lab/phone.ts';
import { PRODUCT_ID, ProductDesk, PURSE_AID } from '../../lab/product-desk.ts';
import { buildPurseCap } from '../../lab/purse-cap.ts';
import { type InsertedCard, SingleProviderLab } from '../../lab/single-provider-lab.ts';
import { TSMS_BASE } from '../../rest/tsms/server.ts';
import { runScript } from '../../transport/script-runner.ts';
import { aid } from '../../wire/gp/aid.ts';
import { ifPresent, toCardCommand } from '../../wire/gp/command.ts';
import { decodePublicKey, readPublicKey } from '../../wire/gp/generate-key-pair.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { select } from '../../wire/gp/select.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { CardPlace } from '../../wire/message/card-script.ts';
import type { ActionState, StartAction } from '../../wire/message/front.ts';
import { AppProcess, Instance, Instances } from '../../wire/message/service-instance.ts';
import { ServiceProviderToken } from '../../wire/message/service-providers.ts';
import { inProcess } from '../cli/in-process.ts';
import { PublishedClient } from '../conformance/published-client.ts';
import { ForeignTsm } from '../flow/foreign-tsm.ts';
import { PURSE_SCRIPT } from '../flow/purse-script.ts';
import { LIES, lyingPhone } from './lying-phone.ts';
import { enterChip, enterFolder, enterService } from './service-folder.ts';

/** Commands at which a phone lies: finding the card, opening the channel, making the domain and its pair. */
const LIED_AT = [1, 7, 11, 14];
const TSM = join(import.meta.dirname, '../../cli/tsm.mjs');

/** Flows A and B by separate processes: a phone app, the front, both platforms and the card in the phone. */
describe('A phone, through the front', function () {
  this.timeout(300_000);
  let lab: SingleProviderLab;
  let desk: ProductDesk;
  let inserted: InsertedCard;
  let serial = '';
  let phone: Phone;
  let other: Phone;
  let element: Pick<StartAction, 'seType' | 'seId'>;
  let serviceId = '';
  let foreign: ForeignTsm;
  let folder = '';

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-clerk-'));
    const provider = ProductDesk.config(await buildPurseCap());
    lab = await SingleProviderLab.open({ link: 'direct', keySizeBits: 1024, provider, front: true });
    desk = new ProductDesk(lab.platforms, lab.provider);
    await desk.register();
    inserted = await lab.insert();
    expect((await lab.distribute(inserted)).outcome).to.equal('distributed');
    const deployment = await desk.deploy(inserted);
    expect(JSON.stringify(deployment.problem)).to.equal(undefined);
    serial = deployment.instance?.serial ?? '';
    phone = await lab.platforms.phone('alice', [inserted.cardId], cardInPhone(inserted.card));
    other = await lab.platforms.phone('mallory', [], cardInPhone(inserted.card));
    element = { seType: 'uicc', seId: inserted.cardId.value };
    foreign = await ForeignTsm.start(lab.platforms, 'foreign', inserted.card, ['create-security-domain']);
  });
  after(async () => {
    await phone?.[Symbol.asyncDispose]();
    await other?.[Symbol.asyncDispose]();
    await foreign?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const topUp = (amount: number): StartAction => ({ actionCode: 'TOPUP', productId: PRODUCT_ID, amount, ...element });
  const codeOf = (act: Promise<unknown>): Promise<unknown> =>
    act.then(
      () => 'no refusal',
      (error: unknown) => (error instanceof PeerError ? error.code : error),
    );

  /** The provider refuses at once when it knows of the loss already, and else when it asks its issuer. */
  const refusalOf = async (action: StartAction): Promise<unknown> => {
    const state = await phone.perform(action).catch((error: unknown) => error);
    if (state instanceof PeerError) return state.code;
    return (state as ActionState).problem?.type.replace('urn:opentsm:problem:', '');
  };

  it('tops a purse up in two round trips, and the books agree with the card', async () => {
    const state = await phone.perform(topUp(500));
    expect(state, JSON.stringify(state)).to.deep.include({
      state: 'done',
      outcome: 'credited',
      balanceBefore: 0,
      balanceAfter: 500,
      tacVerified: true,
      roundTrips: 2,
    });
    expect(await desk.ledger(inserted, serial)).to.deep.include({ platform: 500, equal: true, open: 0 });
  });

  it('gets no session for a card that is not its user’s, and sees no action of another', async () => {
    expect(await codeOf(other.start(topUp(1)))).to.equal('card-not-yours');
    const { processId } = await phone.perform(topUp(0));
    expect(await codeOf(other.state(processId))).to.equal('no-such-action');
  });

  it('has its session alone: another phone with the same id is told that there is none', async () => {
    const started = await phone.start(topUp(3));
    const { sessionId = '' } = started;
    expect(await phone.obey(sessionId, element)).to.equal('stopped');
    const second = await phone.obey(sessionId, element).catch((error: unknown) => error);
    expect(second).to.have.property('code', 'session-unknown');
    const { outcome } = await phone.state(started.processId, 5_000);
    expect(outcome).to.equal('credited');
  });

  it('cannot take two top-ups of one card at a time', async () => {
    const first = await phone.start(topUp(2));
    expect(await codeOf(phone.start(topUp(2)))).to.equal('action-running');
    await phone.obey(first.sessionId ?? '', element);
    expect((await phone.state(first.processId, 5_000)).outcome).to.equal('credited');
  });

  it('has behind it a role that writes neither who has which card nor the audit log', async () => {
    const config = JSON.parse(await readFile(lab.platforms.topology.configFile('front'), 'utf8'));
    const client = new pg.Client({ connectionString: config.appSide.database.url });
    await client.connect();
    try {
      for (const statement of [
        "INSERT INTO user_cards (subject, card) VALUES ('mallory', 'iccid:1')",
        "UPDATE user_cards SET subject = 'mallory'",
        'DELETE FROM audit_log',
        'INSERT INTO audit_log (number) VALUES (1)',
        'CREATE TABLE own (id int)',
        'ALTER TABLE actions ADD COLUMN own int',
        'SELECT * FROM schema_migrations',
      ]) {
        const error = await client.query(statement).catch((reason: unknown) => reason);
        expect((error as { code?: string }).code, statement).to.equal('42501');
      }
      expect((await client.query('SELECT count(*) FROM user_cards')).rowCount).to.equal(1);
    } finally {
      await client.end();
    }
  });

  it('is refused after a loss report, and goes on when the card is found', async () => {
    const report = await phone.perform({ actionCode: 'LOSS', ...element });
    expect(report).to.deep.include({ state: 'done', outcome: 'reported' });
    expect(await refusalOf(topUp(5))).to.equal('product-not-valid');
    const found = await phone.perform({ actionCode: 'FOUND', ...element });
    expect(found).to.deep.include({ state: 'done', outcome: 'found', closedReports: 1, stillReported: false });
    while ((await phone.state(report.processId)).synchronised !== true) await phone.state(report.processId);
    expect((await phone.perform(topUp(5))).outcome).to.equal('credited');
    expect(await desk.ledger(inserted, serial)).to.deep.include({ platform: 510, equal: true });
  });

  /** A verb of `tsm` with the certificate of an operator of this daemon. */
  async function clerk(daemon: 'issuer' | 'front' | 'provider', ...words: readonly string[]): Promise<string> {
    const { topology } = lab.platforms;
    const name = daemon === 'provider' ? `provider-${lab.provider}` : daemon;
    const tls = await topology.pki.issue(lab.platforms.operatorOf(name));
    const config = join(folder, `${name}.json`);
    await writeFile(config, JSON.stringify({ platform: { url: topology.url(name), ...topology.peer(name) }, tls }));
    const { code, out, err } = await inProcess([...words, '--config', config]);
    return code === 0 ? out : `${code} ${err}`;
  }

  it('is not found by whoever has not reported it, and a clerk sees and closes what others have', async () => {
    const name = `iccid:${inserted.cardId.value}`;
    const opened = await clerk('issuer', 'loss-report', 'open', name, '--reason', 'stolen');
    expect(opened).to.match(/^\{/);
    const { id } = JSON.parse(opened);
    expect(await codeOf(phone.perform({ actionCode: 'FOUND', ...element }))).to.equal('reported-by-others');
    const open = () => clerk('issuer', 'loss-report', 'list', '--state', 'open', '--card', name);
    expect(await open()).to.match(new RegExp(`open +${name}  stolen .*${id}  ${PRODUCT_ID}`));
    await phone.perform({ actionCode: 'LOSS', ...element });
    const found = await phone.perform({ actionCode: 'FOUND', ...element });
    expect(found).to.deep.include({ outcome: 'found', closedReports: 1, stillReported: true });
    expect(await clerk('issuer', 'product', 'on-card', name)).to.match(/^INVALID /m);
    expect(await clerk('issuer', 'loss-report', 'close', id)).to.equal('');
    expect(await open()).to.equal('');
    expect(await clerk('issuer', 'product', 'on-card', name)).to.match(/^VALID /m);
    await desk.synchronised(id);
    expect(await clerk('issuer', 'product', 'list', '--limit', '1')).to.contain('more: --after ');
    expect(await clerk('issuer', 'provider-register', 'list')).to.contain('install-application');
    expect(await clerk('issuer', 'secure-element', 'move', inserted.cardId.value, 'gone')).to.match(/^2 /);
    expect(await clerk('issuer', 'secure-element', 'move', inserted.cardId.value, 'active')).to.contain('"ACTIVE"');
    expect(await clerk('provider', 'load', 'list', '--state', 'no-tac')).to.equal('');
    const asked = ['TOPUP', inserted.cardId.value, '--product', PRODUCT_ID];
    expect(await clerk('front', 'front', 'explain', ...asked)).to.match(/: top-up -> /);
    expect(await clerk('front', 'front', 'routes')).to.match(/v0 {2}loss-report -> /);
  });

  /** Actions of the user whose node has died, so long ago. */
  async function left(actions: readonly (readonly [operation: 'loss-report' | 'found', ago: string])[]) {
    const config = JSON.parse(await readFile(lab.platforms.topology.configFile('front'), 'utf8'));
    const client = new pg.Client({ connectionString: config.database.url });
    await client.connect();
    try {
      const ids: string[] = [];
      for (const [operation, ago] of actions) {
        const id = randomUUID().replaceAll('-', '');
        const { rowCount } = await client.query(
          `INSERT INTO actions (id, subject, card, operation, pool, request, state, at)
           SELECT $1, subject, card, $2, pool, request, 'running', now() - $3::interval FROM actions
           WHERE operation = 'loss-report' AND subject = 'alice' LIMIT 1`,
          [id, operation, ago],
        );
        expect(rowCount).to.equal(1);
        ids.push(id);
      }
      return ids;
    } finally {
      await client.end();
    }
  }

  it('is reported although the node that was asked has died, and not found by what was asked before', async () => {
    await phone.perform({ actionCode: 'LOSS', ...element });
    const [found = '', id = ''] = await left([
      ['found', '2 minutes'],
      ['loss-report', '1 minute'],
    ]);
    while ((await phone.state(id)).state === 'running') await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await phone.state(id)).to.deep.include({ state: 'done', outcome: 'reported' });
    expect(await phone.state(found)).to.deep.include({ state: 'failed', outcome: 'refused' });
    expect(await refusalOf(topUp(5))).to.equal('product-not-valid');
    expect(await phone.perform({ actionCode: 'FOUND', ...element })).to.deep.include({ closedReports: 2 });
    while ((await phone.state(id)).synchronised !== true) await new Promise((resolve) => setTimeout(resolve, 200));
  });

  it('is not reported behind its back when it was found before the report was through', async () => {
    const [id = ''] = await left([['loss-report', '0 seconds']]);
    const found = await phone.perform({ actionCode: 'FOUND', ...element });
    expect(found).to.deep.include({ closedReports: 1, stillReported: false });
    while ((await phone.state(id)).synchronised !== true) await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await phone.state(id)).to.deep.include({ state: 'done', outcome: 'reported' });
  });

  it('gets the same action for the same key, and pays once', async () => {
    const key = 'the-same-key';
    const first = await phone.perform(topUp(7), key);
    const again = await phone.perform(topUp(7), key);
    expect([again.processId, again.outcome]).to.deep.equal([first.processId, 'credited']);
    expect(again).not.to.have.property('sessionId');
    expect(await codeOf(phone.perform(topUp(8), key))).to.equal('idempotency-key-reused');
    expect(await desk.ledger(inserted, serial)).to.deep.include({ platform: 517, equal: true });
  });

  /** `ota` knows that the phone is there. */
  async function seen(): Promise<void> {
    const issuer = await lab.platforms.topology.client({ role: 'issuer', id: 'main' }, 'ota');
    const path = `/v1/cards/iccid/${inserted.cardId.value}/places`;
    const call = { method: 'GET', path, response: Type.Array(CardPlace) } as const;
    while ((await issuer.call(call))[0]?.named !== true);
  }

  /** The card in a phone that lies, while `act` runs. */
  async function brought<T>(act: () => Promise<T>, lie?: Parameters<typeof lyingPhone>[1]) {
    const { openCard, carried } = lyingPhone(cardInPhone(inserted.card), lie);
    await using carrier = await lab.platforms.phone('carol', [inserted.cardId], openCard);
    const contact = await carrier.start({ actionCode: 'CONTACT', ...element });
    const away = new AbortController();
    const end = carrier.obey(contact.sessionId ?? '', element, away.signal).catch((error: unknown) => error);
    await seen();
    const result = await act();
    away.abort();
    await end;
    return { result, carried: carried() };
  }
  const domain = async () => {
    const { id } = await foreign.ask(inserted.cardId, { transport: { kind: 'ota' } });
    return foreign.settled(id);
  };
  const handedKey = async (id: string) => {
    const blob = await foreign.keyBlob(id);
    return 'publicKey' in blob ? blob.publicKey.modulus : undefined;
  };
  /** The pair that is live in its domain, by the card's own word. */
  async function liveKey(): Promise<string> {
    await using channel = await cardInPhone(inserted.card)();
    const { responses } = await runScript(
      channel,
      [select(aid(foreign.ssdAid)), readPublicKey()].map((command) => toCardCommand(command)),
    );
    return toHex(decodePublicKey(fromHex(responses[1]?.data ?? '', 1_024)).modulus);
  }

  it('brings its card to a TSM of others, whose domain is made and spoken to over it', async () => {
    const look = ifPresent(getData(DATA_OBJECT.KEY_INFORMATION));
    const { result, carried } = await brought(async () => {
      const made = await domain();
      expect(made, JSON.stringify(made)).to.deep.equal({ id: made.id, state: 'KEYED' });
      const answer = await foreign.exchange(made.id, { commands: [look], last: true });
      return { made, sws: answer.responses.map(({ sw }) => sw) };
    });
    expect(result, JSON.stringify(result)).to.deep.include({ sws: ['9000'] });
    expect(carried).to.be.above(10);
    expect(await handedKey(result.made.id)).to.equal(await liveKey());
  });

  const cases = LIED_AT.flatMap((at) => Object.keys(LIES).map((name) => ({ at, name })));
  for (const { at, name } of gateCases(cases, 10, 1))
    it(`has a TSM of others told of no key but the card’s when it ${name} at its command ${at}`, async () => {
      const { result } = await brought(domain, { at, how: LIES[name] ?? expect.fail(name) });
      if (result.state === 'KEYED') expect(await handedKey(result.id)).to.equal(await liveKey());
      else expect(result).to.have.property('state', 'FAILED');
    });

  it('may be the command tsm agent with a card in a reader of its own', async () => {
    const { topology } = lab.platforms;
    const { directReaders } = JSON.parse(await readFile(topology.configFile('terminal-desk'), 'utf8'));
    const [{ host, port }] = directReaders;
    // The direct link has one peer at a time.
    await topology.kill('terminal-desk');
    const { raEndpoint = '', sessionId = '', processId } = await phone.start(topUp(4));
    const reader = ['--reader', `tcp:${host}:${port}`, '--authority', topology.pki.authorityFile];
    const command = [TSM, 'agent', '--endpoint', raEndpoint, '--session', '-', ...reader];
    const agent = spawn(process.execPath, command, { stdio: ['pipe', 'pipe', 'inherit'] });
    agent.stdin.end(sessionId);
    const [said, [code]] = await Promise.all([text(agent.stdout), once(agent, 'exit')]);
    expect([code, said.split('\n')]).to.deep.equal([0, ['top-up/credited', 'stopped', '']]);
    expect(await phone.state(processId, 5_000)).to.deep.include({ outcome: 'credited', tacVerified: true });
    await topology.start('terminal-desk');
    expect(await desk.ledger(inserted, serial)).to.deep.include({ platform: 521, equal: true });
  });

  it('has beside it a service provider, who speaks to the TSM-Backend of the provider’s daemon by TLS', async () => {
    const { topology } = lab.platforms;
    const [address] = topology.tsmsAddresses('provider-a');
    const client = new PublishedClient(`${address}${TSMS_BASE}`, await readFile(topology.pki.authorityFile, 'utf8'));
    try {
      const operator = await lab.platforms.client('provider-a');
      const { longTermToken: token } = await operator.call({
        method: 'POST',
        path: '/v1/service-providers',
        body: { name: 'transit' },
        response: ServiceProviderToken,
      });
      const { json } = await client.call('createAccessToken', { token });
      expect((await client.call('listSecureComponentProfiles', { token: String(json) })).json).to.deep.equal([]);
      expect((await client.send('listSecureComponentProfiles', { token })).status).to.equal(401);
      expect((await client.send('listSecureComponentProfiles', {})).status).to.equal(401);
      await enterChip(lab.platforms);
      const personalization = new TextEncoder().encode(JSON.stringify(PURSE_SCRIPT));
      serviceId = await enterService(client, String(json), {
        name: 'transit',
        instanceAid: 'F06F70656E74736D5002',
        installParameters: '8001A1',
        personalization,
        cap: new Uint8Array(await readFile(await buildPurseCap())),
      });
      await isProduct(serviceId);
    } finally {
      await client.close();
    }
  });

  /** The issuer's operator enters whose it is. */
  const isProduct = async (id: string): Promise<void> => {
    const issuer = await lab.platforms.client('issuer');
    await issuer.call({ method: 'PUT', path: `/v1/products/${id}`, body: { providerId: 'a' } });
  };

  const BASE = '/tsm-api/1/service-instances';
  const newInstance = (of = serviceId): Promise<Instance> => {
    const asked = { serviceId: of, version: '1.0.0', secureElements: [element] };
    return phone.call('POST', BASE, { schema: Instance, body: asked });
  };
  const run = async ({ serviceInstanceId }: Instance, what: string, body: object): Promise<AppProcess> => {
    const base = what === 'executions' ? '/ext/1/service-instances' : BASE;
    const path = `${base}/${serviceInstanceId}/${what}`;
    let process = await phone.call('POST', path, { schema: AppProcess, body, key: randomUUID() });
    if (process.sessionId !== undefined) await phone.obey(process.sessionId, element);
    while (process.state === 'running')
      process = await phone.call('GET', `/tsm-api/1/processes/${process.processId}?waitMs=20000`, {
        schema: AppProcess,
      });
    expect(process.problem).to.equal(undefined, JSON.stringify(process.problem));
    return process;
  };

  it('has the service deployed, suspended and terminated by its app, the card being in the phone', async () => {
    const instance = await newInstance();
    expect(await codeOf(other.call('GET', `${BASE}/${instance.serviceInstanceId}`, { schema: Instance }))).to.equal(
      'not-found',
    );
    const deployed = await run(instance, 'deployments', { commands: ['I', 'P', 'A'], finalize: true });
    expect(deployed.result).to.deep.include({ executionStatus: 0, serviceStartState: 1, serviceEndState: 21 });
    const suspended = await run(instance, 'suspension', { suspend: true });
    expect(suspended.result).to.deep.include({ requestedOperations: [30], serviceEndState: 22 });
    const gone = await run(instance, 'termination', {});
    expect(gone.result).to.deep.include({ requestedOperations: [40], serviceEndState: 0 });
    const left = await phone.call('GET', `${BASE}?serviceId=${serviceId}`, { schema: Instances });
    expect(left).to.deep.equal([]);
    // The other purse on this card is made of the same load file.
    expect(await desk.ledger(inserted, serial)).to.deep.include({ platform: 521, equal: true });
  });

  it('has a new service by files alone: applet, scripts, action codes, and a key of KMS and card alone', async () => {
    const { topology } = lab.platforms;
    const [address] = topology.tsmsAddresses('provider-a');
    await using parts = new AsyncDisposableStack();
    const authority = await readFile(topology.pki.authorityFile, 'utf8');
    const client = parts.adopt(new PublishedClient(`${address}${TSMS_BASE}`, authority), (open) => open.close());
    const operator = await lab.platforms.client('provider-a');
    const body = { name: 'shop' };
    const made = { method: 'POST', path: '/v1/service-providers', body, response: ServiceProviderToken } as const;
    const { longTermToken, spId } = await operator.call(made);
    const keys = await lab.platforms.client('kms-provider-a');
    const attributes = { algorithm: 'aes', lengthBits: 128, keyUsage: 'M6', modeOfUse: 'C', exportability: 'N' };
    const key = { label: 'stamps', owner: `service-provider:${spId}`, ...attributes };
    await keys.call({ method: 'POST', path: '/v1/managed-keys', body: key });
    await keys.call({ method: 'POST', path: '/v1/managed-keys/stamps/activate' });
    const { json } = await client.call('createAccessToken', { token: longTermToken });
    const stamps = await enterFolder(client, String(json), join(import.meta.dirname, 'stamps'));
    await isProduct(stamps);

    const instance = await newInstance(stamps);
    const deployed = await run(instance, 'deployments', { commands: ['I', 'P', 'A'], finalize: true });
    expect(deployed.result).to.deep.include({ executionStatus: 0, serviceEndState: 21 });
    const given = async (inputs: object) =>
      (await run(instance, 'executions', { actionCode: 'STAMP', inputs })).messages;
    expect(await given({ stamps: '03' })).to.deep.equal(['stamps 0003']);
    expect(await given({ stamps: '04' })).to.deep.equal(['stamps 0007']);
    expect((await run(instance, 'executions', { actionCode: 'COUNT' })).values.count).to.equal('0007');

    // By the door of A2 too, once an operator has entered the route: the app names product, domain and application.
    const front = await lab.platforms.client('front');
    for (const code of ['STAMP', 'COUNT']) {
      const rule = { when: { actionCode: code, productId: stamps }, pool: 'provider-a', operation: 'execution' };
      await front.call({ method: 'POST', path: `/v1/routes/stamps-${code}`, body: rule });
    }
    const { instanceAid } = JSON.parse(await readFile(join(import.meta.dirname, 'stamps/service.json'), 'utf8'));
    const { securityDomainAid = '' } = await newInstance(stamps);
    const named = { productId: stamps, appId: instanceAid, domain: securityDomainAid, ...element };
    const stamped = await phone.perform({ actionCode: 'STAMP', inputs: { stamps: '02' }, ...named });
    expect(stamped, JSON.stringify(stamped)).to.deep.include({ outcome: 'executed', messages: ['stamps 0009'] });
    const counted = await phone.perform({ actionCode: 'COUNT', ...named });
    expect(counted.values).to.deep.equal({ count: '0009' });
    for (const [field, name, code] of [
      ['appId', `${instanceAid}EE`, 'application-differs'],
      ['domain', `${securityDomainAid}EE`, 'application-differs'],
      ['productId', 'F000000000EE', 'no-route'],
    ] as const)
      expect(await codeOf(phone.start({ actionCode: 'COUNT', ...named, [field]: name }))).to.equal(code);
    expect(await codeOf(phone.start({ ...topUp(1), appId: `${PURSE_AID}EE` }))).to.equal('application-differs');
  });

  it('does what the two standards describe where extensions are off', async () => {
    const { topology } = lab.platforms;
    for (const name of ['front', 'provider-a']) {
      const file = topology.configFile(name);
      const config = JSON.parse(await readFile(file, 'utf8'));
      const bare = name === 'front' ? { ...config, extensions: false } : withoutExtensions(config);
      await writeFile(file, JSON.stringify(bare));
      await topology.restart(name);
      await topology.healthy(name);
    }
    expect(await codeOf(phone.start(topUp(1)))).not.to.equal('no refusal');
    const instance = await newInstance();
    const deployed = await run(instance, 'deployments', { commands: ['I', 'P', 'A'], finalize: true });
    expect(deployed.result).to.deep.include({ executionStatus: 0, serviceEndState: 21 });
  });

  it('has behind it a role that nothing in the provider’s database is open to', async () => {
    const { topology } = lab.platforms;
    const urlOf = async (name: string) => JSON.parse(await readFile(topology.configFile(name), 'utf8'));
    const app = new URL((await urlOf('front')).appSide.database.url);
    const provider = new URL((await urlOf('provider-a')).database.url);
    app.pathname = provider.pathname;
    const client = new pg.Client({ connectionString: app.href });
    const refusal = async (act: Promise<unknown>): Promise<unknown> =>
      act.then(
        () => 'no refusal',
        (reason: unknown) => (reason as { code?: string }).code,
      );
    const connected = await refusal(client.connect());
    try {
      for (const statement of ["UPDATE tsms_entities SET document = '{}'", 'SELECT * FROM tsms_providers'])
        expect(connected === 'no refusal' ? await refusal(client.query(statement)) : connected).to.equal('42501');
    } finally {
      await client.end().catch(() => {});
    }
  });
});

const withoutExtensions = (config: { readonly tsms: object }): object => ({
  ...config,
  tsms: { ...config.tsms, extensions: false },
});

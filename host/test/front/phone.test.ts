// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import pg from 'pg';
import { PeerError } from '../../errors.ts';
import { cardInPhone } from '../../lab/card-in-phone.ts';
import type { Phone } from '../../lab/phone.ts';
import { PRODUCT_ID, ProductDesk } from '../../lab/product-desk.ts';
import { buildPurseCap } from '../../lab/purse-cap.ts';
import { type InsertedCard, SingleProviderLab } from '../../lab/single-provider-lab.ts';
import { TSMS_BASE } from '../../rest/tsms/server.ts';
import type { ActionState, StartAction } from '../../wire/message/front.ts';
import { ServiceProviderToken } from '../../wire/message/service-providers.ts';
import { PublishedClient } from '../conformance/published-client.ts';

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

  before(async () => {
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
  });
  after(async () => {
    await phone?.[Symbol.asyncDispose]();
    await other?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
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
      ...{ state: 'done', outcome: 'credited', balanceBefore: 0, balanceAfter: 500, tacVerified: true, roundTrips: 2 },
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
    expect(found).to.deep.include({ state: 'done', outcome: 'found' });
    while ((await phone.state(report.processId)).synchronised !== true) await phone.state(report.processId);
    expect((await phone.perform(topUp(5))).outcome).to.equal('credited');
    expect(await desk.ledger(inserted, serial)).to.deep.include({ platform: 510, equal: true });
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
        ...{ method: 'POST', path: '/v1/service-providers', body: { name: 'transit' }, response: ServiceProviderToken },
      });
      const { json } = await client.call('createAccessToken', { token });
      expect((await client.call('listSecureComponentProfiles', { token: String(json) })).json).to.deep.equal([]);
      expect((await client.send('listSecureComponentProfiles', { token })).status).to.equal(401);
      expect((await client.send('listSecureComponentProfiles', {})).status).to.equal(401);
    } finally {
      await client.close();
    }
  });
});

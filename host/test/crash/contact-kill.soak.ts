// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import pg from 'pg';
import { Type } from 'typebox';
import { cardInPhone } from '../../lab/card-in-phone.ts';
import { ProductDesk } from '../../lab/product-desk.ts';
import { buildPurseCap } from '../../lab/purse-cap.ts';
import { type InsertedCard, SingleProviderLab } from '../../lab/single-provider-lab.ts';
import { TSMS_BASE } from '../../rest/tsms/server.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import { aid } from '../../wire/gp/aid.ts';
import { toCardCommand } from '../../wire/gp/command.ts';
import { select } from '../../wire/gp/select.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { Renewal } from '../../wire/message/platform.ts';
import { AppProcess, Instance } from '../../wire/message/service-instance.ts';
import { ServiceProviderToken } from '../../wire/message/service-providers.ts';
import { PublishedClient } from '../conformance/published-client.ts';
import { PURSE_SCRIPT } from '../flow/purse-script.ts';
import { enterChip, enterService } from '../front/service-folder.ts';

const PROVIDER = 'provider-a';
const SERVICE_AID = 'F06F70656E74736D5002';
/** What the dead one had claimed is another's after a minute. */
const SERVED_MS = 200_000;
const LOCKED = '6A82';
const FREE = '9000';
const BASE = '/tsm-api/1/service-instances';
const INS = { SET_STATUS: 0xf0, DEBIT: 0x54, CREDIT: 0x52 } as const;

/**
 * A phone brings a card that something waits for, and the provider is killed (kill -9) around the very command that
 * changes the card: everything by separate processes, the contact through the front.
 */
describe('What waits for a card, its provider killed at the contact', function () {
  this.timeout(600_000);
  let lab: SingleProviderLab;
  let desk: ProductDesk;
  let old: InsertedCard;
  let instance: Instance;
  let database: pg.Client;

  before(async () => {
    const provider = ProductDesk.config(await buildPurseCap());
    lab = await SingleProviderLab.open({ link: 'direct', keySizeBits: 1024, readers: 2, provider, front: true });
    desk = new ProductDesk(lab.platforms, lab.provider);
    await desk.register();
    old = await lab.insert(0);
    expect((await lab.distribute(old)).outcome).to.equal('distributed');
    const { problem } = await desk.deploy(old);
    expect(problem, JSON.stringify(problem)).to.equal(undefined);
    instance = await deployService(await enterPurse());
    database = new pg.Client({ connectionString: lab.platforms.topology.databaseUrl(PROVIDER) });
    await database.connect();
  });
  after(async () => {
    await database?.end();
    await lab?.[Symbol.asyncDispose]();
  });

  const elementOf = ({ cardId }: InsertedCard) => ({ seType: 'uicc', seId: cardId.value }) as const;

  async function enterPurse(): Promise<string> {
    const { topology } = lab.platforms;
    const [address] = topology.tsmsAddresses(PROVIDER);
    const client = new PublishedClient(`${address}${TSMS_BASE}`, await readFile(topology.pki.authorityFile, 'utf8'));
    try {
      const operator = await lab.platforms.client(PROVIDER);
      const { longTermToken: token } = await operator.call({
        method: 'POST',
        path: '/v1/service-providers',
        body: { name: 'transit' },
        response: ServiceProviderToken,
      });
      const { json } = await client.call('createAccessToken', { token });
      await enterChip(lab.platforms);
      const serviceId = await enterService(client, String(json), {
        name: 'transit',
        instanceAid: SERVICE_AID,
        installParameters: '8001A1',
        personalization: new TextEncoder().encode(JSON.stringify(PURSE_SCRIPT)),
        cap: new Uint8Array(await readFile(await buildPurseCap())),
      });
      const issuer = await lab.platforms.client('issuer');
      await issuer.call({ method: 'PUT', path: `/v1/products/${serviceId}`, body: { providerId: 'a' } });
      return serviceId;
    } finally {
      await client.close();
    }
  }

  async function deployService(serviceId: string): Promise<Instance> {
    await using phone = await lab.platforms.phone('alice', [old.cardId], cardInPhone(old.card));
    const element = elementOf(old);
    const asked = { serviceId, version: '1.0.0', secureElements: [element] };
    const made = await phone.call('POST', BASE, { schema: Instance, body: asked });
    const path = `${BASE}/${made.serviceInstanceId}/deployments`;
    const body = { commands: ['I', 'P', 'A'], finalize: true };
    const started = await phone.call('POST', path, { schema: AppProcess, body, key: randomUUID() });
    await phone.obey(started.sessionId ?? '', element);
    const look = `/tsm-api/1/processes/${started.processId}?waitMs=20000`;
    const ended = await phone.call('GET', look, { schema: AppProcess });
    expect(ended.result, JSON.stringify(ended)).to.include({ executionStatus: 0, serviceEndState: 21 });
    return made;
  }

  /** When the provider dies: before the card gets this command, or before anybody gets the card's answer. */
  interface Kill {
    readonly ins: number;
    readonly when: 'before' | 'after';
  }

  /** The user holds the card to the phone until it has been served, whichever process dies at which command. */
  async function bring(card: InsertedCard, served: () => Promise<boolean>, kill?: Kill): Promise<void> {
    const { topology } = lab.platforms;
    let killed: number | undefined;
    const die = async () => {
      killed = topology.pid(PROVIDER);
      await topology.kill(PROVIDER);
      await topology.start(PROVIDER);
      // The time of what the dead one had taken on is over.
      await database.query('UPDATE card_locks SET due_at = now()');
      await database.query('UPDATE renewals SET clear_at = now() WHERE clear_at IS NOT NULL');
    };
    const mortal = async (): Promise<CardChannel> => {
      const inner = await cardInPhone(card.card)();
      const transmit = async (command: Uint8Array): Promise<Uint8Array> => {
        const dies = killed === undefined && command[1] === kill?.ins;
        if (dies && kill?.when === 'before') await die();
        const response = await inner.transmit(command);
        if (dies && kill?.when === 'after') await die();
        return response;
      };
      return { ...inner, transmit };
    };
    await using phone = await lab.platforms.phone('alice', [card.cardId], mortal);
    const element = elementOf(card);
    const deadline = Date.now() + SERVED_MS;
    while (!(await served())) {
      const { sessionId = '' } = await phone.start({ actionCode: 'CONTACT', ...element });
      const away = new AbortController();
      let over = false;
      const end = phone
        .obey(sessionId, element, away.signal)
        .catch(() => {})
        .finally(() => {
          over = true;
        });
      // Whoever sees that nothing goes on holds the card to the phone anew.
      const before = killed;
      while (!over && killed === before && !(await served())) {
        if (Date.now() > deadline) expect.fail(`the card was brought and not served: ${await told()}`);
        await delay(100);
      }
      away.abort();
      await end;
    }
    if (kill === undefined) return;
    expect(killed, 'the provider died').to.be.a('number');
    expect(topology.pid(PROVIDER)).to.not.equal(killed);
  }

  /** What the provider has of it. */
  async function told(): Promise<string> {
    const { rows } = await database.query(`
      SELECT row_to_json(r)::text AS row FROM renewals r UNION ALL SELECT row_to_json(m)::text FROM purse_moves m
      UNION ALL SELECT row_to_json(l)::text FROM card_locks l
      UNION ALL SELECT row_to_json(f)::text FROM (SELECT * FROM product_flows ORDER BY at DESC LIMIT 4) f`);
    return rows.map(({ row }) => row).join('\n');
  }

  const selected = async (): Promise<string> => {
    const [apdu = ''] = toCardCommand(select(aid(SERVICE_AID))).apdus;
    return toHex(await old.card.transmit(fromHex(apdu))).slice(-4);
  };
  const isLocked = (locked: boolean) => async () => {
    const { rows } = await database.query('SELECT locked, terminal_id FROM card_locks WHERE instance_id = $1', [
      instance.serviceInstanceId,
    ]);
    return rows[0]?.locked === locked && rows[0].terminal_id === null;
  };

  for (const when of ['before', 'after'] as const)
    it(`locks a service of a lost card, and frees it when it is found, where it dies ${when} SET STATUS`, async () => {
      const kill = { ins: INS.SET_STATUS, when };
      const { id } = await desk.reportLoss(old.cardId);
      await desk.synchronised(id);
      expect(await selected(), 'nobody has brought it').to.equal(FREE);
      await bring(old, isLocked(true), kill);
      expect(await selected()).to.equal(LOCKED);
      await desk.found(id);
      await desk.synchronised(id);
      expect(await selected(), 'nobody has brought it').to.equal(LOCKED);
      await bring(old, isLocked(false), kill);
      expect(await selected()).to.equal(FREE);
    });

  it('moves the balance of a replaced card: once, though nobody heard of the debit, nor of the credit', async () => {
    expect((await desk.topUp(old, 640)).outcome).to.equal('credited');
    const before = (await desk.instance(old.cardId)) ?? expect.fail('no purse');
    const next = await lab.insert(1);
    const issuer = await lab.platforms.client('issuer');
    const replaced = { state: 'REPLACED', replacedBy: next.cardId };
    const state = `/v1/secure-elements/${old.cardId.value}/state`;
    await issuer.call({ method: 'POST', path: state, body: replaced });
    const operator = await lab.platforms.client(PROVIDER);
    const purse = async (): Promise<Renewal | undefined> => {
      const call = { method: 'GET', path: '/v1/renewals', response: Type.Array(Renewal), retries: 30 } as const;
      return (await operator.call(call)).find(({ instanceId }) => instanceId === before.instanceId);
    };
    for (const deadline = Date.now() + 30_000; (await purse()) === undefined; await delay(50))
      if (Date.now() > deadline) expect.fail('the provider was not told');
    await operator.call({ method: 'POST', path: `/v1/renewals/${before.instanceId}/agreement`, body: {} });
    await bring(next, async () => (await purse())?.state === 'done');
    const became = (wanted: string) => async () => (await purse())?.balance?.state === wanted;
    await bring(old, became('debited'), { ins: INS.DEBIT, when: 'after' });
    expect((await purse())?.balance).to.deep.equal({ state: 'debited', amount: 640 });
    await bring(next, became('credited'), { ins: INS.CREDIT, when: 'after' });
    const after = (await desk.instance(next.cardId)) ?? expect.fail('no purse');
    const paid = await desk.ledger(next, after.serial);
    expect(paid, JSON.stringify(paid)).to.include({ platform: 640, loads: 1, open: 0, equal: true });
    const left = await desk.ledger(old, before.serial);
    expect(left, JSON.stringify(left)).to.include({ platform: 0, purchases: 640, open: 0, equal: true });
  });
});

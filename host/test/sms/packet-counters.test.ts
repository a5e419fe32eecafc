// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { isOpen } from '../../bearer/sms/outbox.ts';
import { Secret } from '../../crypto/secret.ts';
import { PacketKeyList } from '../../kms/key-list.ts';
import { PacketKeyMaster } from '../../kms/packet-keys.ts';
import type { RestClient } from '../../rest/client.ts';
import { packetCounterRoutes } from '../../rest/routes/ota/packet-counters.ts';
import { PRIORITY, packetSecurity } from '../../service/ota/packet-rules.ts';
import { openDatabase } from '../../store/database.ts';
import { OTA_MIGRATIONS } from '../../store/ota/lease-table.ts';
import { PacketTable } from '../../store/ota/packet-table.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { PacketCounter } from '../../wire/message/packet-counter.ts';
import { encodeExpandedScript } from '../../wire/uicc/expanded-script.ts';
import { encodeSecurityParameters } from '../../wire/uicc/security-parameters-indicator.ts';
import { TestFolder } from '../kms/fixture.ts';
import { OTA } from '../ota/fixture.ts';
import { TestServer } from '../rest/fixture.ts';
import { CARD, MASTER, MSISDN, onError, packetService, ScriptedCard, SmsNode, SmsWorld, TAR } from './fixture.ts';

/** Where counters of packets stand: for cards that come from elsewhere, and for operators who raise them. */

const [KIND = '', VALUE = ''] = CARD.split(':');

describe('counters of packets', function () {
  this.timeout(60_000);
  let world: SmsWorld;

  before(async () => {
    world = await SmsWorld.start();
  });
  after(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  it('begin behind those of the platform that had the card before, at each node', async () => {
    const [counter, set] = [1_700_000_000_000 / 2, { card: CARD, keySet: 1 }];
    await using folder = await TestFolder.make();
    const file = join(folder.path, 'keys.json');
    using master = new PacketKeyMaster(new Secret(fromHex(MASTER, 16)));
    const [kic, kid] = (['KIc', 'KID'] as const).map((name) => toHex(master.derive(name, set).expose()));
    await writeFile(file, JSON.stringify([{ ...set, algorithm: 'aes', kic, kid, counter }]), { mode: 0o600 });
    const packets = packetService(await PacketKeyList.open(file));
    const url = await world.url('counters_of_before');
    await using one = await SmsNode.open(world, url, { packets });
    await using two = await SmsNode.open(world, url, { packets, name: 'two' });
    await one.subscriptions.put(CARD, { msisdn: MSISDN, terminalId: 'desk' }, world.now());
    await using card = new ScriptedCard(world, { counter });
    const order = {
      card: CARD,
      keySet: 1,
      tar: TAR,
      spi: encodeSecurityParameters(packetSecurity()),
      priority: PRIORITY.NORMAL,
      expiresAt: new Date(world.now().getTime() + 600_000),
      data: encodeExpandedScript({
        form: 'definite',
        items: [{ kind: 'command', apdu: { cla: 0x80, ins: 0xe2, p1: 0, p2: 0, data: Uint8Array.of(1) } }],
      }),
    };
    const ids = await Promise.all([one, two, one].map((node) => node.outbox.add(order)));
    for (const node of [one, two]) node.outbox.start();
    const ended = await Promise.all(ids.map((id) => one.outbox.until(id, (packet) => !isOpen(packet), 30_000)));
    expect(ended.map((packet) => packet?.state)).to.deep.equal(['answered', 'answered', 'answered']);
    const used = ended.map((packet) => packet?.counter ?? 0);
    expect(new Set(used).size).to.equal(3);
    expect(Math.min(...used)).to.equal(counter + 1);
    expect(card.ran).to.have.lengthOf(3);
  });

  describe('over REST', () => {
    let database: Kysely<unknown>;
    let server: TestServer;
    let client: RestClient;

    before(async () => {
      const url = await world.url('counters_by_rest');
      database = await openDatabase<unknown>({ url, migrations: OTA_MIGRATIONS, connections: 4, onError });
      server = await TestServer.start(OTA, (app) => packetCounterRoutes(app, new PacketTable(database, 'node')));
      client = await server.client({ role: 'operator', id: 'alice', platform: OTA });
      await sql`INSERT INTO packet_counters VALUES (${CARD}, 1, 7)`.execute(database);
    });
    after(async () => {
      await server?.[Symbol.asyncDispose]();
      await database?.destroy();
    });

    const put = (counter: number, path = `${KIND}/${VALUE}/1`): Promise<unknown> =>
      client
        .call({ method: 'PUT', path: `/v1/packet-counters/${path}`, body: { counter }, response: PacketCounter })
        .catch((error: { code: unknown; context: { status: unknown } }) => [error.code, error.context.status]);

    it('are raised by a step at most, and of cards that are known here alone', async () => {
      expect(await put(8, `${KIND}/8949000000000000009/1`)).to.deep.equal(['no-such-card', 404]);
      expect(await put(1_000_008)).to.deep.equal(['counter-step', 422]);
      expect(await put(6)).to.deep.equal(['counter-is-higher', 409]);
      expect(await put(1_000_007)).to.deep.equal({ keySet: 1, counter: 1_000_007 });
      // A set that nothing was sent under yet.
      expect(await put(1_000_001, `${KIND}/${VALUE}/2`)).to.deep.equal(['counter-step', 422]);
      expect(await put(3, `${KIND}/${VALUE}/2`)).to.deep.equal({ keySet: 2, counter: 3 });
    });

    it('are higher for the slower of two who raise them at once', async () => {
      const path = `${KIND}/${VALUE}/3`;
      await put(10, path);
      const slower = await database.transaction().execute(async (faster) => {
        await sql`UPDATE packet_counters SET counter = 30 WHERE card = ${CARD} AND key_set = 3`.execute(faster);
        const asked = put(20, path);
        // Its statement has begun, and so has read the counter of before.
        const waits = sql`SELECT FROM pg_stat_activity
          WHERE datname = current_database() AND pid IN (SELECT pid FROM pg_locks WHERE NOT granted)`;
        while ((await waits.execute(database)).rows.length === 0) await new Promise((done) => setTimeout(done, 2));
        return { asked };
      });
      expect(await slower.asked).to.deep.equal(['counter-is-higher', 409]);
    });
  });
});

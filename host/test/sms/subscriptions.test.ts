// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import type { Kysely } from 'kysely';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { UsageError } from '../../errors.ts';
import { quietHours } from '../../service/ota/quiet-hours.ts';
import { BellsByDatabase } from '../../store/bells.ts';
import { openDatabase } from '../../store/database.ts';
import { OTA_MIGRATIONS } from '../../store/ota/lease-table.ts';
import { OUTBOX_BELL } from '../../store/ota/packet-table.ts';
import { SubscriptionTable } from '../../store/ota/subscription-table.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { onError } from './fixture.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));

describe('numbers of cards', function () {
  this.timeout(90_000);
  let server: TestDatabase;
  let database: Kysely<unknown>;
  let table: SubscriptionTable;
  let url: string;

  before(async () => {
    server = await TestDatabase.start();
    url = await server.server.createDatabase('subscriptions');
    database = await openDatabase<unknown>({ url, migrations: OTA_MIGRATIONS, connections: 2, onError });
    table = new SubscriptionTable(database);
  });
  after(async () => {
    await database?.destroy();
    await server?.[Symbol.asyncDispose]();
  });

  it('are one of a card and one card of a number, with what was before', async () => {
    await table.put('iccid:1', { msisdn: '491700000001' }, at(0));
    await table.put('iccid:1', { msisdn: '491700000001' }, at(1));
    await table.put('iccid:1', { msisdn: '491700000002', device: '350000000000001' }, at(2));
    await table.put('iccid:2', { msisdn: '491700000002', terminalId: 'desk' }, at(3));
    expect(await table.ofCard('iccid:1')).to.equal(undefined);
    expect(await table.ofNumber('491700000001')).to.equal(undefined);
    expect(await table.ofNumber('491700000002')).to.include({ card: 'iccid:2', terminalId: 'desk' });
    await table.put('iccid:2', { msisdn: '491700000002', terminalId: 'other' }, at(3));
    expect(await table.ofNumber('491700000002')).to.include({ card: 'iccid:2', terminalId: 'other' });
    const history = (await table.history('iccid:1')).map(({ msisdn, device, since, until }) => [
      ...[msisdn, device, since.getUTCMinutes(), until?.getUTCMinutes()],
    ]);
    expect(history).to.deep.equal([
      ['491700000002', '350000000000001', 2, 3],
      ['491700000001', null, 0, 2],
    ]);
    expect([await table.end('iccid:2', at(4)), await table.end('iccid:2', at(5))]).to.deep.equal([true, false]);
  });

  it('wake what waits for an SMSC when they change: it may go by another one now', async () => {
    await using listener = await BellsByDatabase.listen({ url, onError });
    await using parts = new AsyncDisposableStack();
    const stop = new AbortController();
    parts.defer(() => stop.abort());
    // Longer than this test may take.
    const rung = () => listener.bells.heard(OUTBOX_BELL, 600_000, stop.signal);
    for (const change of [
      () => table.put('iccid:3', { msisdn: '491700000003' }, at(0)),
      () => table.put('iccid:3', { msisdn: '491700000003', group: 'meters' }, at(1)),
      () => table.end('iccid:3', at(2)),
    ]) {
      const heard = rung();
      await change();
      await heard;
    }
  });
});

describe('quiet hours', () => {
  it('end at their end, over midnight and in the zone that was named', () => {
    const night = quietHours({ from: '22:00', until: '06:30', timeZone: 'Europe/Berlin' });
    const times: readonly (readonly [string, string])[] = [
      ['2026-01-01T20:59:59.999Z', '2026-01-01T20:59:59.999Z'],
      ['2026-01-01T21:00:00.000Z', '2026-01-02T05:30:00.000Z'],
      ['2026-01-02T05:29:59.000Z', '2026-01-02T05:30:00.000Z'],
      ['2026-07-01T20:00:30.000Z', '2026-07-02T04:30:00.000Z'],
    ];
    for (const [now, on] of times) expect(night(new Date(now)).toISOString(), now).to.equal(on);
  });

  it('are never at their own end', () => {
    const minute = fc.integer({ min: 0, max: 1_439 });
    const text = (value: number) =>
      `${String(Math.floor(value / 60)).padStart(2, '0')}:${String(value % 60).padStart(2, '0')}`;
    fc.assert(
      fc.property(
        minute,
        minute,
        fc.date({ min: at(0), max: at(1_000_000), noInvalidDate: true }),
        (from, until, now) => {
          const hours = quietHours({ from: text(from), until: text(until) });
          const on = hours(now);
          expect(on.getTime()).to.be.at.least(now.getTime());
          expect(hours(on).getTime()).to.equal(on.getTime());
        },
      ),
      { numRuns: soakRuns(200) },
    );
  });

  it('are refused where they are none', () => {
    for (const wrong of [
      { from: '24:00', until: '06:00' },
      { from: '22:00', until: '06:00', timeZone: 'Mars' },
    ])
      expect(() => quietHours(wrong)).to.throw(UsageError);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { openFlowPlatform } from '../../daemon/flow-platform.ts';
import { openNode } from '../../daemon/node.ts';
import { UsageError } from '../../errors.ts';
import { ISSUER_MIGRATIONS, type IssuerTables } from '../../store/issuer/schema.ts';
import { ISSUER_FLOW_TABLES } from '../../store/retention.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { failure } from '../transport/framed-card.ts';

const logger = pino({ level: 'silent' });

describe('a node of a platform', function () {
  this.timeout(60_000);
  let server: TestDatabase;
  let url: string;
  before(async () => {
    server = await TestDatabase.start();
    url = await server.server.createDatabase('nodes');
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  const open = (nodeId: string, lockMs: number) => openNode({ url, nodeId, logger, onError: () => {}, lockMs });

  it('is refused under the name of another that lives, and has it once that one is gone', async () => {
    const first = await open('a', 0);
    const refused = await failure(open('a', 0));
    expect(refused).to.be.instanceOf(UsageError);
    expect(refused).to.include({ code: 'node-id-taken' });
    await using _other = await open('b', 0);
    const waits = open('a', 50_000);
    await first[Symbol.asyncDispose]();
    await (await waits)[Symbol.asyncDispose]();
  });

  it('goes on comparing after a pass that failed', async () => {
    const config = { database: { url }, listen: { port: 1 }, nodeId: 'c' };
    const context = { config, logger, metrics: new Registry() };
    await using platform = await openFlowPlatform<IssuerTables>(context, ISSUER_MIGRATIONS);
    let passes = 0;
    await new Promise<void>((resolve, reject) => {
      const reconcile = async () => {
        passes += 1;
        if (passes === 2) throw new RangeError('the database is away');
        if (passes === 3) resolve();
        return 0;
      };
      platform.work({ workflows: {}, flowTables: ISSUER_FLOW_TABLES, reconcile, reconcileMs: 20 }).catch(reject);
    });
    expect(passes).to.be.at.least(3);
  });
});

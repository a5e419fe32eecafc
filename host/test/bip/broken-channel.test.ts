// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import { encodeAdminBody } from '../../bearer/bip/admin-script.ts';
import { TransportError } from '../../errors.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { KEY, TestNode, testAgent, triggerOf } from './fixture.ts';

/**
 * The channel of a card ends after each range of bytes, in either direction: in the handshake, inside a record, between
 * script and result. A script runs once at most, and only one that ran may have an unknown outcome.
 */

const SCRIPTS = 2;
/** Both directions together carry some 2,500 bytes in a session of two scripts. */
const STEP = 139;
const LAST = 3_000;

interface Address {
  readonly host: string;
  readonly port: number;
}

/** A wire to the server that is cut after so many bytes, in and out, once; what still fits goes through. */
async function cutWire(to: Address, bytes: number): Promise<Address & Disposable> {
  const ends = new Set<Socket>();
  let left = bytes;
  let cut = false;
  const wire = createServer((near) => {
    const far = connect(to);
    const both = [near, far] as const;
    for (const [from, other] of [both, [far, near] as const]) {
      ends.add(from);
      from.on('error', () => {});
      from.on('close', () => other.destroy());
      from.on('data', (part: Buffer) => {
        if (cut || part.length <= left) {
          left -= part.length;
          other.write(part);
          return;
        }
        cut = true;
        other.write(part.subarray(0, left), () => other.destroy());
      });
    }
  });
  wire.listen(0, to.host);
  await once(wire, 'listening');
  const { port } = wire.address() as AddressInfo;
  const close = () => {
    for (const end of ends) end.destroy();
    wire.close();
  };
  return { host: to.host, port, [Symbol.dispose]: close };
}

describe('remote administration over a channel that breaks', function () {
  this.timeout(120_000);
  let database: TestDatabase;
  let node: TestNode;

  before(async () => {
    database = await TestDatabase.start();
    node = await TestNode.open(await database.server.createDatabase('broken'), { holdMs: 200 });
  });
  after(async () => {
    await node?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  /** How often each script ran, and how its exchange ended. */
  async function administer(fence: number, bytes: number) {
    const runs = Array.from({ length: SCRIPTS }, () => 0);
    const outcomes: string[] = [];
    const key = { ...KEY, fence };
    using wire = await cutWire(node.address, bytes);
    await using agent = testAgent([wire], {
      run: async ({ commands }) => {
        const script = Number.parseInt(commands[0]?.apdus[0]?.slice(6, 8) ?? '', 16);
        runs[script] = (runs[script] ?? 0) + 1;
        const responses = commands.map(() => ({ data: '', sw: '9000' }));
        return { responses, stopped: false, apdus: 1, bytesOut: 0, bytesIn: 0 };
      },
    });
    for (const script of runs.keys()) {
      const body = encodeAdminBody([{ label: 'GET DATA', apdus: [`80CA000${script}00`] }]);
      const request = { trigger: triggerOf(agent, fence), timeoutMs: 20_000 };
      const outcome = await node.administration.run(key, body, request).then(
        ({ status }) => status,
        (error: unknown) => (error instanceof TransportError ? error.code : String(error)),
      );
      outcomes.push(outcome);
      if (outcome !== 'ok') break;
    }
    await node.administration.end(key);
    return { runs, outcomes };
  }

  it('runs no script twice, and knows of each whether it ran', async () => {
    const seen = new Set<string>();
    for (let bytes = 0, fence = 1; bytes <= LAST; bytes += STEP, fence += 1) {
      const { runs, outcomes } = await administer(fence, bytes);
      for (const [script, outcome] of outcomes.entries()) {
        expect(outcome, `after ${bytes} bytes`).to.be.oneOf(['ok', 'outcome-unknown']);
        expect(runs[script], `script ${script} after ${bytes} bytes`).to.equal(1);
        seen.add(outcome);
      }
    }
    // The sweep is long enough to have met both.
    expect([...seen].sort()).to.deep.equal(['ok', 'outcome-unknown']);
  });
});

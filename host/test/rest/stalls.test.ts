// SPDX-License-Identifier: Apache-2.0
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { Type } from 'typebox';
import type { Peer } from '../../rest/identity.ts';
import { TestServer } from './fixture.ts';

const KMS: Peer = { role: 'kms', id: 'stalls' };
const CALLER: Peer = { role: 'provider', id: 'a' };
const Answer = Type.Object({ served: Type.Boolean() }, { additionalProperties: false });

/** Keeps this process from everything else, as making a key pair on a busy machine does. */
function stall(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

describe('a server whose process stood still', () => {
  it('serves what came meanwhile, instead of saying that there is too much to do', async () => {
    await using server = await TestServer.start(KMS, (app) => {
      const options = { config: { access: ['provider'] as const }, schema: { response: { 200: Answer } } };
      app.get('/v1/served', options, async () => ({ served: true }));
    });
    const client = await server.client(CALLER);
    const ask = () => client.call({ method: 'GET', path: '/v1/served', response: Answer });
    await ask();
    // Longer than the second between two looks at the event loop, and nothing in between: then there is no figure.
    for (let turn = 0; turn < 4; turn += 1) {
      stall(1_050);
      await setImmediate();
    }
    expect(await Promise.all([ask(), ask(), ask()])).to.deep.equal(Array(3).fill({ served: true }));
  });
});

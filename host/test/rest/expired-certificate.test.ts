// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { dirname } from 'node:path';
import { expect } from 'chai';
import { Type } from 'typebox';
import { openDevelopmentPki } from '../../local/development-pki.ts';
import { RestClient } from '../../rest/client.ts';
import type { Peer } from '../../rest/identity.ts';
import { TestServer, testPki } from './fixture.ts';

const KMS: Peer = { role: 'kms', id: 'expiry' };
/** Nobody else's: its certificate ends while the test runs. */
const BRIEF: Peer = { role: 'provider', id: 'brief' };
const VALID_MS = 6_000;
const Answer = Type.Object({ now: Type.Boolean() }, { additionalProperties: false });

describe('a certificate that ends while its connection lasts', () => {
  it('ends the connection and the request that waits on it, and opens no other', async () => {
    const authority = await testPki();
    const brief = await openDevelopmentPki(dirname(authority.authorityFile), VALID_MS);
    await using server = await TestServer.start(KMS, (app) => {
      const options = { config: { access: ['provider'] as const }, schema: { response: { 200: Answer } } };
      app.get('/v1/now', options, async () => ({ now: true }));
      // Answers nothing: only the end of the connection ends it.
      app.get('/v1/never', options, async (request) => {
        await once(request.raw.socket, 'close');
        return { now: false };
      });
    });
    const tls = await brief.identity(BRIEF);
    const client = new RestClient({ baseUrl: `https://127.0.0.1:${server.port}`, tls, expectedPeer: KMS });
    const ask = (path: string) => client.call({ method: 'GET', path, response: Answer });
    const code = (answer: Promise<unknown>) => answer.then(String, (error: { code: string }) => error.code);
    try {
      expect(await ask('/v1/now')).to.deep.equal({ now: true });
      expect(await code(ask('/v1/never'))).to.equal('connection-lost');
      expect(await code(ask('/v1/now'))).to.be.oneOf(['connection-lost', 'tls-refused', 'unreachable']);
    } finally {
      await client.close();
    }
  });
});

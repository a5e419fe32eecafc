// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { Peer } from '../../rest/identity.ts';
import { kmsRoutes } from '../../rest/routes/kms/routes.ts';
import { TestServer } from '../rest/fixture.ts';
import { LABEL, openPlatform, TestFolder } from './fixture.ts';

const SELF: Peer = { role: 'kms', id: 'provider-a' };
const OWNER: Peer = { role: 'provider', id: 'a' };
const CALLERS = 8;
/** Far more than are made while one small answer comes, and few enough to end when none comes. */
const MOST_EACH = 2_000;

describe('KMS under load', function () {
  this.timeout(120_000);

  for (const { name, act } of [
    {
      name: 'signatures',
      act: ({ kms }: Awaited<ReturnType<typeof openPlatform>>) =>
        kms.issueOffCardEntityCertificate({ label: LABEL, holderReference: '0C'.repeat(16) }),
    },
    {
      name: 'signatures of tokens',
      act: ({ kms }: Awaited<ReturnType<typeof openPlatform>>) =>
        kms.content.signToken({ label: 'token', command: { ins: 0xe4, p1: 0, p2: 0, data: '4F0101' } }),
    },
  ])
    it(`says that it lives while ${name} never stop`, async () => {
      await using folder = await TestFolder.make();
      const platform = await openPlatform(folder.path);
      await platform.kms.content.createKey({ label: 'token', use: 'token', algorithm: 'rsa-2048' });
      await using server = await TestServer.start(SELF, (app) => kmsRoutes(app, platform.kms, OWNER));
      const client = await server.client(OWNER);
      let answered = false;
      // Each begins the next signature the moment that one is done: one that was made at once would starve the server.
      const caller = async (): Promise<boolean> => {
        for (let made = 0; made < MOST_EACH; made += 1) {
          await act(platform);
          if (answered) return true;
        }
        return false;
      };
      const callers = Array.from({ length: CALLERS }, caller);
      await client.call({ method: 'GET', path: '/health/live' });
      answered = true;
      expect(await Promise.all(callers), 'all were still signing').to.deep.equal(Array(CALLERS).fill(true));
      platform.kms.close();
    });
});

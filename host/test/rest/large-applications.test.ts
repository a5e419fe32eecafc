// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { applicationRequestRoutes } from '../../rest/routes/issuer/products.ts';
import type { ApplicationRequests } from '../../service/issuer/application-requests.ts';
import { type ApplicationRequest, ApplicationRequestState } from '../../wire/message/platform.ts';
import { TestServer } from './fixture.ts';

/** As many and as large load files as the message allows. */
describe('requests for applications', () => {
  it('come with nine load files of 64 KiB', async () => {
    const got: ApplicationRequest[] = [];
    const requests = {
      request: async (requestId: string, _caller: string, request: ApplicationRequest) => {
        got.push(request);
        return { requestId, state: 'running', steps: [] };
      },
    } as unknown as ApplicationRequests;
    await using server = await TestServer.start({ role: 'issuer', id: 'main' }, (app) =>
      applicationRequestRoutes(app, requests),
    );
    const client = await server.client({ role: 'provider', id: 'a' });
    const loadFile = 'AB'.repeat(65_536);
    const libraries = Array.from({ length: 8 }, (_, at) => ({
      loadFileAid: `F00102030${at}00`.slice(0, 10),
      loadFile,
    }));
    const body: ApplicationRequest = {
      cardId: { kind: 'iccid', value: '89860000000000000561' },
      productId: 'transit',
      ssdAid: 'F001020304',
      loadFileAid: 'F001020305',
      loadFile,
      moduleAid: 'F001020306',
      instanceAid: 'F001020307',
      libraries,
      parameters: '',
      relayId: 'relay-of-a',
    };
    const call = { method: 'POST', path: '/v1/application-requests', idempotencyKey: 'key-of-this-one', body } as const;
    expect((await client.call({ ...call, response: ApplicationRequestState })).state).to.equal('running');
    expect(got[0]?.libraries).to.have.length(8);
  });
});

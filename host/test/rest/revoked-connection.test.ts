// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect } from 'chai';
import { Type } from 'typebox';
import { LiveTls } from '../../daemon/live-tls.ts';
import { RestClient } from '../../rest/client.ts';
import type { Peer } from '../../rest/identity.ts';
import { failure } from '../transport/framed-card.ts';
import { TestServer, testPki } from './fixture.ts';

const SERVER: Peer = { role: 'ota', id: 'revoked' };
const PEER: Peer = { role: 'terminal', id: 'revoked' };
const Answer = Type.Object({ now: Type.Boolean() }, { additionalProperties: false });

const fingerprintOf = (certificate: string): string => new X509Certificate(certificate).fingerprint256;

describe('a certificate that comes onto the list while its connection lasts', () => {
  it('ends a link that was upgraded, as those of terminals are, and an idle connection', async () => {
    const pki = await testPki();
    const revoked = new Set<string>();
    await using server = await TestServer.start(
      SERVER,
      (app) => {
        app.server.on('upgrade', (_request, socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
      },
      { tls: { ...(await pki.identity(SERVER)), revoked } },
    );
    const { key, certificate: cert, authority: ca } = await pki.identity(PEER);
    const [link, idle] = [0, 0].map(() => connect({ host: '127.0.0.1', port: server.port, key, cert, ca }));
    if (link === undefined || idle === undefined) throw new TypeError('two connections');
    await Promise.all([once(link, 'secureConnect'), once(idle, 'secureConnect')]);
    link.write('GET /link HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
    expect(String((await once(link, 'data'))[0])).to.match(/^HTTP\/1\.1 101 /);
    const ended = Promise.all([once(link, 'close'), once(idle, 'close')]);
    revoked.add(fingerprintOf(cert).replaceAll(':', ''));
    await ended;
  });

  it("is asked no more by a client that has a server's on it, nor over the connection that is open", async () => {
    const pki = await testPki();
    await using server = await TestServer.start(SERVER, (app) => {
      const options = { config: { access: ['terminal'] as const }, schema: { response: { 200: Answer } } };
      app.get('/v1/now', options, async () => ({ now: true }));
    });
    const folder = await mkdtemp(join(tmpdir(), 'opentsm-revoked-'));
    const file = join(folder, 'revoked.txt');
    await writeFile(file, '');
    const tls = await LiveTls.open({ ...(await pki.issue(PEER)), revoked: file });
    const client = new RestClient({ baseUrl: `https://127.0.0.1:${server.port}`, tls, expectedPeer: SERVER });
    const ask = () => client.call({ method: 'GET', path: '/v1/now', response: Answer });
    try {
      expect(await ask()).to.deep.equal({ now: true });
      await writeFile(file, `${fingerprintOf((await pki.identity(SERVER)).certificate)} # lost\n`);
      await tls.reload();
      expect(await failure(ask())).to.deep.include({ code: 'peer-unreachable', context: { cause: 'CERT_REVOKED' } });
      await writeFile(file, '');
      await tls.reload();
      expect(await ask()).to.deep.equal({ now: true });
    } finally {
      await client.close();
      await rm(folder, { recursive: true });
    }
  });
});

// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect } from 'node:tls';
import { expect } from 'chai';
import { Type } from 'typebox';
import { daemonFields } from '../../daemon/config.ts';
import { defineDaemon, type RunningDaemon, startDaemon } from '../../daemon/daemon.ts';
import { initialiseKms, kmsDaemon } from '../../daemon/kms.ts';
import { LiveTls } from '../../daemon/live-tls.ts';
import { UsageError } from '../../errors.ts';
import { openDevelopmentPki } from '../../local/development-pki.ts';
import { RestClient } from '../../rest/client.ts';
import type { Peer } from '../../rest/identity.ts';
import { testPki } from '../rest/fixture.ts';
import { failure } from '../transport/framed-card.ts';

const SELF: Peer = { role: 'kms', id: 'reload' };
const OWNER: Peer = { role: 'provider', id: 'reload' };

describe('certificates of a daemon', function () {
  this.timeout(60_000);
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-tls-'));
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('are refused when the authority is empty, no authority, or key and certificate do not fit', async () => {
    const files = await (await testPki()).issue(SELF);
    const other = await (await testPki()).issue(OWNER);
    const empty = join(folder, 'empty.pem');
    await writeFile(empty, '');
    for (const [wrong, field] of [
      [{ ...files, authority: empty }, '/tls/authority'],
      [{ ...files, authority: files.certificate }, '/tls/authority'],
      [{ ...files, key: other.key }, '/tls/key'],
      [{ ...files, certificate: empty }, '/tls/certificate'],
    ] as const) {
      expect((await failure(LiveTls.open(wrong))).message).to.match(new RegExp(`^${field}:`));
    }
  });

  it('are read again on SIGHUP by a daemon that a user started, who sees the new one', async () => {
    const made = await (await testPki()).issue(SELF);
    const files = {
      key: join(folder, 'live.key.pem'),
      certificate: join(folder, 'live.pem'),
      authority: made.authority,
    };
    const use = async (from: typeof made) => {
      await copyFile(from.key, files.key);
      await copyFile(from.certificate, files.certificate);
    };
    await use(made);
    const config = join(folder, 'kms-hup.json');
    await writeFile(
      config,
      JSON.stringify({
        listen: { host: '127.0.0.1', port: 0 },
        tls: files,
        owner: OWNER,
        keyFolder: 'keys-hup',
        log: { level: 'silent' },
        certificateAuthority: { holderReference: 'CA'.repeat(16), keySizeBits: 1024 },
      }),
    );
    const cli = new URL('../../cli/tsm.mjs', import.meta.url).pathname;
    const init = spawn(process.execPath, [cli, 'kms', 'init', '--config', config], { stdio: 'ignore' });
    expect((await once(init, 'exit'))[0]).to.equal(0);
    const daemon = spawn(process.execPath, [cli, 'kms', '--config', config], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: daemon.stdout }), 'line')) as [string];
    const { port } = JSON.parse(line) as { port: number };
    const { key, certificate: cert, authority: ca } = await (await testPki()).identity(OWNER);
    const serial = async (): Promise<string> => {
      const socket = connect({ host: '127.0.0.1', port, key, cert, ca });
      await once(socket, 'secureConnect');
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber;
    };
    const before = await serial();
    // Another key and certificate of the same name, as a new one before the old one's natural end.
    const fresh = join(folder, 'fresh');
    await cp(dirname(made.authority), fresh, { recursive: true });
    await rm(join(fresh, basename(made.certificate)));
    const renewed = await (await openDevelopmentPki(fresh)).issue(SELF);
    await use(renewed);
    daemon.kill('SIGHUP');
    const deadline = performance.now() + 20_000;
    while ((await serial()) === before) expect(performance.now()).to.be.lessThan(deadline);
    expect(await serial()).to.equal(new X509Certificate(await readFile(renewed.certificate)).serialNumber);
    daemon.kill('SIGTERM');
    expect((await once(daemon, 'exit'))[0]).to.equal(0);
  });

  it('are read again although those of another listener are not, which the log tells apart', async () => {
    const files = await (await testPki()).issue(SELF);
    const [revoked, log] = [join(folder, 'none-yet.txt'), join(folder, 'listener.log')];
    await writeFile(revoked, '# none yet\n');
    const config = join(folder, 'listener.json');
    const listen = { host: '127.0.0.1', port: 0 };
    await writeFile(config, JSON.stringify({ listen, tls: { ...files, revoked }, log: { level: 'error', file: log } }));
    const daemon = await startDaemon(
      defineDaemon({
        name: 'kms',
        config: Type.Object(daemonFields, { additionalProperties: false }),
        start: async () => ({
          routes: () => {},
          reload: async () => {
            throw new UsageError('config-field', '/tsms/tls/certificate: holds no certificate');
          },
        }),
      }),
      config,
    );
    try {
      expect((await failure(daemon.reload())).message).to.match(/^\/tsms\/tls/);
      const lines = await readFile(log, 'utf8');
      expect(lines).to.match(/\/tsms\/tls.*"certificates are read again, but not those of its other listeners/);
      expect(lines).not.to.include('certificates are not read again');
    } finally {
      await daemon.stop();
    }
  });

  it('are read again without a restart, and a revoked peer loses the connection that it has', async () => {
    const pki = await testPki();
    const files = await pki.issue(SELF);
    const revoked = join(folder, 'revoked.txt');
    await writeFile(revoked, '# none yet\n');
    const config = join(folder, 'kms.json');
    await writeFile(
      config,
      JSON.stringify({
        listen: { host: '127.0.0.1', port: 0 },
        tls: { ...files, revoked },
        owner: OWNER,
        keyFolder: 'keys',
        log: { level: 'error', file: 'kms.log' },
        certificateAuthority: { holderReference: 'CA'.repeat(16), keySizeBits: 1024 },
      }),
    );
    const log = join(folder, 'kms.log');
    await initialiseKms(config);
    const daemon: RunningDaemon = await startDaemon(kmsDaemon, config);
    const tls = await pki.identity(OWNER);
    const client = new RestClient({ baseUrl: `https://127.0.0.1:${daemon.port}`, tls, expectedPeer: SELF });
    try {
      const live = { method: 'GET', path: '/v1/certificate-authority' } as const;
      await client.call(live);
      await daemon.reload();
      await client.call(live);
      await copyFile(revoked, join(folder, 'kept.txt'));
      await writeFile(revoked, 'not hex\n');
      expect((await failure(daemon.reload())).message).to.match(/^\/tls\/revoked:/);
      expect(await readFile(log, 'utf8')).to.match(/\/tls\/revoked:.*"certificates are not read again/);
      await client.call(live);
      await writeFile(revoked, `${new X509Certificate(tls.certificate).fingerprint256} # lost\n`);
      await daemon.reload();
      // The sweep ends the open connection; new ones end at once. Until then a call may still pass.
      const deadline = performance.now() + 10_000;
      let refused = false;
      while (!refused && performance.now() < deadline) {
        refused = await client.call(live).then(
          () => false,
          () => true,
        );
      }
      expect(refused).to.equal(true);
      expect(await failure(client.call(live))).to.be.instanceOf(Error);
    } finally {
      await client.close();
      await daemon.stop();
    }
  });
});

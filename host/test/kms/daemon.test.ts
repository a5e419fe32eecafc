// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { Type } from 'typebox';
import { startDaemon } from '../../daemon/daemon.ts';
import { initialiseKms, kmsDaemon } from '../../daemon/kms.ts';
import { PeerError, UsageError } from '../../errors.ts';
import { RestClient } from '../../rest/client.ts';
import { administrationKeyClient } from '../../rest/clients/administration-keys.ts';
import { kmsClient } from '../../rest/clients/kms.ts';
import type { Peer } from '../../rest/identity.ts';
import { ENDED_FLOWS_HEADER } from '../../rest/incarnation.ts';
import { toHex } from '../../wire/hex.ts';
import { ManagedKey } from '../../wire/message/managed-keys.ts';
import { testPki } from '../rest/fixture.ts';
import { failure } from '../transport/framed-card.ts';
import { TestFolder } from './fixture.ts';

const SELF: Peer = { role: 'kms', id: 'provider-a' };
const OWNER: Peer = { role: 'provider', id: 'a' };

async function writeConfig(folder: string, more: object = {}): Promise<string> {
  const file = join(folder, 'kms.json');
  const config = {
    listen: { host: '127.0.0.1', port: 0 },
    tls: await (await testPki()).issue(SELF),
    log: { file: 'kms.log', level: 'trace' },
    owner: OWNER,
    keyFolder: 'keys',
    certificateAuthority: { holderReference: 'CA'.repeat(16), keySizeBits: 1024 },
    ...more,
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}

/** The config of a KMS whose keys are made. */
async function newKms(folder: string): Promise<string> {
  const file = await writeConfig(folder);
  await initialiseKms(file);
  return file;
}

/** A running KMS with clients for it. */
async function withKms(
  test: (clientOf: (peer: Peer) => Promise<RestClient>, folder: string) => Promise<void>,
): Promise<void> {
  await using folder = await TestFolder.make();
  const daemon = await startDaemon(kmsDaemon, await newKms(folder.path));
  const clients: RestClient[] = [];
  try {
    await test(async (peer) => {
      const tls = await (await testPki()).identity(peer);
      const client = new RestClient({ baseUrl: `https://127.0.0.1:${daemon.port}`, tls, expectedPeer: SELF });
      clients.push(client);
      return client;
    }, folder.path);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await daemon.stop();
  }
}

describe('KMS daemon', function () {
  this.timeout(30_000);

  it('serves its owner, and is the same after a restart', async () => {
    await using folder = await TestFolder.make();
    const config = await newKms(folder.path);
    const tls = await (await testPki()).identity(OWNER);
    const authorities = [];
    for (const _ of [1, 2]) {
      const daemon = await startDaemon(kmsDaemon, config);
      await using client = new RestClient({ baseUrl: `https://127.0.0.1:${daemon.port}`, tls, expectedPeer: SELF });
      const kms = kmsClient(client, 'node-1');
      const pair = await kms.createKeyPair({ label: 'oce', purpose: 'off-card-entity', keySizeBits: 1024 });
      const issued = await kms.issueOffCardEntityCertificate({ label: 'oce', holderReference: '0C'.repeat(16) });
      const opened = await kms.openSecureChannel({
        protocol: 'scp10',
        options: '02',
        securityLevel: '33',
        offCardEntityLabel: 'oce',
        certificates: [issued.certificate],
        securityDomainKey: pair.publicKey,
      });
      expect(opened.commands.at(-1)?.label).to.equal('GET CHALLENGE');
      await kms.closeSecureChannel(opened.channelId);
      expect((await kms.createAttestationChallenge()).nonce).to.match(/^[0-9A-F]{32}$/);
      authorities.push(await kms.certificateAuthority(), issued);
      await daemon.stop();
    }
    expect(authorities.slice(2)).to.deep.equal(authorities.slice(0, 2));
  });

  it('says whose its keys must be where it cannot look at them', async () => {
    await using folder = await TestFolder.make();
    const config = await writeConfig(folder.path);
    // As a folder of another user, for whoever runs this: nothing can be looked at below a file.
    await writeFile(join(folder.path, 'keys'), '');
    const error = await failure(startDaemon(kmsDaemon, config));
    expect(error).to.be.instanceOf(UsageError).and.include({ code: 'kms-unreadable' });
    expect(error.message).to.match(/ENOTDIR.*the user that the KMS runs as/);
  });

  it('makes no CA by itself: a key folder that is missing or mistyped is refused', async () => {
    await using folder = await TestFolder.make();
    const config = await writeConfig(folder.path);
    expect(await failure(startDaemon(kmsDaemon, config)))
      .to.be.instanceOf(UsageError)
      .and.include({ code: 'kms-not-initialised' });
    expect(await initialiseKms(config)).to.equal(true);
    const authority = await readFile(join(folder.path, 'keys/certificate-authority.pem'), 'utf8');
    expect(await initialiseKms(config), 'a second time touches nothing').to.equal(false);
    expect(await readFile(join(folder.path, 'keys/certificate-authority.pem'), 'utf8')).to.equal(authority);
    await rm(join(folder.path, 'keys/sealing.key'));
    expect(await failure(startDaemon(kmsDaemon, config)), 'nor another sealing key').to.include({
      code: 'kms-not-initialised',
    });
    expect(await readdir(join(folder.path, 'keys'))).to.not.include('sealing.key');
  });

  it('gives the keys that agents came with, where it has a master key for all others', async () => {
    await using folder = await TestFolder.make();
    await newKms(folder.path);
    const write = (name: string, text: string) => writeFile(join(folder.path, name), text, { mode: 0o600 });
    const psk = 'A5'.repeat(24);
    await write('psks.json', JSON.stringify([{ identity: 'theirs', psk }]));
    await write('master.key', '0123456789ABCDEF'.repeat(4));
    const lists = { administrationKeyListFile: 'psks.json' };
    expect(await failure(startDaemon(kmsDaemon, await writeConfig(folder.path, lists)))).to.include({
      code: 'config-field',
    });
    const config = await writeConfig(folder.path, { ...lists, administrationKeyFile: 'master.key' });
    const daemon = await startDaemon(kmsDaemon, config);
    const tls = await (await testPki()).identity(OWNER);
    await using client = new RestClient({ baseUrl: `https://127.0.0.1:${daemon.port}`, tls, expectedPeer: SELF });
    const keyOf = administrationKeyClient(client);
    expect(toHex(await keyOf('theirs'))).to.equal(psk);
    expect(await keyOf('desk')).to.have.lengthOf(16);
    expect(await keyOf('a card of its maker')).to.have.lengthOf(16);
    expect(await readdir(folder.path)).to.include.members(['psks.json.sealed', 'master.key.sealed']);
    expect(await readFile(join(folder.path, 'kms.log'), 'utf8')).not.to.contain(psk);
    await daemon.stop();
  });

  it('frees what a flow, and what an earlier life of a node holds', async () => {
    await withKms(async (clientOf) => {
      const rest = await clientOf(OWNER);
      const [first, second] = [kmsClient(rest, 'node-1'), kmsClient(rest, 'node-1')];
      const other = kmsClient(rest, 'node-2');
      const pair = await first.createKeyPair({ label: 'oce', purpose: 'off-card-entity', keySizeBits: 1024 });
      const issued = await first.issueOffCardEntityCertificate({ label: 'oce', holderReference: '0C'.repeat(16) });
      const open = async (kms: typeof first, flow: string) => {
        const opened = await kms.openSecureChannel({
          protocol: 'scp10',
          options: '02',
          securityLevel: '33',
          offCardEntityLabel: 'oce',
          flow,
          challenges: 2,
          certificates: [issued.certificate],
          securityDomainKey: pair.publicKey,
        });
        expect(new Set(opened.challenges?.map(({ nonce }) => nonce))).to.have.property('size', 2);
        return opened.channelId;
      };
      // A channel that was not answered yet refuses to wrap; one that is gone is unknown.
      const state = async (kms: typeof first, id: string) => (await failure(kms.unwrap(id, { responses: [] }))).code;
      const ended = await open(first, 'flow-0001');
      const kept = await open(first, 'flow-0002');
      const neighbours = await open(other, 'flow-0003');
      await first.endFlow('flow-0001');
      expect([await state(first, ended), await state(first, kept)]).to.deep.equal(['channel-unknown', 'channel-state']);
      await second.certificateAuthority();
      expect([await state(second, kept), await state(other, neighbours)]).to.deep.equal([
        'channel-unknown',
        'channel-state',
      ]);
      expect((await failure(first.certificateAuthority())).code).to.equal('incarnation-over');
      const malformed = await failure(
        rest.call({ method: 'GET', path: '/v1/certificate-authority', headers: { [ENDED_FLOWS_HEADER]: 'a,,b' } }),
      );
      expect(malformed.code).to.equal('invalid-request');
    });
  });

  it('answers nobody but its owner, and its operators on the routes of keys', async () => {
    await withKms(async (clientOf) => {
      const owner = await clientOf(OWNER);
      const Operation = Type.Object({ 'x-access': Type.Optional(Type.Array(Type.String())) });
      const api = await owner.call({
        method: 'GET',
        path: '/openapi.json',
        response: Type.Object({ paths: Type.Record(Type.String(), Type.Record(Type.String(), Operation)) }),
      });
      const routes = Object.entries(api.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, { 'x-access': access }]) => ({ path, method, access })),
      );
      const own = routes.filter(({ path }) => path.startsWith('/v1/'));
      expect(own).to.have.length(39);
      const others: Peer[] = [
        { role: 'provider', id: 'b' },
        { role: 'issuer', id: 'a' },
        { role: 'ota', id: 'main' },
        { role: 'terminal', id: 'a' },
        { role: 'operator', id: 'a', platform: SELF },
        { role: 'operator', id: 'a', platform: OWNER },
        SELF,
        OWNER,
      ];
      for (const peer of others) {
        const client = await clientOf(peer);
        const refused = own.filter(({ access = [] }) => {
          if (peer === OWNER) return !access.includes('provider:a');
          return !(peer.platform === SELF && access.includes('operator'));
        });
        for (const { path, method } of refused) {
          const verb = method.toUpperCase() as 'GET' | 'POST' | 'DELETE';
          const call = client.call({
            method: verb,
            path: path.replace(/\{\w+\}/, 'A'.repeat(32)),
            ...(verb === 'POST' ? { body: {} } : {}),
          });
          expect(await failure(call), `${peer.role} ${path}`)
            .to.be.instanceOf(PeerError)
            .and.include({ code: 'access-denied' });
        }
      }
    });
  });

  it('keeps a record that its command verifies, and finds changed, taken out and cut', async function () {
    this.timeout(60_000);
    await using folder = await TestFolder.make();
    const config = await newKms(folder.path);
    const daemon = await startDaemon(kmsDaemon, config);
    const operator = { role: 'operator', id: 'alice', platform: SELF } as const;
    const tls = await (await testPki()).identity(operator);
    await using client = new RestClient({ baseUrl: `https://127.0.0.1:${daemon.port}`, tls, expectedPeer: SELF });
    const key = { owner: 'o', algorithm: 'aes', lengthBits: 128, keyUsage: 'D0', modeOfUse: 'B', exportability: 'N' };
    for (const label of ['one', 'two']) {
      await client.call({ method: 'POST', path: '/v1/managed-keys', body: { ...key, label }, response: ManagedKey });
    }
    await daemon.stop();
    const cli = new URL('../../cli/tsm.mjs', import.meta.url).pathname;
    const verify = (...args: string[]) => {
      const words = [cli, 'kms', '--config', config, 'audit', 'verify', ...args];
      const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
      return { status, text: stdout + stderr };
    };
    const { status, text } = verify();
    expect(status, text).to.equal(0);
    expect(text).to.match(/^4:[0-9A-F]{64}\n$/);
    const file = join(folder.path, 'keys/audit.jsonl');
    const lines = (await readFile(file, 'utf8')).split('\n');
    for (const [changed, code] of [
      [lines.map((line) => line.replace('"two"', '"three"')), 'audit-broken'],
      [lines.toSpliced(1, 1), 'audit-broken'],
      [lines.toSpliced(3, 1), 'audit-cut'],
    ] as const) {
      await writeFile(file, changed.join('\n'));
      const found = verify('--head', text.trim());
      expect(found.status).to.equal(2);
      expect(found.text).to.contain(code);
    }
  });

  it('refuses bodies that do not follow their schema, and unknown channels', async () => {
    await withKms(async (clientOf) => {
      const owner = await clientOf(OWNER);
      const post = (path: string, body: unknown) => failure(owner.call({ method: 'POST', path, body }));
      const pair = { label: 'oce', purpose: 'off-card-entity', keySizeBits: 1024 };
      for (const body of [
        {},
        { ...pair, extra: 1 },
        { ...pair, keySizeBits: '1024' },
        { ...pair, keySizeBits: 512 },
        { ...pair, label: '../etc\n' },
        [],
        'text',
        null,
      ]) {
        expect(await post('/v1/key-pairs', body), JSON.stringify(body))
          .to.be.instanceOf(PeerError)
          .and.have.nested.property('context.status', 400);
      }
      const channel = `/v1/secure-channels/${'A'.repeat(32)}`;
      expect(await post(`${channel}/wrap`, { commands: [] })).to.have.nested.property('context.status', 400);
      expect(await post(`${channel}/unwrap`, { responses: [] })).to.have.nested.property('context.status', 404);
      expect(await post(`${channel}/unwrap`, { responses: [{ data: 'zz', sw: '9000' }] })).to.have.nested.property(
        'context.status',
        400,
      );
      expect(await post('/v1/secure-channels/..%2F/unwrap', { responses: [] })).to.have.nested.property(
        'context.status',
        400,
      );
      const large = { responses: Array.from({ length: 64 }, () => ({ data: 'AA'.repeat(4097), sw: '9000' })) };
      expect(await post(`${channel}/unwrap`, large)).to.be.instanceOf(PeerError);
    });
  });

  it('logs each act and no key', async () => {
    await withKms(async (clientOf, folder) => {
      const kms = kmsClient(await clientOf(OWNER), 'node-1');
      const pair = await kms.createKeyPair({ label: 'oce', purpose: 'off-card-entity', keySizeBits: 1024 });
      await kms.issueOffCardEntityCertificate({ label: 'oce', holderReference: '0C'.repeat(16) });
      const log = await readFile(join(folder, 'kms.log'), 'utf8');
      const acts = log.split('\n').flatMap((line) => (line.includes('"audit"') ? [JSON.parse(line).audit] : []));
      expect(acts.map(({ phase, act }) => `${phase} ${act}`)).to.deep.equal([
        'before create key pair',
        'after create key pair',
        'before issue CERT.OCE.AUT',
        'after issue CERT.OCE.AUT',
      ]);
      const sealing = (await readFile(join(folder, 'keys', 'sealing.key'), 'utf8')).trim();
      for (const secret of [sealing, 'PRIVATE', pair.publicKey.modulus])
        expect(log.toUpperCase()).to.not.include(secret);
      for (const name of await readdir(join(folder, 'keys'))) {
        if (name !== 'sealing.key')
          expect(await readFile(join(folder, 'keys', name), 'utf8')).to.not.match(/PRIVATE KEY/);
      }
    });
  });

  it('says which field of its config is wrong', async () => {
    await using folder = await TestFolder.make();
    for (const [more, field] of [
      [{ owner: { role: 'terminal', id: 'main' } }, '/owner/role'],
      [{ certificateAuthority: { holderReference: '00' } }, '/certificateAuthority/holderReference'],
      [{ keyFolder: undefined }, '/keyFolder'],
      [{ cardMakers: [{}] }, '/cardMakers/0/holderReference'],
      [{ secureChannels: { maxOpen: 0 } }, '/secureChannels/maxOpen'],
      [{ sealingKey: '00' }, '/sealingKey'],
    ] as const) {
      const refusal = await failure(startDaemon(kmsDaemon, await writeConfig(folder.path, more)));
      expect(refusal).to.be.instanceOf(UsageError);
      expect(refusal.message).to.include(field);
    }
  });
});

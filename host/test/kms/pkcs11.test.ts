// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import pkcs11 from 'pkcs11js';
import { rsaVerify } from '../../crypto/rsa.ts';
import { startDaemon } from '../../daemon/daemon.ts';
import { initialiseKms, kmsDaemon } from '../../daemon/kms.ts';
import { KeyError, TransportError, UsageError } from '../../errors.ts';
import { Pkcs11KeyProvider } from '../../kms/pkcs11/provider.ts';
import { RestClient } from '../../rest/client.ts';
import { kmsClient } from '../../rest/clients/kms.ts';
import type { Peer } from '../../rest/identity.ts';
import { fromRsaPublicKey } from '../../wire/gp/public-key.ts';
import { testPki } from '../rest/fixture.ts';
import { failure } from '../transport/framed-card.ts';
import { TestFolder } from './fixture.ts';
import { PIN, pkcs11Options, SOFTHSM, sharedSoftHsm } from './providers.ts';

const run = promisify(execFile);
const PAIR = { label: 'oce', purpose: 'off-card-entity', keySizeBits: 1024 } as const;
const SELF: Peer = { role: 'kms', id: 'provider-a' };
const OWNER: Peer = { role: 'provider', id: 'a' };
const DATA = Uint8Array.of(1, 2, 3);

/** As another user of the module in this process may do. */
function loseSessions(): void {
  const module = new pkcs11.PKCS11();
  module.load(SOFTHSM);
  for (const slot of module.C_GetSlotList(true)) module.C_CloseAllSessions(slot);
  module.close();
}

const isThere = existsSync(SOFTHSM);
// One skip, which setup/clients/prepare.mjs counts.
if (!isThere)
  it('keys in a PKCS#11 token need SoftHSM', function () {
    this.skip();
  });

(isThere ? describe : () => {})('keys in a PKCS#11 token', function (this: Mocha.Suite) {
  this.timeout(60_000);
  let tokens = '';
  let folder: TestFolder;

  before(async () => {
    tokens = (await sharedSoftHsm()).tokens;
  });
  beforeEach(async () => {
    folder = await TestFolder.make();
  });
  afterEach(() => folder[Symbol.asyncDispose]());

  const open = async (more: object = {}) => Pkcs11KeyProvider.open(await pkcs11Options(folder.path, more));
  async function signs(keys: Pkcs11KeyProvider): Promise<boolean> {
    const info = await keys.createKeyPair(PAIR);
    const signature = await (await keys.signer(PAIR.label, PAIR.purpose)).signSha1(DATA);
    return rsaVerify(fromRsaPublicKey(info.publicKey), 'sha1', DATA, signature);
  }

  it('do not keep a process alive that has nothing else to do', async () => {
    const provider = new URL('../../kms/pkcs11/provider.ts', import.meta.url).href;
    const script = `const { Pkcs11KeyProvider } = await import('${provider}');
      const keys = await Pkcs11KeyProvider.open(${JSON.stringify(await pkcs11Options(folder.path))});
      await keys.createKeyPair(${JSON.stringify(PAIR)}); console.log('works');`;
    const file = join(folder.path, 'user.mjs');
    await writeFile(file, script);
    // Rejects when it has to be killed.
    const { stdout } = await run(process.execPath, [file], { timeout: 30_000 });
    expect(stdout).to.equal('works\n');
  });

  it('come back when the token was away, and nothing is ready meanwhile', async () => {
    const keys = await open();
    expect(await signs(keys)).to.equal(true);
    await rename(tokens, `${tokens}.away`);
    try {
      for (const work of [() => keys.ready(), () => signs(keys), () => keys.vault.sealer.seal(DATA, DATA)])
        expect(await failure(work()))
          .to.be.instanceOf(TransportError)
          .and.include({ code: 'token-away' });
    } finally {
      await rename(`${tokens}.away`, tokens);
    }
    await keys.ready();
    expect(await signs(keys)).to.equal(true);
    keys.close();
  });

  it('go on in new sessions when theirs are lost, many signatures at once', async () => {
    const keys = await open();
    const other = await open();
    expect(await signs(keys)).to.equal(true);
    for (const provider of [keys, other]) {
      loseSessions();
      const many = Array.from({ length: 20 }, () => signs(provider));
      expect(new Set(await Promise.all(many))).to.deep.equal(new Set([true]));
    }
    for (const provider of [keys, other]) provider.close();
  });

  it('are not asked for with a PIN that was refused, whoever starts again', async () => {
    const pinFile = join(folder.path, 'pin');
    const options = { tokenLabel: 'other', pinFile };
    await writeFile(pinFile, '000000\n', { mode: 0o600 });
    // A module that is not there would be missed by whoever goes as far as the token.
    for (const more of [{}, { library: '/nowhere.so' }])
      expect(await failure(open({ ...options, ...more })))
        .to.be.instanceOf(KeyError)
        .and.include({ code: 'token-pin' });
    await writeFile(pinFile, `${PIN}\n`);
    // Written after the refusal, whatever the resolution of the file system's clock.
    const { mtimeMs } = await stat(join(folder.path, 'pin-refused'));
    await utimes(pinFile, new Date(), new Date(mtimeMs + 1_000));
    const keys = await open(options);
    expect(await signs(keys)).to.equal(true);
    keys.close();
  });

  it('say what is wrong with library, token and PIN', async () => {
    for (const [more, type, code] of [
      [{ library: '/nowhere.so' }, UsageError, 'token-module'],
      [{ tokenLabel: 'another' }, TransportError, 'token-away'],
      [{ create: false, keyLabel: 'none' }, KeyError, 'key-unreadable'],
      [{ pinFile: undefined }, UsageError, 'token-pin-source'],
      [{ pinFile: undefined, pinVariable: 'OPENTSM_NO_SUCH_PIN' }, UsageError, 'token-pin-source'],
    ] as const)
      expect(await failure(open(more)), code)
        .to.be.instanceOf(type)
        .and.include({ code });
  });

  it('serve a KMS, which is not ready while the token is away and makes no keys by itself', async () => {
    const tls = await (await testPki()).issue(SELF);
    const { library, tokenLabel, pinFile } = await pkcs11Options(folder.path);
    const config = join(folder.path, 'kms.json');
    const pkcs11Config = { library, tokenLabel, pinFile, keyLabel: 'daemon' };
    await writeFile(
      config,
      JSON.stringify({
        listen: { host: '127.0.0.1', port: 0 },
        tls,
        log: { file: 'kms.log', level: 'trace' },
        owner: OWNER,
        certificateAuthority: { holderReference: 'CA'.repeat(16), keySizeBits: 1024 },
        keyFolder: 'keys',
        pkcs11: pkcs11Config,
      }),
    );
    expect(await failure(startDaemon(kmsDaemon, config))).to.include({ code: 'kms-not-initialised' });
    expect(await initialiseKms(config)).to.equal(true);
    const daemon = await startDaemon(kmsDaemon, config);
    const identity = await (await testPki()).identity(OWNER);
    await using client = new RestClient({
      baseUrl: `https://127.0.0.1:${daemon.port}`,
      tls: identity,
      expectedPeer: SELF,
    });
    const kms = kmsClient(client, 'node-1');
    const ready = () => client.call({ method: 'GET', path: '/health/ready' });
    try {
      await kms.createKeyPair(PAIR);
      const issued = await kms.issueOffCardEntityCertificate({ label: 'oce', holderReference: '0C'.repeat(16) });
      expect(issued.certificate).to.match(/^7F21/);
      await ready();
      await rename(tokens, `${tokens}.away`);
      try {
        expect((await failure(ready())).message).to.contain('token is away');
      } finally {
        await rename(`${tokens}.away`, tokens);
      }
      await ready();
    } finally {
      await daemon.stop();
    }
    for (const file of ['kms.log', 'keys/audit.jsonl'])
      expect(await readFile(join(folder.path, file), 'utf8')).to.not.contain(PIN);
  });

  it('do not open under the sealing key of another KMS in the same token', async () => {
    const keys = await open();
    await signs(keys);
    keys.close();
    const other = await open({ keyLabel: 'of another' });
    expect(await failure(other.createKeyPair(PAIR)))
      .to.be.instanceOf(KeyError)
      .and.include({ code: 'key-unreadable' });
    other.close();
  });
});

// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { unzipSync, zipSync } from 'fflate';
import { readCardImage, type SimulatedCard, type Simulator, startSimulator } from '../../../simulator/src/index.ts';
import { antJavacard, ROOT } from '../../../toolchain/test/run.ts';

/** The published test key, of the issuer's domain; the provider's is his own. */
const TEST_KEY = '404142434445464748494A4B4C4D4E4F';
const PROVIDER_KEY = '000102030405060708090A0B0C0D0E0F';
const RECEIPT_KEY = 'aes:101112131415161718191A1B1C1D1E1F';
const DOMAIN = 'F0000000025350';
const FILE = 'F000000001';

/** Of a small library, each signed by `capfile` with a key of its own. */
const signed: { readonly files: readonly { key: string; publicKey: string; cap: string }[] } = JSON.parse(
  readFileSync(new URL('../vectors/cap/signed-by-capfile.json', import.meta.url), 'utf8'),
);

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Issuer and provider as users run the command; what passes between them is the line with the tokens. */
describe('tsm card, delegated management', function () {
  this.timeout(240_000);
  let folder: string;
  let simulator: Simulator;
  let card: SimulatedCard;
  let tokenKey: string;
  let cap: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tsm-delegated-'));
    cap = join(folder, 'probe.cap');
    const built = antJavacard([`-Dcap.dir=${folder}`, '-f', join(ROOT, 'simulator/test/fixture/test-caps.xml')], ROOT);
    expect(built.code, built.err + built.out).to.equal(0);
    const pair = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    tokenKey = join(folder, 'token.pem');
    await writeFile(tokenKey, pair.privateKey, { mode: 0o600 });
    simulator = await startSimulator();
    const { image } = await readCardImage('plain');
    const keySets = [{ keyVersion: '30', type: 'AES' as const, enc: TEST_KEY, mac: TEST_KEY, dek: TEST_KEY }];
    const isd = image.isd === null ? null : { ...image.isd, keySets };
    card = await simulator.insert({ ...image, isd }, { tcp: { port: 0 } });
  });
  after(async () => {
    await simulator?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  function tsm(...args: readonly string[]): Promise<Outcome> {
    const env = { ...process.env, TSM_FUSE_DIR: join(folder, 'fuse'), TSM_READER: `tcp:127.0.0.1:${card.tcpPort}` };
    const child = spawn(process.execPath, [join(ROOT, 'host/cli/tsm.mjs'), ...args], { env });
    const outcome = { out: '', err: '' };
    child.stdout.on('data', (chunk) => (outcome.out += chunk));
    child.stderr.on('data', (chunk) => (outcome.err += chunk));
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...outcome })));
  }

  async function done(...args: readonly string[]): Promise<unknown> {
    const run = await tsm(...args, '--json');
    expect(run.code, run.err).to.equal(0);
    return JSON.parse(run.out);
  }

  const issuer = ['--key', 'test'];
  const provider = ['--domain', DOMAIN, '--key', PROVIDER_KEY];

  it('gives the issuer’s domain its keys, and the provider a domain with keys of his own', async () => {
    expect(await done('card', 'put-content-key', 'token', tokenKey, ...issuer)).to.deep.equal({
      contentKey: 'token',
      type: 'rsa',
      keyVersion: '70',
    });
    await done('card', 'put-content-key', 'receipt', RECEIPT_KEY, ...issuer);
    const privileges = 'security-domain,trusted-path,delegated-management';
    await done('card', 'domain', 'create', DOMAIN, '--scp', '03', '--privileges', privileges, ...issuer);
    await done('card', 'put-key', '31', '--new-key', PROVIDER_KEY, '--domain', DOMAIN, ...issuer);
  });

  it('installs by the issuer’s tokens in the provider’s domain, with receipts that verify', async () => {
    const wanted = [cap, '--descriptor', '--domain', DOMAIN];
    const made = await done('cap', 'token', 'install', ...wanted, '--token', tokenKey);
    expect(made)
      .to.be.an('object')
      .with.property('token')
      .that.matches(/^hex:[0-9A-F]{512},[0-9A-F]{512}$/);
    const { token } = made as { token: string };
    const without = await tsm('card', 'install', cap, '--descriptor', '--hash', ...provider);
    expect([without.code, without.err.includes('6985')], without.err).to.deep.equal([4, true]);
    const other = await tsm('card', 'install', cap, '--no-descriptor', '--hash', ...provider, '--token', token);
    expect([other.code, other.err.includes('6985')], other.err).to.deep.equal([4, true]);
    const receipts = ['--receipt-key', RECEIPT_KEY];
    expect(await done('card', 'install', cap, '--descriptor', ...provider, '--token', token, ...receipts))
      .to.be.an('object')
      .with.property('receipts')
      .deep.equal(['load 0 checked', 'install 1 checked']);
  });

  it('deletes by a token, and says when a receipt is not by the key', async () => {
    const made = await done('cap', 'token', 'delete', FILE, '--related', '--token', tokenKey);
    const { token } = made as { token: string };
    const wrong = 'aes:00000000000000000000000000000000';
    const run = await tsm('card', 'delete', FILE, '--related', ...provider, '--token', token, '--receipt-key', wrong);
    expect([run.code, /^tsm: receipt: /m.test(run.err)], run.err).to.deep.equal([5, true]);
    expect((await tsm('card', 'list', ...provider)).out).not.to.contain(FILE);
  });

  it('installs at once by one token over both parts', async () => {
    const install = ['card', 'install', cap, '--descriptor', '--at-once', '--hash', ...provider];
    const without = await tsm(...install);
    expect([without.code, without.err.includes('6985')], without.err).to.deep.equal([4, true]);
    expect(await done(...install, '--token', tokenKey, '--receipt-key', RECEIPT_KEY))
      .to.be.an('object')
      .with.property('receipts')
      .deep.equal(['load and install 3 checked']);
    await done('card', 'delete', FILE, '--related', ...provider, '--token', tokenKey);
  });

  it('loads into a domain with DAP Verification by its key alone', async () => {
    const verifier = 'F0000000025351';
    const privileges = 'security-domain,dap-verification,trusted-path,authorized-management';
    await done('card', 'domain', 'create', verifier, '--scp', '03', '--privileges', privileges, ...issuer);
    await done('card', 'put-key', '31', '--new-key', PROVIDER_KEY, '--domain', verifier, ...issuer);
    const own = ['--domain', verifier, '--key', PROVIDER_KEY];
    // The set that came under the issuer's keys ends with the owner's first write, so that is a set of his own.
    await done('card', 'put-key', '32', '--new-key', PROVIDER_KEY, ...own);
    await done('card', 'put-content-key', 'dap', tokenKey, ...own);
    const load = ['card', 'load', cap, '--descriptor', ...own];
    const wrong = await tsm(...load, '--dap', RECEIPT_KEY);
    expect([wrong.code, wrong.err.includes('6985')], wrong.err).to.deep.equal([4, true]);
    await done(...load, '--dap', tokenKey);
  });

  it('takes the DAP out of a CAP file that another tool has signed', async () => {
    for (const { key, publicKey, cap: contents } of signed.files) {
      const verifier = { rsa: 'F0000000025352', p256: 'F0000000025353' }[key] ?? '';
      const privileges = 'security-domain,dap-verification';
      await done('card', 'domain', 'create', verifier, '--scp', '03', '--privileges', privileges, ...issuer);
      await done('card', 'put-key', '31', '--new-key', PROVIDER_KEY, '--domain', verifier, ...issuer);
      const publicFile = join(folder, `${key}.pem`);
      await writeFile(publicFile, publicKey);
      const own = ['--domain', verifier, '--key', PROVIDER_KEY];
      await done('card', 'put-key', '32', '--new-key', PROVIDER_KEY, ...own);
      await done('card', 'put-content-key', 'dap', publicFile, ...own);
      const file = join(folder, `${key}.cap`);
      await writeFile(file, Buffer.from(contents, 'base64'));
      const load = ['card', 'load', file, ...issuer, '--dap-domain', verifier];
      for (const hash of key === 'rsa' ? ['sha1', 'sha256'] : ['sha256']) {
        await done(...load, '--hash', hash);
        await done('card', 'delete', 'F000000002', ...issuer);
      }
      const unsigned = await tsm('card', 'load', cap, ...issuer, '--dap-domain', verifier);
      expect([unsigned.code, /no signature/.test(unsigned.err)], unsigned.err).to.deep.equal([2, true]);
    }
  });

  it('is refused by the card where the signature is another file’s', async () => {
    const [rsa, p256] = signed.files.map(({ cap: contents }) => new Uint8Array(Buffer.from(contents, 'base64')));
    const entries = { ...unzipSync(rsa ?? new Uint8Array()) };
    const other = unzipSync(p256 ?? new Uint8Array());
    for (const hash of ['sha1', 'sha256']) {
      const foreign = entries[`META-INF/dap.rsa.${hash}`]?.slice() ?? new Uint8Array();
      foreign[100] = (foreign[100] ?? 0) ^ 1;
      other[`META-INF/dap.rsa.${hash}`] = foreign;
      delete other[`META-INF/dap.p256.${hash}`];
    }
    const file = join(folder, 'spoiled.cap');
    await writeFile(file, zipSync(other));
    const run = await tsm('card', 'load', file, ...issuer, '--dap-domain', 'F0000000025352');
    expect([run.code, run.err.includes('6985')], run.err).to.deep.equal([4, true]);
    expect((await tsm('card', 'list', ...issuer)).out).not.to.contain('F000000002 ');
  });
});

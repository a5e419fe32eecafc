// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { LiveTls } from '../../daemon/live-tls.ts';
import { testPki } from '../rest/fixture.ts';
import { failure } from '../transport/framed-card.ts';

const run = promisify(execFile);

describe("CRLs of a daemon's authority, made by OpenSSL", function () {
  this.timeout(60_000);
  let folder: string;
  let files: Awaited<ReturnType<Awaited<ReturnType<typeof testPki>>['issue']>>;
  let peer: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-crl-'));
    const pki = await testPki();
    files = await pki.issue({ role: 'kms', id: 'crl' });
    peer = (await pki.issue({ role: 'provider', id: 'crl' })).certificate;
    await ownAuthority('ec', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']);
    await ownAuthority('ed', ['-newkey', 'ed25519']);
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  /** `NAME.pem` and `NAME.key.pem` of a self-signed authority. */
  async function ownAuthority(name: string, key: readonly string[]): Promise<void> {
    const made = ['-noenc', '-keyout', `${name}.key.pem`, '-out', `${name}.pem`, '-subj', `/CN=${name}`, '-days', '2'];
    await run('openssl', ['req', '-x509', ...key, ...made], { cwd: folder });
  }

  /** The text of a CRL of this CA that names certificates in files. */
  async function crlOf(ca: { certificate: string; key: string }, revoke: readonly string[], more: readonly string[]) {
    await writeFile(join(folder, 'index.txt'), '');
    await writeFile(join(folder, 'crlnumber'), '01\n');
    const digest = ca.key.includes('ed.key') ? 'null' : 'sha256';
    const section = `database=${folder}/index.txt\ncrlnumber=${folder}/crlnumber\ndefault_md=${digest}\n`;
    await writeFile(join(folder, 'ca.cnf'), `[ca]\ndefault_ca=d\n[d]\n${section}`);
    const as = ['ca', '-config', 'ca.cnf', '-cert', ca.certificate, '-keyfile', ca.key];
    for (const file of revoke) await run('openssl', [...as, '-revoke', file], { cwd: folder });
    return (await run('openssl', [...as, '-gencrl', ...more], { cwd: folder })).stdout;
  }

  async function open(text: string, authority = files.authority): Promise<LiveTls> {
    const revoked = join(folder, 'revoked.pem');
    await writeFile(revoked, text);
    return LiveTls.open({ ...files, authority, revoked });
  }

  const ours = () => ({
    certificate: files.authority,
    key: join(dirname(files.authority), 'authority.key.pem'),
  });
  const own = (name: string) => ({
    certificate: join(folder, `${name}.pem`),
    key: join(folder, `${name}.key.pem`),
  });
  const DAY = ['-crldays', '1'];

  it('revoke the serial numbers that they name, beside lines of text', async () => {
    const { serialNumber } = new X509Certificate(await readFile(peer));
    const tls = await open(`AB12 # lost\n${await crlOf(ours(), [peer], DAY)}`);
    expect([...tls.revoked].sort()).to.deep.equal(['AB12', serialNumber].sort());
    expect(tls.staleRevocations).to.equal(undefined);
    expect((await open(await crlOf(ours(), [], DAY))).revoked.size).to.equal(0);
  });

  it('are read under keys of P-256 and Ed25519, from several authorities in one file', async () => {
    const both = join(folder, 'both.pem');
    await writeFile(both, (await readFile(own('ec').certificate, 'utf8')) + (await readFile(own('ed').certificate)));
    const list = (await crlOf(own('ec'), [peer], DAY)) + (await crlOf(own('ed'), [own('ec').certificate], DAY));
    expect((await open(list, both)).revoked.size).to.equal(2);
  });

  it('still revoke when they have ended, and say so', async () => {
    const over = ['-crl_lastupdate', '20200101000000Z', '-crl_nextupdate', '20200102000000Z'];
    const tls = await open(await crlOf(ours(), [peer], over));
    expect(tls.staleRevocations?.toISOString()).to.equal('2020-01-02T00:00:00.000Z');
    expect(tls.revoked.size).to.equal(1);
  });

  it("are refused when they are another's, changed or no CRL", async () => {
    const good = await crlOf(ours(), [peer], DAY);
    const der = Buffer.from(good.replaceAll(/-----.*-----/g, ''), 'base64');
    const pem = (bytes: Uint8Array) =>
      `-----BEGIN X509 CRL-----\n${Buffer.from(bytes).toString('base64')}\n-----END X509 CRL-----\n`;
    expect((await open(pem(der))).revoked.size).to.equal(1);
    const foreign = await failure(open(await crlOf(own('ec'), [peer], DAY)));
    expect(foreign.message).to.match(/^\/tls\/revoked: .* is not signed by the authority$/);
    const accepted: number[] = [];
    for (let at = 0; at < der.length; at += 1) {
      const changed = Uint8Array.from(der, (byte, i) => (i === at ? byte ^ 0x01 : byte));
      await open(pem(changed)).then(
        () => accepted.push(at),
        (error: Error) => expect(error.message).to.match(/^\/tls\/revoked:/),
      );
    }
    expect(accepted).to.deep.equal([]);
    for (const length of [0, 1, der.length - 1]) {
      expect((await failure(open(pem(der.subarray(0, length))))).message).to.match(/^\/tls\/revoked:/);
    }
  });
});

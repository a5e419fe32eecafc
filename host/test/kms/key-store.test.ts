// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { chmod, readdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect } from 'chai';
import { verifyCardCertificate } from '../../crypto/card-certificate.ts';
import { rsaVerify } from '../../crypto/rsa.ts';
import { ConflictError, KeyError, NotFoundError, UsageError } from '../../errors.ts';
import { CertificateAuthority } from '../../kms/certificate-authority.ts';
import { SealingKey } from '../../kms/sealing.ts';
import { SoftwareKeyProvider } from '../../kms/software.ts';
import { CHA } from '../../wire/gp/certificate.ts';
import { fromRsaPublicKey } from '../../wire/gp/public-key.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { failure } from '../transport/framed-card.ts';
import { TestFolder } from './fixture.ts';
import { PROVIDERS } from './providers.ts';

const PAIR = { label: 'desk #1 [main]/x', purpose: 'off-card-entity', keySizeBits: 1024 } as const;

async function keyFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.key.json')).map((name) => join(folder, name));
}

for (const provider of PROVIDERS)
  describe(`key pairs with the ${provider.name} provider`, () => {
    it('keeps a pair over a restart, and makes one pair for the same label asked for at once', async () => {
      await using folder = await TestFolder.make();
      const first = await provider.open(folder.path);
      const all = await Promise.all([1, 2, 3].map(() => first.createKeyPair(PAIR)));
      expect(new Set(all.map(({ publicKey }) => publicKey.modulus)).size).to.equal(1);
      expect(await keyFiles(folder.path)).to.have.length(1);
      const signature = await (await first.signer(PAIR.label, PAIR.purpose)).signSha1(fromHex('0102'));
      first.close();

      const second = await provider.open(folder.path);
      const again = await second.createKeyPair(PAIR);
      expect(again).to.deep.equal(all[0]);
      expect(rsaVerify(fromRsaPublicKey(again.publicKey), 'sha1', fromHex('0102'), signature)).to.equal(true);
    });

    it('refuses another purpose or size for a label, unknown labels, and use for another purpose', async () => {
      await using folder = await TestFolder.make();
      const keys = await provider.open(folder.path);
      await keys.createKeyPair(PAIR);
      expect(await failure(keys.createKeyPair({ ...PAIR, keySizeBits: 2048 }))).to.be.instanceOf(ConflictError);
      expect(await failure(keys.createKeyPair({ ...PAIR, purpose: 'certificate-authority' }))).to.be.instanceOf(
        ConflictError,
      );
      expect(await failure(keys.signer('other', PAIR.purpose))).to.be.instanceOf(NotFoundError);
      expect(await failure(keys.signer(PAIR.label, 'certificate-authority'))).to.be.instanceOf(KeyError);
    });

    it('leaves nothing on the disk that others can read or that shows a private number', async () => {
      await using folder = await TestFolder.make();
      const keys = await provider.open(folder.path);
      const { publicKey } = await keys.createKeyPair(PAIR);
      for (const name of await readdir(folder.path)) {
        expect(((await stat(join(folder.path, name))).mode & 0o777).toString(8), name).to.equal('600');
      }
      const [file] = await keyFiles(folder.path);
      const text = await readFile(file ?? '', 'utf8');
      // A PKCS#8 RSA key in the clear would repeat its modulus: it stands there once, as the public key.
      expect(text.split(publicKey.modulus)).to.have.length(2);
      expect(text).to.not.match(/PRIVATE|3082[0-9A-F]{4}020100/);
      const signer = await keys.signer(PAIR.label, PAIR.purpose);
      expect(inspect([keys, signer], { depth: 9, showHidden: true })).to.not.match(/PRIVATE|"d"/);
      expect(JSON.stringify([keys, signer])).to.not.match(/PRIVATE|"d"/);
    });

    it('does not open a key file that was edited or renamed, or is none', async () => {
      await using folder = await TestFolder.make();
      const keys = await provider.open(folder.path);
      await keys.createKeyPair(PAIR);
      const [file = ''] = await keyFiles(folder.path);
      const good = await readFile(file, 'utf8');
      const parsed = JSON.parse(good);
      const flip = (hex: string): string => `${hex.slice(0, -1)}${hex.endsWith('0') ? '1' : '0'}`;
      const bad = [
        { ...parsed, info: { ...parsed.info, purpose: 'certificate-authority' } },
        { ...parsed, info: { ...parsed.info, createdAt: 'yesterday' } },
        { ...parsed, envelope: { ...parsed.envelope, sealed: flip(parsed.envelope.sealed) } },
        { ...parsed, envelope: { ...parsed.envelope, nonce: flip(parsed.envelope.nonce) } },
        { ...parsed, envelope: { ...parsed.envelope, sealed: parsed.envelope.sealed.slice(0, 40) } },
        { ...parsed, extra: 1 },
        {},
      ].map((value) => JSON.stringify(value));
      for (const text of [...bad, good.slice(0, 100), '']) {
        await writeFile(file, text);
        const fresh = await provider.open(folder.path);
        expect(await failure(fresh.createKeyPair(PAIR)), text.slice(0, 200)).to.be.instanceOf(KeyError);
      }
      await writeFile(file, good);
    });
  });

describe('software key provider', () => {
  it('does not open a key file under another sealing key', async () => {
    await using folder = await TestFolder.make();
    await (await SoftwareKeyProvider.open(folder.path)).createKeyPair(PAIR);
    const other = await SoftwareKeyProvider.open(folder.path, join(folder.path, 'other.key'));
    expect(await failure(other.createKeyPair(PAIR)))
      .to.be.instanceOf(KeyError)
      .and.include({ code: 'key-unreadable' });
  });

  it('does not start with files or folders that others can read, or with a broken sealing key', async () => {
    await using folder = await TestFolder.make();
    const sealing = join(folder.path, 'sealing.key');
    await SoftwareKeyProvider.open(folder.path);
    await chmod(sealing, 0o640);
    expect(await failure(SoftwareKeyProvider.open(folder.path)))
      .to.be.instanceOf(UsageError)
      .and.include({ code: 'file-mode' });
    await chmod(sealing, 0o600);
    await writeFile(sealing, 'no key');
    expect(await failure(SoftwareKeyProvider.open(folder.path)))
      .to.be.instanceOf(UsageError)
      .and.include({ code: 'sealing-key' });
    await rename(sealing, `${sealing}.old`);
    await chmod(folder.path, 0o755);
    expect(await failure(SoftwareKeyProvider.open(folder.path))).to.include({ code: 'file-mode' });
    await chmod(folder.path, 0o700);
  });

  it('clears what an interrupted write has left', async () => {
    await using folder = await TestFolder.make();
    const [left, young] = ['.0123456789abcdef.tmp', '.fedcba9876543210.tmp'];
    for (const name of [left, young]) await writeFile(join(folder.path, name), 'half a key', { mode: 0o600 });
    const longAgo = new Date(Date.now() - 3_600_000);
    await utimes(join(folder.path, left), longAgo, longAgo);
    await SoftwareKeyProvider.open(folder.path);
    // Another node of this KMS may be writing the young one.
    expect(await readdir(folder.path)).to.deep.equal([young, 'sealing.key']);
  });

  it('seals the same bytes differently each time, and opens them only in their context', async () => {
    await using folder = await TestFolder.make();
    const key = await SealingKey.open(join(folder.path, 'deep', 'sealing.key'));
    const seal = () => key.seal(fromHex('01020304'), fromHex('AA'));
    const [a, b] = [await seal(), await seal()];
    expect(a).to.not.deep.equal(b);
    expect(toHex(await key.unseal(a, fromHex('AA')))).to.equal('01020304');
    expect(await failure(key.unseal(a, fromHex('AB')))).to.be.instanceOf(KeyError);
    expect(await failure(key.unseal({ ...a, nonce: b.nonce }, fromHex('AA')))).to.be.instanceOf(KeyError);
  });
});

for (const provider of PROVIDERS)
  describe(`certificate authority with the ${provider.name} provider`, () => {
    const options = { holderReference: 'CA'.repeat(16), keySizeBits: 1024, commonName: 'provider a' } as const;

    it('has an X.509 form of the same key, the same after a restart', async () => {
      await using folder = await TestFolder.make();
      const open = async () => {
        const keys = await provider.open(folder.path);
        return CertificateAuthority.open({ ...options, folder: folder.path, keys });
      };
      const { info } = await open();
      const x509 = new X509Certificate(info.x509Pem);
      expect(x509.verify(x509.publicKey)).to.equal(true);
      expect([x509.ca, x509.subject]).to.deep.equal([true, 'CN=provider a']);
      expect(
        Buffer.from(x509.publicKey.export({ format: 'jwk' }).n ?? '', 'base64url')
          .toString('hex')
          .toUpperCase(),
      ).to.equal(info.publicKey.modulus);
      expect((await open()).info).to.deep.equal(info);
    });

    it('issues certificates that verify for their use only, the same one for the same request', async () => {
      await using folder = await TestFolder.make();
      const keys = await provider.open(folder.path);
      const authority = await CertificateAuthority.open({ ...options, folder: folder.path, keys });
      const { publicKey } = await keys.createKeyPair(PAIR);
      const issued = await authority.issueForSecurityDomain('5D'.repeat(16), fromRsaPublicKey(publicKey));
      expect(await authority.issueForSecurityDomain('5D'.repeat(16), fromRsaPublicKey(publicKey))).to.deep.equal(
        issued,
      );
      const anchor = { holderReference: fromHex(options.holderReference), publicKey: authority.publicKey };
      const bytes = fromHex(issued.certificate);
      expect(toHex(verifyCardCertificate(bytes, anchor, CHA.SECURITY_DOMAIN).holderReference)).to.equal(
        '5D'.repeat(16),
      );
      expect(() => verifyCardCertificate(bytes, anchor, CHA.OFF_CARD_ENTITY))
        .to.throw()
        .with.property('code', 'certificate-usage');
      const stranger = { ...anchor, holderReference: fromHex('00'.repeat(16)) };
      expect(() => verifyCardCertificate(bytes, stranger, CHA.SECURITY_DOMAIN))
        .to.throw()
        .with.property('code', 'certificate-authority');
      const wrongKey = { ...anchor, publicKey: fromRsaPublicKey(publicKey) };
      expect(() => verifyCardCertificate(bytes, wrongKey, CHA.SECURITY_DOMAIN))
        .to.throw()
        .with.property('code', 'certificate-signature');
      for (let index = 0; index < bytes.length; index += 7) {
        const changed = Uint8Array.from(bytes);
        changed[index] = (changed[index] ?? 0) ^ 0x01;
        expect(() => verifyCardCertificate(changed, anchor, CHA.SECURITY_DOMAIN), `byte ${index}`).to.throw();
      }
    });
  });

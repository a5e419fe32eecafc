// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import forge from 'node-forge';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { distinguishedName } from '../../crypto/distinguished-name.ts';
import { CertificateAuthority } from '../../kms/certificate-authority.ts';
import { SoftwareKeyProvider } from '../../kms/software.ts';
import { openDevelopmentPki } from '../../local/development-pki.ts';

/** Characters of PrintableString. @see X.680 41.4 */
const PRINTABLE = /^[A-Za-z0-9 '()+,\-./:=?]*$/;

/** Strings of a certificate that hold characters which their type does not have. */
function misfits(pem: string): string[] {
  const found: string[] = [];
  const visit = (node: forge.asn1.Asn1): void => {
    if (Array.isArray(node.value)) node.value.forEach(visit);
    else if (node.type === forge.asn1.Type.PRINTABLESTRING && !PRINTABLE.test(node.value)) found.push(node.value);
  };
  visit(forge.asn1.fromDer(new X509Certificate(pem).raw.toString('binary')));
  return found;
}

/** ASN.1 type of the string that holds this text. */
function typeOf(pem: string, text: string): forge.asn1.Type | undefined {
  const nodes: forge.asn1.Asn1[] = [forge.asn1.fromDer(new X509Certificate(pem).raw.toString('binary'))];
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    if (Array.isArray(node.value)) nodes.push(...node.value);
    else if (node.value === text) return node.type;
  }
  return undefined;
}

describe('X.509 names', () => {
  it('hold any text, in a string type that has its characters', () => {
    const pair = generateKeyPairSync('rsa', {
      modulusLength: 1024,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    });
    const key = forge.pki.privateKeyFromPem(pair.privateKey);
    const publicKey = forge.pki.publicKeyFromPem(pair.publicKey);
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter((value) => !/[\n\\,+"]/.test(value));
    fc.assert(
      fc.property(fc.oneof(text, fc.constantFrom('acme_a', 'Škoda', '運営者', 'a@b')), (commonName) => {
        const certificate = forge.pki.createCertificate();
        certificate.publicKey = publicKey;
        certificate.setSubject(distinguishedName({ commonName }));
        certificate.setIssuer(distinguishedName({ commonName }));
        certificate.sign(key);
        const pem = forge.pki.certificateToPem(certificate);
        expect(misfits(pem)).to.deep.equal([]);
        // forge reads the string's bytes without decoding them.
        const read: string = forge.pki.certificateFromPem(pem).subject.getField('CN').value;
        expect(Buffer.from(read, 'binary').toString('utf8')).to.equal(commonName);
      }),
      { numRuns: soakRuns(100) },
    );
  });

  it('are sound in certificates of the development PKI and of a KMS, ids with an underscore too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'opentsm-names-'));
    try {
      const pki = await openDevelopmentPki(join(folder, 'pki'));
      const { certificate, authority } = await pki.issue({ role: 'provider', id: 'acme_a' });
      const [leaf = '', root = ''] = await Promise.all([certificate, authority].map((file) => readFile(file, 'utf8')));
      const keys = await SoftwareKeyProvider.open(join(folder, 'kms'));
      const options = { folder, keys, holderReference: 'A1'.repeat(16), keySizeBits: 1024, commonName: 'ca_of acme' };
      const { info } = await CertificateAuthority.open({ ...options, keySizeBits: 1024 });
      for (const pem of [leaf, root, info.x509Pem]) expect(misfits(pem)).to.deep.equal([]);
      expect(typeOf(leaf, 'provider-acme_a')).to.equal(forge.asn1.Type.UTF8);
      expect(new X509Certificate(leaf).subject).to.contain('CN=provider-acme_a');
      // Names are compared byte for byte when a chain is built.
      expect(new X509Certificate(leaf).checkIssued(new X509Certificate(root))).to.equal(true);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

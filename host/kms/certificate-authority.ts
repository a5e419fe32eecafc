// SPDX-License-Identifier: Apache-2.0
import { createHash, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import forge from 'node-forge';
import { issueCardCertificate } from '../crypto/card-certificate.ts';
import { distinguishedName } from '../crypto/distinguished-name.ts';
import { publicKeyObject, type RsaSigner } from '../crypto/rsa.ts';
import { CHA } from '../wire/gp/certificate.ts';
import { encodePublicKeyParts, type PublicKey, toRsaPublicKey } from '../wire/gp/public-key.ts';
import { concat, fromHex, toHex } from '../wire/hex.ts';
import type { CardCertificate, CertificateAuthorityInfo } from '../wire/message/kms.ts';
import { createDurably, readPrivate } from './durable-file.ts';
import type { KeyProvider } from './key-provider.ts';

/** Label of the CA's pair; its purpose keeps it from being used for anything else. */
const LABEL = 'certificate-authority';
const YEARS = 20;

export interface CertificateAuthorityOptions {
  readonly folder: string;
  readonly keys: KeyProvider;
  /** CHR of the CA: CAR of all that it issues, and what an SSD is told with PK.TP_EX.AUT. */
  readonly holderReference: string;
  readonly keySizeBits: 1024 | 2048 | 3072;
  readonly commonName: string;
}

/** The owner's CA: PK.TP_EX.AUT on cards, and an X.509 certificate of the same key for people and other systems. */
export class CertificateAuthority {
  readonly #signer: RsaSigner;
  readonly #holderReference: Uint8Array;
  readonly info: Omit<CertificateAuthorityInfo, 'certifiesWithoutAttestation'>;

  private constructor(signer: RsaSigner, info: CertificateAuthority['info']) {
    this.#signer = signer;
    this.#holderReference = fromHex(info.holderReference, 16);
    this.info = info;
  }

  /** Opens the CA, and makes its pair and its X.509 certificate the first time. */
  static async open(options: CertificateAuthorityOptions): Promise<CertificateAuthority> {
    const { keys, keySizeBits, holderReference } = options;
    const purpose = 'certificate-authority' as const;
    const { createdAt } = await keys.createKeyPair({ label: LABEL, purpose, keySizeBits });
    const signer = await keys.signer(LABEL, purpose);
    const file = join(options.folder, 'certificate-authority.pem');
    let x509Pem = await readPrivate(file);
    if (x509Pem === undefined) {
      await createDurably(file, await selfSignedCertificate(signer, options.commonName, new Date(createdAt)));
      x509Pem = (await readPrivate(file)) ?? '';
    }
    return new CertificateAuthority(signer, { holderReference, publicKey: toRsaPublicKey(signer.publicKey), x509Pem });
  }

  /** When its X.509 certificate ends; card certificates have no end. */
  get expiresAt(): Date {
    return new Date(new X509Certificate(this.info.x509Pem).validTo);
  }

  get publicKey(): PublicKey {
    return this.#signer.publicKey;
  }

  /** CERT.OCE.AUT */
  issueForOffCardEntity(holderReference: string, publicKey: PublicKey): Promise<CardCertificate> {
    return this.#issue(holderReference, publicKey, CHA.OFF_CARD_ENTITY);
  }

  /** CERT.SD.AUT */
  issueForSecurityDomain(holderReference: string, publicKey: PublicKey): Promise<CardCertificate> {
    return this.#issue(holderReference, publicKey, CHA.SECURITY_DOMAIN);
  }

  /** The serial number follows from the content, so asking twice gives the same certificate and not a second one. */
  async #issue(holderReference: string, publicKey: PublicKey, holderAuthorization: number): Promise<CardCertificate> {
    const holder = fromHex(holderReference, 16);
    const content = concat(
      this.#holderReference,
      holder,
      Uint8Array.of(holderAuthorization),
      encodePublicKeyParts(publicKey),
    );
    const serial = new Uint8Array(createHash('sha256').update(content).digest().subarray(0, 8));
    const certificate = await issueCardCertificate(
      { serial, authorityReference: this.#holderReference, holderReference: holder, holderAuthorization, publicKey },
      this.#signer,
    );
    return { certificate: toHex(certificate), holderReference };
  }
}

const binary = (bytes: Uint8Array): string => Buffer.from(bytes).toString('binary');

/**
 * Self-signed X.509 v3, SHA-256 with RSA, through the key's handle: forge makes the form, the provider the signature.
 */
async function selfSignedCertificate(signer: RsaSigner, commonName: string, from: Date): Promise<string> {
  const certificate = forge.pki.createCertificate();
  const spki = publicKeyObject(signer.publicKey).export({ format: 'pem', type: 'spki' });
  certificate.publicKey = forge.pki.publicKeyFromPem(spki.toString());
  const digest = createHash('sha256').update(signer.publicKey.modulus).digest();
  certificate.serialNumber = `01${toHex(digest.subarray(0, 8))}`;
  certificate.validity.notBefore = from;
  certificate.validity.notAfter = new Date(
    Date.UTC(from.getUTCFullYear() + YEARS, from.getUTCMonth(), from.getUTCDate()),
  );
  const name = distinguishedName({ commonName });
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  // forge wants its own key type, of which it only calls this, and does not wait: the signature comes after the form.
  const nothingYet = { sign: (): string => '' };
  certificate.sign(nothingYet as unknown as forge.pki.rsa.PrivateKey, forge.md.sha256.create());
  const signed = forge.asn1.toDer(certificate.tbsCertificate).getBytes();
  certificate.signature = binary(await signer.signSha256(new Uint8Array(Buffer.from(signed, 'binary'))));
  return forge.pki.certificateToPem(certificate);
}

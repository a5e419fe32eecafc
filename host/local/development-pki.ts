// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, generateKeyPair, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import forge from 'node-forge';
import { distinguishedName } from '../crypto/distinguished-name.ts';
import { type Peer, peerUri, type TlsIdentity } from '../rest/identity.ts';

/**
 * A certificate authority for the links between daemons on one machine. It has nothing to do with
 * the authorities that sign card certificates; in production the operator brings his own.
 */

export interface TlsFilePaths {
  readonly key: string;
  readonly certificate: string;
  readonly authority: string;
}

export interface DevelopmentPki {
  readonly authorityFile: string;
  /** Key and certificate of a peer; made when absent or near their end. */
  issue(peer: Peer): Promise<TlsFilePaths>;
  /** The same as PEM text. */
  identity(peer: Peer): Promise<TlsIdentity>;
}

const generate = promisify(generateKeyPair);
const DAY_MS = 86_400_000;
const VALID_DAYS = 365;
const RENEW_DAYS = 30;

/**
 * Opens the authority kept in `folder` (made when absent; folder 0700, files 0600).
 *
 * @param validMs how long the certificates that it issues are good for; a year when absent
 */
export async function openDevelopmentPki(folder: string, validMs = VALID_DAYS * DAY_MS): Promise<DevelopmentPki> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const authorityFile = join(folder, 'authority.pem');
  const keyFile = join(folder, 'authority.key.pem');
  if (!(await usable(authorityFile))) await createAuthority(keyFile, authorityFile);
  const authority = {
    key: createPrivateKey(await readFile(keyFile, 'utf8')),
    certificate: forge.pki.certificateFromPem(await readFile(authorityFile, 'utf8')),
  };
  const issue = async (peer: Peer): Promise<TlsFilePaths> => {
    const name = fileName(peer);
    const files = {
      key: join(folder, `${name}.key.pem`),
      certificate: join(folder, `${name}.pem`),
      authority: authorityFile,
    };
    if (await usable(files.certificate, authorityFile)) return files;
    const { key, certificate } = await newCertificate(name, validMs);
    certificate.setIssuer(authority.certificate.subject.attributes);
    certificate.setExtensions([
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 6, value: peerUri(peer) },
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ]);
    signCertificate(certificate, authority.key);
    await save(files.key, key);
    await save(files.certificate, forge.pki.certificateToPem(certificate));
    return files;
  };
  // One at a time for a peer: key and certificate of two makings would not fit.
  const making = new Map<string, Promise<TlsFilePaths>>();
  const issueOnce = (peer: Peer): Promise<TlsFilePaths> => {
    const name = fileName(peer);
    const files = making.get(name) ?? issue(peer).finally(() => making.delete(name));
    making.set(name, files);
    return files;
  };
  return {
    authorityFile,
    issue: issueOnce,
    identity: async (peer) => {
      const files = await issueOnce(peer);
      const [key, certificate, authorityPem] = await Promise.all(
        [files.key, files.certificate, files.authority].map((file) => readFile(file, 'utf8')),
      );
      return { key: key ?? '', certificate: certificate ?? '', authority: authorityPem ?? '' };
    },
  };
}

/** `provider-a`, `operator-alice@provider-a`: no id holds an `@`, so no two peers share a file. */
function fileName({ role, id, platform }: Peer): string {
  return platform === undefined ? `${role}-${id}` : `${role}-${id}@${platform.role}-${platform.id}`;
}

async function createAuthority(keyFile: string, certificateFile: string): Promise<void> {
  const { key, certificate } = await newCertificate('development authority', VALID_DAYS * DAY_MS);
  certificate.setIssuer(certificate.subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
  ]);
  signCertificate(certificate, createPrivateKey(key));
  await save(keyFile, key);
  await save(certificateFile, forge.pki.certificateToPem(certificate));
}

async function newCertificate(
  commonName: string,
  validMs: number,
): Promise<{ key: string; certificate: forge.pki.Certificate }> {
  // OpenSSL makes a pair in tens of milliseconds, node-forge in seconds.
  const pair = await generate('rsa', {
    modulusLength: 2_048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(pair.publicKey);
  // A positive serial number of 16 bytes.
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`;
  certificate.validity.notBefore = new Date(Date.now() - DAY_MS);
  certificate.validity.notAfter = new Date(Date.now() + validMs);
  certificate.setSubject(distinguishedName({ organizationName: 'opentsm development', commonName }));
  return { key: pair.privateKey, certificate };
}

/** SHA-256 with RSA. forge makes the form and OpenSSL the signature, for which forge takes tens of milliseconds. */
function signCertificate(certificate: forge.pki.Certificate, key: KeyObject): void {
  // forge wants its own key type, of which it only calls this, when the form is there.
  const signer = {
    sign: (): string => {
      const form = Buffer.from(forge.asn1.toDer(certificate.tbsCertificate).getBytes(), 'binary');
      return sign('sha256', form, key).toString('binary');
    },
  };
  certificate.sign(signer as unknown as forge.pki.rsa.PrivateKey, forge.md.sha256.create());
}

/** There, signed by the authority (or by itself), and good for some time yet. */
async function usable(file: string, authorityFile = file): Promise<boolean> {
  try {
    const certificate = new X509Certificate(await readFile(file));
    const authority = new X509Certificate(await readFile(authorityFile));
    const end = Date.parse(certificate.validTo);
    return end > Date.now() + RENEW_DAYS * DAY_MS && certificate.verify(authority.publicKey);
  } catch {
    return false;
  }
}

async function save(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

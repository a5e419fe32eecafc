// SPDX-License-Identifier: Apache-2.0
import { generateKeyPair, randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { exportJWK, importPKCS8, SignJWT } from 'jose';

/**
 * An issuer of users' tokens for one machine, where there is no OpenID provider: whoever may read its folder may be any
 * user. In production the operator names his own.
 */

export interface DevelopmentUsers {
  readonly issuer: string;
  readonly audience: string;
  /** Public keys, for the front's config. */
  readonly jwksFile: string;
  /** A bearer token of this user. @param seconds how long it is good; default an hour */
  token(subject: string, seconds?: number): Promise<string>;
}

const generate = promisify(generateKeyPair);
const ISSUER = 'https://users.opentsm.invalid';
const AUDIENCE = 'opentsm-front';
const ALGORITHM = 'ES256';
const HOUR_S = 3_600;

/** Opens the issuer kept in `folder` (made when absent; folder 0700, files 0600). */
export async function openDevelopmentUsers(folder: string): Promise<DevelopmentUsers> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const keyFile = join(folder, 'issuer.key.pem');
  const jwksFile = join(folder, 'jwks.json');
  const known = await readFile(keyFile, 'utf8').catch(() => undefined);
  const pem = known ?? (await makeKey(keyFile, jwksFile));
  const key = await importPKCS8(pem, ALGORITHM);
  return {
    issuer: ISSUER,
    audience: AUDIENCE,
    jwksFile,
    token: (subject, seconds = HOUR_S) =>
      new SignJWT({})
        .setProtectedHeader({ alg: ALGORITHM, kid: 'development' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(subject)
        .setJti(randomUUID())
        .setIssuedAt()
        .setExpirationTime(Math.floor(Date.now() / 1_000) + seconds)
        .sign(key),
  };
}

async function makeKey(keyFile: string, jwksFile: string): Promise<string> {
  const { privateKey, publicKey } = await generate('ec', { namedCurve: 'P-256' });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'development', alg: ALGORITHM, use: 'sig' };
  await save(jwksFile, JSON.stringify({ keys: [jwk] }));
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await save(keyFile, pem);
  return pem;
}

async function save(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

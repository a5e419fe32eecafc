// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { publicKeyOf } from '../../crypto/rsa.ts';
import type { Peer } from '../../rest/identity.ts';
import { kmsRoutes } from '../../rest/routes/kms/routes.ts';
import type { KeyAudit } from '../../service/kms/key-audit.ts';
import type { KeyService } from '../../service/kms/key-service.ts';
import { toRsaPublicKey } from '../../wire/gp/public-key.ts';
import type { RsaPublicKey } from '../../wire/message/common.ts';
import { TestServer, testPki } from '../rest/fixture.ts';
import { openPlatform, TestFolder } from './fixture.ts';

const CLI = new URL('../../cli/tsm.mjs', import.meta.url).pathname;

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line; the server is in this process, so nothing blocks here. */
export function tsm(...words: string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (err += data));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

/** A KMS behind its routes, in this process, and operators of it. */
export interface OperatorDesk {
  readonly folder: string;
  readonly kms: KeyService;
  /** Config file of this operator. */
  operator(id: string, platform?: Peer): Promise<string>;
  /** Writes a file into the folder and returns its path. */
  file(name: string, text: string): Promise<string>;
}

export async function withDesk(self: Peer, owner: Peer, test: (desk: OperatorDesk) => Promise<void>, audit?: KeyAudit) {
  await using folder = await TestFolder.make();
  const { kms } = await openPlatform(join(folder.path, 'keys'), audit === undefined ? {} : { audit });
  await using server = await TestServer.start(self, (app) => kmsRoutes(app, kms, owner));
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder.path, name), text);
    return join(folder.path, name);
  };
  try {
    await test({
      folder: folder.path,
      kms,
      file,
      operator: async (id, platform = self) => {
        const tls = await (await testPki()).issue({ role: 'operator', id, platform });
        const at = { url: `https://127.0.0.1:${server.port}`, ...platform };
        return file(`${id}.json`, JSON.stringify({ platform: at, tls }));
      },
    });
  } finally {
    kms.close();
  }
}

/** A key pair of an ISD: the public half as the card maker's list has it, and both in PEM. */
export function newIsdKey(modulusLength = 1024, publicExponent = 0x10001) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength, publicExponent });
  const key: RsaPublicKey = toRsaPublicKey(publicKeyOf(publicKey));
  return {
    key,
    pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

const HEADING = 'iccid,isdKeyReference,isdModulus,isdExponent';

/** A list as a card maker gives it: cards 8986001234567890.. with these keys. */
export const makersList = (keys: readonly RsaPublicKey[]): string =>
  [HEADING, ...keys.map(({ modulus, exponent }, index) => `${iccid(index)},1002,${modulus},${exponent}`), ''].join(
    '\n',
  );

export const iccid = (index: number): string => `89860012345678${String(index).padStart(5, '0')}`;

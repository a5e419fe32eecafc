// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvariantError } from '../host/errors.ts';
import { median, onCore } from './one-core.ts';

/** RSA 2048 signatures of the KMS's providers beside OpenSSL's own, on one core, in turn, in a second of CPU time. */

const SOFTHSM = '/usr/lib/softhsm/libsofthsm2.so';
const PIN = '271828';
const ROUNDS = 3;

export interface Signatures {
  readonly openssl: number;
  /** The PKCS#11 module alone: the most that the KMS can get from this token. */
  readonly token: number;
  readonly kms: readonly { readonly provider: string; readonly signatures: number; readonly overOpenssl: number }[];
}

async function opensslRate(): Promise<number> {
  const out = await onCore(0, 'openssl', ['speed', '-seconds', '3', '-mr', 'rsa2048']);
  const rate = Number(/^\+F2:\d+:2048:([\d.e-]+)/m.exec(out)?.[1]);
  // It prints seconds for one signature, or signatures in a second, by its release.
  if (!(rate > 0)) throw new InvariantError('openssl-speed', 'openssl speed printed another form');
  return rate < 1 ? 1 / rate : rate;
}

async function softHsm(folder: string): Promise<NodeJS.ProcessEnv> {
  await mkdir(join(folder, 'tokens'));
  const conf = join(folder, 'softhsm2.conf');
  await writeFile(conf, `directories.tokendir = ${join(folder, 'tokens')}\nobjectstore.backend = file\n`);
  const env = { ...process.env, SOFTHSM2_CONF: conf };
  const words = ['--init-token', '--free', '--label', 'bench', '--pin', PIN, '--so-pin', '31415926'];
  spawnSync('softhsm2-util', words, { env });
  return env;
}

export async function kmsSignatures(): Promise<Signatures> {
  const folder = await mkdtemp(join(tmpdir(), 'opentsm-bench-'));
  try {
    const env = await softHsm(folder);
    const script = join(import.meta.dirname, 'signatures.ts');
    const providers = existsSync(SOFTHSM) ? ['software', 'pkcs11'] : ['software'];
    const openssl: number[] = [];
    const token: number[] = [];
    const rates = providers.map((): number[] => []);
    const alone = [join(import.meta.dirname, 'token-alone.ts'), SOFTHSM, PIN];
    // In turn, so that what else the machine does falls on all of them.
    for (let round = 0; round < ROUNDS; round += 1) {
      openssl.push(await opensslRate());
      if (providers.includes('pkcs11')) token.push(Number(await onCore(0, process.execPath, alone, env)));
      for (const [index, provider] of providers.entries()) {
        const words = [script, provider, join(folder, `${provider}-${round}`), SOFTHSM, PIN];
        rates[index]?.push(Number(await onCore(0, process.execPath, words, env)));
      }
    }
    const kms = providers.map((provider, index) => {
      const signatures = median(rates[index] ?? []);
      return { provider, signatures, overOpenssl: signatures / median(openssl) };
    });
    return { openssl: median(openssl), token: median(token), kms };
  } finally {
    await rm(folder, { recursive: true });
  }
}

// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvariantError } from '../../errors.ts';
import type { FolderKeyProvider } from '../../kms/folder-provider.ts';
import { Pkcs11KeyProvider, type Pkcs11Options } from '../../kms/pkcs11/provider.ts';
import { SoftwareKeyProvider } from '../../kms/software.ts';

/** Every provider of keys, for suites that hold for each. */

export const SOFTHSM = '/usr/lib/softhsm/libsofthsm2.so';
export const PIN = '271828';

export interface TestProvider {
  readonly name: 'software' | 'PKCS#11';
  /** Opens the keys of a folder; the second time the same ones. */
  open(folder: string): Promise<FolderKeyProvider>;
}

export interface SoftHsm {
  readonly tokens: string;
}

let shared: Promise<SoftHsm> | undefined;

/** SoftHSM with the tokens `kms` and `other`, one for all suites of this process. */
export async function sharedSoftHsm(): Promise<SoftHsm> {
  shared ??= (async () => {
    const folder = await mkdtemp(join(tmpdir(), 'opentsm-softhsm-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    const tokens = join(folder, 'tokens');
    await mkdir(tokens);
    const conf = join(folder, 'softhsm2.conf');
    await writeFile(conf, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
    // The module reads it from the environment of the process.
    process.env.SOFTHSM2_CONF = conf;
    for (const label of ['kms', 'other']) initToken(label);
    return { tokens };
  })();
  return shared;
}

function initToken(label: string): void {
  const words = ['--init-token', '--free', '--label', label, '--pin', PIN, '--so-pin', '31415926'];
  const { status, stderr } = spawnSync('softhsm2-util', words, { encoding: 'utf8' });
  if (status !== 0) throw new InvariantError('softhsm', stderr);
}

export async function pkcs11Options(folder: string, more: Partial<Pkcs11Options> = {}): Promise<Pkcs11Options> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const pinFile = join(folder, 'pin');
  if (!existsSync(pinFile)) await writeFile(pinFile, `${PIN}\n`, { mode: 0o600 });
  // A sealing key for each folder, so that one token serves many tests.
  return { folder, library: SOFTHSM, tokenLabel: 'kms', keyLabel: `seal ${folder}`, pinFile, create: true, ...more };
}

const TOKEN: TestProvider = {
  name: 'PKCS#11',
  open: async (folder) => {
    await sharedSoftHsm();
    return Pkcs11KeyProvider.open(await pkcs11Options(folder));
  },
};

/** Those that this machine has; host/test/kms/pkcs11.test.ts counts it as skipped when SoftHSM is not there. */
export const PROVIDERS: readonly TestProvider[] = [
  { name: 'software', open: (folder) => SoftwareKeyProvider.open(folder) },
  ...(existsSync(SOFTHSM) ? [TOKEN] : []),
];

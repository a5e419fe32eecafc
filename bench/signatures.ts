// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Pkcs11KeyProvider } from '../host/kms/pkcs11/provider.ts';
import { SoftwareKeyProvider } from '../host/kms/software.ts';

/** One provider of the KMS for three seconds: `signatures.ts PROVIDER FOLDER LIBRARY PIN` prints its rate by CPU. */

const AT_A_TIME = 4;
const MS = 3_000;

async function opened([provider, folder = '', library = '', pin = '']: readonly string[]) {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (provider === 'software') return SoftwareKeyProvider.open(folder);
  const pinFile = join(folder, 'pin');
  await writeFile(pinFile, pin, { mode: 0o600 });
  return Pkcs11KeyProvider.open({ folder, library, tokenLabel: 'bench', keyLabel: 'bench', pinFile, create: true });
}

const keys = await opened(process.argv.slice(2));
await keys.createKeyPair({ label: 'bench', purpose: 'certificate-authority', keySizeBits: 2048 });
const { signSha256 } = await keys.signer('bench', 'certificate-authority');
const data = new Uint8Array(64);
const before = process.cpuUsage();
const start = performance.now();
let made = 0;
await Promise.all(
  Array.from({ length: AT_A_TIME }, async () => {
    while (performance.now() - start < MS) {
      await signSha256(data);
      made += 1;
    }
  }),
);
const { user, system } = process.cpuUsage(before);
process.stdout.write(String((made * 1_000_000) / (user + system)));
keys.close();

// SPDX-License-Identifier: Apache-2.0
import { copyFile, cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { connect } from 'node:tls';
import { openDevelopmentPki } from '../../local/development-pki.ts';
import type { Topology } from '../../local/topology.ts';

/** Every place where a daemon of this topology takes TLS connections. */
export function listenersOf(topology: Topology): (readonly [what: string, url: string])[] {
  return [
    ...topology.names.map((name) => [name, topology.url(name)] as const),
    ...topology.appAddresses().map((url) => ["the front's app side", url] as const),
    ...topology.tsmsAddresses('provider-a').map((url) => ["the provider's TSM-Backend", url] as const),
  ];
}

/** Serial number of the certificate that is shown there to an operator. */
export async function servedSerial(topology: Topology, url: string): Promise<string> {
  const { hostname: host, port } = new URL(url);
  const operator = { role: 'operator', id: 'supervisor', platform: topology.peer('issuer') } as const;
  const { key, certificate: cert, authority: ca } = await topology.pki.identity(operator);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), key, cert, ca }, () => {
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      resolve(serialNumber);
    });
    socket.on('error', reject);
  });
}

/** Puts another key and certificate of the same name into the files of each daemon, as before an old one's end. */
export async function renewCertificates(topology: Topology): Promise<void> {
  const fresh = await mkdtemp(join(tmpdir(), 'opentsm-renewed-'));
  try {
    const files = await Promise.all(
      topology.names.map(async (name) => JSON.parse(await readFile(topology.configFile(name), 'utf8')).tls),
    );
    await cp(dirname(files[0].authority), fresh, { recursive: true });
    await Promise.all(files.map(({ certificate }) => rm(join(fresh, basename(certificate)))));
    const pki = await openDevelopmentPki(fresh);
    for (const [index, name] of topology.names.entries()) {
      const renewed = await pki.issue(topology.peer(name));
      await copyFile(renewed.key, files[index].key);
      await copyFile(renewed.certificate, files[index].certificate);
    }
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

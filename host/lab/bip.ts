// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Secret } from '../crypto/secret.ts';
import { AdministrationKeys } from '../kms/administration-keys.ts';
import { sealedFile } from '../kms/secret-file.ts';
import { freePort } from '../local/free-port.ts';
import { toHex } from '../wire/hex.ts';

/** What a lab's daemons need so that scripts go by remote administration. */

/** How long a card may take to call before it is told of another way. */
const CALL_MS = 500;
/** Before a card calls again whose channel broke. */
const PAUSE_SECONDS = 1;

type Fields = Readonly<Record<string, unknown>>;

export interface CallPlace {
  readonly host: string;
  readonly port: number;
}

export interface BipConfigs {
  readonly ota: Fields;
  readonly otaKms: Fields;
  readonly terminal: Fields;
}

/** And what a card needs that has an agent of its own. */
export interface BipServer extends BipConfigs {
  readonly server: CallPlace;
  /** Where the server's first node listens. */
  readonly listen: CallPlace;
  /** The key of whoever calls under this identity. */
  pskOf(identity: string): Uint8Array;
}

/**
 * A new master key for the server's KMS, and the terminal's key from it, in `folder`.
 *
 * @param wire where cards and terminals call in place of the server, for tests that have a wire in between
 */
export async function makeBipConfigs(folder: string, terminalId: string, wire?: CallPlace): Promise<BipServer> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const [masterFile, pskFile] = [join(folder, 'master.key'), join(folder, `${terminalId}.psk`)];
  const master = new Uint8Array(randomBytes(32));
  // An earlier run's.
  await rm(sealedFile(masterFile), { force: true });
  await writeFile(masterFile, toHex(master), { mode: 0o600 });
  const keys = new AdministrationKeys(new Secret(master));
  await writeFile(pskFile, toHex(keys.derive(terminalId)), { mode: 0o600 });
  const listen = { host: '127.0.0.1', port: await freePort() };
  const server = wire ?? listen;
  return {
    ota: { bearers: ['bip'], administration: { listen } },
    otaKms: { administrationKeyFile: masterFile },
    terminal: { administration: { servers: [server], pskFile } },
    listen,
    server,
    pskOf: (identity) => keys.derive(identity),
  };
}

/** The same where cards may have agents of their own: `sms` makes them call, and the terminal is their handset. */
export function cardAgentConfigs(
  { listen, server, otaKms, terminal }: BipServer,
  sms: { readonly ota: Fields; readonly otaKms: Fields; readonly terminal: { readonly handset: Fields } },
): BipConfigs {
  const cards = { address: server.host, port: server.port, pauseSeconds: PAUSE_SECONDS };
  return {
    ota: { ...sms.ota, bearers: ['bip'], administration: { listen, cards } },
    otaKms: { ...otaKms, ...sms.otaKms },
    terminal: { ...terminal, handset: { ...sms.terminal.handset, channels: [server] } },
  };
}

/** Both bearers, with a channel that never opens: the agent calls where nobody listens. */
export async function smsAfterBip(bip: BipConfigs, sms: BipConfigs): Promise<BipConfigs> {
  const listen = { host: '127.0.0.1', port: await freePort() };
  return {
    ota: { ...sms.ota, administration: { listen, callMs: CALL_MS }, bearers: ['bip', 'sms'] },
    otaKms: { ...sms.otaKms, ...bip.otaKms },
    terminal: { ...sms.terminal, ...bip.terminal },
  };
}

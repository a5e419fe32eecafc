// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { CardSession } from '../../card/card-session.ts';
import { keySetCommand } from '../../card/key-set.ts';
import { aesKeyCheckValue } from '../../crypto/aes.ts';
import { systemRandom } from '../../crypto/random.ts';
import { Secret } from '../../crypto/secret.ts';
import { unwrapKeyBlock } from '../../kms/key-block.ts';
import type { Platforms } from '../../lab/platforms.ts';
import { Scp03Channel } from '../../secure-channel/scp03/channel.ts';
import { securityLevel } from '../../secure-channel/security-level.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import { keyReferenceFromHex } from '../../wire/gp/key-reference.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { InitialKeyBlob } from '../../wire/message/security-domain-resource.ts';
import type { ForeignTsm } from './foreign-tsm.ts';

/** Keys of a foreign TSM that has no CA: its transport key in the issuer's KMS, and what comes under it. */

const KMS = 'kms-issuer';
const KBPK = { algorithm: 'aes', keyUsage: 'K1', exportability: 'N' } as const;

/** Two operators of the issuer's KMS bring in the TSM's transport key; the KMS gets its own key for keys of cards. */
export async function bringTransportKey(platforms: Platforms, label: string, owner: string): Promise<Uint8Array> {
  const { topology } = platforms;
  const first = await platforms.client(KMS);
  const second = await topology.client({ role: 'operator', id: 'other', platform: topology.peer(KMS) }, KMS);
  const key = { ...KBPK, modeOfUse: 'E', label, owner, lengthBits: 256 } as const;
  const components = [randomBytes(32), randomBytes(32)];
  for (const [index, client] of [first, second].entries()) {
    const value = components[index] ?? new Uint8Array();
    const body = {
      key,
      index: index + 1,
      count: 2,
      value: toHex(value),
      checkValue: toHex(aesKeyCheckValue(value)),
    };
    await client.call({ method: 'POST', path: '/v1/key-components', body });
  }
  await first.call({ method: 'POST', path: `/v1/managed-keys/${label}/activate` });
  return Uint8Array.from({ length: 32 }, (_, at) => (components[0]?.[at] ?? 0) ^ (components[1]?.[at] ?? 0));
}

export async function makeCardKeys(platforms: Platforms): Promise<void> {
  const kms = await platforms.client(KMS);
  const body = { ...KBPK, modeOfUse: 'B', label: 'card-keys', owner: 'issuer:main', lengthBits: 256 };
  await kms.call({ method: 'POST', path: '/v1/managed-keys', body });
  await kms.call({ method: 'POST', path: '/v1/managed-keys/card-keys/activate' });
}

/** ENC, MAC and DEK of what was handed over. */
export function openKeyBlob(transport: Uint8Array, { keyBlocks }: InitialKeyBlob) {
  const { enc, mac, dek } = keyBlocks;
  return [enc, mac, dek].map((block) => unwrapKeyBlock(transport, block).key);
}

/** All rows of some tables, as one text. */
export async function tablesOf(connectionString: string, tables: readonly string[]): Promise<string> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const texts: string[] = [];
    for (const table of tables) {
      const { rows } = await client.query(`SELECT coalesce(json_agg(t), '[]')::text AS text FROM ${table} t`);
      texts.push(rows[0].text);
    }
    return texts.join('');
  } finally {
    await client.end();
  }
}

const NO_FUSE = { begin: async () => {}, succeeded: async () => {} };

/** SCP03 with the TSM's domain over the issuer's way to its card, every command in one exchange. */
export async function sessionOf(tsm: ForeignTsm, id: string, keys: readonly Uint8Array[], keyVersion: number) {
  let fence: number | undefined;
  const channel: CardChannel = {
    atr: new Uint8Array(),
    transmit: async (command) => {
      const commands = [{ label: 'own', apdus: [toHex(command)], anyStatus: true as const }];
      const answer = await tsm.exchange(id, { commands, ...(fence === undefined ? {} : { fence }) });
      fence = answer.fence;
      const [response] = answer.responses;
      return fromHex(`${response?.data ?? ''}${response?.sw ?? ''}`, 4_098);
    },
    reset: async () => new Uint8Array(),
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
  const session = new CardSession(channel);
  const [enc, mac, dek] = keys.map((key) => new Secret(key.slice()));
  if (enc === undefined || mac === undefined || dek === undefined) throw new TypeError('three keys');
  const level = securityLevel(0x33);
  const secure = new Scp03Channel({ level, keys: () => ({ enc, mac, dek }), keyVersion, random: systemRandom });
  await session.open(secure, NO_FUSE);
  return session;
}

/** The owner's own set takes the place of the first one. */
export async function putOwnKeys(session: CardSession, keyVersion: string): Promise<Uint8Array[]> {
  const own = [1, 2, 3].map(() => new Uint8Array(randomBytes(16)));
  const keys = own.map((key) => new Secret(key.slice()));
  const { command, check } = keySetCommand(session, {
    reference: keyReferenceFromHex(`${keyVersion}01`),
    kind: 'aes',
    keys,
  });
  check(await session.send(command));
  return own;
}

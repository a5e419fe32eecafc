// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type CardImage, readCardImage, type SimulatedCard } from '../../simulator/src/index.ts';
import { CardSession } from '../card/card-session.ts';
import { chooseChannel, secureChannelsOf } from '../card/discovery.ts';
import { nativeIssuerProfile } from '../card/profile/native-issuer.ts';
import { systemRandom } from '../crypto/random.ts';
import { Secret } from '../crypto/secret.ts';
import { InvariantError, UsageError } from '../errors.ts';
import type { CardChannel } from '../transport/card-channel.ts';
import { fromHex, toHex } from '../wire/hex.ts';
import type { CardId } from '../wire/message/common.ts';
import type { IsdKeySet } from '../wire/message/operator.ts';

/** Cards of the field for labs: simulated ones whose issuer's domain is their maker's (simulator/cards). */

export const NATIVE_CARDS = ['jcop', 'uicc', 'ese'] as const;
export type NativeCardKind = (typeof NATIVE_CARDS)[number];

export interface NativeMadeCard {
  readonly image: CardImage;
  readonly cardId: CardId;
  readonly isdAid: string;
  readonly isdKeySet: IsdKeySet;
}

/** Lengths of the published test key 40, 41 .. by the label that the issuer's KMS has them under. */
const KEY_LENGTHS = { published128: 16, published256: 32 } as const;

/** Files of the published test keys: `cardKeySets` of a KMS that allows them. */
export async function writePublishedKeySets(folder: string): Promise<{ label: string; file: string }[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return Promise.all(
    Object.entries(KEY_LENGTHS).map(async ([label, length]) => {
      const file = join(folder, `${label}.json`);
      const key = toHex(Uint8Array.from({ length }, (_, index) => 0x40 + index));
      await writeFile(file, JSON.stringify({ enc: key, mac: key, dek: key }), { mode: 0o600 });
      return { label, file };
    }),
  );
}

/** Builds the security domains' CAP file into a folder. @throws UsageError with what the build said */
export function buildSecurityDomainPackage(folder: string): string {
  const root = resolve(import.meta.dirname, '../..');
  const args = [join(root, 'toolchain/bin/ant-javacard.mjs'), `-Dcap.dir=${folder}`, 'cap-3.0.5'];
  const run = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  if (run.status !== 0) throw new UsageError('cap-build', `The CAP file was not built: ${run.stderr}${run.stdout}`);
  return join(folder, 'securitydomain-3.0.5.cap');
}

/** A new card of this kind, with a name of its own. */
export async function makeNativeCard(kind: NativeCardKind, iccid: string): Promise<NativeMadeCard> {
  const { image: found } = await readCardImage(kind);
  const { image, cardId } = renamed(found, iccid);
  const { nativeIsd } = image;
  if (nativeIsd === undefined || nativeIsd === null) throw new InvariantError('image', `${kind} has no native ISD`);
  const keySet = nativeIsd.enc.length === 64 ? 'published256' : 'published128';
  return {
    image,
    cardId,
    isdAid: nativeIsd.aid,
    isdKeySet: { profile: kind, keySet, derivation: 'none', keyVersion: '00' },
  };
}

const random = (length: number): string => toHex(new Uint8Array(randomBytes(length)));

/** CPLC: fabricator, type, OS (6 bytes) and date lead the serial number, four bytes. */
const SERIAL = { from: 24, to: 32 } as const;

function renamed(found: CardImage, iccid: string): { image: CardImage; cardId: CardId } {
  const name = `${found.name}-${iccid}`;
  if (typeof found.iccid === 'string') {
    return { image: { ...found, name, iccid }, cardId: { kind: 'iccid', value: iccid } };
  }
  if (typeof found.iin === 'string') {
    const cin = random(8);
    return { image: { ...found, name, cin }, cardId: { kind: 'iin-cin', value: `${found.iin}-${cin}` } };
  }
  const old = found.cplc ?? '';
  const cplc = old.slice(0, SERIAL.from) + random(4) + old.slice(SERIAL.to);
  return { image: { ...found, name, cplc }, cardId: { kind: 'cplc', value: cplc } };
}

const noFuse = { begin: async () => {}, succeeded: async () => {} };

/** The issuer's own session with the ISD, with the card in its hand. */
export async function openIssuerSession(card: SimulatedCard, made: NativeMadeCard): Promise<CardSession> {
  await card.power('on');
  await card.reset();
  const session = new CardSession(channelTo(card));
  const { nativeIsd } = made.image;
  const secret = (hex: string | undefined) => new Secret(fromHex(hex ?? '', 32));
  const keys = () => ({ enc: secret(nativeIsd?.enc), mac: secret(nativeIsd?.mac), dek: secret(nativeIsd?.dek) });
  const { level } = nativeIssuerProfile(made.isdKeySet.profile);
  const offered = await secureChannelsOf(session, systemRandom);
  const wish = { keys, level, random: systemRandom, aid: fromHex(made.isdAid, 16) };
  await session.open(chooseChannel(offered, wish), noFuse);
  return session;
}

function channelTo(card: SimulatedCard): CardChannel {
  return {
    atr: card.atr,
    transmit: (command) => card.transmit(command),
    reset: async () => {
      await card.reset();
      return card.atr;
    },
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

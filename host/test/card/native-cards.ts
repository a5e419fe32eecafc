// SPDX-License-Identifier: Apache-2.0
import {
  type CardImage,
  readCardImage,
  type SimulatedCard,
  type Simulator,
  sharedSimulator,
} from '../../../simulator/src/index.ts';
import { CardSession } from '../../card/card-session.ts';
import { chooseChannel, secureChannelsOf } from '../../card/discovery.ts';
import { systemRandom } from '../../crypto/random.ts';
import { Secret } from '../../crypto/secret.ts';
import { InvariantError } from '../../errors.ts';
import type { SecurityLevel } from '../../secure-channel/security-level.ts';
import { securityLevel } from '../../secure-channel/security-level.ts';
import type { StaticKeys } from '../../secure-channel/symmetric-keys.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import { fromHex } from '../../wire/hex.ts';

/** Simulated cards whose issuer's domain is not ours, as the host's own card code reaches them. */

export const NATIVE_CARDS = ['jcop', 'uicc', 'ese'] as const;
export type NativeCardName = (typeof NATIVE_CARDS)[number] | 'toolkit';

/** The highest level of each card's channel. */
export const TOP_LEVEL: Readonly<Record<NativeCardName, SecurityLevel>> = {
  jcop: securityLevel(0x33),
  uicc: securityLevel(0x03),
  toolkit: securityLevel(0x03),
  ese: securityLevel(0x33),
};

export function channelTo(card: SimulatedCard): CardChannel {
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

/** The keys that the image names; fresh copies each time. */
export function imageKeys({ nativeIsd }: CardImage): StaticKeys {
  if (nativeIsd === undefined || nativeIsd === null) throw new InvariantError('image', 'This card has no native ISD');
  const { enc, mac, dek } = nativeIsd;
  const secret = (hex: string) => new Secret(fromHex(hex, 32));
  return { enc: secret(enc), mac: secret(mac), dek: secret(dek) };
}

/** No count is kept: these cards are thrown away. */
export const noFuse = { begin: async () => {}, succeeded: async () => {} };

export interface NativeCard extends AsyncDisposable {
  readonly image: CardImage;
  readonly card: SimulatedCard;
  /** A session in clear; the card is reset first. */
  plain(): Promise<CardSession>;
  /** The issuer's session. */
  open(options?: {
    readonly level?: SecurityLevel;
    readonly keys?: () => StaticKeys;
    /** The domain's name, where it has another one than the image says. */
    readonly aid?: string;
  }): Promise<CardSession>;
}

export async function insertNative(
  name: NativeCardName,
  changes: Partial<CardImage> = {},
  simulator?: Simulator,
): Promise<NativeCard> {
  const { image: found } = await readCardImage(name);
  const image = { ...found, ...changes };
  const card = await (simulator ?? (await sharedSimulator())).insert(image);
  await card.power('on');
  const plain = async () => {
    await card.reset();
    return new CardSession(channelTo(card));
  };
  return {
    image,
    card,
    plain,
    open: async ({
      level = TOP_LEVEL[name],
      keys = () => imageKeys(image),
      aid: own = image.nativeIsd?.aid ?? '',
    } = {}) => {
      const session = await plain();
      const offered = await secureChannelsOf(session, systemRandom);
      const aid = fromHex(own);
      await session.open(chooseChannel(offered, { keys, level, random: systemRandom, aid }), noFuse);
      return session;
    },
    [Symbol.asyncDispose]: () => card[Symbol.asyncDispose](),
  };
}

// SPDX-License-Identifier: Apache-2.0
import type { RandomSource } from '../crypto/random.ts';
import { NotFoundError, TsmError, UsageError } from '../errors.ts';
import { Scp02Channel } from '../secure-channel/scp02/channel.ts';
import { Scp03Channel } from '../secure-channel/scp03/channel.ts';
import type { SecureChannel } from '../secure-channel/secure-channel.ts';
import type { SecurityLevel } from '../secure-channel/security-level.ts';
import type { StaticKeyLookup } from '../secure-channel/symmetric-keys.ts';
import { decodeSecureChannelOptions, type SecureChannelOption } from '../wire/gp/card-recognition-data.ts';
import { responseData } from '../wire/gp/command.ts';
import { DATA_OBJECT, getData } from '../wire/gp/get-data.ts';
import { initializeUpdate, protocolOf } from '../wire/gp/initialize-update.ts';
import { SW, statusWordToHex } from '../wire/status-word.ts';
import type { CardSession } from './card-session.ts';

/** What the domain announces, or, where it says nothing, what its first key set speaks. */
export async function secureChannelsOf(session: CardSession, random: RandomSource): Promise<SecureChannelOption[]> {
  const command = getData(DATA_OBJECT.CARD_DATA);
  const response = await session.transmit(command);
  if (response.sw === statusWordToHex(SW.NO_ERROR)) {
    try {
      const found = decodeSecureChannelOptions(responseData(command, response));
      if (found.length > 0) return found;
    } catch (error) {
      if (!(error instanceof TsmError)) throw error;
      // Recognition data out of form: the key set itself tells.
    }
  }
  return [await probe(session, random)];
}

/** INITIALIZE UPDATE alone tries nothing: it only asks. */
async function probe(session: CardSession, random: RandomSource): Promise<SecureChannelOption> {
  const command = initializeUpdate(random(8, 'host-challenge'));
  const answer = await session.transmit(command);
  const data = responseData(command, answer);
  const protocol = protocolOf(data);
  return { protocol, option: protocol === 0x03 ? (data[12] ?? 0) : 0x55 };
}

export interface ChannelWish {
  /** 2 or 3; absent is what the card announces, SCP03 first. */
  readonly protocol?: number;
  readonly keys: StaticKeyLookup;
  readonly keyVersion?: number;
  readonly level: SecurityLevel;
  readonly aid?: Uint8Array;
  readonly random: RandomSource;
}

const SYMMETRIC: readonly number[] = [0x03, 0x02];

/**
 * The secure channel to open, from what the card announces and what is wished. Nothing is tried: the choice is made
 * here.
 *
 * @throws NotFoundError when the card offers none of SCP02 and SCP03
 */
export function chooseChannel(offered: readonly SecureChannelOption[], wish: ChannelWish): SecureChannel {
  const wanted = wish.protocol === undefined ? SYMMETRIC : [wish.protocol];
  const choice = wanted.flatMap((protocol) => offered.find((option) => option.protocol === protocol) ?? [])[0];
  if (choice === undefined) {
    const names = offered.map(({ protocol }) => `SCP${protocol.toString(16).padStart(2, '0')}`).join(', ');
    throw new NotFoundError(
      'secure-channel',
      `The card offers ${names || 'nothing'}: neither SCP02 nor SCP03 as wished`,
    );
  }
  const { keys, level, random, keyVersion = 0, aid } = wish;
  if (choice.protocol === 0x02) return new Scp02Channel({ keys, level, random, keyVersion, option: choice.option });
  if (choice.protocol !== 0x03) throw new UsageError('secure-channel', 'Only SCP02 and SCP03 have static keys');
  const s16 = (choice.option & 0x01) !== 0;
  return new Scp03Channel({ keys, level, random, keyVersion, s16, ...(aid === undefined ? {} : { aid }) });
}

/** The highest level that every card of the protocol has: with R-MAC where it is announced. */
export function usualLevel({ protocol, option }: SecureChannelOption): SecurityLevel {
  if (protocol === 0x03) return (option & 0x20) === 0 ? 0x03 : (option & 0x40) === 0 ? 0x13 : 0x33;
  return 0x03;
}

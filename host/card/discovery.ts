// SPDX-License-Identifier: Apache-2.0
import type { RandomSource } from '../crypto/random.ts';
import { SecureChannelError, TransportError, TsmError, UsageError } from '../errors.ts';
import { Scp02Channel } from '../secure-channel/scp02/channel.ts';
import { Scp03Channel } from '../secure-channel/scp03/channel.ts';
import type { SecureChannel } from '../secure-channel/secure-channel.ts';
import type { SecurityLevel } from '../secure-channel/security-level.ts';
import type { StaticKeyLookup } from '../secure-channel/symmetric-keys.ts';
import { decodeSecureChannelOptions, type SecureChannelOption } from '../wire/gp/card-recognition-data.ts';
import { type GpCommand, responseData } from '../wire/gp/command.ts';
import { DATA_OBJECT, getData } from '../wire/gp/get-data.ts';
import { initializeUpdate, protocolOf } from '../wire/gp/initialize-update.ts';
import { decodeKeyInformation, type KeyInformation } from '../wire/gp/key-information.ts';
import type { CardResponse } from '../wire/message/card-script.ts';
import { SW, statusWordToHex } from '../wire/status-word.ts';
import type { CardSession } from './card-session.ts';

/** A protocol that somebody named, with the version of its keys. */
type NamedProtocol = Pick<ChannelWish, 'protocol' | 'keyVersion'>;

/**
 * What the domain announces, or, where it says nothing, what its first key set speaks. A protocol that is named and not
 * announced is looked for in the key set: cards of the field leave it out of 0066.
 */
export async function secureChannelsOf(
  session: CardSession,
  random: RandomSource,
  named: NamedProtocol = {},
): Promise<SecureChannelOption[]> {
  const found = await announced(session);
  if (found.length === 0) return [await probe(session, random, named.keyVersion)];
  if (named.protocol === undefined || found.some(({ protocol }) => protocol === named.protocol)) return found;
  try {
    return [...found, await probe(session, random, named.keyVersion)];
  } catch (error) {
    if (!(error instanceof TsmError) || error instanceof TransportError) throw error;
    return found;
  }
}

async function announced(session: CardSession): Promise<SecureChannelOption[]> {
  const command = getData(DATA_OBJECT.CARD_DATA);
  const response = await session.transmit(command);
  if (response.sw !== statusWordToHex(SW.NO_ERROR)) return [];
  try {
    return decodeSecureChannelOptions(responseData(command, response));
  } catch (error) {
    if (!(error instanceof TsmError)) throw error;
    // Recognition data out of form: the key set itself tells.
    return [];
  }
}

const CHALLENGE_LENGTHS = { S8: 8, S16: 16 } as const;

/** INITIALIZE UPDATE alone tries nothing: it only asks. A card in S16 wants a challenge of 16 bytes. */
async function probe(session: CardSession, random: RandomSource, keyVersion = 0): Promise<SecureChannelOption> {
  const ask = (length: number): GpCommand => initializeUpdate(random(length, 'host-challenge'), keyVersion);
  let command = ask(CHALLENGE_LENGTHS.S8);
  let answer = await session.transmit(command);
  if (WRONG_LENGTH.includes(answer.sw)) {
    command = ask(CHALLENGE_LENGTHS.S16);
    answer = await session.transmit(command);
  }
  const data = responseData(command, answer);
  const protocol = protocolOf(data);
  return { protocol, option: protocol === 0x03 ? (data[12] ?? 0) : 0x55 };
}

/** Wrong length, and wrong data as some cards say for it. */
const WRONG_LENGTH: readonly string[] = ['6700', '6A80'];

export interface ChannelWish {
  /** 2 or 3; absent is what the card announces, SCP03 first. */
  readonly protocol?: number;
  readonly keys: StaticKeyLookup;
  readonly keyVersion?: number;
  readonly level: SecurityLevel;
  readonly aid?: Uint8Array;
  /** Is told of a card challenge that goes with another AID. */
  readonly warn?: (message: string) => void;
  readonly random: RandomSource;
}

const SYMMETRIC: readonly number[] = [0x03, 0x02];
/** Key type of each protocol's sets, and where hosts put them; other versions may be for packets, tokens or DAPs. */
const KEY_SETS: Readonly<Record<number, { readonly types: readonly number[]; readonly first: number }>> = {
  3: { types: [0x88], first: 0x30 },
  2: { types: [0x80, 0x82], first: 0x20 },
};
const SET_SIZE = 3;
/**
 * Versions that cards keep for packets (SCP80) and remote administration (SCP81): a set there is for neither protocol
 * unless somebody names it. @see TS 102 225 5.1.1, GPCS 2.3.1 Amendment B
 */
const isOverTheAir = (version: number): boolean => [0x00, 0x40].includes(version & 0xf0);

type KeySetWish = Pick<ChannelWish, 'protocol' | 'keyVersion'>;

/**
 * Protocol and key version where a domain announces SCP02 and SCP03: 00 would mean its first set, of either. Its key
 * information says which version speaks what; SCP03 comes first. A wish that leaves no choice comes back as it is.
 */
export async function keySetOf(
  session: CardSession,
  offered: readonly SecureChannelOption[],
  wish: KeySetWish,
): Promise<KeySetWish> {
  const { protocol: named, keyVersion = 0 } = wish;
  const both = SYMMETRIC.every((protocol) => offered.some((option) => option.protocol === protocol));
  if (!both || (named !== undefined && keyVersion !== 0)) return wish;
  const command = getData(DATA_OBJECT.KEY_INFORMATION);
  const response = await session.transmit(command);
  const keys = keysTold(command, response);
  for (const protocol of named === undefined ? SYMMETRIC : [named]) {
    const versions = setsOf(keys, protocol);
    const found =
      keyVersion === 0
        ? versions.find((version) => !isOverTheAir(version))
        : versions.find((version) => version === keyVersion);
    if (found !== undefined) return { protocol, keyVersion: found };
  }
  return wish;
}

/** Nothing where the card refuses, or tells something else. */
function keysTold(command: GpCommand, response: CardResponse): KeyInformation[] {
  if (response.sw !== statusWordToHex(SW.NO_ERROR)) return [];
  try {
    return decodeKeyInformation(responseData(command, response));
  } catch (error) {
    if (!(error instanceof TsmError)) throw error;
    return [];
  }
}

/** Versions with ENC, MAC and DEK of the protocol's type, those of its usual place first. */
function setsOf(keys: readonly KeyInformation[], protocol: number): number[] {
  const { types, first } = KEY_SETS[protocol] ?? { types: [], first: 0 };
  const fitting = keys.filter(
    ({ reference, components: [component] }) =>
      reference.kid >= 1 && reference.kid <= SET_SIZE && types.includes(component?.type ?? 0),
  );
  const versions = [...new Set(fitting.map(({ reference }) => reference.kvn))];
  const whole = versions.filter((kvn) => fitting.filter(({ reference }) => reference.kvn === kvn).length === SET_SIZE);
  const usual = (kvn: number): number => ((kvn & 0xf0) === first ? 0 : 1);
  return whole.toSorted((a, b) => usual(a) - usual(b) || a - b);
}

const protocolName = (protocol: number): string => `SCP${protocol.toString(16).padStart(2, '0')}`;

/**
 * The secure channel to open, from what the card announces and what is wished. Nothing is tried: the choice is made
 * here.
 *
 * @throws SecureChannelError when the domain offers none of SCP02 and SCP03, or not the one that is wished
 */
export function chooseChannel(offered: readonly SecureChannelOption[], wish: ChannelWish): SecureChannel {
  const wanted = wish.protocol === undefined ? SYMMETRIC : [wish.protocol];
  const choice = wanted.flatMap((protocol) => offered.find((option) => option.protocol === protocol) ?? [])[0];
  if (choice === undefined) {
    const names = [...new Set(offered.map(({ protocol }) => protocolName(protocol)))].join(', ') || 'nothing';
    const usable = offered.some(({ protocol }) => SYMMETRIC.includes(protocol));
    throw new SecureChannelError(
      'secure-channel',
      usable && wish.protocol !== undefined
        ? `The domain offers ${names}, not ${protocolName(wish.protocol)}, which was asked for: leave that out`
        : `The domain offers ${names}, neither SCP02 nor SCP03: what it tells in clear can be read without a key`,
    );
  }
  const { keys, level, random, keyVersion = 0, aid, warn } = wish;
  if (choice.protocol === 0x02) return new Scp02Channel({ keys, level, random, keyVersion, option: choice.option });
  if (choice.protocol !== 0x03) throw new UsageError('secure-channel', 'Only SCP02 and SCP03 have static keys');
  const s16 = (choice.option & 0x01) !== 0;
  return new Scp03Channel({
    keys,
    level,
    random,
    keyVersion,
    s16,
    ...(aid === undefined ? {} : { aid }),
    ...(warn === undefined ? {} : { warn }),
  });
}

/** The highest level that every card of the protocol has: with R-MAC where it is announced. */
export function usualLevel({ protocol, option }: SecureChannelOption): SecurityLevel {
  if (protocol === 0x03) return (option & 0x20) === 0 ? 0x03 : (option & 0x40) === 0 ? 0x13 : 0x33;
  return 0x03;
}

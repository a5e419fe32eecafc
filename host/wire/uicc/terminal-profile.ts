// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import type { CommandApdu } from '../apdu.ts';

/** Features of a terminal: byte, from 1, and bit, from 1. @see TS 102 223 5.2 */
const FEATURES = {
  profileDownload: [1, 1],
  smsPpDownload: [1, 2],
  displayText: [3, 1],
  getInkey: [3, 2],
  getInput: [3, 3],
  moreTime: [3, 4],
  playTone: [3, 5],
  pollInterval: [3, 6],
  pollingOff: [3, 7],
  refresh: [3, 8],
  selectItem: [4, 1],
  sendShortMessage: [4, 2],
  setUpMenu: [4, 6],
  provideLocalInformation: [4, 7],
  setUpEventList: [5, 1],
  eventLocationStatus: [5, 5],
  eventDataAvailable: [6, 3],
  eventChannelStatus: [6, 4],
  timerManagement: [8, 1],
  timerCurrentValue: [8, 2],
  localDateTime: [8, 3],
  localLanguage: [9, 4],
  openChannel: [12, 1],
  closeChannel: [12, 2],
  receiveData: [12, 3],
  sendData: [12, 4],
  getChannelStatus: [12, 5],
  bearerGprs: [13, 2],
  tcpClient: [17, 1],
  udpClient: [17, 2],
  tcpServer: [17, 3],
  bearerEUtran: [17, 7],
} as const satisfies Record<string, readonly [byte: number, bit: number]>;

export type TerminalFeature = keyof typeof FEATURES;
export const TERMINAL_FEATURES = Object.keys(FEATURES) as readonly TerminalFeature[];

export interface TerminalProfile {
  /** In the order of TERMINAL_FEATURES. */
  readonly features: readonly TerminalFeature[];
  /** Channels at once, 0 to 7. */
  readonly channels: number;
}

const PROFILE_BYTES = 17;
const CHANNELS_BYTE = 12;
const CHANNELS_SHIFT = 5;
/** Longest profile that is read. */
const MAX_PROFILE = 255;

/** 17 bytes of bits; channels in the upper three bits of byte 13. @throws WireError */
export function encodeTerminalProfile({ features, channels }: TerminalProfile): Uint8Array {
  if (!Number.isInteger(channels) || channels < 0 || channels > 7)
    throw new WireError('profile-channels', 'A terminal has 0 to 7 channels', { got: channels });
  const profile = new Uint8Array(PROFILE_BYTES);
  profile[CHANNELS_BYTE] = channels << CHANNELS_SHIFT;
  for (const feature of features) {
    const [byte, bit] = FEATURES[feature];
    profile[byte - 1] = (profile[byte - 1] ?? 0) | (1 << (bit - 1));
  }
  return profile;
}

/**
 * Features that this code knows; bits without a name are passed over, absent bytes are zero. @throws WireError when
 * over 255 bytes
 */
export function decodeTerminalProfile(profile: Uint8Array): TerminalProfile {
  if (profile.length > MAX_PROFILE)
    throw new WireError('profile-length', 'A terminal profile fits one command', { got: profile.length });
  const features = TERMINAL_FEATURES.filter((feature) => {
    const [byte, bit] = FEATURES[feature];
    return ((profile[byte - 1] ?? 0) & (1 << (bit - 1))) !== 0;
  });
  return { features, channels: (profile[CHANNELS_BYTE] ?? 0) >> CHANNELS_SHIFT };
}

/** TERMINAL PROFILE, `80 10 00 00 Lc profile`. @see TS 102 221 11.2.1 */
export const terminalProfile = (data: Uint8Array): CommandApdu => ({ cla: 0x80, ins: 0x10, p1: 0, p2: 0, data });

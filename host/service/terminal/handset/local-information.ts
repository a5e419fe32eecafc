// SPDX-License-Identifier: Apache-2.0
import { type AnyCatObject, catObject } from '../../../wire/uicc/cat-object.ts';
import type { TerminalFeature } from '../../../wire/uicc/terminal-profile.ts';

/** What a handset tells of itself and where it is: the time always, all else as its config has it. */
export interface LocalInformation {
  /** 15 digits. */
  readonly imei?: string;
  /** MCC, MNC, area and cell, 7 or 9 bytes as the card gets them. @see TS 31.111 8.19 */
  readonly location?: Uint8Array;
  /** Two lower-case letters. @see ISO 639 */
  readonly language?: string;
  readonly now?: () => Date;
}

/** Qualifiers of PROVIDE LOCAL INFORMATION. @see TS 102 223 8.6 */
const LOCAL = { LOCATION: 0x00, IMEI: 0x01, DATE_TIME: 0x03, LANGUAGE: 0x04 } as const;

/** Identity type 2 in the lower bits, and the bit for an odd count of digits. @see TS 24.008 10.5.1.4 */
const ODD_IMEI = 'A';

/** Bits of the profile that are true of it. */
export const localFeatures = ({ imei, location, language }: LocalInformation): TerminalFeature[] => [
  ...(imei === undefined || location === undefined ? [] : (['provideLocalInformation'] as const)),
  'localDateTime',
  ...(language === undefined ? [] : (['localLanguage'] as const)),
];

/** Object that answers the qualifier; undefined for what this handset does not know. @see TS 102 223 6.8 */
export function localObject(qualifier: number, local: LocalInformation): AnyCatObject | undefined {
  const { imei, location, language, now = () => new Date() } = local;
  if (qualifier === LOCAL.DATE_TIME) return catObject('dateTime', swappedBcd(now()));
  if (qualifier === LOCAL.IMEI && imei !== undefined) return catObject('imei', imeiOf(imei));
  if (qualifier === LOCAL.LOCATION && location !== undefined) return catObject('locationInformation', location);
  if (qualifier === LOCAL.LANGUAGE && language !== undefined) return catObject('language', Buffer.from(language));
  return undefined;
}

/** `digit 1 ‖ A`, then two digits a byte, the first of them in the low nibble. */
function imeiOf(digits: string): Uint8Array {
  const nibbles = ODD_IMEI + digits;
  return Uint8Array.from({ length: nibbles.length / 2 }, (_, index) =>
    Number.parseInt(`${nibbles[2 * index + 1]}${nibbles[2 * index]}`, 16),
  );
}

/** Year to second and the zone, 0 for UTC, units in the high nibble. @see TS 102 223 8.39 */
function swappedBcd(date: Date): Uint8Array {
  const day = [date.getUTCFullYear() % 100, date.getUTCMonth() + 1, date.getUTCDate()];
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds(), 0];
  return Uint8Array.from([...day, ...time], (value) => ((value % 10) << 4) | Math.floor(value / 10));
}

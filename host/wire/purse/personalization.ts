// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { encodeTlv, TlvReader } from '../ber-tlv.ts';
import { type GpCommand, gpCommand, INS } from '../gp/command.ts';
import { concat, fromHex, toHex } from '../hex.ts';
import { encodeAmount, PURSE_KEY, type PurseKeyKind } from './values.ts';

/** STORE DATA of a purse: objects of one-byte tags and lengths (applet README 11.1). */

const TAG = { SERIAL: 0x5a, MAXIMA: 0xc1, PIN: 0xc2, KEY: 0xc3, PUBLIC: 0xc4 } as const;
const SERIAL_LENGTH = 8;
/** Whole blocks of a DEK, of either protocol. */
const DEK_UNIT = 16;

export interface PursePublicData {
  /** 16 hex digits. */
  readonly serial: string;
  /** Largest balances in cents. */
  readonly maxDeposit: number;
  readonly maxPurse: number;
}

/** `80 E2 10 00`: what is no secret. @throws WireError */
export function storePursePublicData({ serial, maxDeposit, maxPurse }: PursePublicData): GpCommand {
  const bytes = fromHex(serial, SERIAL_LENGTH);
  if (bytes.length !== SERIAL_LENGTH) throw new WireError('purse-serial', 'The serial of a purse has 8 bytes');
  const maxima = encodeTlv(TAG.MAXIMA, concat(encodeAmount(maxDeposit), encodeAmount(maxPurse)));
  return storeData('STORE DATA [purse]', 0x10, 0, concat(encodeTlv(TAG.SERIAL, bytes), maxima));
}

/** `80 E2 F0 01`: the last block, all of it under the session's DEK. `sealed` is empty where the KMS fills it in. */
export const storePurseKeys = (sealed: Uint8Array = new Uint8Array()): GpCommand =>
  storeData('STORE DATA [purse keys]', 0xf0, 1, sealed);

const storeData = (label: string, p1: number, p2: number, data: Uint8Array): GpCommand =>
  gpCommand({ label, cla: 0x80, ins: INS.STORE_DATA, p1, p2, data });

/** Every key at index 1, with zeros up to whole blocks of the DEK. */
export function encodePurseKeys(keys: Readonly<Record<PurseKeyKind, Uint8Array>>, version = 1): Uint8Array {
  const kinds = Object.entries(PURSE_KEY) as [PurseKeyKind, number][];
  const objects = concat(
    ...kinds.map(([kind, number]) => encodeTlv(TAG.KEY, concat(Uint8Array.of(number, 1, version), keys[kind]))),
  );
  const filled = new Uint8Array(Math.ceil(objects.length / DEK_UNIT) * DEK_UNIT);
  filled.set(objects);
  return filled;
}

/** Serial in the FCI of SELECT, 16 hex digits; undefined for a purse that is not personalised. @throws WireError */
export function decodePurseSerial(fci: Uint8Array): string | undefined {
  const outer = new TlvReader(new TlvReader(fci).expect(0x6f, { max: 256 }));
  outer.expect(0x84);
  const proprietary = new TlvReader(outer.optional(0xa5) ?? new Uint8Array());
  const serial = proprietary.optional(TAG.SERIAL);
  return serial === undefined ? undefined : toHex(serial);
}

// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { toHex } from '../hex.ts';
import { decodeAlphaIdentifier } from './alpha-identifier.ts';
import { decodePlmn, swappedDigits } from './file-values.ts';

/** Elementary files with several fields. @see TS 31.102 4.2 */

const MODES: Readonly<Record<number, string>> = {
  0: 'normal',
  128: 'type approval',
  1: 'normal, with specific facilities',
  129: 'type approval, with specific facilities',
  2: 'maintenance',
  4: 'cell test',
};

/** `mode ‖ 2 bytes ‖ length of MNC`. @throws WireError @see TS 31.102 4.2.18 */
export function decodeAdministrativeData(content: Uint8Array): { mode: string; mncLength?: number } {
  const [mode, , , mncLength] = content;
  if (mode === undefined || content.length < 3) throw new WireError('ad', 'EF.AD has three bytes at least');
  const name = MODES[mode] ?? `mode ${toHex(Uint8Array.of(mode))}`;
  return mncLength === undefined ? { mode: name } : { mode: name, mncLength: mncLength & 0x0f };
}

/** Services that are available, by number; some with their name. @see TS 31.102 4.2.8 */
export function decodeServiceTable(content: Uint8Array): string[] {
  return [...content].flatMap((byte, index) =>
    [0, 1, 2, 3, 4, 5, 6, 7].flatMap((bit) => ((byte >> bit) & 1 ? [serviceName(8 * index + bit + 1)] : [])),
  );
}

const SERVICES: Readonly<Record<number, string>> = {
  1: 'phone book',
  2: 'FDN',
  4: 'service dialling',
  10: 'short messages',
  11: 'message status reports',
  12: 'short message parameters',
  17: 'group identifier 1',
  19: 'service provider name',
  21: 'MSISDN',
  27: 'GSM access',
  28: 'data download by SMS-PP',
  29: 'data download by SMS-CB',
  30: 'call control',
  33: 'always 1',
  34: 'enabled services table',
  71: 'equivalent home networks',
  85: 'EPS mobility management',
  89: 'eCall data',
  107: 'USAT application pairing',
  122: '5GS mobility management',
  124: 'subscription identifier',
};

const serviceName = (number: number): string =>
  SERVICES[number] === undefined ? String(number) : `${number} ${SERVICES[number]}`;

const LOCATION_STATUS = ['updated', 'not updated', 'network not allowed', 'area not allowed'];

/** `TMSI 4 ‖ LAI 5 ‖ RFU ‖ status`. @throws WireError @see TS 31.102 4.2.17 */
export function decodeLocation(content: Uint8Array) {
  if (content.length !== 11) throw new WireError('loci', 'EF.LOCI has 11 bytes', { got: content.length });
  const status = (content[10] ?? 0) & 0x07;
  return {
    tmsi: toHex(content.slice(0, 4)),
    network: decodePlmn(content.slice(4, 7)) ?? 'none',
    area: toHex(content.slice(7, 9)),
    status: LOCATION_STATUS[status] ?? String(status),
  };
}

/**
 * Alpha identifier, then 28 bytes: indicators, destination, service centre, protocol, coding, validity. @see TS 31.102
 * 4.2.27
 */
export function decodeSmsParameters(record: Uint8Array) {
  const start = record.length - 28;
  if (start < 0) throw new WireError('smsp', 'A record of EF.SMSP has 28 bytes at least', { got: record.length });
  const fields = record.slice(start);
  if (fields.every((byte) => byte === 0xff)) return undefined;
  const indicators = fields[0] ?? 0xff;
  const told = (bit: number, at: number) => ((indicators >> bit) & 1 ? undefined : fields[at]);
  const [protocol, coding, validity] = [told(2, 25), told(3, 26), told(4, 27)];
  return {
    name: decodeAlphaIdentifier(record.slice(0, start)),
    indicators: toHex(fields.slice(0, 1)),
    ...((indicators & 0x01) === 0 ? { destination: address(fields.slice(1, 13)) } : {}),
    serviceCentre: address(fields.slice(13, 25)),
    ...(protocol === undefined ? {} : { protocol }),
    ...(coding === undefined ? {} : { coding }),
    ...(validity === undefined ? {} : { validityMinutes: validityMinutes(validity) }),
  };
}

/** Relative validity period. @see TS 23.040 9.2.3.12.1 */
function validityMinutes(value: number): number {
  if (value <= 143) return (value + 1) * 5;
  if (value <= 167) return 12 * 60 + (value - 143) * 30;
  return value <= 196 ? (value - 166) * 24 * 60 : (value - 192) * 7 * 24 * 60;
}

/** `length in bytes ‖ type ‖ digits`. */
function address(bytes: Uint8Array): string {
  const [length = 0xff, type = 0] = bytes;
  if (length === 0xff || length < 1) return 'none';
  const digits = swappedDigits(bytes.slice(2, 1 + Math.min(length, 11))).replace(/f+$/, '');
  return `${(type & 0x70) === 0x10 ? '+' : ''}${digits}`;
}

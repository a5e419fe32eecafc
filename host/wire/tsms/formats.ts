// SPDX-License-Identifier: Apache-2.0
import { TlvReader } from '../ber-tlv.ts';
import { fromHex } from '../hex.ts';
import type { Attribute, Json, Shape } from './attributes.ts';
import { isObject } from './attributes.ts';
import { type TsmsError, wrongFormat } from './tsms-error.ts';

const MAX_ENTRIES = 1_000;
const MAX_TEXT = 255;
const PRIVILEGES = ['CVMManagement', 'ContactlessSelfActivation', 'GlobalService', 'PrivacyTrusted'];

interface Format {
  readonly is: (text: string) => boolean;
  readonly definition: string;
}

const matching = (pattern: RegExp, definition: string): Format => ({ is: (text) => pattern.test(text), definition });

const FORMATS: Readonly<Record<string, Format>> = {
  uuid: matching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'UUID'),
  aid: matching(/^([0-9A-F]{2}){5,16}$/i, '5 to 16 bytes, hexadecimal'),
  version: matching(/^\d{1,3}\.\d{1,3}\.\d{1,3}$/, 'major.minor.revision'),
  tlv: { is: isTlv, definition: 'TLV structures of 255 bytes at most, hexadecimal' },
  uri: { is: isHttpsUrl, definition: 'an absolute https URL' },
};

/** Formats of single attributes, by their full path. */
const BY_PATH: Readonly<Record<string, Format>> = {
  // Hashes of certificates (GP's DeviceAppID-REF-DO has 20 or 32 bytes), and names of cards' applications.
  accessAuthorizedDeviceApps: matching(/^([0-9A-F]{2}){5,32}$/i, '5 to 32 bytes, hexadecimal'),
  'installConfig.privileges': { is: (text) => PRIVILEGES.includes(text), definition: PRIVILEGES.join(', ') },
};

const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  'featureConfig.keyProvisioningMode': [0, 3],
};

export const isVersionTag = (text: string): boolean => FORMATS.version?.is(text) ?? false;

/** Below zero when the first is older; numbers are compared, so that 1.0.0 and 01.0.0 are one. */
export function compareTags(one: string, other: string): number {
  const [left, right] = [one, other].map((tag) => tag.split('.').map(Number));
  for (let at = 0; at < 3; at += 1) {
    const difference = (left?.[at] ?? 0) - (right?.[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function isTlv(text: string): boolean {
  const hex = text.replaceAll(' ', '');
  if (!/^([0-9A-F]{2}){0,255}$/i.test(hex)) return false;
  try {
    const reader = new TlvReader(fromHex(hex.toUpperCase()));
    while (!reader.atEnd) reader.next();
    return true;
  } catch {
    return false;
  }
}

/** Absolute and with nothing to be escaped, without user and fragment. @see RFC 3986, 3 */
const HTTPS_URI =
  /^https:\/\/(\[[\da-f:.]+\]|([\w.~!$&'()*+,;=-]|%[\da-f]{2})+)(:\d*)?([/?]([\w.~!$&'()*+,;=:@/?-]|%[\da-f]{2})*)?$/i;

/** What both RFC 3986 and the platform's client read as an address. */
function isHttpsUrl(text: string): boolean {
  if (!HTTPS_URI.test(text)) return false;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === 'https:' && url.username === '' && url.password === '' && url.hash === '';
}

/**
 * What is wrong with the form of a value; undefined when nothing is. Nested objects are looked at by their own rows.
 *
 * @param at full path of the attribute
 */
export function formatError(shape: Shape, value: Json, at: string): TsmsError | undefined {
  switch (shape.type) {
    case 'string':
      return textError(shape, value, at);
    case 'integer':
      return integerError(shape, value, at);
    case 'boolean':
      return typeof value === 'boolean' ? undefined : wrongFormat(at, value, 'true or false');
    case 'object':
      return isObject(value) ? undefined : wrongFormat(at, value, 'an object');
    case 'list':
      return listError(shape, value, at);
    case 'map':
      return mapError(shape, value, at);
  }
}

/** A database column holds neither NUL nor half a surrogate pair. */
const isStorable = (text: string): boolean => !text.includes('\u0000') && text.isWellFormed();

/** In characters, as schemas count. */
const lengthOf = (text: string): number => [...text].length;

function textError({ format = '', maxLength = MAX_TEXT }: Shape, value: Json, at: string): TsmsError | undefined {
  if (typeof value !== 'string') return wrongFormat(at, value, 'a text');
  if (!isStorable(value)) return wrongFormat(at, '', 'a Unicode text without NUL');
  if (lengthOf(value) > maxLength) return wrongFormat(at, value, `a text of ${maxLength} characters at most`);
  // Empty: not given.
  const known = BY_PATH[at] ?? (value === '' ? undefined : FORMATS[format]);
  return known === undefined || known.is(value) ? undefined : wrongFormat(at, value, known.definition);
}

function integerError({ minimum, maximum }: Shape, value: Json, at: string): TsmsError | undefined {
  const [least, most] = RANGES[at] ?? [minimum ?? -(2 ** 31), maximum ?? 2 ** 31];
  const fits = typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
  return fits ? undefined : wrongFormat(at, value, `an integer from ${least} to ${most}`);
}

function listError({ items }: Shape, value: Json, at: string): TsmsError | undefined {
  if (!Array.isArray(value) || value.length > MAX_ENTRIES)
    return wrongFormat(at, value, `a list of ${MAX_ENTRIES} entries at most`);
  return items === undefined ? undefined : firstError(value, (item) => entryError(items, item, at));
}

function mapError({ items }: Shape, value: Json, at: string): TsmsError | undefined {
  if (!isObject(value) || Object.keys(value).length > MAX_ENTRIES)
    return wrongFormat(at, value, `a map of ${MAX_ENTRIES} entries at most`);
  return firstError(Object.entries(value), ([key, item]) =>
    key === '' || lengthOf(key) > MAX_TEXT || !isStorable(key)
      ? wrongFormat(at, key, `keys of 1 to ${MAX_TEXT} characters`)
      : items && entryError(items, item, at),
  );
}

/** An entry of a list or map may not be empty, as an attribute may. */
const entryError = (items: Shape, item: Json, at: string): TsmsError | undefined =>
  item === '' && items.format !== undefined
    ? wrongFormat(at, item, (BY_PATH[at] ?? FORMATS[items.format])?.definition ?? 'a text')
    : formatError(items, item, at);

function firstError<T>(values: readonly T[], check: (value: T) => TsmsError | undefined): TsmsError | undefined {
  for (const value of values) {
    const error = check(value);
    if (error !== undefined) return error;
  }
  return undefined;
}

/** True for what counts as not given. */
export const isEmpty = (value: Json | undefined, { type }: Attribute): boolean =>
  value === undefined || value === null || (value === '' && type === 'string');

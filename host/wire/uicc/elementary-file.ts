// SPDX-License-Identifier: Apache-2.0
import { UsageError } from '../../errors.ts';
import { decodeIccid, encodeIccid, iccid } from '../iccid.ts';
import { decodeAdministrativeData, decodeLocation, decodeServiceTable, decodeSmsParameters } from './file-records.ts';
import {
  decodeDialledNumber,
  decodeImsi,
  decodePlmnList,
  decodeServiceProviderName,
  encodeImsi,
  encodePlmnList,
  encodeServiceProviderName,
} from './file-values.ts';

/** Application in which a file lies: the card's own, or the first USIM of EF.DIR. */
export type FileRoot = 'MF' | 'USIM';

/** What an elementary file holds, and how it reads. */
export interface ElementaryFile {
  readonly name: string;
  readonly root: FileRoot;
  /** Identifiers below the root, two bytes each, in hex. */
  readonly path: readonly string[];
  readonly structure: 'transparent' | 'linear';
  readonly about: string;
  readonly decode?: (content: Uint8Array) => unknown;
  /** From what a person writes to the content, as long as the file. */
  readonly encode?: (text: string, length: number) => Uint8Array;
  /** Bytes at the start that words say nothing of: a write keeps them, unless the file is blank there (FF). */
  readonly keeps?: number;
}

const inUsim = (name: string, id: string, about: string, more: Partial<ElementaryFile> = {}): ElementaryFile => ({
  name,
  root: 'USIM',
  path: [id],
  structure: 'transparent',
  about,
  ...more,
});

const plmns = { decode: decodePlmnList, encode: encodePlmnList };
const location = { decode: decodeLocation };

/** Files by name. @see TS 102 221 13; TS 31.102 4.2 */
export const ELEMENTARY_FILES: readonly ElementaryFile[] = [
  {
    name: 'ICCID',
    root: 'MF',
    path: ['2FE2'],
    structure: 'transparent',
    about: 'number of the card',
    decode: decodeIccid,
    encode: (text) => encodeIccid(iccid(text)),
  },
  { name: 'DIR', root: 'MF', path: ['2F00'], structure: 'linear', about: 'applications of the card' },
  {
    name: 'PL',
    root: 'MF',
    path: ['2F05'],
    structure: 'transparent',
    about: 'preferred languages',
    decode: (content) => new TextDecoder('latin1').decode(content).replaceAll('\u00ff', ' ').trim(),
  },
  inUsim('IMSI', '6F07', 'subscriber’s identity', { decode: decodeImsi, encode: encodeImsi }),
  inUsim('AD', '6FAD', 'administrative data', { decode: decodeAdministrativeData }),
  inUsim('SPN', '6F46', 'service provider’s name', {
    decode: decodeServiceProviderName,
    encode: encodeServiceProviderName,
    keeps: 1,
  }),
  inUsim('UST', '6F38', 'USIM service table', { decode: decodeServiceTable }),
  inUsim('EHPLMN', '6FD9', 'equivalent home networks', plmns),
  inUsim('FPLMN', '6F7B', 'forbidden networks', plmns),
  inUsim('LOCI', '6F7E', 'location, circuit-switched', location),
  inUsim('PSLOCI', '6F73', 'location, packet-switched'),
  inUsim('EPSLOCI', '6FE3', 'location, EPS'),
  inUsim('ACC', '6F78', 'access control class'),
  inUsim('HPPLMN', '6F31', 'period of the search for a higher network'),
  inUsim('LI', '6F05', 'languages'),
  inUsim('GID1', '6F3E', 'group identifier, level 1'),
  inUsim('MSISDN', '6F40', 'the subscriber’s number', { structure: 'linear', decode: decodeDialledNumber }),
  inUsim('SMSP', '6F42', 'parameters of short messages', { structure: 'linear', decode: decodeSmsParameters }),
  inUsim('SMS', '6F3C', 'short messages', { structure: 'linear' }),
];

/**
 * A file by name, or by path as in `3F00/2FE2`, `USIM/6F07`, `7FFF/6F07`; a path ends transparent unless `linear` says
 * else.
 *
 * @throws UsageError for neither
 */
export function elementaryFile(text: string, linear = false): ElementaryFile {
  const bare = text.toUpperCase().replace(/^EF[._]/, '');
  const named = ELEMENTARY_FILES.find(({ name }) => name === bare);
  if (named !== undefined) return named;
  const parts = bare.split('/').filter((part) => part !== '' && part !== '3F00' && part !== 'MF');
  const usim = parts[0] === 'USIM' || parts[0] === '7FFF' || parts[0] === 'ADF';
  const path = usim ? parts.slice(1) : parts;
  if (path.length === 0 || !path.every((part) => /^[0-9A-F]{4}$/.test(part)))
    throw new UsageError(
      'file-name',
      `${text}: no file of that name. Give a path as in 3F00/2FE2 or USIM/6F07, or one of ${ELEMENTARY_FILES.map(({ name }) => name).join(', ')}`,
    );
  const known = ELEMENTARY_FILES.find(
    (file) => file.root === (usim ? 'USIM' : 'MF') && file.path.join('/') === path.join('/'),
  );
  if (known !== undefined) return known;
  const structure = linear ? 'linear' : 'transparent';
  return { name: bare, root: usim ? 'USIM' : 'MF', path, structure, about: 'a file by its path' };
}

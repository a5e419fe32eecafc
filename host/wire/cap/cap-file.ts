// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { type UnzipOptions, type Unzipped, unzipSync } from 'fflate';
import { WireError } from '../../errors.ts';
import { TlvReader } from '../ber-tlv.ts';
import type { Aid } from '../gp/aid.ts';
import { concat } from '../hex.ts';
import { ComponentReader, truncated } from './component-reader.ts';

/** Components in the order that they are loaded. Debug never goes to a card. @see JCVM 6.3 */
const LOAD_ORDER = [
  ...['Header', 'Directory', 'Import', 'Applet', 'Class', 'Method', 'StaticField', 'Export', 'ConstantPool'],
  ...['RefLocation', 'StaticResources', 'Descriptor'],
] as const;
export type ComponentName = (typeof LOAD_ORDER)[number];

const HEADER = { TAG: 0x01, MAGIC: 0xdecaffed, INT: 0x01, EXTENDED: 0x08 } as const;
/** What may stand around a load file data block: DAP blocks, and the block's own tag. @see GPCS 11.6.2.3 */
const LOAD_FILE = { DAP: 0xe2, DATA: 0xc4 } as const;
const APPLET = { TAG: 0x03 } as const;
const DEBUG = 0x0c;
/** Tags of components that only their maker knows begin here. @see JCVM 6.1.2 */
const CUSTOM = 0x80;
/** No file has more: each tag stands once, and a card loads no more than 256 blocks. */
const MAX_COMPONENTS = 256;
/** No card takes more than 256 blocks of 255 bytes. */
const MAX_COMPONENT = 65_535 + 3;
const MAX_FILE = 4 * 1024 * 1024;

export interface CapFile {
  readonly packageAid: Aid;
  /** `major.minor` of the package. */
  readonly packageVersion: string;
  /** AIDs of the applets, the modules of GlobalPlatform, in order. */
  readonly applets: readonly Aid[];
  /** Bytes by component, as they stand in the file. */
  readonly components: ReadonlyMap<ComponentName, Uint8Array>;
  /** True where the code uses int values. @see JCVM 6.3 ACC_INT */
  readonly usesInt: boolean;
  /** Of an IJC file: the components as they stand one after the other, custom ones too, but for Debug. */
  readonly sequence?: readonly Uint8Array[];
  /** DAPs that the file's maker laid beside the components. */
  readonly signatures: readonly FileSignature[];
}

/**
 * Signature over a load file data block hash in `META-INF/dap.<key>.<hash>`, where `capfile -s` of others' tools writes
 * it: RSA-1024 as the card takes it, P-256 in DER.
 */
export interface FileSignature {
  readonly key: 'rsa' | 'p256';
  readonly hash: HashAlgorithm;
  readonly bytes: Uint8Array;
}

export const HASH_ALGORITHMS = ['sha1', 'sha256'] as const;
export type HashAlgorithm = (typeof HASH_ALGORITHMS)[number];

type Parts = Pick<CapFile, 'components' | 'sequence' | 'signatures'>;

/** The component that an entry `<path>/javacard/<Name>.cap` of the archive is; undefined for another entry. */
function componentOf(path: string): ComponentName | undefined {
  const [, name] = /(?:^|\/)javacard\/([^/]+)\.cap$/i.exec(path) ?? [];
  return LOAD_ORDER.find((component) => component.toLowerCase() === name?.toLowerCase());
}

const twice = (name: ComponentName): WireError =>
  new WireError('cap-container', `This is no CAP file of one package: it has two ${name} components`);

function archived(file: Uint8Array): Parts {
  if (file.length > MAX_FILE) throw new WireError('cap-too-long', 'This is no CAP file: it is too long');
  const paths: string[] = [];
  const wanted = ({ name, originalSize }: { name: string; originalSize: number }): boolean => {
    paths.push(name);
    return originalSize <= MAX_COMPONENT;
  };
  const entries = unzipped(file, wanted);
  const found = new Map<ComponentName, Uint8Array>();
  for (const path of paths) {
    const name = componentOf(path);
    const bytes = entries[path];
    if (name === undefined || bytes === undefined) continue;
    if (found.has(name)) throw twice(name);
    found.set(name, bytes);
  }
  return { components: found, signatures: signaturesIn(entries) };
}

function unzipped(file: Uint8Array, filter: NonNullable<UnzipOptions['filter']>): Unzipped {
  try {
    return unzipSync(file, { filter });
  } catch (error) {
    throw new WireError('cap-container', 'This is no CAP file: it is not a ZIP archive', {}, error);
  }
}

const signaturesIn = (entries: Readonly<Record<string, Uint8Array>>): readonly FileSignature[] =>
  (['rsa', 'p256'] as const).flatMap((key) =>
    HASH_ALGORITHMS.flatMap((hash) => {
      const bytes = entries[`META-INF/dap.${key}.${hash}`];
      return bytes === undefined ? [] : [{ key, hash, bytes }];
    }),
  );

const NAMES: ReadonlyMap<number, ComponentName> = new Map([
  ...([
    [1, 'Header'],
    [2, 'Directory'],
    [3, 'Applet'],
    [4, 'Import'],
    [5, 'ConstantPool'],
    [6, 'Class'],
  ] as const),
  ...([
    [7, 'Method'],
    [8, 'StaticField'],
    [9, 'RefLocation'],
    [10, 'Export'],
    [11, 'Descriptor'],
  ] as const),
  ...([[13, 'StaticResources']] as const),
]);

/**
 * As an IJC file has them: components one after the other, without names.
 *
 * @throws WireError `cap-component` for what is behind them, which would be hashed and loaded with them
 */
function concatenated(file: Uint8Array): Parts {
  const found = new Map<ComponentName, Uint8Array>();
  const sequence: Uint8Array[] = [];
  let offset = 0;
  while (offset < file.length) {
    const tag = file[offset] ?? 0;
    const name = NAMES.get(tag);
    if ((name === undefined && tag !== DEBUG && tag < CUSTOM) || sequence.length === MAX_COMPONENTS)
      throw new WireError('cap-component', 'This is no CAP file: something else stands behind its components');
    const end = offset + 3 + (((file[offset + 1] ?? 0) << 8) | (file[offset + 2] ?? 0));
    if (end > file.length) throw truncated(name ?? 'A component');
    if (name !== undefined && found.has(name)) throw twice(name);
    const bytes = file.slice(offset, end);
    if (name !== undefined) found.set(name, bytes);
    if (tag !== DEBUG) sequence.push(bytes);
    offset = end;
  }
  return { components: found, sequence, signatures: [] };
}

/** A load file data block, with or without the head that it travels under; undefined for what is none. */
function dataBlockOf(file: Uint8Array): Uint8Array | undefined {
  if (file[0] === HEADER.TAG) return file;
  if (file[0] !== LOAD_FILE.DAP && file[0] !== LOAD_FILE.DATA) return undefined;
  const reader = new TlvReader(file);
  while (reader.peekTag() === LOAD_FILE.DAP) reader.next();
  const block = reader.expect(LOAD_FILE.DATA);
  reader.end();
  return block;
}

/**
 * Reads what a loader needs of a CAP file, or of an IJC file (the load file data block alone, or under C4 with DAP
 * blocks before it, which are passed over). Names of components may have any case.
 *
 * @throws WireError when it is neither, cut, or of the extended format
 * @see JCVM 3.0.4 chapter 6
 */
export function decodeCapFile(file: Uint8Array): CapFile {
  const block = dataBlockOf(file);
  const read = block === undefined ? archived(file) : concatenated(block);
  const parts = read.components;
  const header = parts.get('Header');
  if (header === undefined) throw new WireError('cap-container', 'This is no CAP file: it has no Header component');
  const reader = new ComponentReader(header, 'Header', HEADER.TAG);
  if (reader.u4() !== HEADER.MAGIC)
    throw new WireError('cap-magic', 'This is no CAP file: the magic number is another');
  reader.u2();
  const flags = reader.u1();
  if ((flags & HEADER.EXTENDED) !== 0)
    throw new WireError('cap-extended', 'This CAP file has the extended format: build it in the compact one');
  const usesInt = (flags & HEADER.INT) !== 0;
  const minor = reader.u1();
  const major = reader.u1();
  const packageAid = reader.aid();
  const packageVersion = `${major}.${minor}`;
  return { ...read, packageAid, packageVersion, applets: appletsOf(parts), usesInt };
}

function appletsOf(parts: ReadonlyMap<ComponentName, Uint8Array>): Aid[] {
  const component = parts.get('Applet');
  if (component === undefined) return [];
  const reader = new ComponentReader(component, 'Applet', APPLET.TAG);
  return Array.from({ length: reader.u1() }, () => {
    const name = reader.aid();
    reader.u2();
    return name;
  });
}

/**
 * Whether the Descriptor is loaded where nobody says so: with an IJC file, which is what its maker has hashed and
 * signed, and with a file that others may import from, as a card that verifies what it loads finds the types of what is
 * exported nowhere else; but not with an archive that its maker signed, as `capfile -s` leaves it out.
 */
export const loadsDescriptor = ({ components, sequence, signatures }: Parts): boolean =>
  sequence !== undefined || (components.has('Export') && signatures.length === 0);

/**
 * The load file data block, the value of 'C4': components one after the other, those of an archive in the order that
 * they are loaded, those of an IJC file as they stand there.
 *
 * @param withDescriptor cards differ: most ignore it, few want it; a DAP is over one of the two. As `loadsDescriptor`
 *   where it is left out
 */
export function loadFileDataBlock(cap: CapFile, withDescriptor = loadsDescriptor(cap)): Uint8Array {
  const { components, sequence = LOAD_ORDER.flatMap((name) => components.get(name) ?? []) } = cap;
  return concat(...sequence.filter((bytes) => withDescriptor || bytes !== components.get('Descriptor')));
}

/** Load file data block hash. @see GPCS C.2 */
export const loadFileHash = (dataBlock: Uint8Array, algorithm: HashAlgorithm = 'sha256'): Uint8Array =>
  new Uint8Array(createHash(algorithm).update(dataBlock).digest());

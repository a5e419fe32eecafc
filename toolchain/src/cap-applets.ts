// SPDX-License-Identifier: Apache-2.0
import { inflateRawSync } from 'node:zlib';
import { ToolchainError } from './errors.ts';

const MAX_COMPONENT = 65_539;
const APPLET_TAG = 3;
const NO_APPLET = 'has no applet: a library alone cannot be simulated';
const TWO_APPLET_COMPONENTS = 'is not a CAP file of one package: it has two Applet components';

/**
 * AIDs of the applets in a CAP file or a Load File Data Block (.ijc), in upper-case hex: the Applet component,
 * `03 size {count; {aidLen aid install_offset}}` (JCVM 3.1 section 6.6).
 *
 * @throws ToolchainError when the file is neither, or has no applet
 */
export function capApplets(file: string, bytes: Buffer): string[] {
  try {
    const component = bytes.subarray(0, 2).toString('latin1') === 'PK' ? fromZip(bytes) : fromLoadFile(bytes);
    return readApplets(component);
  } catch (cause) {
    if (!(cause instanceof RangeError) && !(cause instanceof ToolchainError)) throw cause;
    throw new ToolchainError(`${file}: ${cause instanceof ToolchainError ? cause.message : 'is not a CAP file'}`, {
      cause,
    });
  }
}

function readApplets(component: Buffer): string[] {
  const aids: string[] = [];
  let at = 4;
  for (let i = component.readUInt8(3); i > 0; i -= 1) {
    const length = component.readUInt8(at);
    if (length < 5 || length > 16 || at + 3 + length > component.length) throw new RangeError('AID');
    aids.push(component.toString('hex', at + 1, at + 1 + length).toUpperCase());
    at += 3 + length;
  }
  return aids;
}

/** The central directory says where each entry starts and how long it is packed. */
function fromZip(bytes: Buffer): Buffer {
  const end = bytes.lastIndexOf(Buffer.from('504b0506', 'hex'));
  if (end < 0) throw new RangeError('zip');
  let at = bytes.readUInt32LE(end + 16);
  let found: number | undefined;
  for (let i = bytes.readUInt16LE(end + 10); i > 0; i -= 1) {
    const nameLength = bytes.readUInt16LE(at + 28);
    const name = bytes.toString('utf8', at + 46, at + 46 + nameLength);
    if (/(^|\/)javacard\/applet\.cap$/i.test(name)) {
      if (found !== undefined) throw new ToolchainError(TWO_APPLET_COMPONENTS);
      found = at;
    }
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  if (found === undefined) throw new ToolchainError(NO_APPLET);
  return unpack(bytes, found);
}

function unpack(bytes: Buffer, entry: number): Buffer {
  const method = bytes.readUInt16LE(entry + 10);
  const local = bytes.readUInt32LE(entry + 42);
  const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
  const packed = bytes.subarray(start, start + bytes.readUInt32LE(entry + 20));
  if (method === 0) return packed;
  try {
    return inflateRawSync(packed, { maxOutputLength: MAX_COMPONENT });
  } catch (cause) {
    throw new ToolchainError('is not a CAP file: its Applet component cannot be unpacked', { cause });
  }
}

/** Where the value of the data object at `at` begins, and where the next object does. */
function objectAt(bytes: Buffer, at: number): { readonly value: number; readonly next: number } {
  const first = bytes.readUInt8(at + 1);
  const more = first > 0x80 ? first - 0x80 : 0;
  const length = more === 0 ? first : bytes.readUIntBE(at + 2, more);
  return { value: at + 2 + more, next: at + 2 + more + length };
}

/** Components one after the other, perhaps behind DAP blocks (E2) and the head of tag C4. */
function fromLoadFile(bytes: Buffer): Buffer {
  let at = 0;
  while (bytes.readUInt8(at) === 0xe2) at = objectAt(bytes, at).next;
  if (bytes.readUInt8(at) === 0xc4) at = objectAt(bytes, at).value;
  if (bytes.readUInt8(at) !== 1) throw new RangeError('Header');
  let found: Buffer | undefined;
  while (at < bytes.length) {
    const size = 3 + bytes.readUInt16BE(at + 1);
    if (bytes.readUInt8(at) === APPLET_TAG) {
      if (found !== undefined) throw new ToolchainError(TWO_APPLET_COMPONENTS);
      found = bytes.subarray(at, at + size);
    }
    at += size;
  }
  if (found === undefined) throw new ToolchainError(NO_APPLET);
  return found;
}

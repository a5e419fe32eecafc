// SPDX-License-Identifier: Apache-2.0
import { inflateRawSync } from 'node:zlib';

/**
 * Reads a zip by its central directory: an independent reader, so that a CAP our writer made is checked by other code.
 *
 * @returns contents by entry name
 */
export function unzip(zip: Buffer): Map<string, Buffer> {
  const end = zip.lastIndexOf(Buffer.from('504b0506', 'hex'));
  if (end < 0) throw new Error('no end of central directory');
  const entries = new Map<string, Buffer>();
  let at = zip.readUInt32LE(end + 16);
  for (let i = 0; i < zip.readUInt16LE(end + 10); i += 1) {
    const method = zip.readUInt16LE(at + 10);
    const size = zip.readUInt32LE(at + 20);
    const nameLength = zip.readUInt16LE(at + 28);
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    const local = zip.readUInt32LE(at + 42);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const raw = zip.subarray(start, start + size);
    entries.set(name, method === 0 ? raw : inflateRawSync(raw));
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return entries;
}

/** Order of the components in a Load File Data Block (javacard-cap.md section 2). */
const LOAD_ORDER = [
  'Header',
  'Directory',
  'Import',
  'Applet',
  'Class',
  'Method',
  'StaticField',
  'Export',
  'ConstantPool',
  'RefLocation',
  'Descriptor',
];

/** The components of a CAP by name, each with its three-byte head. */
export function capComponents(zip: Buffer): Map<string, Buffer> {
  const components = new Map<string, Buffer>();
  for (const [name, content] of unzip(zip)) {
    const match = /\/javacard\/(\w+)\.cap$/.exec(name);
    if (match?.[1] !== undefined) components.set(match[1], content);
  }
  return components;
}

/** The Load File Data Block of a CAP. */
export function loadFileDataBlock(zip: Buffer): Buffer {
  return joined(capComponents(zip));
}

/** Components in the order of a Load File Data Block; absent ones are left out. */
export function joined(components: Map<string, Buffer>): Buffer {
  return Buffer.concat(LOAD_ORDER.flatMap((name) => components.get(name) ?? []));
}

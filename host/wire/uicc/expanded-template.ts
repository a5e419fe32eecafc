// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { encodeTlv, TlvReader } from '../ber-tlv.ts';
import { concat } from '../hex.ts';

/** How the end of a list is told: by its length, or by two zero bytes after it. */
export type TemplateForm = 'definite' | 'indefinite';

export interface TemplateTags {
  readonly definite: number;
  readonly indefinite: number;
}

/** One object in a template, its tag without the bit that some stacks set (A2 for 22). */
export interface TemplateObject {
  readonly tag: number;
  readonly value: Uint8Array;
}

const INDEFINITE_LENGTH = 0x80;
const END_OF_CONTENTS = Uint8Array.of(0, 0);
/** Longest list; the count of executed commands has one byte. */
export const MAX_OBJECTS = 256;
/** The tags that also come as A2 and A3. */
const APDU_TAGS: ReadonlySet<number> = new Set([0x22, 0x23]);

/** `tag L objects` or `tag 80 objects 00 00`. @throws WireError when a definite one passes 65535 bytes */
export function encodeTemplate(tags: TemplateTags, form: TemplateForm, objects: readonly TemplateObject[]): Uint8Array {
  const encoded = objects.map(({ tag, value }) => encodeTlv(tag, value));
  if (form === 'definite') return encodeTlv(tags.definite, ...encoded);
  return concat(Uint8Array.of(tags.indefinite, INDEFINITE_LENGTH), ...encoded, END_OF_CONTENTS);
}

/** @throws WireError when it is another template, malformed, or has bytes after its end */
export function decodeTemplate(
  tags: TemplateTags,
  bytes: Uint8Array,
): { readonly form: TemplateForm; readonly objects: readonly TemplateObject[] } {
  if (bytes[0] === tags.definite) {
    const outer = new TlvReader(bytes);
    const reader = new TlvReader(outer.expect(tags.definite));
    outer.end();
    return { form: 'definite', objects: readObjects(reader, () => reader.atEnd) };
  }
  if (bytes[0] !== tags.indefinite || bytes[1] !== INDEFINITE_LENGTH)
    throw new WireError('template-tag', 'This is no remote APDU template of this kind', {
      expected: tags.definite,
      got: bytes[0],
    });
  const reader = new TlvReader(bytes.slice(2));
  const objects = readObjects(reader, () => reader.peekTag() === 0);
  reader.expect(0, { max: 0 });
  reader.end();
  return { form: 'indefinite', objects };
}

function readObjects(reader: TlvReader, atEnd: () => boolean): TemplateObject[] {
  const objects: TemplateObject[] = [];
  while (!atEnd()) {
    if (objects.length === MAX_OBJECTS)
      throw new WireError('template-too-many', 'Too many objects', { limit: MAX_OBJECTS });
    const { tag, value } = reader.next();
    objects.push({ tag: APDU_TAGS.has(tag & 0x7f) ? tag & 0x7f : tag, value });
  }
  return objects;
}

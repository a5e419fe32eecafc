// SPDX-License-Identifier: Apache-2.0
import type { CapFile } from './cap-file.ts';
import { ComponentReader } from './component-reader.ts';

const HEADER_TAG = 0x01;
/** Magic, minor and major version of the format, flags, minor and major version of the package. */
const BEFORE_AID = 4 + 2 + 1 + 2;

/**
 * Name of the package as its Header component has it, with `/` as `.`; empty in files of before format 2.2. @see JCVM
 * 6.4
 */
export function packageNameOf({ components }: CapFile): string {
  const header = components.get('Header');
  if (header === undefined) return '';
  const reader = new ComponentReader(header, 'Header', HEADER_TAG);
  reader.bytes(BEFORE_AID);
  reader.aid();
  const rest = reader.rest();
  const [length = 0] = rest;
  const name = rest.subarray(1, 1 + length);
  return name.length === length ? new TextDecoder().decode(name).replaceAll('/', '.') : '';
}

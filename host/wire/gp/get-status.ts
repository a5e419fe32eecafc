// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { encodeTlv, TlvReader } from '../ber-tlv.ts';
import { concat } from '../hex.ts';
import { type StatusWord, SW } from '../status-word.ts';
import { type Aid, aid } from './aid.ts';
import { type GpCommand, gpCommand, INS } from './command.ts';
import { decodePrivileges } from './privilege.ts';

/** Subsets of the registry (P1). @see GPCS 11.4.2.1 */
export const REGISTRY = {
  ISSUER_SECURITY_DOMAIN: 0x80,
  APPLICATIONS: 0x40,
  LOAD_FILES: 0x20,
  LOAD_FILES_AND_MODULES: 0x10,
} as const;

export interface RegistryEntry {
  readonly aid: Aid;
  readonly lifeCycle: number;
  readonly privileges?: number;
  /** The card tells the first byte of them alone (before GPCS 2.2). */
  readonly firstPrivilegesOnly?: true;
  readonly loadFile?: Aid;
  readonly securityDomain?: Aid;
  readonly modules: readonly Aid[];
  /** `major.minor` of a load file, where the card tells it. */
  readonly version?: string;
}

/** GET STATUS in TLV form; 6310 means that more waits, 6A88 that there is none. @see GPCS 11.4 */
export function getStatus(
  subset: number,
  options: { readonly prefix?: Uint8Array; readonly next?: boolean } = {},
): GpCommand {
  const data = encodeTlv(0x4f, options.prefix ?? new Uint8Array());
  const expect: readonly StatusWord[] = [SW.NO_ERROR, SW.MORE_DATA_AVAILABLE, SW.REFERENCED_DATA_NOT_FOUND];
  const p2 = options.next === true ? 0x03 : 0x02;
  return gpCommand({ label: 'GET STATUS', cla: 0x80, ins: INS.GET_STATUS, p1: subset, p2, data, le: true, expect });
}

function entry(value: Uint8Array): RegistryEntry {
  const reader = new TlvReader(value);
  const name = aid(reader.expect(0x4f));
  const found: { lifeCycle?: number } & Partial<
    Pick<
      { -readonly [key in keyof RegistryEntry]: RegistryEntry[key] },
      'privileges' | 'firstPrivilegesOnly' | 'loadFile' | 'securityDomain' | 'version'
    >
  > = {};
  const modules: Aid[] = [];
  while (!reader.atEnd) {
    const object = reader.next();
    if (object.tag === 0x9f70 && object.value.length >= 1) found.lifeCycle = object.value[0] ?? 0;
    if (object.tag === 0xc5) found.privileges = decodePrivileges(object.value);
    if (object.tag === 0xc5 && object.value.length === 1) found.firstPrivilegesOnly = true;
    if (object.tag === 0xc4) found.loadFile = aid(object.value);
    if (object.tag === 0xcc) found.securityDomain = aid(object.value);
    if (object.tag === 0xce) found.version = object.value.join('.');
    if (object.tag === 0x84) modules.push(aid(object.value));
  }
  const { lifeCycle, ...rest } = found;
  if (lifeCycle === undefined) throw new WireError('get-status-entry', "Registry entry without life cycle '9F70'");
  return { aid: name, lifeCycle, ...rest, modules };
}

/**
 * `E3 L { 4F AID ‖ 9F70 state ‖ [C5] [C4] [CE] [CC] [84]* }*`
 *
 * @param responses data of all answers in order: a card may cut its list anywhere, also inside an entry
 * @throws WireError
 */
export function decodeGetStatus(...responses: readonly Uint8Array[]): RegistryEntry[] {
  const reader = new TlvReader(concat(...responses));
  const entries: RegistryEntry[] = [];
  while (!reader.atEnd) {
    if (entries.length === 256)
      throw new WireError('get-status-too-many', 'More than 256 registry entries in one answer');
    entries.push(entry(reader.expect(0xe3)));
  }
  return entries;
}

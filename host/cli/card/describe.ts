// SPDX-License-Identifier: Apache-2.0
import { aidToHex } from '../../wire/gp/aid.ts';
import type { RegistryEntry } from '../../wire/gp/get-status.ts';
import type { KeyInformation } from '../../wire/gp/key-information.ts';
import { cardStateName, LOCKED, securityDomainStateName } from '../../wire/gp/life-cycle.ts';
import { PRIVILEGE } from '../../wire/gp/privilege.ts';
import { toHex } from '../../wire/hex.ts';

export const privilegeNames = (bits: number): string[] =>
  Object.entries(PRIVILEGE).flatMap(([name, bit]) => ((bits & bit) === 0 ? [] : [name]));

/** A registry entry as the CLI prints it. */
export interface DescribedEntry {
  readonly kind: 'issuer-security-domain' | 'security-domain' | 'application' | 'load-file';
  readonly aid: string;
  readonly state: string;
  readonly privileges?: readonly string[];
  readonly loadFile?: string;
  readonly securityDomain?: string;
  readonly modules?: readonly string[];
}

function stateOf(kind: DescribedEntry['kind'], state: number): string {
  if (kind === 'issuer-security-domain') return cardStateName(state);
  if (kind === 'load-file') return 'LOADED';
  if (kind === 'security-domain') return securityDomainStateName(state);
  const base = state & ~LOCKED & 0xff;
  const name = base === 0x03 ? 'INSTALLED' : base === 0x07 ? 'SELECTABLE' : `APPLICATION ${toHex(Uint8Array.of(base))}`;
  return (state & LOCKED) === 0 ? name : `LOCKED (${name})`;
}

export function describeEntry(entry: RegistryEntry, subset: 'issuer' | 'application' | 'load-file'): DescribedEntry {
  const isDomain = ((entry.privileges ?? 0) & PRIVILEGE.SECURITY_DOMAIN) !== 0;
  const kind =
    subset === 'issuer'
      ? 'issuer-security-domain'
      : subset === 'load-file'
        ? 'load-file'
        : isDomain
          ? 'security-domain'
          : 'application';
  return {
    kind,
    aid: aidToHex(entry.aid),
    state: stateOf(kind, entry.lifeCycle),
    ...(entry.privileges === undefined ? {} : { privileges: privilegeNames(entry.privileges) }),
    ...(entry.loadFile === undefined ? {} : { loadFile: aidToHex(entry.loadFile) }),
    ...(entry.securityDomain === undefined ? {} : { securityDomain: aidToHex(entry.securityDomain) }),
    ...(entry.modules.length === 0 ? {} : { modules: entry.modules.map(aidToHex) }),
  };
}

const TYPES: ReadonlyMap<number, string> = new Map([
  ...([
    [0x80, 'DES'],
    [0x82, '3DES-CBC'],
    [0x83, 'DES-ECB'],
    [0x84, 'DES-CBC'],
    [0x85, 'TLS-PSK'],
    [0x88, 'AES'],
  ] as const),
  ...([
    [0x90, 'HMAC-SHA1'],
    [0x91, 'HMAC-SHA1-160'],
    [0xa0, 'RSA e'],
    [0xa1, 'RSA N'],
    [0xb0, 'ECC public'],
  ] as const),
  ...([
    [0xb1, 'ECC private'],
    [0xf0, 'ECC parameters'],
  ] as const),
]);

export const describeKey = ({ reference, components, usage, access }: KeyInformation) => ({
  version: toHex(Uint8Array.of(reference.kvn)),
  id: toHex(Uint8Array.of(reference.kid)),
  components: components.map(
    ({ type, lengthBytes }) =>
      `${TYPES.get(type) ?? toHex(Uint8Array.of(type))} ${lengthBytes === 0 ? '256 or more' : lengthBytes}`,
  ),
  ...(usage && { usage: toHex(usage) }),
  ...(access && { access: toHex(access) }),
});

// SPDX-License-Identifier: Apache-2.0
import { NotFoundError } from '../../errors.ts';
import { type SecurityLevel, securityLevel } from '../../secure-channel/security-level.ts';

/**
 * Cards whose issuer's domain is the card maker's own and speaks SCP02 or SCP03: what a chip family does differently,
 * each with where it is known from. docs/cards.md says the same for readers.
 */
export interface NativeIssuerProfile {
  readonly protocol: 'scp02' | 'scp03';
  /** i */
  readonly option: number;
  /** The highest level of the channel. */
  readonly level: SecurityLevel;
  /** Refused authentications that such a card is known to bear before it blocks its keys. */
  readonly tries: number;
  readonly source: string;
}

/** By the name that a card registration gives. */
export const NATIVE_ISSUER_PROFILES: Readonly<Record<string, NativeIssuerProfile>> = {
  'scp02-55': {
    protocol: 'scp02',
    option: 0x55,
    level: securityLevel(0x03),
    tries: 10,
    source: 'GPCS 2.3.1 E.1.1: one of 15, 1A, 55 is there; ten tries as the most careful public reports have it',
  },
  'scp02-15': {
    protocol: 'scp02',
    option: 0x15,
    level: securityLevel(0x03),
    tries: 10,
    source: 'GPCS 2.3.1 E.1.1',
  },
  'scp03-70': {
    protocol: 'scp03',
    option: 0x70,
    level: securityLevel(0x33),
    tries: 10,
    source: 'Amendment D 1.1.1 5.1',
  },
  'scp03-71': {
    protocol: 'scp03',
    option: 0x71,
    level: securityLevel(0x33),
    tries: 5,
    source: 'Amendment D 1.2, S16; five tries: embedded chips with a short count are in use',
  },
  jcop: {
    protocol: 'scp03',
    option: 0x70,
    level: securityLevel(0x33),
    tries: 10,
    source: 'simulator/cards/jcop.json',
  },
  uicc: {
    protocol: 'scp02',
    option: 0x55,
    level: securityLevel(0x03),
    tries: 15,
    source: 'simulator/cards/uicc.json',
  },
  ese: {
    protocol: 'scp03',
    option: 0x71,
    level: securityLevel(0x33),
    tries: 5,
    source: 'simulator/cards/ese.json',
  },
};

/** @throws NotFoundError `profile-unknown` that names those there are */
export function nativeIssuerProfile(name: string): NativeIssuerProfile {
  const profile = Object.hasOwn(NATIVE_ISSUER_PROFILES, name) ? NATIVE_ISSUER_PROFILES[name] : undefined;
  if (profile !== undefined) return profile;
  const names = Object.keys(NATIVE_ISSUER_PROFILES).join(', ');
  throw new NotFoundError('profile-unknown', `There is no card profile ${name}: want one of ${names}`);
}

/** What a provider's domain cannot be where the card's own issuer's domain made it (docs/cards.md). */
export const NATIVE_ISSUER_LIMITS: readonly string[] = [
  'an ordinary application: no parent of other domains, no loading or installing of its own',
  'not in the registry as a domain; it keeps its own life cycle',
  'no CASD that is outside the issuer’s control: no attestation',
];

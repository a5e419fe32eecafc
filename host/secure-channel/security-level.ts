// SPDX-License-Identifier: Apache-2.0
import { SecureChannelError } from '../errors.ts';

/** Bits of a security level. @see GPCS 10.6, Table 10-1 */
export const LEVEL = {
  C_MAC: 0x01,
  C_DECRYPTION: 0x02,
  R_MAC: 0x10,
  R_ENCRYPTION: 0x20,
  ANY_AUTHENTICATED: 0x40,
  AUTHENTICATED: 0x80,
} as const;

/** Levels that we open: never encryption without MAC (key-distribution.md section 7 row 7). */
export const SECURITY_LEVELS = [0x01, 0x03, 0x11, 0x13, 0x33] as const;
export type SecurityLevel = (typeof SECURITY_LEVELS)[number];

/** @throws SecureChannelError for a level that is not in the list */
export function securityLevel(value: number): SecurityLevel {
  const level = SECURITY_LEVELS.find((known) => known === value);
  if (level === undefined) {
    throw new SecureChannelError('security-level', 'Not a security level that is offered', { got: value });
  }
  return level;
}

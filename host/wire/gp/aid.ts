// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import type { Brand } from '../brand.ts';
import { fromHex, toHex } from '../hex.ts';

/** Application identifier, 5 to 16 bytes. @see ISO 7816-4 8.2.1.2 */
export type Aid = Brand<Uint8Array, 'Aid'>;

/** @throws WireError unless 5 to 16 bytes, or hex of so many */
export function aid(value: Uint8Array | string): Aid {
  const bytes = typeof value === 'string' ? fromHex(value, 16) : value;
  if (bytes.length < 5 || bytes.length > 16) {
    throw new WireError('aid-length', 'An AID has 5 to 16 bytes', { expected: '5..16', got: bytes.length });
  }
  return bytes as Aid;
}

export const aidToHex = (value: Aid): string => toHex(value);

/** AIDs of the security domain package and of its instances (applet README section 1). */
export const AID = {
  SECURITY_DOMAIN_PACKAGE: aid('F06F70656E74736D01'),
  ISSUER_SECURITY_DOMAIN_MODULE: aid('F06F70656E74736D0101'),
  SUPPLEMENTARY_SECURITY_DOMAIN_MODULE: aid('F06F70656E74736D0102'),
  CONTROLLING_AUTHORITY_SECURITY_DOMAIN_MODULE: aid('F06F70656E74736D0103'),
  ISSUER_SECURITY_DOMAIN: aid('A000000151000000'),
  CONTROLLING_AUTHORITY_SECURITY_DOMAIN: aid('A00000015153504341534400'),
} as const;

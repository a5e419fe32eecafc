// SPDX-License-Identifier: Apache-2.0
import { PolicyError } from '../../errors.ts';
import { PRIVILEGE, SUPPLEMENTARY_SECURITY_DOMAIN_PRIVILEGES } from '../../wire/gp/privilege.ts';
import type { PrivilegeName, WishedDomain } from '../../wire/message/security-domain-resource.ts';

/** What an owner may wish its domain to be. */

/** The rest is the issuer's, or makes a domain the judge of others' content. */
const GRANTED: Readonly<Partial<Record<PrivilegeName, number>>> = {
  'security-domain': PRIVILEGE.SECURITY_DOMAIN,
  'trusted-path': PRIVILEGE.TRUSTED_PATH,
  'dap-verification': PRIVILEGE.DAP_VERIFICATION,
  'delegated-management': PRIVILEGE.DELEGATED_MANAGEMENT,
};

/** Bits for INSTALL. @param delegated as 43 has decided */
export function privilegesOf(wished: WishedDomain | undefined, delegated: boolean): number {
  const names = (wished?.privileges ?? []).filter((name) => name !== 'delegated-management');
  const bits = names.reduce((sum, name) => sum | (GRANTED[name] ?? 0), SUPPLEMENTARY_SECURITY_DOMAIN_PRIVILEGES);
  return delegated ? bits | PRIVILEGE.DELEGATED_MANAGEMENT : bits;
}

/**
 * Whether the domain gets Delegated Management: where its owner may have it, and wishes for it or names no privileges.
 *
 * @param mayDelegate the owner may have it, in a domain of this kind
 * @throws PolicyError `privilege-not-permitted`, before anything is touched
 */
export function requireGranted(wished: WishedDomain | undefined, mayDelegate: boolean): boolean {
  const { privileges } = wished ?? {};
  for (const privilege of privileges ?? []) {
    if (GRANTED[privilege] !== undefined && (privilege !== 'delegated-management' || mayDelegate)) continue;
    throw new PolicyError(
      'privilege-not-permitted',
      `No domain of yours gets the privilege ${privilege} here: leave it out`,
      { privilege },
    );
  }
  return mayDelegate && (privileges?.includes('delegated-management') ?? true);
}

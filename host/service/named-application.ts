// SPDX-License-Identifier: Apache-2.0
import { ConflictError } from '../errors.ts';

/** What an app says of the application that it means, beside the product. */
export interface NamedApplication {
  /** AID of the application, or the app's own name of it. */
  readonly appId?: string;
  /** AID of the security domain, or region or scope of the product. */
  readonly domain?: string;
}

const isAid = (name: string): boolean => /^([0-9A-F]{2}){5,16}$/i.test(name);

/**
 * An AID that an app names is that of the product on this card; a name of another form is the app's own, for routes.
 *
 * @throws ConflictError `application-differs`
 */
export function requireNamed(
  { appId, domain }: NamedApplication,
  has: { readonly securityDomainAid?: string | undefined; readonly instanceAids: readonly string[] },
): void {
  for (const [field, name, aids] of [
    ['appId', appId, has.instanceAids],
    ['domain', domain, has.securityDomainAid === undefined ? [] : [has.securityDomainAid]],
  ] as const) {
    if (name === undefined || !isAid(name) || aids.length === 0 || aids.includes(name.toUpperCase())) continue;
    throw new ConflictError(
      'application-differs',
      `${field} ${name} is none of this product: it has ${aids.join(', ')}`,
    );
  }
}

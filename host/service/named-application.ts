// SPDX-License-Identifier: Apache-2.0
import { ConflictError } from '../errors.ts';

/** What an app says of the application that it means, beside the product. */
export interface NamedApplication {
  /** AID of the application, or the app's own name of it. */
  readonly appId?: string;
  /** AID of the security domain, or region or scope of the product. */
  readonly domain?: string;
}

const RID_DIGITS = 10;
/** What the registered application providers (ISO/IEC 7816-5) that were ever given out begin with. */
const REGISTERED = 'A00000';

/**
 * Numbers of regions and UUIDs without hyphens have the form of an AID too: it is one where its application provider is
 * a registered one, or that of the AIDs that it is to be compared with.
 */
function isAid(name: string, aids: readonly string[]): boolean {
  if (!/^([0-9A-F]{2}){5,16}$/.test(name)) return false;
  return name.startsWith(REGISTERED) || aids.some((aid) => aid.startsWith(name.slice(0, RID_DIGITS)));
}

/**
 * An AID that an app names is that of the product on this card; any other name is the app's own, for routes.
 *
 * @throws ConflictError `application-differs`
 */
export function requireNamed(
  { appId, domain }: NamedApplication,
  has: { readonly securityDomainAid?: string | undefined; readonly instanceAids: readonly string[] },
): void {
  const all = [...has.instanceAids, ...(has.securityDomainAid === undefined ? [] : [has.securityDomainAid])];
  for (const [field, named, aids] of [
    ['appId', appId, has.instanceAids],
    ['domain', domain, has.securityDomainAid === undefined ? [] : [has.securityDomainAid]],
  ] as const) {
    const name = named?.toUpperCase();
    if (name === undefined || !isAid(name, all) || aids.length === 0 || aids.includes(name)) continue;
    throw new ConflictError(
      'application-differs',
      `${field} ${name} is none of this product: it has ${aids.join(', ')}`,
    );
  }
}

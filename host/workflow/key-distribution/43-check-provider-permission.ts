// SPDX-License-Identifier: Apache-2.0
import { PeerError, PolicyError } from '../../errors.ts';
import { requireOwnNames } from '../../store/issuer/applications.ts';
import { requireNotReported } from '../../store/issuer/card-arrivals.ts';
import { findProvider } from '../../store/issuer/providers.ts';
import { STORAGE_KEY } from './initial-keys/47-install-keyed-domain.ts';
import type { DomainStart, IssuerContext } from './issuer-context.ts';
import { requireGranted } from './wished-domain.ts';

/**
 * Step 43: may this provider have an SSD of this AID made? The provider is the one of the client certificate; the AID
 * must be registered as its own, and so is never another's, the ISD's or the CASD's. Nothing comes onto a card that
 * is reported lost.
 *
 * @throws PolicyError `provider-not-permitted`, `privilege-not-permitted`, `aid-not-registered`, `card-reported`:
 *     before anything is touched
 * @throws ConflictError `aid-taken` where the card has an application of this name
 * @throws PolicyError with the code of the KMS where it makes no first keys under the transport key that is named
 */
export async function checkProviderPermission({ request, caller, wished, keys }: DomainStart, context: IssuerContext) {
  const provider = request.providerId === caller ? await findProvider(context.database, caller) : undefined;
  if (provider?.permissions.includes('create-security-domain') !== true) {
    throw new PolicyError(
      'provider-not-permitted',
      'This provider may not have security domains created: ask the issuer for the permission create-security-domain',
      { provider: caller },
    );
  }
  // Tokens name the application provider: a domain that is opened with keys alone has none.
  const mayDelegate = provider.permissions.includes('delegated-management') && keys === undefined;
  const delegated = requireGranted(wished, mayDelegate);
  if (!provider.aids.includes(request.ssdAid)) {
    throw new PolicyError(
      'aid-not-registered',
      `The AID ${request.ssdAid} is not registered for this provider: ask the issuer to register it`,
      { provider: caller, aid: request.ssdAid },
    );
  }
  await requireNotReported(context.database, request.cardId);
  const { cardId, ssdAid, providerId } = request;
  await requireOwnNames(context.database, { cardId, aid: ssdAid, providerId });
  if (keys !== undefined) {
    const { keyIndex: transportKey, lengthBits } = keys;
    const wanted = { storageKey: STORAGE_KEY, transportKey, owner: providerId, lengthBits };
    await context.kms.domainKeys.check(wanted).catch(refuse);
  }
  return { relayBaseUrl: provider.baseUrl, delegated };
}

const REFUSALS: readonly number[] = [403, 404, 409, 422];

/** What the KMS refuses the caller is refused; what fails there is another thing. */
function refuse(error: unknown): never {
  if (!(error instanceof PeerError) || !REFUSALS.includes(Number(error.context.status))) throw error;
  throw new PolicyError(error.code, error.message, {}, error);
}

import { PolicyError } from '../../errors.ts';
import { findProvider } from '../../store/issuer/providers.ts';
import type { IssuerContext, IssuerStart } from './issuer-context.ts';

/**
 * Step 43: may this provider have an SSD made? The provider is the one of the client certificate.
 *
 * @throws PolicyError `provider-not-permitted`, before anything is touched
 */
export async function checkProviderPermission({ request, caller }: IssuerStart, context: IssuerContext) {
  const provider = request.providerId === caller ? await findProvider(context.database, caller) : undefined;
  if (provider?.permissions.includes('create-security-domain') === true) return { relayBaseUrl: provider.baseUrl };
  throw new PolicyError(
    'provider-not-permitted',
    'This provider may not have security domains created: ask the issuer for the permission create-security-domain',
    { provider: caller },
  );
}

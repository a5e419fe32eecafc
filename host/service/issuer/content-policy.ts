// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { ConflictError, PolicyError } from '../../errors.ts';
import { filesOf, listApplications } from '../../store/issuer/applications.ts';
import { requireNotReported } from '../../store/issuer/card-arrivals.ts';
import { providerOfProduct } from '../../store/issuer/card-products.ts';
import { findCardInService } from '../../store/issuer/cards.ts';
import { type DelegatedDomain, findDelegatedDomain } from '../../store/issuer/content-tokens.ts';
import { isBroughtBy, listLoadFiles } from '../../store/issuer/load-files.ts';
import { findProvider } from '../../store/issuer/providers.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import { AID, aidToHex } from '../../wire/gp/aid.ts';
import type { ContentTokenRequest, DelegatedAct } from '../../wire/message/content-change.ts';
import { isFromMaker, requireNotPreloaded } from '../../workflow/deploy-application/load-file-on-card.ts';
import type { IssuerSettings } from '../../workflow/key-distribution/issuer-context.ts';

interface Parts {
  readonly database: Kysely<IssuerTables>;
  readonly settings: Pick<IssuerSettings, 'preloaded'>;
}

/**
 * May this provider change this in its domain? It has the permission, 47 made that domain for it, nobody has reported
 * the card lost, the card is in service, and what it brings has no name of somebody else's.
 *
 * @throws PolicyError, ConflictError `aid-taken`, `load-file-unknown`, before anything is signed
 */
export async function checkDelegatedAct(
  { database, settings }: Parts,
  caller: string,
  { cardId, ssdAid, act, productId }: ContentTokenRequest,
): Promise<DelegatedDomain> {
  const provider = await findProvider(database, caller);
  if (provider?.permissions.includes('delegated-management') !== true) {
    throw new PolicyError(
      'provider-not-permitted',
      'This provider gets no tokens: ask the issuer for the permission delegated-management',
      { provider: caller },
    );
  }
  const domain = await findDelegatedDomain(database, cardId, ssdAid);
  if (domain === undefined || domain.providerId !== caller || !provider.aids.includes(ssdAid)) {
    throw new PolicyError(
      'domain-not-delegated',
      'There is no domain of this provider with Delegated Management on this card: distribute its keys first',
      { provider: caller, aid: ssdAid },
    );
  }
  // What is on a card that was lost may go; nothing comes.
  if (act.act !== 'delete') {
    await requireNotReported(database, cardId);
    await findCardInService(database, cardId);
  }
  if (act.act === 'extradite' && !provider.aids.includes(act.to))
    throw new PolicyError('aid-not-registered', `The AID ${act.to} is not registered for this provider`);
  if (productId !== undefined && (await providerOfProduct(database, productId)) !== caller)
    throw new PolicyError('product-not-registered', `${productId} is not registered as this provider's product`);
  if (act.act === 'load') await requireNotPreloaded([act.loadFileAid], cardId, { database, settings });
  await checkNames(database, caller, { cardId, ssdAid, act, ...(productId === undefined ? {} : { productId }) });
  if (act.act === 'install') await requireBrought({ database, settings }, { caller, cardId, aid: act.loadFileAid });
  return domain;
}

async function checkNames(database: Kysely<IssuerTables>, caller: string, request: ContentTokenRequest): Promise<void> {
  const { cardId, ssdAid, act, productId } = request;
  const own = aidToHex(AID.SECURITY_DOMAIN_PACKAGE);
  const names = namesBrought(act);
  if (names.some((name) => name.startsWith(own) || name === ssdAid))
    throw new PolicyError('aid-reserved', 'An application of a provider has no AID of the security domains');
  const rows = await listApplications(database, cardId);
  const others = rows.filter((row) => row.provider_id !== caller);
  const files = await listLoadFiles(database, cardId, act.act === 'delete' ? [act.aid] : names);
  const taken =
    files.find((file) => file.provider_id !== caller)?.aid ??
    names.find((name) =>
      others.some(
        (row) => row.aid.startsWith(name) || name.startsWith(row.aid) || filesOf(row).some((file) => file.aid === name),
      ),
    );
  if (taken !== undefined) throw new ConflictError('aid-taken', `Another provider has ${taken} on this card`);
  const isOther = (row: (typeof rows)[number]) =>
    row.provider_id !== caller || (productId !== undefined && row.product_id !== null && row.product_id !== productId);
  // A load file has no application's name, and DELETE takes whatever has it.
  const wrong = rows.find(
    (row) =>
      (act.act === 'load' && row.aid === act.loadFileAid) ||
      (act.act === 'delete' && row.aid === act.aid && isOther(row)),
  );
  if (wrong !== undefined) throw new ConflictError('aid-taken', `Another application has ${wrong.aid} on this card`);
}

/** An application is made of what its provider has brought, or of what the card has from its maker. */
async function requireBrought(
  { database, settings }: Parts,
  { caller, cardId, aid }: Pick<ContentTokenRequest, 'cardId'> & { readonly caller: string; readonly aid: string },
): Promise<void> {
  const [file] = await listLoadFiles(database, cardId, [aid]);
  const known = { aid, hash: file?.hash ?? undefined };
  if (await isBroughtBy(database, { cardId, providerId: caller }, known)) return;
  if (await isFromMaker(known, cardId, { database, settings })) return;
  throw new ConflictError(
    'load-file-unknown',
    `Nothing says which code the load file ${aid} of this card is: delete it, and load it by a token`,
    { aid },
  );
}

function namesBrought(act: DelegatedAct): readonly string[] {
  switch (act.act) {
    case 'load':
      return [act.loadFileAid];
    case 'install':
      return [act.loadFileAid, act.moduleAid, act.instanceAid];
    default:
      return [];
  }
}

// SPDX-License-Identifier: Apache-2.0
import { ConflictError, PolicyError } from '../../errors.ts';
import { modelOfCard } from '../../store/issuer/cards.ts';
import {
  type FileDomain,
  hasTokenForAnother,
  isVouchedFor,
  listLoadFiles,
  type NamedLoadFile,
} from '../../store/issuer/load-files.ts';
import { aidToHex } from '../../wire/gp/aid.ts';
import type { RegistryEntry } from '../../wire/gp/get-status.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { IssuerSettings } from '../key-distribution/issuer-context.ts';
import type { InstallContext, InstallFacts } from './context.ts';

/**
 * A load file that the card has already is used only when it is known to be the one that is wanted: the name says
 * nothing of its code. The domain that has it (tag CC) tells who loaded it, on cards that say so: in a third one is
 * what another provider brought by its own tokens.
 *
 * @throws ConflictError `load-file-unknown`
 */
export async function requireKnownFile(
  file: NamedLoadFile,
  entry: Pick<RegistryEntry, 'securityDomain'>,
  facts: Pick<InstallFacts, 'request' | 'caller' | 'card'>,
  context: InstallContext,
): Promise<void> {
  if (await isKnownFile(file, entry, facts, context)) return;
  throw new ConflictError(
    'load-file-unknown',
    `The card has a load file ${file.aid}, and nothing says that it is this one: remove the application that it was ` +
      'brought for, or, where the card’s maker has put it there, name it in preloaded of the issuer’s config; where ' +
      'another provider has a token for another code of this name, see docs/delegated-management.md, section 4',
    { aid: file.aid },
  );
}

/** The same, as an answer. */
export async function isKnownFile(
  file: NamedLoadFile,
  entry: Pick<RegistryEntry, 'securityDomain'>,
  { request: { cardId, ssdAid }, caller, card }: Pick<InstallFacts, 'request' | 'caller' | 'card'>,
  { database, settings }: InstallContext,
): Promise<boolean> {
  const domain = fileDomainOf(entry, card.isdAid);
  const isOurs =
    domain !== 'other' || (entry.securityDomain !== undefined && aidToHex(entry.securityDomain) === ssdAid);
  if (!isOurs && (await hasTokenForAnother(database, cardId, file, { but: caller, ever: true }))) return false;
  if (await isVouchedFor(database, { cardId, providerId: caller }, file, domain)) return true;
  return isFromMaker(file, cardId, { database, settings });
}

export function fileDomainOf({ securityDomain }: Pick<RegistryEntry, 'securityDomain'>, isdAid: string): FileDomain {
  if (securityDomain === undefined) return 'untold';
  return aidToHex(securityDomain) === isdAid ? 'issuer' : 'other';
}

type Parts = Pick<InstallContext, 'database'> & { readonly settings: Pick<IssuerSettings, 'preloaded'> };

/** Has the card this file from its maker, and nobody brought another one there, or had leave to? */
export async function isFromMaker(
  file: NamedLoadFile,
  cardId: CardId,
  { database, settings }: Parts,
): Promise<boolean> {
  if (!(await preloadedOn(cardId, { database, settings })).includes(file.aid)) return false;
  const [row] = await listLoadFiles(database, cardId, [file.aid]);
  if (row !== undefined && row.hash !== null && row.hash !== file.hash) return false;
  return !(await hasTokenForAnother(database, cardId, file, { ever: true }));
}

/**
 * The name of what cards have from their maker is nobody's to load: it would be taken for the maker's later.
 *
 * @throws PolicyError `aid-reserved`
 */
export async function requireNotPreloaded(aids: readonly string[], cardId: CardId, parts: Parts): Promise<void> {
  const preloaded = await preloadedOn(cardId, parts);
  const name = aids.find((aid) => preloaded.includes(aid));
  if (name !== undefined)
    throw new PolicyError(
      'aid-reserved',
      `Cards have ${name} from their maker, as preloaded of the issuer’s config says, and no provider loads it: ` +
        'where this card has it not, the config is to name the models that have it',
      { aid: name },
    );
}

/** AIDs of load files that this card has from its maker. */
export async function preloadedOn(cardId: CardId, { database, settings }: Parts): Promise<readonly string[]> {
  const { preloaded = [] } = settings;
  if (preloaded.length === 0) return [];
  const model = await modelOfCard(database, cardId);
  return preloaded.flatMap((files) => (files.model === undefined || files.model === model ? files.loadFileAids : []));
}

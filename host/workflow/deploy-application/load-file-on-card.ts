// SPDX-License-Identifier: Apache-2.0
import { ConflictError } from '../../errors.ts';
import { modelOfCard } from '../../store/issuer/cards.ts';
import { isVouchedFor, type NamedLoadFile } from '../../store/issuer/load-files.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { IssuerSettings } from '../key-distribution/issuer-context.ts';
import type { InstallContext, InstallStart } from './context.ts';

/**
 * A load file that the card has already is used only when it is known to be the one that is wanted: the name says
 * nothing of its code.
 *
 * @throws ConflictError `load-file-unknown`
 */
export async function requireKnownFile(
  file: NamedLoadFile,
  { request: { cardId }, caller }: Pick<InstallStart, 'request' | 'caller'>,
  { database, settings }: InstallContext,
): Promise<void> {
  if (await isVouchedFor(database, { cardId, providerId: caller }, file)) return;
  if ((await preloadedOn(cardId, { database, settings })).includes(file.aid)) return;
  throw new ConflictError(
    'load-file-unknown',
    `The card has a load file ${file.aid}, and nothing says that it is this one: remove the application that it was ` +
      'brought for, or, where the card’s maker has put it there, name it in preloaded of the issuer’s config',
    { aid: file.aid },
  );
}

/** AIDs of load files that this card has from its maker. */
export async function preloadedOn(
  cardId: CardId,
  { database, settings }: Pick<InstallContext, 'database'> & { readonly settings: Pick<IssuerSettings, 'preloaded'> },
): Promise<readonly string[]> {
  const { preloaded = [] } = settings;
  if (preloaded.length === 0) return [];
  const model = await modelOfCard(database, cardId);
  return preloaded.flatMap((files) => (files.model === undefined || files.model === model ? files.loadFileAids : []));
}

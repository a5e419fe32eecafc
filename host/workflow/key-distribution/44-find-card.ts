// SPDX-License-Identifier: Apache-2.0
import { NotFoundError, PolicyError } from '../../errors.ts';
import { findCardInService } from '../../store/issuer/cards.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { SecureElementState } from '../../wire/message/secure-elements.ts';
import type { DomainStart, IssuerContext } from './issuer-context.ts';

type Wanted = { readonly request: { readonly cardId: CardId } } & Pick<DomainStart, 'wished' | 'keys'>;

/**
 * Step 44: finds the card by its id in the issuer's database: the ISD's AID, and PK.SD.AUT or the key set.
 *
 * @throws NotFoundError `card-unknown`, PolicyError `package-missing`, `card-profile`, `card-not-in-service`: before
 *     anything is touched
 */
export async function findCard(wanted: Wanted, context: IssuerContext) {
  return cardAmong(wanted, context, []);
}

/** R4: as 44, and on a card that another one has replaced: what is left there may still be taken off. */
export async function findCardForRemoval(wanted: Wanted, context: IssuerContext) {
  return cardAmong(wanted, context, ['REPLACED']);
}

async function cardAmong(
  { request, wished, keys }: Wanted,
  context: IssuerContext,
  also: readonly SecureElementState[],
) {
  const card = await findCardInService(context.database, request.cardId, also);
  if (card?.isdKeySet !== undefined && context.settings.securityDomainPackage === undefined) {
    throw new PolicyError(
      'package-missing',
      'This card needs our package by LOAD: name the CAP file in securityDomainPackage of the issuer’s configuration',
    );
  }
  if (card?.isdKeySet !== undefined && (keys ?? wished?.memory ?? wished?.privileges) !== undefined)
    throw new PolicyError(
      'card-profile',
      'On this card domains are ordinary applications: they have no privileges or limits, and keys by CASD_PULL alone',
    );
  if (card !== undefined) return { card };
  throw new NotFoundError('card-unknown', 'The issuer does not know this card: it may be of another issuer', {
    card: request.cardId.value,
  });
}

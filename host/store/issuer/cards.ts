// SPDX-License-Identifier: Apache-2.0
import type { Kysely, Selectable } from 'kysely';
import { ConflictError, InvariantError, PolicyError } from '../../errors.ts';
import type { CardId, RsaPublicKey } from '../../wire/message/common.ts';
import type { IsdKeySet } from '../../wire/message/operator.ts';
import type { SecureElementState } from '../../wire/message/secure-elements.ts';
import { cardIdText } from '../card-id.ts';
import { lockAids, requireNoProviderHas } from './provider-aids.ts';
import type { IssuerTables } from './schema.ts';

/** Card management: what the issuer knows of its cards. */

interface CardNames {
  readonly cardId: CardId;
  readonly isdAid: string;
  /** Absent where the card profile has no controlling authority security domain. */
  readonly casdAid?: string;
}

/** A card whose ISD is ours and speaks SCP10. */
export interface OwnDomainCard extends CardNames {
  readonly isdKeyReference: string;
  /** PK.SD.AUT of the ISD: lets PSO DECIPHER travel before the card's certificate is read. */
  readonly isdPublicKey: RsaPublicKey;
  readonly isdKeySet?: undefined;
}

/** A card whose ISD is its maker's. */
export interface NativeIssuerCard extends CardNames {
  readonly isdKeySet: IsdKeySet;
}

export type Card = OwnDomainCard | NativeIssuerCard;

/** @throws PolicyError `card-profile` for a card whose ISD is its maker's: not every flow runs on it */
export function requireOwnDomain(card: Card): OwnDomainCard {
  if (card.isdKeySet === undefined) return card;
  throw new PolicyError(
    'card-profile',
    'This card has an issuer domain of its maker: docs/cards.md says what runs on it',
  );
}

/** @throws InvariantError */
export function requireNativeIssuer(card: Card): NativeIssuerCard {
  if (card.isdKeySet !== undefined) return card;
  throw new InvariantError('card-flow', 'This card has an issuer domain of ours');
}

type Database = Kysely<IssuerTables>;

/** @throws ConflictError `aid-taken` when the ISD or CASD has the AID of a provider */
export async function putCard(database: Database, card: Card): Promise<void> {
  const values = {
    card: cardIdText(card.cardId),
    isd_aid: card.isdAid,
    ...channelColumns(card),
    casd_aid: card.casdAid ?? null,
  };
  await database.transaction().execute(async (transaction) => {
    await lockAids(transaction);
    for (const aid of [card.isdAid, card.casdAid]) {
      if (aid !== undefined) await requireNoProviderHas(transaction, aid);
    }
    await transaction
      .insertInto('cards')
      .values(values)
      .onConflict((conflict) => conflict.column('card').doUpdateSet(values))
      .execute();
    await nameCard(transaction, values.card);
  });
}

/** @throws ConflictError `name-taken` */
async function nameCard(transaction: Database, card: string): Promise<void> {
  const name = card.replace(/^iin-cin:/, 'cud:');
  await transaction
    .insertInto('card_names')
    .values({ name, card })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const row = await transaction.selectFrom('card_names').select('card').where('name', '=', name).executeTakeFirst();
  if (row?.card !== card)
    throw new ConflictError('name-taken', `${name} is another name of a card that is there already`, { name });
}

/**
 * The card, for a flow that will touch it.
 *
 * @param also states beside NEW and ACTIVE in which this flow may do so
 * @throws PolicyError `card-not-in-service` for one that is blocked, replaced or retired
 */
export async function findCardInService(
  database: Database,
  cardId: CardId,
  also: readonly SecureElementState[] = [],
): Promise<Card | undefined> {
  const row = await selectCard(database, cardId);
  if (row === undefined) return undefined;
  const { state } = row;
  if (state === 'NEW' || state === 'ACTIVE' || also.includes(state)) return toCard(cardId, row);
  throw new PolicyError('card-not-in-service', `The issuer says that this card is ${state}: nothing runs on it`, {
    state,
  });
}

/** The chip model that a card was registered by. */
export async function modelOfCard(database: Database, cardId: CardId): Promise<string | undefined> {
  const row = await database
    .selectFrom('cards')
    .select('model_id')
    .where('card', '=', cardIdText(cardId))
    .executeTakeFirst();
  return row?.model_id ?? undefined;
}

export async function findCardRow(database: Database, cardId: CardId): Promise<Card | undefined> {
  const row = await selectCard(database, cardId);
  return row === undefined ? undefined : toCard(cardId, row);
}

const selectCard = (database: Database, cardId: CardId) =>
  database.selectFrom('cards').selectAll().where('card', '=', cardIdText(cardId)).executeTakeFirst();

function toCard(cardId: CardId, row: Selectable<IssuerTables['cards']>): Card {
  const { isd_key_reference: isdKeyReference, isd_modulus: modulus, isd_exponent: exponent } = row;
  const names = { cardId, isdAid: row.isd_aid, ...(row.casd_aid === null ? {} : { casdAid: row.casd_aid }) };
  if (row.isd_key_set !== null) return { ...names, isdKeySet: row.isd_key_set };
  if (isdKeyReference === null || modulus === null || exponent === null) {
    throw new InvariantError('card-row', 'A card of the database has no key of its ISD');
  }
  return { ...names, isdKeyReference, isdPublicKey: { modulus, exponent } };
}

function channelColumns(card: Card) {
  if (card.isdKeySet !== undefined) {
    const isd_key_set = JSON.stringify(card.isdKeySet);
    return { isd_key_set, isd_key_reference: null, isd_modulus: null, isd_exponent: null };
  }
  const { isdKeyReference: isd_key_reference, isdPublicKey } = card;
  const { modulus: isd_modulus, exponent: isd_exponent } = isdPublicKey;
  return { isd_key_set: null, isd_key_reference, isd_modulus, isd_exponent };
}

import type { Kysely } from 'kysely';
import type { CardId, RsaPublicKey } from '../../wire/message/common.ts';
import { cardIdText } from '../card-id.ts';
import { lockAids, requireNoProviderHas } from './provider-aids.ts';
import type { IssuerTables } from './schema.ts';

/** Card management: what the issuer knows of its cards. */

export interface Card {
  readonly cardId: CardId;
  readonly isdAid: string;
  readonly isdKeyReference: string;
  /** PK.SD.AUT of the ISD: lets PSO DECIPHER travel before the card's certificate is read. */
  readonly isdPublicKey: RsaPublicKey;
  /** Absent where the card profile has no controlling authority security domain. */
  readonly casdAid?: string;
}

type Database = Kysely<IssuerTables>;

/** @throws ConflictError `aid-taken` when the ISD or CASD has the AID of a provider */
export async function putCard(database: Database, card: Card): Promise<void> {
  const values = {
    card: cardIdText(card.cardId),
    isd_aid: card.isdAid,
    isd_key_reference: card.isdKeyReference,
    isd_modulus: card.isdPublicKey.modulus,
    isd_exponent: card.isdPublicKey.exponent,
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
  });
}

export async function findCardRow(database: Database, cardId: CardId): Promise<Card | undefined> {
  const row = await database.selectFrom('cards').selectAll().where('card', '=', cardIdText(cardId)).executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    cardId,
    isdAid: row.isd_aid,
    isdKeyReference: row.isd_key_reference,
    isdPublicKey: { modulus: row.isd_modulus, exponent: row.isd_exponent },
    ...(row.casd_aid === null ? {} : { casdAid: row.casd_aid }),
  };
}

import type { Kysely } from 'kysely';
import { nativeIssuerProfile } from '../../card/profile/native-issuer.ts';
import { NotFoundError, UsageError } from '../../errors.ts';
import { type AuditLog, audited } from '../../store/audit-log.ts';
import { cardIdText } from '../../store/card-id.ts';
import { type Card, findCardRow, putCard } from '../../store/issuer/cards.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { CardRegistration } from '../../wire/message/operator.ts';

/** Card management: which cards are ours and what their ISDs are. */
export class Cards {
  readonly #database: Kysely<IssuerTables>;
  readonly #auditLog: AuditLog;

  constructor(database: Kysely<IssuerTables>, auditLog: AuditLog) {
    this.#database = database;
    this.#auditLog = auditLog;
  }

  /**
   * @param caller URI name of the operator
   * @throws ConflictError `aid-taken`
   * @throws UsageError `card-channel`, `profile-unknown`
   */
  async put(registration: CardRegistration, caller: string): Promise<void> {
    const card = cardOf(registration);
    const known = await findCardRow(this.#database, card.cardId);
    const change = {
      ...{ act: known === undefined ? 'register card' : 'change card', subject: cardIdText(card.cardId) },
      ...{ workflowId: '', numeral: '' },
      details: {
        operator: caller,
        isdAid: card.isdAid,
        ...(card.isdKeySet === undefined
          ? { isdKeyReference: card.isdKeyReference }
          : { profile: card.isdKeySet.profile, keySet: card.isdKeySet.keySet, keyVersion: card.isdKeySet.keyVersion }),
        casdAid: card.casdAid ?? '',
      },
    };
    await audited(this.#auditLog, change, () => putCard(this.#database, card));
  }

  /** @throws NotFoundError */
  async get(cardId: CardId): Promise<Card> {
    const card = await findCardRow(this.#database, cardId);
    if (card === undefined) throw new NotFoundError('card-unknown', 'The issuer does not know this card');
    return card;
  }
}

/** A card has one way to its ISD: a key pair of SCP10, or a key set of SCP02 or SCP03. */
function cardOf(registration: CardRegistration): Card {
  const { isdKeyReference, isdPublicKey, isdKeySet, ...names } = registration;
  const nothing = isdKeyReference === undefined && isdPublicKey === undefined;
  if (isdKeySet !== undefined && nothing) {
    nativeIssuerProfile(isdKeySet.profile);
    if (names.casdAid !== undefined) {
      throw new UsageError('card-channel', 'A card of this profile has no CASD that attests: leave out casdAid');
    }
    return { ...names, isdKeySet };
  }
  if (isdKeySet === undefined && isdKeyReference !== undefined && isdPublicKey !== undefined) {
    return { ...names, isdKeyReference, isdPublicKey };
  }
  throw new UsageError('card-channel', 'Give isdKeyReference and isdPublicKey, or isdKeySet, and not both');
}

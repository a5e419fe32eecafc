// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { actOfReceipt, delegatedCommand } from '../../card/delegated-act.ts';
import { ConflictError, NotFoundError, WireError } from '../../errors.ts';
import type { AuditLog, AuditPhase } from '../../store/audit-log.ts';
import { cardIdOfText, cardIdText } from '../../store/card-id.ts';
import {
  hasProduct,
  recordCreated,
  recordCreating,
  recordDeleted,
  releaseApplication,
  requireOwnNames,
} from '../../store/issuer/applications.ts';
import { recordCardProduct, requireNotReported } from '../../store/issuer/card-arrivals.ts';
import { forgetCardProduct } from '../../store/issuer/card-products.ts';
import {
  addContentToken,
  type ContentTokenRow,
  confirmContentToken,
  type DelegatedDomain,
  endContentTokens,
  findContentToken,
  findDelegatedDomain,
  isCounterTaken,
  leaveUnproved,
  listContentTokens,
} from '../../store/issuer/content-tokens.ts';
import {
  listLoadFiles,
  lockNames,
  recordLoaded,
  recordLoadToken,
  recordUnloaded,
  releaseLoadFiles,
} from '../../store/issuer/load-files.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import { forgetSeen, recordSeen } from '../../store/issuer/seen-registry.ts';
import { claimIdempotencyKey, type RequestTables } from '../../store/request-log.ts';
import { encodeTlv } from '../../wire/ber-tlv.ts';
import { aid } from '../../wire/gp/aid.ts';
import { INS } from '../../wire/gp/command.ts';
import { decodeConfirmation, namesOf } from '../../wire/gp/receipt.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import type { CardId } from '../../wire/message/common.ts';
import type {
  ContentTokenList,
  ContentTokenRequest,
  EndedTokens,
  GrantedToken,
  ReceiptState,
  ReportReceipt,
} from '../../wire/message/content-change.ts';
import { CONTENT_KEYS } from '../../workflow/key-distribution/delegation.ts';
import type { IssuerSettings } from '../../workflow/key-distribution/issuer-context.ts';
import type { ContentKms } from '../../workflow/ports.ts';
import { checkDelegatedAct } from './content-policy.ts';

/** Tokens for what providers change in their own domains, and the cards' receipts for it (GPCS 2.3.1 9.2.1). */

interface Parts {
  readonly database: Kysely<IssuerTables>;
  readonly kms: { readonly content: ContentKms };
  readonly auditLog: Pick<AuditLog, 'append'>;
  readonly settings: Pick<IssuerSettings, 'preloaded'>;
}

export class ContentTokens {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Decides, and has the KMS sign. The same request again gives a token for the same act under the same number.
   *
   * @throws PolicyError, ConflictError as `checkDelegatedAct`; ConflictError `token-used` after its receipt,
   *     `token-ended`, `too-many-tokens`
   */
  async grant(tokenId: string, caller: string, request: ContentTokenRequest): Promise<GrantedToken> {
    const { kms, database, settings } = this.#parts;
    const domain = await checkDelegatedAct({ database, settings }, caller, request);
    const { cardId, ssdAid, act, productId, last } = request;
    const leaving = act.act === 'delete' && last === true && productId !== undefined ? { leaving: productId } : {};
    // What is refused leaves no token: others go by those that were given.
    const row = await database.transaction().execute(async (transaction) => {
      const log = transaction as unknown as Kysely<RequestTables>;
      await claimIdempotencyKey(log, { key: tokenId, caller, body: request });
      if (act.act === 'load' || act.act === 'delete') await lockNames(transaction, cardId);
      await addContentToken(transaction, { tokenId, cardId, ssdAid, providerId: caller, act, ...leaving });
      const added = await ownToken(transaction, tokenId, caller);
      if (added.state === 'confirmed')
        throw new ConflictError('token-used', 'The card has confirmed this act: take a new key for another one');
      if (added.ended === true)
        throw new ConflictError('token-ended', 'No card takes this token any more: take a new key for another one');
      if (act.act === 'load') {
        const file = { aid: act.loadFileAid, hash: act.hash };
        await requireOwnNames(transaction, { cardId, providerId: caller, productId, loadFile: file });
        await recordLoadToken(transaction, { cardId, providerId: caller, files: [file] }, added.number);
      }
      // Its answer may be lost with its flow.
      if (act.act === 'delete')
        await releaseLoadFiles(transaction, { cardId, providerId: caller }, [act.aid], added.number);
      return added;
    });
    if (act.act === 'install') {
      const [file] = await listLoadFiles(database, cardId, [act.loadFileAid]);
      const loadFile = { aid: act.loadFileAid, hash: file?.hash ?? undefined };
      const whose = { providerId: caller, productId, loadFile };
      await recordCreating(database, { cardId, aid: act.instanceAid, workflowId: tokenId, ...whose });
      // From now on it may be there, whatever becomes of the receipt: a loss report has to know it.
      // One that came between the check and this row is seen behind it, and no token is signed.
      if (productId !== undefined) await recordCardProduct(database, cardId, productId);
      await requireNotReported(database, cardId);
    }
    const names = tokenNames(domain, row.number);
    const { p1, p2, data, ins } = delegatedCommand(act, aid(ssdAid), names);
    const command = { ins: ins === INS.DELETE ? (0xe4 as const) : (0xe6 as const), p1, p2, data: toHex(data) };
    await this.#audit(row, 'before', 'give token', {});
    const { token } = await kms.content.signToken({ label: CONTENT_KEYS.token.label, command });
    await this.#audit(row, 'after', 'give token', {});
    return { tokenId, names: toHex(names), token };
  }

  /**
   * Takes what the card answered. A receipt counts once; the same one for the same token is told again.
   *
   * @throws NotFoundError `no-such-token`, also for another provider's
   * @throws ConflictError `receipt-wrong`, `receipt-replayed`, `token-used`
   */
  async report(tokenId: string, caller: string, { confirmation }: ReportReceipt): Promise<ReceiptState> {
    const { database } = this.#parts;
    const row = await this.#own(tokenId, caller);
    if (confirmation === undefined || confirmation === '' || confirmation === '00') {
      await leaveUnproved(database, row);
      if (row.act.act === 'delete') {
        const { aid: gone } = row.act;
        await releaseApplication(database, { cardId: cardIdOfText(row.card), providerId: caller, aid: gone });
        await releaseLoadFiles(database, { cardId: cardIdOfText(row.card), providerId: caller }, [gone]);
      }
      const now = await this.#own(tokenId, caller);
      return now.counter === undefined ? { state: 'unproved' } : { state: 'confirmed', counter: now.counter };
    }
    if (row.state === 'confirmed') return this.#again(row, confirmation);
    const counter = await this.#verified(row, confirmation);
    if (await isCounterTaken(database, row, counter))
      throw await this.#refused(row, 'receipt-replayed', 'This receipt was given for another token', { counter });
    if (!(await confirmContentToken(database, row, { counter, confirmation })))
      return this.#again(await this.#own(tokenId, caller), confirmation);
    await this.#done(row, counter);
    await this.#audit(row, 'after', 'receipt', { counter });
    return { state: 'confirmed', counter };
  }

  /** Tokens of a card, and which receipts did not come. */
  async onCard(cardId: CardId): Promise<ContentTokenList> {
    const rows = await listContentTokens(this.#parts.database, cardId);
    const seen = rows.flatMap(({ counter }) => (counter === undefined ? [] : [counter]));
    const [first, last] = [Math.min(...seen), Math.max(...seen)];
    const all = seen.length === 0 ? [] : Array.from({ length: last - first }, (_, index) => first + index);
    return {
      tokens: rows.map(({ tokenId, providerId, ssdAid, act, state, counter, ended }) => ({
        tokenId,
        providerId,
        ssdAid,
        act,
        state,
        ...(counter === undefined ? {} : { counter }),
        ...(ended === undefined ? {} : { ended }),
      })),
      missing: all.filter((counter) => !seen.includes(counter)),
    };
  }

  /**
   * At an operator's word, whose card has another token key now: no token of before is good on it, and none keeps a
   * name from others.
   *
   * @returns how many there were
   */
  async end(cardId: CardId, operator: string, reason: string): Promise<EndedTokens> {
    const record = { act: 'end tokens', numeral: '', subject: cardIdText(cardId), workflowId: '' };
    const details = { operator, reason };
    await this.#parts.auditLog.append({ ...record, phase: 'before', details });
    const ended = await endContentTokens(this.#parts.database, cardId);
    await this.#parts.auditLog.append({ ...record, phase: 'after', details: { ...details, ended } });
    return { ended };
  }

  #own(tokenId: string, caller: string): Promise<ContentTokenRow> {
    return ownToken(this.#parts.database, tokenId, caller);
  }

  async #again(row: ContentTokenRow, confirmation: string): Promise<ReceiptState> {
    if (row.confirmation === confirmation && row.counter !== undefined)
      return { state: 'confirmed', counter: row.counter };
    throw await this.#refused(row, 'token-used', 'This act was confirmed before, by another receipt', {});
  }

  /** The counter of a receipt that is the card's, for this act. */
  async #verified(row: ContentTokenRow, confirmation: string): Promise<number> {
    const { database, kms } = this.#parts;
    const domain = await findDelegatedDomain(database, cardIdOfText(row.card), row.ssdAid);
    const wrong = () => this.#refused(row, 'receipt-wrong', 'This is no receipt of the card for this act', {});
    if (domain === undefined || !isOfCard(confirmation, domain)) throw await wrong();
    const names = namesOf(actOfReceipt(row.act, aid(row.ssdAid))).map((name) => toHex(name));
    const { verified, counter } = await kms.content.verifyReceipt({
      label: CONTENT_KEYS.receipt.label,
      confirmation,
      names,
    });
    if (!verified) throw await wrong();
    return counter;
  }

  /**
   * What the receipt proves is what the issuer has seen of the card; one that is told late moves nothing that was
   * recorded since.
   */
  async #done({ act, card, ssdAid, providerId, number, leaving }: ContentTokenRow, counter: number): Promise<void> {
    const { database } = this.#parts;
    const cardId = cardIdOfText(card);
    switch (act.act) {
      case 'install': {
        await recordCreated(database, { cardId, providerId, aid: act.instanceAid });
        const { instanceAid, loadFileAid: loadFile } = act;
        return recordSeen(database, cardId, [
          { kind: 'application', aid: instanceAid, loadFile, securityDomain: ssdAid },
        ]);
      }
      case 'load':
        await recordLoaded(
          database,
          { cardId, providerId, files: [{ aid: act.loadFileAid, hash: act.hash }] },
          { by: { number, counter } },
        );
        return recordSeen(database, cardId, [{ kind: 'load-file', aid: act.loadFileAid, securityDomain: ssdAid }]);
      case 'extradite':
        return recordSeen(database, cardId, [{ kind: 'application', aid: act.aid, securityDomain: act.to }]);
      case 'delete':
        await recordDeleted(database, { cardId, providerId, aid: act.aid }, { by: number });
        await recordUnloaded(database, { cardId, providerId }, act.aid, { number, counter });
        if (leaving !== undefined && !(await hasProduct(database, cardId, leaving)))
          await forgetCardProduct(database, cardId, { productId: leaving, providerId });
        return forgetSeen(database, cardId, [
          { kind: 'application', aid: act.aid },
          { kind: 'load-file', aid: act.aid },
        ]);
    }
  }

  async #refused(row: ContentTokenRow, code: string, message: string, details: Readonly<Record<string, number>>) {
    await this.#audit(row, 'failed', 'receipt', { ...details, code });
    return new ConflictError(code, message, { tokenId: row.tokenId });
  }

  async #audit(
    row: ContentTokenRow,
    phase: AuditPhase,
    act: string,
    details: Readonly<Record<string, string | number>>,
  ) {
    const { tokenId, card, ssdAid, providerId, number } = row;
    await this.#parts.auditLog.append({
      phase,
      act,
      numeral: '',
      subject: `${card} ${ssdAid}`,
      workflowId: tokenId,
      details: { provider: providerId, delegated: row.act.act, number, ...details },
    });
  }
}

async function ownToken(database: Kysely<IssuerTables>, tokenId: string, caller: string): Promise<ContentTokenRow> {
  const row = await findContentToken(database, tokenId);
  if (row?.providerId === caller) return row;
  throw new NotFoundError('no-such-token', 'There is no token of this id');
}

/** `42 L IIN ‖ 45 L CIN ‖ 5F20 10 provider ‖ 93 04 number`: good on this card, in this provider's domain. */
function tokenNames({ iin, cin, applicationProviderId }: DelegatedDomain, number: number): Uint8Array {
  const counted = new Uint8Array(4);
  new DataView(counted.buffer).setUint32(0, number);
  return concat(
    encodeTlv(0x42, fromHex(iin)),
    encodeTlv(0x45, fromHex(cin)),
    encodeTlv(0x5f20, fromHex(applicationProviderId)),
    encodeTlv(0x93, counted),
  );
}

/** The SD unique data of a confirmation are IIN and CIN of the card that made it. */
function isOfCard(confirmation: string, { iin, cin }: DelegatedDomain): boolean {
  try {
    const read = decodeConfirmation(fromHex(confirmation, 1024));
    return read !== undefined && toHex(read.cardUniqueData) === iin + cin;
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}

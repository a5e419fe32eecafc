// SPDX-License-Identifier: Apache-2.0
import type { PacketClient } from '../../rest/clients/packets.ts';
import { cardIdOfText } from '../../store/card-id.ts';
import type { PacketRow, PacketTable } from '../../store/ota/packet-table.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import type { OpenedPacket } from '../../wire/message/kms.ts';
import { Joiner } from '../../wire/uicc/concatenation.ts';
import { answerFollows, RESPONSE_STATUS, ranNothing } from '../../wire/uicc/response-status.ts';
import { RESPONSE_HEADER } from '../../wire/uicc/secured-packet.ts';
import { decodeUserDataHeader, ELEMENT, findConcatenation } from '../../wire/uicc/user-data-header.ts';
import { ESM, idForms, MESSAGE_STATE, SMPP_STATUS, type SmppMessage } from './smpp-pdu.ts';

/** What comes from an SMSC: receipts, deliver reports of cards, and messages that cards send. */

export interface CardAnswersOptions {
  readonly table: PacketTable;
  readonly packets: PacketClient;
  /** How long the right answer may come after one that says that the packet was there before; default 60,000. */
  readonly graceMs?: number;
  /** How long the answer may take of which the card has said that it follows; default 900,000. */
  readonly answerMs?: number;
  readonly now?: () => Date;
  /** Told of what is no answer to anything. */
  readonly onStray?: (message: { readonly source: string; readonly reason: string }) => void;
}

const GRACE_MS = 60_000;
/** A part that is lost never comes, and all else for the card waits behind the packet. */
const ANSWER_MS = 900_000;
/** Of an answer, and of one part of it: what is longer is no card's, and is not kept. */
const MAX_PARTS = 64;
const MAX_PART = 254;
const MAX_BYTES = MAX_PARTS * 140;
/** Of the text of a receipt: its id and state stand in front. */
const MAX_RECEIPT = 512;
const RECEIPT = /\bid:\s?([!-~]{1,64})\b.*\bstat:\s?([A-Z]{1,10})/is;

interface Answer {
  readonly source: string;
  /** With its user data header. */
  readonly packet: Uint8Array;
  /** Short messages that it took; a deliver report is none. */
  readonly messages: number;
  readonly bytes: number;
}

export class CardAnswers {
  readonly #options: CardAnswersOptions;

  constructor(options: CardAnswersOptions) {
    this.#options = options;
  }

  /**
   * Takes one message. It returns when what it says is stored, so that the SMSC may forget it.
   *
   * @returns status for the SMSC
   * @throws WireError when its header is malformed
   * @throws TransportError when the database or the KMS is away: the SMSC tries again
   */
  async received(message: SmppMessage): Promise<number> {
    const type = message.esmClass & ESM.TYPE_MASK;
    if (type === ESM.DELIVERY_RECEIPT) await this.#receipt(message);
    else if ((message.esmClass & ESM.HEADER) === 0) this.#stray(message.source, 'no header');
    else await this.#part(message, type === ESM.ACKNOWLEDGEMENT);
    return SMPP_STATUS.OK;
  }

  #now(): Date {
    return this.#options.now?.() ?? new Date();
  }

  #stray(source: string, reason: string): void {
    this.#options.onStray?.({ source, reason });
  }

  /** Of the fields where they are there, else of the text that most SMSCs send. @see SMPP 3.4, appendix B */
  async #receipt({ source, messageId, messageState, userData }: SmppMessage): Promise<void> {
    const [, id, word] = RECEIPT.exec(Buffer.from(userData.subarray(0, MAX_RECEIPT)).toString('latin1')) ?? [];
    const about = messageId ?? id;
    const said = word?.toUpperCase();
    const delivered = messageState === undefined ? said === 'DELIVRD' : messageState === MESSAGE_STATE.DELIVERED;
    const underWay = messageState === MESSAGE_STATE.ENROUTE || said === 'ENROUTE' || said === 'ACCEPTD';
    if (underWay) return;
    const known = about !== undefined && (await this.#options.table.partReported(idForms(about), source, delivered));
    if (!known) this.#stray(source, 'a receipt of no message of ours');
  }

  async #part({ source, userData }: SmppMessage, isReport: boolean): Promise<void> {
    const place = findConcatenation(decodeUserDataHeader(userData).elements);
    const messages = isReport ? 0 : 1;
    if (place === undefined) {
      await this.#whole({ source, parts: [userData], messages });
      return;
    }
    const { table } = this.#options;
    if (place.total > MAX_PARTS || userData.length > MAX_PART) return this.#stray(source, 'a part of no answer');
    // Anybody may send parts, and nobody but a card that was sent something has them kept.
    if ((await table.awaiting(source)).length === 0) return this.#stray(source, 'nothing was sent to this number');
    const reference = `${place.wide ? 'w' : 'n'}${place.reference}`;
    const { sequence, total } = place;
    const parts = await table.answerPart(source, { reference, sequence, total, userData }, this.#now());
    if (parts === undefined) return;
    // A card that was without power takes its references anew: these may be parts of two answers, until those of the
    // later one have come in place of all of the other's.
    if (await this.#whole({ source, parts, messages: messages * total })) await table.forgetParts(source, reference);
  }

  /** @returns whether it answers what was sent */
  async #whole({
    source,
    parts,
    messages,
  }: {
    readonly source: string;
    readonly parts: readonly Uint8Array[];
    readonly messages: number;
  }): Promise<boolean> {
    const joiner = new Joiner();
    const [joined] = parts.map((part) => joiner.add(source, part)).filter((whole) => whole !== undefined);
    if (joined?.kind !== ELEMENT.RESPONSE_PACKET) {
      this.#stray(source, 'no response packet');
      return false;
    }
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    return this.#settle({ source, packet: concat(RESPONSE_HEADER, joined.body), messages, bytes });
  }

  /** Finds the packet that is answered: the one whose keys and counter open it. */
  async #settle(answer: Answer): Promise<boolean> {
    let reason = 'nothing was sent to this number';
    for (const sent of await this.#options.table.awaiting(answer.source)) {
      const opened = await this.#open(sent, answer.packet);
      if (opened.taken && (sent.state !== 'lost' || endsLate(opened))) {
        await this.#apply(sent, answer, opened);
        return true;
      }
      reason = opened.reason ?? 'nothing new of a packet that is lost';
    }
    this.#stray(answer.source, reason);
    return false;
  }

  #open({ card, keySet, spi, tar, counter }: PacketRow, answer: Uint8Array) {
    const header = { card: cardIdOfText(card), keySet, spi: toHex(spi), tar: toHex(tar), counter: counter ?? 0 };
    return this.#options.packets.unwrap({ ...header, answer: toHex(answer) });
  }

  async #apply(
    { id }: PacketRow,
    { messages, bytes }: Answer,
    {
      status = RESPONSE_STATUS.SECURITY_ERROR,
      data = '',
      authenticated = false,
    }: Awaited<ReturnType<PacketClient['unwrap']>>,
  ): Promise<void> {
    const { table, graceMs = GRACE_MS, answerMs = ANSWER_MS } = this.#options;
    await table.received(id, messages, bytes);
    const follows = answerFollows(status);
    if (follows && !authenticated) return;
    // A copy of the packet came second; the answer to the first may still be on its way.
    if (follows || (status === RESPONSE_STATUS.COUNTER_LOW && authenticated)) {
      const until = new Date(this.#now().getTime() + (follows ? answerMs : graceMs));
      return table.taken(id, { status, until, follows });
    }
    await table.answered(id, {
      state: endOf(status, authenticated),
      status,
      response: fromHex(data, MAX_BYTES),
      authenticated,
    });
  }
}

/** What no key vouches for anybody may have said, while the card runs the packet. */
function endOf(status: number, authenticated: boolean): 'answered' | 'refused' | 'lost' {
  if (!authenticated) return 'lost';
  return status === RESPONSE_STATUS.OK ? 'answered' : ranNothing(status) ? 'refused' : 'lost';
}

/** Nobody waits for it any more: its answer still counts, and no word that another one follows or was there before. */
const endsLate = ({ status = RESPONSE_STATUS.SECURITY_ERROR, authenticated }: OpenedPacket): boolean =>
  authenticated === true && !answerFollows(status) && status !== RESPONSE_STATUS.COUNTER_LOW;

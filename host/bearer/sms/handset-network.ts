// SPDX-License-Identifier: Apache-2.0
import { TransportError, TsmError } from '../../errors.ts';
import type { FullResponse } from '../../transport/get-response.ts';
import { SW } from '../../wire/status-word.ts';
import type { SmsAddress } from '../../wire/uicc/sms-address.ts';
import type { SmsPpDownload } from '../../wire/uicc/sms-pp-download.ts';
import { decodeSmsSubmit, encodeSmsDeliver } from '../../wire/uicc/sms-tpdu.ts';
import type { SmscAddress } from './smpp-connection.ts';
import { SmppLink } from './smpp-link.ts';
import { ESM, SMPP_STATUS, type SmppMessage } from './smpp-pdu.ts';

/**
 * A terminal's cards in the mobile network of a laboratory: each number binds to the SMSC, what comes for it is
 * downloaded to the card, and what the card sends is submitted.
 */

export interface HandsetNetworkOptions {
  /** Numbers of the cards, by the reader that they are in. */
  readonly numbers: ReadonlyMap<string, string>;
  readonly smscFor: (msisdn: string) => SmscAddress;
  /** Gives a message to the card in this reader. @throws TransportError when there is none */
  readonly deliver: (readerName: string, message: SmsPpDownload) => Promise<FullResponse>;
  readonly onError: (error: Error) => void;
  readonly now?: () => Date;
}

/** @see TS 102 221 10.2.1.2, TS 31.111 7.1.1.1 */
const TOOLKIT_BUSY = 0x9300;
const INTERNATIONAL = 0x91;
const UNKNOWN = 0x81;
const SHORTEST_INTERNATIONAL = 7;

const addressOf = (digits: string): SmsAddress => ({
  digits,
  type: digits.length >= SHORTEST_INTERNATIONAL ? INTERNATIONAL : UNKNOWN,
});

/** TP-SCTS: year to second and the zone in swapped BCD; UTC here. @see TS 23.040 9.2.3.11 */
function timeStampOf(date: Date): Uint8Array {
  const parts = [date.getUTCFullYear() % 100, date.getUTCMonth() + 1, date.getUTCDate()];
  const times = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds(), 0];
  return Uint8Array.from([...parts, ...times], (value) => ((value % 10) << 4) | Math.floor(value / 10));
}

export class HandsetNetwork implements AsyncDisposable {
  readonly #options: HandsetNetworkOptions;
  readonly #links = new Map<string, SmppLink>();

  constructor(options: HandsetNetworkOptions) {
    this.#options = options;
    for (const [readerName, msisdn] of options.numbers) {
      const onMessage = (message: SmppMessage) => this.#take(readerName, message);
      this.#links.set(readerName, new SmppLink({ smsc: options.smscFor(msisdn), mode: 'transceiver', onMessage }));
    }
  }

  /** How many numbers are bound. */
  get bound(): number {
    return [...this.#links.values()].filter(({ state }) => state.kind === 'bound').length;
  }

  async #take(readerName: string, message: SmppMessage): Promise<number> {
    if ((message.esmClass & ESM.TYPE_MASK) !== 0) return SMPP_STATUS.OK;
    const { source, pid, dcs, userData, esmClass } = message;
    const tpdu = encodeSmsDeliver({
      originator: addressOf(source),
      pid,
      dcs,
      userData,
      hasHeader: (esmClass & ESM.HEADER) !== 0,
      timeStamp: timeStampOf(this.#options.now?.() ?? new Date()),
      moreMessages: false,
      statusReport: false,
      replyPath: false,
    });
    const { data, sw } = await this.#options.deliver(readerName, { tpdu });
    if (data.length > 0) await this.#report(readerName, message, data);
    // RP-ERROR either way. A card that is busy is to have the message again; others have it, whatever they say of it.
    if (sw === TOOLKIT_BUSY) return SMPP_STATUS.TEMPORARY;
    return sw === SW.NO_ERROR ? SMPP_STATUS.OK : SMPP_STATUS.PERMANENT;
  }

  /** The deliver report's user data, to whoever sent the message. */
  async #report(readerName: string, { source, destination, pid, dcs, messageId }: SmppMessage, userData: Uint8Array) {
    const about = messageId === undefined ? {} : { messageId };
    const fields = { source: destination, destination: source, pid, dcs, userData, ...about };
    await this.#submit(readerName, { ...fields, esmClass: ESM.HEADER | ESM.ACKNOWLEDGEMENT });
  }

  /** SEND SHORT MESSAGE of the card in this reader; false when the network does not take it. */
  async send(readerName: string, tpdu: Uint8Array): Promise<boolean> {
    const source = this.#options.numbers.get(readerName);
    if (source === undefined) return false;
    try {
      const { destination, pid, dcs, userData, hasHeader } = decodeSmsSubmit(tpdu);
      const fields = { source, destination: destination.digits, pid, dcs, userData };
      await this.#submit(readerName, { ...fields, esmClass: hasHeader ? ESM.HEADER : 0 });
      return true;
    } catch (error) {
      if (!(error instanceof TsmError)) throw error;
      this.#options.onError(error);
      return false;
    }
  }

  async #submit(readerName: string, message: SmppMessage): Promise<void> {
    const link = this.#links.get(readerName);
    if (link === undefined) throw new TransportError('smsc-away', `${readerName} has no number`);
    await link.submit(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link[Symbol.asyncDispose]()));
  }
}

// SPDX-License-Identifier: Apache-2.0
import { concat } from '../hex.ts';
import { encodeAmount, encodeCounter, encodeDateTime, encodeTerminal } from './values.ts';

/**
 * What the cryptograms of a transaction are made over. Amounts in cents, terminal as hex, date and time as 14 digits.
 */

export interface TransactionFacts {
  readonly type: number;
  readonly amount: number;
  readonly terminal: string;
}

const amountTypeTerminal = ({ amount, type, terminal }: TransactionFacts): Uint8Array =>
  concat(encodeAmount(amount), Uint8Array.of(type), encodeTerminal(terminal));

/** MAC1 of a load or an unload, by the card: `balance before ‖ amount ‖ type ‖ terminal`. */
export const loadMac1Data = (balance: number, facts: TransactionFacts): Uint8Array =>
  concat(encodeAmount(balance), amountTypeTerminal(facts));

/** MAC2 of a load or an unload, by the host; MAC1 of a purchase: `amount ‖ type ‖ terminal ‖ date ‖ time`. */
export const datedMacData = (facts: TransactionFacts, dateTime: string): Uint8Array =>
  concat(amountTypeTerminal(facts), encodeDateTime(dateTime));

/** TAC of a load, MAC3 of an unload: `balance after ‖ counter before ‖ amount ‖ type ‖ terminal ‖ date ‖ time`. */
export const loadTacData = (
  after: { readonly balance: number; readonly counter: number },
  facts: TransactionFacts,
  dateTime: string,
): Uint8Array => concat(encodeAmount(after.balance), encodeCounter(after.counter), datedMacData(facts, dateTime));

/** TAC of a purchase: `amount ‖ type ‖ terminal ‖ terminal counter ‖ date ‖ time`. */
export const purchaseTacData = (facts: TransactionFacts, terminalCounter: number, dateTime: string): Uint8Array =>
  concat(amountTypeTerminal(facts), encodeAmount(terminalCounter), encodeDateTime(dateTime));

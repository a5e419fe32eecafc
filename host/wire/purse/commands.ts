// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { type GpCommand, gpCommand } from '../gp/command.ts';
import { concat } from '../hex.ts';
import {
  ACCOUNT,
  type Account,
  decodeAmount,
  encodeAmount,
  encodeCounter,
  encodeDateTime,
  encodeTerminal,
  MAC_LENGTH,
} from './values.ts';

/** Commands of the purse and their responses (applet README 11.2). */

const INS = {
  INITIALIZE: 0x50,
  CREDIT_FOR_LOAD: 0x52,
  DEBIT: 0x54,
  GET_TRANSACTION_PROOF: 0x5a,
  GET_BALANCE: 0x5c,
} as const;
const CLA = 0x80;

/** What an INITIALIZE names. */
export interface InitializeForLoad {
  readonly account: Account;
  readonly keyIndex: number;
  readonly amount: number;
  readonly terminal: string;
}

/** INITIALIZE FOR LOAD: `80 50 00 P2 0B ‖ key index ‖ amount(4) ‖ terminal(6) ‖ 10`. */
export function initializeForLoad({ account, keyIndex, amount, terminal }: InitializeForLoad): GpCommand {
  return gpCommand({
    label: 'INITIALIZE FOR LOAD',
    cla: CLA,
    ins: INS.INITIALIZE,
    p1: 0x00,
    p2: ACCOUNT[account],
    data: concat(Uint8Array.of(keyIndex), encodeAmount(amount), encodeTerminal(terminal)),
    le: true,
    leBytes: 0x10,
  });
}

export interface LoadInitialized {
  readonly balance: number;
  /** On-line counter before the load. */
  readonly counter: number;
  readonly keyVersion: number;
  readonly algorithm: number;
  readonly random: Uint8Array;
  readonly mac1: Uint8Array;
}

/** `balance(4) ‖ counter(2) ‖ key version ‖ algorithm ‖ random(4) ‖ MAC1(4)` @throws WireError */
export function decodeLoadInitialized(data: Uint8Array): LoadInitialized {
  if (data.length !== 16)
    throw new WireError('load-initialized', 'INITIALIZE FOR LOAD answers 16 bytes', { got: data.length });
  const at = (from: number, length: number) => data.slice(from, from + length);
  const [high = 0, low = 0, keyVersion = 0, algorithm = 0] = at(4, 4);
  return {
    balance: decodeAmount(at(0, 4)),
    counter: high * 256 + low,
    keyVersion,
    algorithm,
    random: at(8, 4),
    mac1: at(12, 4),
  };
}

/** CREDIT FOR LOAD: `80 52 00 00 0B ‖ date(4) ‖ time(3) ‖ MAC2(4) ‖ 04`. */
export const creditForLoad = (dateTime: string, mac2: Uint8Array): GpCommand =>
  gpCommand({
    label: 'CREDIT FOR LOAD',
    cla: CLA,
    ins: INS.CREDIT_FOR_LOAD,
    p1: 0x00,
    p2: 0x00,
    data: concat(encodeDateTime(dateTime), mac2),
    le: true,
    leBytes: MAC_LENGTH,
  });

/** GET TRANSACTION PROOF: `80 5A 00 type 02 ‖ counter after the step ‖ 00`. */
export const getTransactionProof = (type: number, counterAfter: number): GpCommand =>
  gpCommand({
    label: 'GET TRANSACTION PROOF',
    cla: CLA,
    ins: INS.GET_TRANSACTION_PROOF,
    p1: 0x00,
    p2: type,
    data: encodeCounter(counterAfter),
    le: true,
  });

/** TAC of a load: four bytes, or `00000000 ‖ TAC`. @throws WireError */
export function decodeLoadProof(data: Uint8Array): Uint8Array {
  if (data.length !== MAC_LENGTH && data.length !== 2 * MAC_LENGTH)
    throw new WireError('load-proof', 'The proof of a load has 4 or 8 bytes', { got: data.length });
  return data.slice(-MAC_LENGTH);
}

/** @throws WireError */
export function decodeTac(data: Uint8Array): Uint8Array {
  if (data.length !== MAC_LENGTH) throw new WireError('tac', 'A TAC has 4 bytes', { got: data.length });
  return data;
}

/** INITIALIZE FOR PURCHASE: `80 50 01 P2 0B ‖ key index ‖ amount(4) ‖ terminal(6) ‖ 0F`. */
export function initializeForPurchase({ account, keyIndex, amount, terminal }: InitializeForLoad): GpCommand {
  return gpCommand({
    label: 'INITIALIZE FOR PURCHASE',
    cla: CLA,
    ins: INS.INITIALIZE,
    p1: 0x01,
    p2: ACCOUNT[account],
    data: concat(Uint8Array.of(keyIndex), encodeAmount(amount), encodeTerminal(terminal)),
    le: true,
    leBytes: 0x0f,
  });
}

export interface PurchaseInitialized {
  readonly balance: number;
  /** Off-line counter before the purchase. */
  readonly counter: number;
  readonly random: Uint8Array;
}

/** `balance(4) ‖ counter(2) ‖ overdraft(3) ‖ key version ‖ algorithm ‖ random(4)`, under no MAC. @throws WireError */
export function decodePurchaseInitialized(data: Uint8Array): PurchaseInitialized {
  if (data.length !== 15)
    throw new WireError('purchase-initialized', 'INITIALIZE FOR PURCHASE answers 15 bytes', { got: data.length });
  const [high = 0, low = 0] = data.slice(4, 6);
  return { balance: decodeAmount(data.slice(0, 4)), counter: high * 256 + low, random: data.slice(11) };
}

/** DEBIT FOR PURCHASE: `80 54 01 00 0F ‖ terminal counter(4) ‖ date(4) ‖ time(3) ‖ MAC1(4) ‖ 08`. */
export const debitForPurchase = (terminalCounter: number, dateTime: string, mac1: Uint8Array): GpCommand =>
  gpCommand({
    label: 'DEBIT FOR PURCHASE',
    cla: CLA,
    ins: INS.DEBIT,
    p1: 0x01,
    p2: 0x00,
    data: concat(encodeAmount(terminalCounter), encodeDateTime(dateTime), mac1),
    le: true,
    leBytes: 2 * MAC_LENGTH,
  });

const requireBoth = (data: Uint8Array, what: string): Uint8Array => {
  if (data.length !== 2 * MAC_LENGTH) throw new WireError('purchase-macs', `${what} has 8 bytes`, { got: data.length });
  return data;
};

/** The TAC of DEBIT FOR PURCHASE, which answers `TAC ‖ MAC2`. @throws WireError */
export const decodePurchaseTac = (data: Uint8Array): Uint8Array =>
  requireBoth(data, 'The answer of a debit').slice(0, MAC_LENGTH);

/** The TAC of a purchase's proof, which is the other way round: `MAC2 ‖ TAC`. @throws WireError */
export const decodePurchaseProof = (data: Uint8Array): Uint8Array =>
  requireBoth(data, 'The proof of a purchase').slice(MAC_LENGTH);

// SPDX-License-Identifier: Apache-2.0
import { toHex } from '../../wire/hex.ts';
import type { OpenedLoad } from '../../wire/message/purse.ts';
import type { LoadInitialized } from '../../wire/purse/commands.ts';

/** A load as the KMS takes it: what was asked of the card, and what it answered. */
export function openedLoad(
  { keySet, serial }: { readonly keySet: string; readonly serial: string },
  { amount, terminal }: { readonly amount: number; readonly terminal: string },
  { balance, counter, random, mac1 }: LoadInitialized,
): OpenedLoad {
  return {
    keySet,
    serial,
    account: 'purse',
    amount,
    terminal,
    balance,
    counter,
    random: toHex(random),
    mac1: toHex(mac1),
  };
}

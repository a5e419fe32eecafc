// SPDX-License-Identifier: Apache-2.0
import { LifeCycleError } from '../../errors.ts';
import { type GpCommand, responseData } from '../../wire/gp/command.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { decodeLoadInitialized, type LoadInitialized } from '../../wire/purse/commands.ts';

/** What the purse will say to every INITIALIZE FOR LOAD from now on. @see applet README 11.2 */
const ENDS: Readonly<Record<string, readonly [code: string, message: string]>> = {
  '9303': ['purse-key-dead', 'The purse takes no load any more: its load key has ended after wrong MACs'],
  '9402': ['purse-counter-end', 'The purse has counted all the loads that it can count: it takes none any more'],
  '9403': ['purse-key-dead', 'The purse has no load key of this index'],
};
const CONDITIONS = '6985';

/** True for a status word that another try will not change. */
export const isFinal = (sw: string): boolean => sw in ENDS;

/**
 * What INITIALIZE FOR LOAD answered. The status words are signed by nobody: they end this top-up, in which nothing is
 * booked yet, and settle no other.
 *
 * @throws LifeCycleError `purse-limit` for an amount that the balance has no room for, `purse-key-dead`,
 *     `purse-counter-end`
 * @throws StatusWordError, WireError
 */
export function initializedOf(command: GpCommand, amount: number, response: CardResponse | undefined): LoadInitialized {
  const [code, message] = ENDS[response?.sw ?? ''] ?? [];
  if (code !== undefined) {
    const next = 'bring another card; what is in this purse can still be spent at a terminal';
    throw new LifeCycleError(code, `${message}: ${next}`, { sw: response?.sw });
  }
  if (amount > 0 && response?.sw === CONDITIONS)
    throw new LifeCycleError('purse-limit', 'The balance would be over the limit of the purse: load less', { amount });
  return decodeLoadInitialized(responseData(command, response));
}

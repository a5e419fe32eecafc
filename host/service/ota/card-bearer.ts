// SPDX-License-Identifier: Apache-2.0
import { setTimeout as pause } from 'node:timers/promises';
import type { TerminalExchange, TerminalResult } from '../../wire/message/card-script.ts';
import type { ReachedCard } from './terminal-directory.ts';
import type { TrafficRecord } from './traffic-record.ts';

/** Ways that scripts go to a card. What comes after `exchange` is the same for all of them. */

/** A script for one card, under the fence of the session that sends it. */
export interface CardScript extends Omit<TerminalExchange, 'type' | 'id'> {
  readonly providerId: string;
}

/** What came of a script, and how often something went to the card and back for it. */
export interface CarriedScript extends Omit<TerminalResult, 'type' | 'id'> {
  /** Default 1. */
  readonly roundTrips?: number;
  /** By which bearer, and why by no other: where there is a choice. */
  readonly bearer?: string;
  readonly insteadOf?: readonly PassedOver[];
}

/** A bearer that was not taken. */
export interface PassedOver {
  readonly bearer: string;
  readonly reason: string;
}

export interface CardBearer {
  /**
   * Runs a script whole, or up to its first answer that is not expected.
   *
   * @throws TransportError `bearer-unreachable` when surely nothing reached the card
   * @throws TransportError `outcome-unknown` when the way ends or the time is over first; with `rests` in its context
   *   where the next script of this card would fare no better this way; `again` where that is so if it ends like this
   *   twice in a row
   */
  exchange(card: ReachedCard, script: CardScript, timeoutMs: number): Promise<CarriedScript>;
  /** Tells that the session of this fence is over: the card is given back. */
  release(card: ReachedCard, fence: number): void;
  /** Why a script surely does not go this way, known before anything is tried; no numbers of people. */
  refusal?(card: ReachedCard, script: CardScript): string | undefined;
  /** How much the script is, in what the bearer is paid by; default 1. */
  units?(script: CardScript): number;
}

/** The same bearer with a way that takes `ms` longer: for measurements. */
export const delayed = (bearer: CardBearer, ms: number): CardBearer => ({
  exchange: async (card, script, timeoutMs) => {
    await pause(ms);
    return bearer.exchange(card, script, timeoutMs);
  },
  release: (card, fence) => bearer.release(card, fence),
});

/** The same bearer, with every script written to files: when it goes, and with what came of it. */
export const recorded = (bearer: CardBearer, record: TrafficRecord): CardBearer => ({
  exchange: async (card, script, timeoutMs) => {
    const entry = { at: new Date().toISOString(), terminalId: card.link.terminalId, ...script };
    await record.sends(entry);
    try {
      const result = await bearer.exchange(card, script, timeoutMs);
      const failure = result.failure === undefined ? {} : { failure: result.failure.code };
      await record.add({ ...entry, responses: result.responses, ...failure });
      return result;
    } catch (error) {
      await record.add({ ...entry, responses: [], failure: 'outcome-unknown' });
      throw error;
    }
  },
  release: (card, fence) => bearer.release(card, fence),
});

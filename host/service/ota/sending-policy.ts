// SPDX-License-Identifier: Apache-2.0
import type { PacketRow } from '../../store/ota/packet-table.ts';
import type { DayHours, SendingRules } from '../../wire/message/sending-rules.ts';
import { PRIORITY } from './packet-rules.ts';
import { quietHours } from './quiet-hours.ts';

/** How often a packet goes, and when: by its campaign, its card, the card's group, the server, in this order. */

/** What the server's config says. */
export interface ServerRules {
  readonly sendings: number;
  readonly resendMs: number;
  /** When to go on with what may wait; default at once. */
  readonly quietUntil?: (at: Date) => Date;
  readonly groups?: ReadonlyMap<string, SendingRules>;
}

export interface Sending {
  readonly sendings: number;
  /** Before the same packet goes again, doubled each time. */
  readonly resendMs: number;
  /** Not before this. */
  readonly notBefore: Date;
}

const SECOND_MS = 1_000;

/** @throws UnacceptableError `quiet-hours` for a time zone that is none */
export const quietHoursOf = ({ from, until, timeZone }: DayHours): ((at: Date) => Date) =>
  quietHours({ from, until, ...(timeZone === undefined ? {} : { timeZone }) });

export function sendingOf(
  { rules, subscriber, priority }: Pick<PacketRow, 'rules' | 'subscriber' | 'priority'>,
  server: ServerRules,
  now: Date,
): Sending {
  const own = subscriber?.sending ?? {};
  const group = server.groups?.get(subscriber?.group ?? '') ?? {};
  const { sendings = server.sendings, resendSeconds, quietHours: quiet } = { ...group, ...own };
  const resendMs = resendSeconds === undefined ? server.resendMs : resendSeconds * SECOND_MS;
  const quietUntil = quiet === undefined ? server.quietUntil : quietHoursOf(quiet);
  const notBefore = priority >= PRIORITY.SESSION ? now : (quietUntil?.(now) ?? now);
  return {
    sendings: rules?.sendings ?? sendings,
    resendMs: rules?.resendMs ?? resendMs,
    notBefore: inHours(rules?.hours, notBefore),
  };
}

/** The hours of a campaign are those in which it may leave: quiet are the others. */
const inHours = (hours: DayHours | undefined, at: Date): Date =>
  hours === undefined ? at : quietHoursOf({ ...hours, from: hours.until, until: hours.from })(at);

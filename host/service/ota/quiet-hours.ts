// SPDX-License-Identifier: Apache-2.0
import { UnacceptableError } from '../../errors.ts';

/** Hours of the day in which nothing leaves that can wait. */
export interface QuietHours {
  /** `22:00`, included, and `06:30`, excluded; over midnight where the end is before the start. */
  readonly from: string;
  readonly until: string;
  /** Of the tz database; default UTC. */
  readonly timeZone?: string;
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
const TIME = /^([01]\d|2[0-3]):([0-5]\d)$/;

function minutesOf(text: string): number {
  const [, hours, minutes] = TIME.exec(text) ?? [];
  if (hours === undefined || minutes === undefined)
    throw new UnacceptableError('quiet-hours', `${text} is no time of a day such as 22:00`);
  return Number(hours) * 60 + Number(minutes);
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  } catch {
    throw new UnacceptableError('quiet-hours', `${timeZone} is no time zone of the tz database, such as Europe/Berlin`);
  }
}

/**
 * Tells when to go on: `at` itself outside the quiet hours, else their end.
 *
 * @throws UnacceptableError `quiet-hours` for a time or zone that is none
 */
export function quietHours({ from, until, timeZone = 'UTC' }: QuietHours): (at: Date) => Date {
  const [start, end] = [minutesOf(from), minutesOf(until)];
  const clock = formatOf(timeZone);
  return (at) => {
    const now = minutesOf(clock.format(at));
    const since = (now - start + DAY_MINUTES) % DAY_MINUTES;
    const length = (end - start + DAY_MINUTES) % DAY_MINUTES;
    if (since >= length) return at;
    const minute = Math.floor(at.getTime() / MINUTE_MS) * MINUTE_MS;
    return new Date(minute + (length - since) * MINUTE_MS);
  };
}

// SPDX-License-Identifier: Apache-2.0
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import { SERAM_LIMITS } from '../../wire/message/seram.ts';

/**
 * Scripts of card commands as lists of APDUs for a phone. Its agent sends every APDU of a list, whatever the card
 * answers (SERAM 2.0.0): a list holds only what does no harm behind a command that failed. That is so
 * - behind a command after which the script goes on in any case,
 * - behind SELECT by name: an app selects by opening a channel, and there is none to send on when that fails,
 * - behind EXTERNAL AUTHENTICATE, for commands under secure messaging: without a session a card takes none,
 * - for a block of LOAD behind another one: a card takes blocks by their numbers, and no load ends with one missing,
 * - for commands under secure messaging that only read.
 * A session does not end with a command that fails but for a security error (GPCS E.1.6, Amendment D 5.6): whatever
 * else is behind one would be executed. The APDUs of one command stay together: they have one MAC, or the card takes a
 * part without its beginning for nothing.
 */

const SUCCESS = ['9000'];

const isSelect = (apdu: string): boolean => apdu.startsWith('00A404');

/** Secure messaging in the class byte (GPCS 11.1.4, ISO/IEC 7816-4 5.4.1). */
function isSecured(apdu: string): boolean {
  const cla = Number.parseInt(apdu.slice(0, 2), 16);
  return (cla & 0x40) === 0 ? (cla & 0x0c) !== 0 : (cla & 0x20) !== 0;
}

const secured = ({ apdus }: CardCommand): boolean => apdus.every(isSecured);

const AUTHENTICATION: readonly string[] = ['82'];
const LOADING: readonly string[] = ['E8'];
/** GET DATA, in both forms, and GET STATUS. */
const READING: readonly string[] = ['CA', 'CB', 'F2'];
/** INS stays readable under secure messaging. */
const isOneOf = ({ apdus }: CardCommand, instructions: readonly string[]): boolean =>
  apdus.every((apdu) => instructions.includes(apdu.slice(2, 4)));

function mayFollow(before: CardCommand, next: CardCommand): boolean {
  if (before.anyStatus === true) return true;
  if (before.apdus.length === 1 && isSelect(before.apdus[0] ?? '')) return true;
  if (!secured(before) || !secured(next)) return false;
  if (isOneOf(before, AUTHENTICATION) || isOneOf(next, READING)) return true;
  return isOneOf(before, LOADING) && isOneOf(next, LOADING);
}

/** How many commands, from `at` on, travel in the next list: at least one. */
export function listLength(commands: readonly CardCommand[], at: number): number {
  let apdus = commands[at]?.apdus.length ?? 0;
  for (let end = at + 1; ; end += 1) {
    const before = commands[end - 1];
    const next = commands[end];
    if (before === undefined || next === undefined || !mayFollow(before, next)) return end - at;
    apdus += next.apdus.length;
    if (apdus > SERAM_LIMITS.apdus) return end - at;
  }
}

export interface ListOutcome {
  readonly responses: readonly CardResponse[];
  /** The last response is one after which the script does not go on. */
  readonly stopped: boolean;
  /** The phone had no answer of the card for a command. */
  readonly failed: boolean;
}

/** Of a command that could not be sent, for want of an application: conditions of use are not satisfied. */
const NOT_SENT: CardResponse = { data: '', sw: '6985' };

/** The last application that a script has asked for was not there, so that an app has no channel to send on. */
export function hasNoChannel(commands: readonly CardCommand[], responses: readonly CardResponse[]): boolean {
  const last = responses.findLastIndex((_response, index) => isSelect(commands[index]?.apdus.at(-1) ?? ''));
  return last >= 0 && !isSelected(responses[last]?.sw ?? '');
}

const isSelected = (sw: string): boolean => /^(9000|62|63)/.test(sw);

/**
 * What the card said to the commands of one list.
 *
 * @param answers response APDUs as the agent reports them; where there is none it is empty or missing. An empty answer
 * to SELECT means that it was done by opening a channel: selected, content unknown. Behind a SELECT that found nothing
 * an app has no channel: what it did not send there is answered 6985, and what was dropped with it follows in another
 * list
 * @param noChannel as it was before this list
 * @param failed the agent says that it did not execute all of it: an empty answer at the end is that of the APDU that
 * went wrong, and no SELECT that was done
 */
export function readList(
  commands: readonly CardCommand[],
  answers: readonly string[],
  { noChannel = false, failed = false }: { readonly noChannel?: boolean; readonly failed?: boolean } = {},
): ListOutcome {
  const responses: CardResponse[] = [];
  const sent = commands.reduce((sum, { apdus }) => sum + apdus.length, 0);
  if (answers.length > sent) return { responses, stopped: false, failed: true };
  let at = 0;
  let closed = noChannel;
  let dropped = false;
  for (const command of commands) {
    for (const [part, apdu] of command.apdus.entries()) {
      const own = isSelect(apdu);
      // The agent drops what stands behind a command that it could not send.
      if (dropped && own) return { responses, stopped: false, failed: false };
      const faulty = failed && at === answers.length - 1 && answers[at] === '';
      const read = faulty ? undefined : readAnswer(apdu, answers[at]);
      at += 1;
      dropped ||= read === undefined && closed && !own;
      const response = read ?? (dropped ? NOT_SENT : undefined);
      if (response === undefined) return { responses, stopped: false, failed: true };
      if (own) closed = !isSelected(response.sw);
      const last = part === command.apdus.length - 1;
      if (!last && response.sw === '9000') continue;
      responses.push(response);
      if (!last || !goesOn(command, response.sw)) return { responses, stopped: true, failed: false };
    }
  }
  return { responses, stopped: false, failed: false };
}

function readAnswer(apdu: string, answer: string | undefined): CardResponse | undefined {
  if (answer === '' && isSelect(apdu)) return { data: '', sw: '9000' };
  if (answer === undefined || answer.length < 4) return undefined;
  const text = answer.toUpperCase();
  return { data: text.slice(0, -4), sw: text.slice(-4) };
}

const goesOn = ({ anyStatus, expect = SUCCESS }: CardCommand, sw: string): boolean =>
  anyStatus === true || expect.includes(sw);

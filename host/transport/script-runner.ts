// SPDX-License-Identifier: Apache-2.0
import { TsmError } from '../errors.ts';
import { fromHex, toHex } from '../wire/hex.ts';
import type { CardCommand, CardResponse } from '../wire/message/card-script.ts';
import { SW, statusWordToHex } from '../wire/status-word.ts';
import type { CardChannel } from './card-channel.ts';
import { exchange, type FullResponse, type LinkCount, linkCount } from './get-response.ts';

export interface ScriptOutcome extends Readonly<LinkCount> {
  /** One per command that ran to its end. */
  readonly responses: CardResponse[];
  /** True when the last response's status word was not expected. */
  readonly stopped: boolean;
  /** The link or the card's bytes failed during the script; `responses` is what came before. */
  readonly failure?: TsmError;
}

const SUCCESS = [statusWordToHex(SW.NO_ERROR)];

export const scriptGoesOn = ({ anyStatus, expect = SUCCESS }: CardCommand, sw: string): boolean =>
  anyStatus === true || expect.includes(sw);

/** Sends the parts of one command; a part before the last that is not answered 9000 ends it. */
async function runCommand(
  channel: CardChannel,
  command: CardCommand,
  count: LinkCount,
): Promise<FullResponse & { whole: boolean }> {
  const options = command.timeoutMs === undefined ? { count } : { count, timeoutMs: command.timeoutMs };
  let response: FullResponse = { data: new Uint8Array(), sw: SW.UNKNOWN };
  for (const [index, apdu] of command.apdus.entries()) {
    response = await exchange(channel, fromHex(apdu, 261), options);
    const last = index === command.apdus.length - 1;
    if (!last && response.sw !== SW.NO_ERROR) return { ...response, whole: false };
  }
  return { ...response, whole: true };
}

/** A channel whose far end runs whole scripts, so that no command waits for the way back. */
export interface ScriptChannel extends CardChannel {
  runScript(commands: readonly CardCommand[]): Promise<ScriptOutcome>;
}

const runsScripts = (channel: CardChannel): channel is ScriptChannel => 'runScript' in channel;

/**
 * Runs a script of card commands in order, without asking back. It stops after the first command whose
 * final status word is not listed in its `expect` (default 9000; with `anyStatus` all are), and at the first failure of
 * the link.
 *
 * @returns the responses so far, in any case; never throws a TsmError
 * @see wire/message/card-script.ts
 */
export async function runScript(channel: CardChannel, commands: readonly CardCommand[]): Promise<ScriptOutcome> {
  if (runsScripts(channel)) return channel.runScript(commands);
  const count = linkCount();
  const responses: CardResponse[] = [];
  try {
    for (const command of commands) {
      const { data, sw, whole } = await runCommand(channel, command, count);
      const swHex = statusWordToHex(sw);
      responses.push({ data: toHex(data), sw: swHex });
      if (!whole || !scriptGoesOn(command, swHex)) return { responses, stopped: true, ...count };
    }
    return { responses, stopped: false, ...count };
  } catch (error) {
    if (!(error instanceof TsmError)) throw error;
    return { responses, stopped: false, failure: error, ...count };
  }
}

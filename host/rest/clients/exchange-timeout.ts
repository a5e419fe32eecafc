// SPDX-License-Identifier: Apache-2.0
import type { CardCommand } from '../../wire/message/card-script.ts';

const COMMAND_MS = 30_000;
const LONGEST_SCRIPT_MS = 900_000;
/** What every hop may take beyond the card's own time. */
const LINK_MS = 20_000;

/** Longest time that the answer to a script may take. */
export function exchangeTimeoutMs(commands: readonly CardCommand[]): number {
  const cardMs = commands.reduce((sum, { timeoutMs, apdus }) => sum + (timeoutMs ?? COMMAND_MS) * apdus.length, 0);
  return Math.min(cardMs, LONGEST_SCRIPT_MS) + LINK_MS;
}

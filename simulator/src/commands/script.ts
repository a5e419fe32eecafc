// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { SimulatorError, whyUnreadable } from '../errors.ts';
import type { SimulatedCard } from '../simulated-card.ts';

/** A line of a script: a command, and the end of the answer it must get where it says so. */
export interface Step {
  readonly line: number;
  readonly command: Uint8Array | 'reset';
  readonly expected: string | undefined;
}

/**
 * Reads a script: commands in hex, one a line, blanks allowed, `reset` for a warm reset, `= 9000` behind a command for
 * the status word (or data and status word) it must answer, `#` before a remark.
 * @throws {SimulatorError} `usage` naming the line
 */
export async function readScript(file: string): Promise<Step[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new SimulatorError('usage', `cannot read the script ${file}: ${whyUnreadable(cause)}`, { cause });
  }
  return parseScript(text.split('\n'), file);
}

export function parseScript(lines: readonly string[], name: string): Step[] {
  const steps: Step[] = [];
  for (const [index, text] of lines.entries()) {
    const [before = '', wanted] = text.replace(/#.*/, '').replace(/\s/g, '').split('=');
    if (before === '' && wanted === undefined) {
      continue;
    }
    const isHex = /^([0-9A-Fa-f]{2}){4,}$/.test(before);
    if ((!isHex && before !== 'reset') || (wanted !== undefined && !/^([0-9A-Fa-f]{2})+$/.test(wanted))) {
      throw new SimulatorError('usage', `${name}:${index + 1}: not a command in hex, nor reset`);
    }
    const command = before === 'reset' ? 'reset' : Uint8Array.from(Buffer.from(before, 'hex'));
    steps.push({ line: index + 1, command, expected: wanted?.toUpperCase() });
  }
  return steps;
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();

export const describeStep = (step: Step): string => (step.command === 'reset' ? 'reset' : hex(step.command));

/** A card that a script runs on: one of this process, or that of a runner. */
export type Target = Pick<SimulatedCard, 'transmit' | 'reset'>;

/** Does one step; the answer in hex, empty for a reset. */
export async function runStep(card: Target, step: Step): Promise<string> {
  if (step.command === 'reset') {
    await card.reset();
    return '';
  }
  return hex(await card.transmit(step.command));
}

/** True when the step's answer ends as the script says. */
export const isExpected = (step: Step, answer: string): boolean =>
  step.expected === undefined || answer.endsWith(step.expected);

// SPDX-License-Identifier: Apache-2.0
import { TsmError, UsageError, WorkflowError } from '../../errors.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import { exchange } from '../../transport/get-response.ts';
import { encodeCommand } from '../../wire/apdu.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { scriptFindings } from '../../wire/script/check-script.ts';
import {
  type CommandStep,
  type KmsStep,
  kmsStepsOf,
  type ScriptStep,
  type ServiceScript,
} from '../../wire/script/service-script.ts';
import { statusWordToHex } from '../../wire/status-word.ts';
import type { ScriptKms } from './script-kms.ts';

export interface ScriptRun {
  readonly end: 'done' | 'failed';
  /** Steps in their order; those that took something back are among them. */
  readonly steps: readonly string[];
  readonly messages: readonly string[];
  readonly values: Readonly<Record<string, string>>;
  /** Why it failed. */
  readonly reason?: string;
  /** Compensations that did not come to an end of their own: somebody has to look. */
  readonly uncompensated?: readonly string[];
}

export interface ScriptParts {
  readonly card: CardChannel;
  /** Absent where there is none: a script that calls it is refused before it begins. */
  readonly kms?: ScriptKms;
}

type Values = Record<string, string>;
interface State {
  readonly values: Values;
  readonly steps: string[];
  readonly messages: string[];
  readonly visits: Map<string, number>;
  /** Steps that take effects back, the last one first. */
  readonly undo: string[];
}

/**
 * Runs a script. When it fails after effects, their compensations run, the last effect first.
 *
 * @throws UsageError for a script with findings or inputs that do not fit: nothing is sent then
 * @throws PolicyError `script-key` for a step that the KMS does not do for the script's owner: nothing is sent then
 * @throws TransportError when the link breaks: the outcome is the card's to tell
 */
export async function runServiceScript(script: ServiceScript, inputs: Values, parts: ScriptParts): Promise<ScriptRun> {
  requireRunnable(script, inputs, parts);
  await parts.kms?.require(script);
  const state: State = { values: { ...inputs }, steps: [], messages: [], visits: new Map(), undo: [] };
  const { own: _own, ...result } = await follow(script, script.start, parts, state);
  const { steps, messages, values } = state;
  if (result.end === 'done' || state.undo.length === 0) return { ...result, steps, messages, values };
  const uncompensated: string[] = [];
  for (const name of state.undo.splice(0)) {
    // Each has the bounds of a run of its own.
    state.visits.clear();
    if (!(await follow(script, name, parts, state)).own) uncompensated.push(name);
  }
  return { ...result, steps, messages, values, ...(uncompensated.length === 0 ? {} : { uncompensated }) };
}

function requireRunnable(script: ServiceScript, inputs: Values, { kms }: ScriptParts): void {
  const findings = scriptFindings(script);
  if (findings.length > 0) throw new UsageError('service-script', `The script has findings: ${findings.join('; ')}`);
  if (kms === undefined && kmsStepsOf(script).length > 0)
    throw new UsageError('service-script', 'The script calls the KMS, and there is none here');
  for (const [name, { bytes }] of Object.entries(script.inputs)) {
    const given = inputs[name] ?? '';
    if (!/^([0-9A-F]{2})*$/.test(given) || given.length !== 2 * bytes)
      throw new UsageError('script-input', `${name} wants ${bytes} bytes in hexadecimal`, { name });
  }
  const strange = Object.keys(inputs).find((name) => !Object.hasOwn(script.inputs, name));
  if (strange !== undefined) throw new UsageError('script-input', `The script takes no ${strange}`, { name: strange });
}

interface Outcome {
  readonly end: 'done' | 'failed';
  readonly reason?: string;
  /** True for an `end` of the script, false where the run was cut. */
  readonly own: boolean;
}

async function follow(script: ServiceScript, from: string, parts: ScriptParts, state: State): Promise<Outcome> {
  let name = from;
  for (;;) {
    const step = script.steps[name];
    if (step === undefined) throw new WorkflowError('script-step', `There is no step ${name}`);
    state.steps.push(name);
    if ('end' in step) {
      if (step.message !== undefined) state.messages.push(filled(step.message, state.values));
      return {
        end: step.end,
        own: true,
        ...(step.end === 'failed' ? { reason: `${name}: the script's own end` } : {}),
      };
    }
    const visits = (state.visits.get(name) ?? 0) + 1;
    state.visits.set(name, visits);
    if (visits > (step.max ?? 1)) return failed(`${name}: more often than it may`);
    const next = await act(name, step, parts, state);
    if (typeof next !== 'string') return next;
    name = next;
  }
}

const failed = (reason: string): Outcome => ({ end: 'failed', own: false, reason });

type Acting = Exclude<ScriptStep, { readonly end: unknown }>;

/** Does one step. @returns the next one, or how the run failed */
async function act(name: string, step: Acting, { card, kms }: ScriptParts, state: State): Promise<string | Outcome> {
  const { values } = state;
  if ('send' in step) return send(name, step, card, state);
  if ('kms' in step) return askKms(name, step, kms, values);
  if ('if' in step) {
    const [own, other] = [values[step.if.value] ?? '', filled(step.if.to, values)].map((hex) => BigInt(`0x0${hex}`));
    return holds(step.if.is, own ?? 0n, other ?? 0n) ? step.yes : step.no;
  }
  state.messages.push(filled(step.message, values));
  return step.next;
}

/** What the KMS refuses now ends the run, so that its effects are taken back. */
async function askKms(name: string, step: KmsStep, kms: ScriptKms | undefined, values: Values) {
  const data = filled(step.data, values);
  try {
    if (step.kms === 'verify-mac')
      return (await kms?.verify(step, data, filled(step.mac, values))) === true ? step.yes : step.no;
    values[step.result] = (await kms?.compute(step, data)) ?? '';
    return step.next;
  } catch (error) {
    if (error instanceof TsmError) return failed(`${name}: the KMS refuses: ${error.code}`);
    throw error;
  }
}

function holds(is: 'equal' | 'less' | 'at-least', own: bigint, other: bigint): boolean {
  if (is === 'equal') return own === other;
  return is === 'less' ? own < other : own >= other;
}

async function send(name: string, step: CommandStep, card: CardChannel, state: State): Promise<string | Outcome> {
  const { cla, ins, p1, p2, data = '', le } = step.send;
  const byte = (hex: string): number => {
    const text = filled(hex, state.values);
    if (text.length !== 2) throw new UsageError('script-apdu', `${name}: P1 and P2 are one byte each`);
    return Number.parseInt(text, 16);
  };
  const command = {
    cla: byte(cla),
    ins: byte(ins),
    p1: byte(p1),
    p2: byte(p2),
    data: fromHex(filled(data, state.values), 255),
    // '00' asks for 256 bytes.
    ...(le === undefined ? {} : { le: Number.parseInt(le, 16) || 256 }),
  };
  const answer = await exchange(card, encodeCommand(command));
  const sw = statusWordToHex(answer.sw);
  const next = step.accept[sw];
  if (next === undefined) return failed(`${name}: the card answered ${sw}`);
  for (const [value, { offset, length }] of Object.entries(step.capture ?? {})) {
    const part = answer.data.slice(offset, offset + length);
    if (part.length !== length) return failed(`${name}: the answer is too short for ${value}`);
    state.values[value] = toHex(part);
  }
  if (step.effect !== undefined && sw === '9000') state.undo.unshift(step.effect.compensation);
  return next;
}

const filled = (template: string, values: Values): string =>
  template.replaceAll(/\{(\w+)\}/g, (_place, name: string) => values[name] ?? '');

// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { scriptGoesOn } from '../../transport/script-runner.ts';
import { decodeCommand, encodeCommand } from '../../wire/apdu.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import { statusWordFromHex, statusWordToHex } from '../../wire/status-word.ts';
import {
  decodeExpandedResponse,
  encodeExpandedResponse,
  type ResponseItem,
} from '../../wire/uicc/expanded-response.ts';
import { decodeExpandedScript, encodeExpandedScript, type ScriptItem } from '../../wire/uicc/expanded-script.ts';
import type { TemplateForm } from '../../wire/uicc/expanded-template.ts';

/**
 * Scripts of card commands as bodies of remote administration, and back.
 *
 * An agent stops after the first answer other than 9000. Where a script goes on after others, a field beside the body
 * says so; an agent that does not know the field stops, and the server sends what is left.
 */

/**
 * Field that tells after which answers to go on: `2=*,5=6A82|6A88`, commands counted from 0. With `files,` before it
 * commands of files are for the card's files and all others for its domains.
 */
export const GOES_ON_FIELD = 'X-Opentsm-Goes-On';

const SUCCESS = '9000';
/** Commands of one body; the template takes 256 objects. */
const MAX_COMMANDS = 200;
/** Longest body that is sent, and that is read. */
export const MAX_BODY = 65_000;
/** Longest field; header fields together have 4096 bytes. */
const MAX_GOES_ON = 1_000;
const FOR_FILES_TOO = 'files';
const MAX_APDU = 261;
/** For key generation; the server has a limit of its own for the script. */
const COMMAND_MS = 600_000;
const RULE = /^(\d{1,3})=(\*|[0-9A-F]{4}(?:\|[0-9A-F]{4}){0,7})$/;

export interface AdminBody {
  readonly body: Uint8Array;
  readonly goesOn?: string;
  /** Commands that the body holds; those after them need another one. */
  readonly commands: number;
}

const apdusOf = ({ apdus }: CardCommand): ScriptItem[] =>
  apdus.map((hex) => ({ kind: 'command', apdu: decodeCommand(fromHex(hex, MAX_APDU)) }));

/** Rule of a command's last APDU; those before it must be answered 9000. */
function ruleOf({ anyStatus, expect = [SUCCESS] }: CardCommand, index: number): string[] {
  if (anyStatus === true) return [`${index}=*`];
  return expect.length === 1 && expect[0] === SUCCESS ? [] : [`${index}=${expect.join('|')}`];
}

export interface AdminBodyOptions {
  readonly form: TemplateForm;
  /** Bytes of the body. */
  readonly maxBytes: number;
  /** Characters of the field beside it; default 1,000. */
  readonly maxGoesOn?: number;
  /** The agent tells commands of files from others. */
  readonly filesToo?: boolean;
}

const LONG: AdminBodyOptions = { form: 'indefinite', maxBytes: MAX_BODY };
/** Tags and lengths around all commands. */
const TEMPLATE_BYTES = 4;

/** As many whole commands as fit one body. @throws WireError when the first alone does not */
export function encodeAdminBody(
  commands: readonly CardCommand[],
  { form, maxBytes, maxGoesOn = MAX_GOES_ON, filesToo = false }: AdminBodyOptions = LONG,
): AdminBody {
  const items: ScriptItem[] = [];
  const rules: string[] = filesToo ? [FOR_FILES_TOO] : [];
  let [count, bytes] = [0, 0];
  for (const command of commands) {
    const more = apdusOf(command);
    const moreBytes = command.apdus.reduce((sum, hex) => sum + hex.length / 2 + 4, 0);
    const rule = ruleOf(command, items.length + more.length - 1);
    const fits =
      items.length + more.length <= MAX_COMMANDS &&
      bytes + moreBytes + TEMPLATE_BYTES <= maxBytes &&
      [...rules, ...rule].join(',').length <= maxGoesOn;
    if (!fits) break;
    items.push(...more);
    rules.push(...rule);
    bytes += moreBytes;
    count += 1;
  }
  if (count === 0) throw new WireError('script-too-long', 'One command alone is longer than a script may be');
  const body = encodeExpandedScript({ form, items });
  return { body, commands: count, ...(rules.length === 0 ? {} : { goesOn: rules.join(',') }) };
}

export interface AdminOutcome {
  readonly responses: CardResponse[];
  /** True when the last answer was not expected. */
  readonly stopped: boolean;
}

/**
 * What became of the commands that a body held: fewer answers than commands when one was not expected, or when the
 * agent stopped where the script would have gone on.
 *
 * @throws WireError when this is no answer to that script: what the card did is not known then
 */
export function decodeAdminResult(commands: readonly CardCommand[], body: Uint8Array): AdminOutcome {
  const answers = decodeExpandedResponse(body).items.map(responseOf);
  const responses: CardResponse[] = [];
  let at = 0;
  for (const command of commands) {
    if (at === answers.length) break;
    const { response, used, whole } = answerTo(command, answers.slice(at));
    at += used;
    responses.push(response);
    if (whole && scriptGoesOn(command, response.sw)) continue;
    if (at !== answers.length) throw new WireError('script-responses', 'The agent went on after a refusal');
    return { responses, stopped: true };
  }
  if (at === answers.length) return { responses, stopped: false };
  throw new WireError('script-responses', 'More answers than commands', { expected: at, got: answers.length });
}

function responseOf(item: ResponseItem): CardResponse {
  if (item.kind === 'response') return { data: toHex(item.data), sw: statusWordToHex(item.sw) };
  throw new WireError('script-responses', `The agent answers ${item.kind}`);
}

/** The answers to the parts of one command. */
function answerTo({ apdus }: CardCommand, answers: readonly CardResponse[]) {
  for (const [index, response] of answers.slice(0, apdus.length).entries()) {
    const last = index === apdus.length - 1;
    if (last || response.sw !== SUCCESS) return { response, used: index + 1, whole: last };
  }
  throw new WireError('script-responses', 'The agent stopped inside a chained command');
}

/** What an agent runs: one command each, with the rules that came beside them. @throws WireError */
export function decodeAdminBody(body: Uint8Array, goesOn: string | undefined): CardCommand[] {
  const rules = readRules(goesOn);
  return decodeExpandedScript(body).items.map((item, index) => {
    if (item.kind !== 'command') throw new WireError('script-item', `${item.kind} is not known to this agent`);
    return { label: 'C-APDU', apdus: [toHex(encodeCommand(item.apdu))], timeoutMs: COMMAND_MS, ...rules.get(index) };
  });
}

function readRules(text: string | undefined): ReadonlyMap<number, Pick<CardCommand, 'anyStatus' | 'expect'>> {
  const words = (text === undefined ? [] : text.split(',')).filter((word) => word !== FOR_FILES_TOO);
  const rules = words.map((rule) => {
    const [, index, statuses] = RULE.exec(rule) ?? [];
    if (index === undefined || statuses === undefined)
      throw new WireError('script-goes-on', `${GOES_ON_FIELD} is not of its form`);
    const tolerance = statuses === '*' ? { anyStatus: true as const } : { expect: statuses.split('|') };
    return [Number(index), tolerance] as const;
  });
  return new Map(rules);
}

/** Answers of an agent, in order. */
export const encodeAdminResult = (responses: readonly CardResponse[]): Uint8Array =>
  encodeExpandedResponse({
    form: 'indefinite',
    items: responses.map(({ data, sw }) => ({
      kind: 'response',
      data: fromHex(data, MAX_BODY),
      sw: statusWordFromHex(sw),
    })),
  });

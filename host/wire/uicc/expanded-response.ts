// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { concat } from '../hex.ts';
import { type StatusWord, statusWord } from '../status-word.ts';
import { ByteReader, encodeNumber } from './byte-reader.ts';
import { decodeTemplate, encodeTemplate, type TemplateForm, type TemplateObject } from './expanded-template.ts';

/** @see TS 102 226 5.2.2 */
export const RESPONSE_TEMPLATE = { definite: 0xab, indefinite: 0xaf } as const;

const TAG = { R_APDU: 0x23, EXECUTED: 0x80, IMMEDIATE_ACTION: 0x81, SCRIPT_CHAINING: 0x83, BAD_FORMAT: 0x90 } as const;

/** Why a card does not go on with a chain of scripts. */
export const CHAINING_ERROR = { NO_PREVIOUS_SCRIPT: 0x01, NOT_SUPPORTED: 0x02, CANNOT_PROCESS: 0x03 } as const;
/** What is wrong with a script. */
export const BAD_FORMAT = { UNKNOWN_TAG: 0x01, WRONG_LENGTH: 0x02, LENGTH_MISSING: 0x03 } as const;

export type ResponseItem =
  | { readonly kind: 'response'; readonly data: Uint8Array; readonly sw: StatusWord }
  | { readonly kind: 'immediate-action'; readonly value: Uint8Array }
  /** Value of CHAINING_ERROR, or another that the card made up. */
  | { readonly kind: 'chaining-error'; readonly reason: number }
  | { readonly kind: 'bad-format'; readonly reason: number };

/** What came of an expanded script. */
export interface ExpandedResponse {
  readonly form: TemplateForm;
  /** Commands that were executed; the definite form alone tells it. */
  readonly executed?: number;
  readonly items: readonly ResponseItem[];
}

function encodeItem(item: ResponseItem): TemplateObject {
  switch (item.kind) {
    case 'response':
      return { tag: TAG.R_APDU, value: concat(item.data, encodeNumber(item.sw, 2)) };
    case 'immediate-action':
      return { tag: TAG.IMMEDIATE_ACTION, value: item.value };
    case 'chaining-error':
      return { tag: TAG.SCRIPT_CHAINING, value: encodeNumber(item.reason, 1) };
    case 'bad-format':
      return { tag: TAG.BAD_FORMAT, value: encodeNumber(item.reason, 1) };
  }
}

/**
 * `AB L ‖ 80 01 n ‖ { 23 | 81 | 83 | 90 }*`, or `AF 80 .. 00 00` without count. @throws WireError. @see TS 102 226
 * 5.2.2
 */
export function encodeExpandedResponse({ form, executed, items }: ExpandedResponse): Uint8Array {
  if ((executed !== undefined) !== (form === 'definite'))
    throw new WireError('response-count', 'The definite form has a count of executed commands, the other has none');
  const count = executed === undefined ? [] : [{ tag: TAG.EXECUTED, value: encodeNumber(executed, 1) }];
  return encodeTemplate(RESPONSE_TEMPLATE, form, [...count, ...items.map(encodeItem)]);
}

function oneByte(value: Uint8Array): number {
  const reader = new ByteReader(value, 'Object of a script response');
  const byte = reader.number(1);
  reader.end();
  return byte;
}

function decodeItem({ tag, value }: TemplateObject): ResponseItem {
  switch (tag) {
    case TAG.R_APDU: {
      const reader = new ByteReader(value, 'R-APDU');
      const data = reader.take(Math.max(0, value.length - 2));
      return { kind: 'response', data, sw: statusWord(reader.number(2)) };
    }
    case TAG.IMMEDIATE_ACTION:
      return { kind: 'immediate-action', value };
    case TAG.SCRIPT_CHAINING:
      return { kind: 'chaining-error', reason: oneByte(value) };
    case TAG.BAD_FORMAT:
      return { kind: 'bad-format', reason: oneByte(value) };
    default:
      throw new WireError('script-tag', 'Not an object of a script response, or not in its place', { got: tag });
  }
}

/** @throws WireError when malformed, or the definite form does not begin with its count */
export function decodeExpandedResponse(bytes: Uint8Array): ExpandedResponse {
  const { form, objects } = decodeTemplate(RESPONSE_TEMPLATE, bytes);
  if (form === 'indefinite') return { form, items: objects.map(decodeItem) };
  const [first, ...others] = objects;
  if (first?.tag !== TAG.EXECUTED)
    throw new WireError('response-count', 'A definite response begins with its count of executed commands', {
      expected: TAG.EXECUTED,
      got: first?.tag,
    });
  return { form, executed: oneByte(first.value), items: others.map(decodeItem) };
}

// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { type CommandApdu, decodeCommand, encodeCommand } from '../apdu.ts';
import { decodeTemplate, encodeTemplate, type TemplateForm, type TemplateObject } from './expanded-template.ts';

/** @see TS 102 226 5.2.1 */
export const COMMAND_TEMPLATE = { definite: 0xaa, indefinite: 0xae } as const;

const TAG = { C_APDU: 0x22, IMMEDIATE_ACTION: 0x81, ERROR_ACTION: 0x82, SCRIPT_CHAINING: 0x83 } as const;

/** Place of a script in a chain of scripts that share one context on the card. @see TS 102 226 5.2.1.4 */
export const CHAINING = {
  /** The chain is dropped when the card is reset. */
  FIRST: 0x01,
  FIRST_KEPT_OVER_RESET: 0x11,
  MORE_FOLLOW: 0x02,
  LAST: 0x03,
} as const;
export type Chaining = (typeof CHAINING)[keyof typeof CHAINING];

export type ScriptItem =
  | { readonly kind: 'command'; readonly apdu: CommandApdu }
  /** A proactive session before the script goes on, or `81` and a number of one on the card. */
  | { readonly kind: 'immediate-action'; readonly value: Uint8Array }
  /** What the card shows when a later command fails. */
  | { readonly kind: 'error-action'; readonly value: Uint8Array };

/** A list of commands for one application. */
export interface ExpandedScript {
  readonly form: TemplateForm;
  readonly chaining?: Chaining;
  readonly items: readonly ScriptItem[];
}

function encodeItem(item: ScriptItem): TemplateObject {
  switch (item.kind) {
    case 'command':
      return { tag: TAG.C_APDU, value: encodeCommand(item.apdu) };
    case 'immediate-action':
      return { tag: TAG.IMMEDIATE_ACTION, value: item.value };
    case 'error-action':
      return { tag: TAG.ERROR_ACTION, value: item.value };
  }
}

/** `AA L { 83 | 22 | 81 | 82 }*` or `AE 80 .. 00 00`. @throws WireError. @see TS 102 226 5.2.1 */
export function encodeExpandedScript({ form, chaining, items }: ExpandedScript): Uint8Array {
  const chain = chaining === undefined ? [] : [{ tag: TAG.SCRIPT_CHAINING, value: Uint8Array.of(chaining) }];
  return encodeTemplate(COMMAND_TEMPLATE, form, [...chain, ...items.map(encodeItem)]);
}

function decodeChaining(value: Uint8Array): Chaining {
  const found = Object.values(CHAINING).find((mark) => value.length === 1 && mark === value[0]);
  if (found === undefined) throw new WireError('script-chaining', 'Not a known place in a chain', { got: value[0] });
  return found;
}

function decodeItem({ tag, value }: TemplateObject): ScriptItem {
  switch (tag) {
    case TAG.C_APDU:
      return { kind: 'command', apdu: decodeCommand(value) };
    case TAG.IMMEDIATE_ACTION:
      return { kind: 'immediate-action', value };
    case TAG.ERROR_ACTION:
      return { kind: 'error-action', value };
    default:
      throw new WireError('script-tag', 'Not an object of a script, or not in its place', { got: tag });
  }
}

/** @throws WireError when malformed; script chaining is taken in front only */
export function decodeExpandedScript(bytes: Uint8Array): ExpandedScript {
  const { form, objects } = decodeTemplate(COMMAND_TEMPLATE, bytes);
  const [first, ...others] = objects;
  if (first?.tag !== TAG.SCRIPT_CHAINING) return { form, items: objects.map(decodeItem) };
  return { form, chaining: decodeChaining(first.value), items: others.map(decodeItem) };
}

/**
 * Cuts commands into scripts of at most `maxBytes`, chained where there are several.
 *
 * @param keepOverReset the card keeps the context of the chain when it loses power
 * @throws WireError when one command alone does not fit
 */
export function chainScripts(
  items: readonly ScriptItem[],
  { form, maxBytes, keepOverReset }: { form: TemplateForm; maxBytes: number; keepOverReset: boolean },
): ExpandedScript[] {
  const groups: ScriptItem[][] = [[]];
  for (const item of items) {
    const current = groups[groups.length - 1] ?? [];
    // measured with the chaining object, which only a script that stays alone goes without
    const fits = encodeExpandedScript({ form, chaining: CHAINING.FIRST, items: [...current, item] }).length <= maxBytes;
    if (fits) current.push(item);
    else if (current.length > 0) groups.push([item]);
    if (!fits && encodeExpandedScript({ form, chaining: CHAINING.FIRST, items: [item] }).length > maxBytes)
      throw new WireError('script-too-long', 'One command alone is longer than a script may be', {
        expected: maxBytes,
      });
  }
  if (groups.length === 1) return [{ form, items }];
  const first = keepOverReset ? CHAINING.FIRST_KEPT_OVER_RESET : CHAINING.FIRST;
  return groups.map((group, index) => {
    const later = index === groups.length - 1 ? CHAINING.LAST : CHAINING.MORE_FOLLOW;
    return { form, chaining: index === 0 ? first : later, items: group };
  });
}

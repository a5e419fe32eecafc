// SPDX-License-Identifier: Apache-2.0
import { ConflictError, NotFoundError } from '../../errors.ts';
import { plainIccid } from '../../wire/iccid.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { Rule, StartAction } from '../../wire/message/front.ts';

/** Which platform an action goes to, and as what: by rules, none of which knows the card's application. */

/** Why a rule was not taken; absent for the one that was. */
export interface Considered {
  readonly name: string;
  readonly reason?: string;
}

const FIELDS = ['actionCode', 'productId', 'domain', 'appId'] as const;

/** The first thing that keeps a request from a rule. */
function obstacle({ when }: Rule, request: StartAction, card: Pick<CardId, 'value'>): string | undefined {
  for (const field of FIELDS) {
    if (when[field] !== undefined && when[field] !== request[field]) return `${field} is not ${when[field]}`;
  }
  const range = rangeOf(when);
  return range === undefined || within(card.value, range.from, range.to) ? undefined : 'seId is out of its range';
}

const within = (value: string, from: string, to: string): boolean =>
  value.length === from.length && value >= from && value <= to;

/** Every rule with the reason why it is not the one, and the one that is. */
export function explain(
  rules: readonly Rule[],
  request: StartAction,
  card: Pick<CardId, 'value'>,
): { readonly taken?: Rule; readonly considered: readonly Considered[] } {
  const fitting = rules.filter((rule) => obstacle(rule, request, card) === undefined);
  const [taken] = [...fitting].sort((one, other) => (other.precedence ?? 0) - (one.precedence ?? 0));
  const considered = rules.map((rule) => {
    if (rule === taken) return { name: rule.name };
    return { name: rule.name, reason: obstacle(rule, request, card) ?? `${taken?.name} has precedence` };
  });
  return { ...(taken === undefined ? {} : { taken }), considered };
}

/** @throws NotFoundError `no-route` */
export function chooseRule(rules: readonly Rule[], request: StartAction, card: Pick<CardId, 'value'>): Rule {
  const { taken } = explain(rules, request, card);
  if (taken !== undefined) return taken;
  throw new NotFoundError('no-route', `No rule takes the action ${request.actionCode}`);
}

/** Both could take the same request, and neither has precedence. */
export function conflict(one: Rule, other: Rule): boolean {
  if ((one.precedence ?? 0) !== (other.precedence ?? 0)) return false;
  const apart = FIELDS.some((field) => {
    const [left, right] = [one.when[field], other.when[field]];
    return left !== undefined && right !== undefined && left !== right;
  });
  return !apart && rangesMeet(one.when, other.when);
}

function rangesMeet(one: Rule['when'], other: Rule['when']): boolean {
  const [left, right] = [rangeOf(one), rangeOf(other)];
  if (left === undefined || right === undefined) return true;
  return left.from.length === right.from.length && left.from <= right.to && right.from <= left.to;
}

/** SEIDs that a rule takes, without filler. */
function rangeOf({
  seIdFrom,
  seIdTo = seIdFrom,
}: Rule['when']): { readonly from: string; readonly to: string } | undefined {
  return seIdFrom === undefined || seIdTo === undefined
    ? undefined
    : { from: plainIccid(seIdFrom), to: plainIccid(seIdTo) };
}

/** @throws ConflictError `rules-conflict` naming the two */
export function requireNoConflict(rules: readonly Rule[]): void {
  for (const [index, one] of rules.entries()) {
    const other = rules.slice(index + 1).find((later) => conflict(one, later));
    if (other !== undefined) {
      throw new ConflictError(
        'rules-conflict',
        `${one.name} and ${other.name} could take the same request: give one precedence`,
        {
          one: one.name,
          other: other.name,
        },
      );
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import {
  type Attribute,
  attributeOf,
  attributesOf,
  type EntityName,
  initialOf,
  isAssigned,
  isObject,
  type Json,
  type JsonObject,
  structureOf,
} from './attributes.ts';
import { formatError, isEmpty } from './formats.ts';
import { canonicalIds, holdsIds } from './ids.ts';
import { type TsmsError, tsmsError, wrongFormat } from './tsms-error.ts';

/** Checks bodies by the rows of the data model: one error at most, the most basic first. */

/** In the order in which they are told: 1007, 1003 or 1005, 1004 or 1006, 1008. */
type Rank = 0 | 1 | 2 | 3;
type Finding = readonly [rank: Rank, error: TsmsError];

interface Place {
  readonly entity: EntityName;
  /** What the path of its attributes begins with. */
  readonly prefix: string;
  /** Absent while something is made. */
  readonly current: JsonObject | undefined;
  readonly create: boolean;
}

/**
 * Checks a body and completes it: what is not given keeps its value, or gets the one that stands for nothing.
 *
 * @param current what is modified; absent for something new
 * @returns all attributes that a client may set
 * @throws TsmsError 1003 to 1008
 */
export function completed(entity: EntityName, body: Json | undefined, current?: JsonObject): JsonObject {
  if (!isObject(body)) throw wrongFormat('request body', body ?? '', 'a JSON object');
  const place: Place = { entity, prefix: '', current, create: current === undefined };
  const found = [...findings(place, body)].toSorted(([a], [b]) => a - b)[0];
  if (found !== undefined) throw found[1];
  return merged(entity, body, current);
}

function* findings(place: Place, value: JsonObject): Generator<Finding> {
  const { entity, prefix, create } = place;
  for (const name of Object.keys(value)) {
    if (attributeOf(entity, name) === undefined) yield [0, tsmsError(1007, { attributeName: prefix + name })];
  }
  for (const [name, attribute] of attributesOf(entity)) {
    const attributeName = prefix + name;
    const given = Object.hasOwn(value, name) ? value[name] : undefined;
    if (given !== undefined && isRefused(place, name, attribute, given))
      yield [1, tsmsError(create ? 1003 : 1005, { attributeName })];
    else if (attribute.presence === 'M' && isEmpty(given, attribute)) {
      // What cannot be modified need not be repeated.
      if (create || attribute.editable !== 'No')
        yield [2, tsmsError(create ? 1004 : 1006, { attributeName, entityName: entity })];
    } else if (given !== undefined && !isAssigned(attribute)) yield* formFindings(place, name, attribute, given);
  }
}

/** What the TSM assigns may be repeated as it is, but not be given or changed. */
function isRefused({ create, current }: Place, name: string, attribute: Attribute, given: Json): boolean {
  if (create) return isAssigned(attribute);
  return attribute.editable === 'No' && !meansTheSame(attribute, given, current?.[name]);
}

/** @see RFC 3339 5.6 */
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i;

/** Clients read ids and dates into types of their own and write them as those do. @see RFC 9562 4 */
function meansTheSame({ format }: Attribute, given: Json, kept: Json | undefined): boolean {
  if (same(given, kept)) return true;
  if (typeof given !== 'string' || typeof kept !== 'string') return false;
  if (format === 'uuid') return given.toLowerCase() === kept.toLowerCase();
  return format === 'date-time' && TIMESTAMP.test(given) && Date.parse(given) === Date.parse(kept);
}

function* formFindings(place: Place, name: string, attribute: Attribute, given: Json): Generator<Finding> {
  const at = place.prefix + name;
  const error = formatError(attribute, given, at);
  if (error !== undefined) {
    yield [3, error];
    return;
  }
  const inner = structureOf(attribute.items ?? attribute);
  if (inner === undefined) return;
  const nested: Place = { ...place, entity: inner, prefix: `${at}.`, current: undefined };
  if (Array.isArray(given)) {
    for (const item of given) if (isObject(item)) yield* findings(nested, item);
  } else if (isObject(given)) {
    const old = place.current?.[name];
    yield* findings({ ...nested, current: isObject(old) ? old : undefined }, given);
  }
}

function merged(entity: EntityName, value: JsonObject, current: JsonObject | undefined): JsonObject {
  const result: Record<string, Json> = {};
  for (const [name, attribute] of attributesOf(entity)) {
    if (isAssigned(attribute)) continue;
    const given = Object.hasOwn(value, name) ? value[name] : undefined;
    const next = mergedValue(entity, name, attribute, given, current?.[name]);
    if (next !== undefined) result[name] = next;
  }
  return result;
}

function mergedValue(entity: EntityName, name: string, attribute: Attribute, given?: Json, old?: Json) {
  const inner = structureOf(attribute.items ?? attribute);
  if (attribute.type === 'object' && inner !== undefined)
    return merged(inner, isObject(given) ? given : {}, isObject(old) ? old : undefined);
  if (inner !== undefined && Array.isArray(given))
    return given.map((item: Json) => merged(inner, isObject(item) ? item : {}, undefined));
  const taken = given !== undefined && holdsIds(name, attribute) ? canonicalIds(given) : given;
  const next = taken ?? old ?? initialOf(entity, name, attribute);
  // An empty reference takes the old one away.
  return next === '' && attribute.format === 'uuid' ? undefined : next;
}

/** Paths of attributes that may change only until the Flavor is published (editable `C`), and did. */
export function frozenChanges(entity: EntityName, before: JsonObject, after: JsonObject): string[] {
  return attributesOf(entity).flatMap(([name, attribute]) => {
    const [old, next] = [before[name], after[name]];
    const inner = attribute.type === 'object' ? structureOf(attribute) : undefined;
    if (inner !== undefined && isObject(old) && isObject(next))
      return frozenChanges(inner, old, next).map((path) => `${name}.${path}`);
    return attribute.editable === 'C' && !same(old ?? null, next) ? [name] : [];
  });
}

/** The same values, whatever the order of names. */
function same(a: Json, b: Json | undefined): boolean {
  return canonical(a) === canonical(b ?? null);
}

function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${canonical(item)}`).join()}}`;
}

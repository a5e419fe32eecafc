// SPDX-License-Identifier: Apache-2.0
import { ENTITIES } from './published.ts';

/** What an attribute looks like. */
export interface Shape {
  readonly type: 'string' | 'integer' | 'boolean' | 'object' | 'list' | 'map';
  readonly format?: string;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  /** Of an object: the structure that it is. */
  readonly of?: string;
  /** Of a list or map. */
  readonly items?: Shape;
}

/**
 * One row of the data model. Presence: M mandatory, O optional, A assigned by the TSM, C by condition.
 * Editable: by PUT, `C` until the Flavor is published.
 *
 * @see BSI TR-03165 1.0.4, 4.1.4
 */
export interface Attribute extends Shape {
  readonly presence: 'M' | 'O' | 'A' | 'C';
  readonly editable: 'Yes' | 'No' | 'C';
  readonly initial?: boolean | number | Readonly<Record<string, never>>;
}

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

export type EntityName = keyof typeof ENTITIES;
const TABLE: Readonly<Record<EntityName, Readonly<Record<string, Attribute>>>> = ENTITIES;

/** Values that stand in the guideline's text and not in its schema. */
const INITIAL: Readonly<Record<string, number>> = {
  'FeatureConfig.keyProvisioningMode': 0,
  'ApplicationInstantiationConfig.priority': 255,
};

/** The attributes of an entity or structure, in their order. */
export const attributesOf = (name: EntityName): readonly (readonly [string, Attribute])[] =>
  Object.entries(TABLE[name]);

export const attributeOf = (name: EntityName, attribute: string): Attribute | undefined =>
  Object.hasOwn(TABLE[name], attribute) ? TABLE[name][attribute] : undefined;

/** The structure of a nested object. */
export const structureOf = ({ of }: Shape): EntityName | undefined =>
  (Object.keys(TABLE) as readonly EntityName[]).find((name) => name === of);

/** True where only the TSM may set it. */
export const isAssigned = ({ presence, editable }: Attribute): boolean => presence === 'A' && editable === 'No';

/** What an attribute has when nobody gave it; undefined for references, which then are left out. */
export function initialOf(entity: EntityName, name: string, attribute: Attribute): Json | undefined {
  const own = INITIAL[`${entity}.${name}`] ?? attribute.initial;
  if (own !== undefined) return own;
  if (attribute.type === 'list') return [];
  if (attribute.type === 'map') return {};
  if (attribute.type === 'string' && attribute.format !== 'uuid') return '';
  return undefined;
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

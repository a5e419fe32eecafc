// SPDX-License-Identifier: Apache-2.0
import { type Attribute, isObject, type Json } from './attributes.ts';

/** Ids are kept in small letters, and taken in capital ones too. @see RFC 9562 4 */

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const canonicalId = (text: string): string => (UUID.test(text) ? text.toLowerCase() : text);

/** All ids in it, names of entries too. */
export function canonicalIds(value: Json): Json {
  if (typeof value === 'string') return canonicalId(value);
  if (Array.isArray(value)) return value.map(canonicalIds);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [canonicalId(name), canonicalIds(item)]));
}

/** True for an attribute that holds ids and nothing else; the document gives `allowedDeployments` no format. */
export const holdsIds = (name: string, { format, items }: Attribute): boolean =>
  format === 'uuid' || items?.format === 'uuid' || name === 'allowedDeployments';

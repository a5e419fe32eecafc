// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { Check, Errors } from 'typebox/value';
import { UsageError } from '../../errors.ts';
import { KeyLabel } from '../message/managed-keys.ts';
import { PurseAlgorithmName } from '../message/purse.ts';
import { placesOf } from './service-script.ts';

/**
 * What is stored in an application through its security domain, as data (docs/service-scripts.md section 2). The
 * guideline leaves the language of personalization scripts open (BSI TR-03165 1.0.4, 4.1.4.9).
 */

const closed = { additionalProperties: false } as const;
const Template = Type.String({ pattern: '^([0-9A-F]{2}|\\{[a-z][A-Za-z0-9]{0,31}\\})*$', maxLength: 1_024 });
const Byte = Type.String({ pattern: '^[0-9A-F]{2}$' });

export const PersonalizationScript = Type.Object(
  {
    format: Type.Literal('opentsm-personalization/1'),
    /** Master keys of this service in the KMS, made with the first instance. */
    keys: Type.Optional(Type.Object({ kind: Type.Literal('purse'), algorithm: PurseAlgorithmName }, closed)),
    /** How SELECT's answer shows that all of it is stored already. */
    personalized: Type.Object({ answerHolds: Template }, closed),
    /**
     * STORE DATA in their order, from block 00 up. The KMS fills in under the DEK: `keys` those of the purse, `cardKey`
     * the instance's own from a key of the service's provider, behind its data grouping identifier.
     */
    storeData: Type.Array(
      Type.Object(
        {
          p1: Byte,
          data: Type.Optional(Template),
          keys: Type.Optional(Type.Literal(true)),
          cardKey: Type.Optional(
            Type.Object({ key: KeyLabel, dgi: Type.String({ pattern: '^[0-9A-F]{4}$' }) }, closed),
          ),
        },
        closed,
      ),
      { minItems: 1, maxItems: 32 },
    ),
  },
  closed,
);
export type PersonalizationScript = Static<typeof PersonalizationScript>;

/** What a template may name: the instance's serial, eight bytes that no other instance has. */
const PLACES = ['serial'];
const MAX_CHARACTERS = 65_536;
/** One APDU under secure messaging. */
const MAX_BLOCK = 223;

/** Keys of the service's provider that come onto the card. */
export const cardKeysOf = ({ storeData }: PersonalizationScript): string[] =>
  storeData.flatMap(({ cardKey }) => (cardKey === undefined ? [] : [cardKey.key]));

const isScript = (value: unknown): value is PersonalizationScript => Check(PersonalizationScript, value);

/** @throws UsageError `personalization-script`, naming the first place that is not right */
export function readPersonalizationScript(text: string): PersonalizationScript {
  if (text.length > MAX_CHARACTERS) throw refused(`longer than ${MAX_CHARACTERS} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refused('no JSON');
  }
  if (!isScript(value)) {
    const [first] = Errors(PersonalizationScript, value);
    throw refused(`${first?.instancePath || '(whole)'}: ${first?.message ?? 'malformed'}`);
  }
  for (const [index, { data, keys, cardKey }] of value.storeData.entries()) {
    if ([data, keys, cardKey].filter((part) => part !== undefined).length > 1)
      throw refused(`/storeData/${index}: data, keys and cardKey stand alone`);
    if (keys === true && value.keys === undefined)
      throw refused(`/storeData/${index}: the KMS fills in keys that the script declares`);
    if (filledTemplate(data ?? '', { serial: '00'.repeat(8) }).length > 2 * MAX_BLOCK)
      throw refused(`/storeData/${index}: longer than ${MAX_BLOCK} bytes`);
  }
  const texts = [value.personalized.answerHolds, ...value.storeData.map(({ data = '' }) => data)];
  const strange = texts.flatMap(placesOf).find((name) => !PLACES.includes(name));
  if (strange !== undefined) throw refused(`there is no value ${strange}`);
  if (filledTemplate(value.personalized.answerHolds, { serial: '' }) === value.personalized.answerHolds)
    throw refused('/personalized/answerHolds: names no value of the instance');
  return value;
}

export const filledTemplate = (template: string, values: Readonly<Record<string, string>>): string =>
  template.replaceAll(/\{(\w+)\}/g, (_place, name: string) => values[name] ?? '');

const refused = (what: string): UsageError =>
  new UsageError('personalization-script', `This is no personalization script: ${what}`);

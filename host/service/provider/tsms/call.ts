// SPDX-License-Identifier: Apache-2.0
import { attributesOf, type Json, type JsonObject } from '../../../wire/tsms/attributes.ts';
import type { Entity, Profile } from '../../../wire/tsms/entities.ts';
import { type DocumentOf, documentOf, type Kind } from '../../../wire/tsms/entities.ts';
import { compareTags, isVersionTag } from '../../../wire/tsms/formats.ts';
import type { OPERATIONS } from '../../../wire/tsms/published.ts';
import { notExisting } from '../../../wire/tsms/tsms-error.ts';
import type { World } from './world.ts';

export type OperationId = (typeof OPERATIONS)[number]['id'];

/** A file as it came, whole and within its bound. */
export interface Upload {
  readonly fileName: string;
  readonly bytes: Uint8Array;
}

/** One request, as the operations see it. */
export interface Call {
  readonly world: World;
  readonly params: Readonly<Record<string, string>>;
  readonly body?: Json | undefined;
  readonly upload?: Upload | undefined;
  readonly now: Date;
  readonly newId: () => string;
}

export type Answer =
  | { readonly json: Json }
  /** The content that is kept under this id. */
  | { readonly contentOf: string; readonly fileName: string }
  | undefined;

export type Handler = (call: Call) => Answer;

/** An entity as an answer shows it: attributes in the order of the data model, what is not set left out. */
export function shown(world: World, { kind, id, parentId, createdAt, document }: Entity): JsonObject {
  const own: Readonly<Record<string, Json | undefined>> = {
    id,
    spId: world.spId,
    serviceId: parentId,
    elfId: parentId,
    creationDate: createdAt.toISOString(),
    ...document,
  };
  const entries = attributesOf(kind).flatMap(([name]): [string, Json][] => {
    const value = own[name];
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(entries);
}

export const one = (world: World, entity: Entity): Answer => ({ json: shown(world, entity) });

export const many = (world: World, entities: readonly Entity[]): Answer => ({
  json: entities.map((entity) => shown(world, entity)),
});

export const profileJson = ({ id, document }: Profile): JsonObject => ({ id, ...document });

/** Something new of a kind. */
export function made<K extends Kind>(
  { world, newId, now }: Call,
  kind: K,
  document: JsonObject,
  parentId?: string,
): Entity<K> {
  return world.put({ kind, id: newId(), parentId, createdAt: now, document: documentOf(kind, document) });
}

/** The same with another document. */
export function changed<K extends Kind>(world: World, entity: Entity<K>, document: JsonObject): Entity<K> {
  return world.put({ ...entity, document: documentOf<K>(entity.kind, document) });
}

/** The document as plain values. */
export const plain = (document: DocumentOf<Kind>): JsonObject => document as JsonObject;

const param = ({ params }: Call, name: string): string => params[name] ?? '';

export const serviceOf = (call: Call): Entity<'Service'> => call.world.get('Service', param(call, 'serviceId'));
export const loadFileOf = (call: Call): Entity<'CAP'> => call.world.get('CAP', param(call, 'elfId'));
export const configOf = (call: Call): Entity<'ApplicationConfig'> =>
  call.world.get('ApplicationConfig', param(call, 'applicationConfigId'));
export const scriptOf = (call: Call): Entity<'PersonalizationScript'> =>
  call.world.get('PersonalizationScript', param(call, 'personalizationScriptId'));
export const certificateOf = (call: Call): Entity<'Certificate'> =>
  call.world.get('Certificate', param(call, 'certificateId'));
export const sposConfigOf = (call: Call): Entity<'SposConfig'> =>
  call.world.get('SposConfig', param(call, 'sposConfigId'));
export const profileOf = (call: Call): Profile => call.world.profile(param(call, 'scpId'));

export function flavorOf(call: Call): Entity<'Flavor'> {
  const service = serviceOf(call);
  const flavor = call.world.get('Flavor', param(call, 'flavorId'));
  if (flavor.parentId !== service.id) throw notExisting('Flavor', param(call, 'flavorId'));
  return flavor;
}

export function versionOf(call: Call): Entity<'Version'> {
  const tag = param(call, 'tag');
  const found = call.world
    .within('Version', serviceOf(call).id)
    .find(({ document }) => isVersionTag(tag) && compareTags(document.tag, tag) === 0);
  if (found === undefined) throw notExisting('Version', tag);
  return found;
}

export function moduleOf(call: Call): Entity<'ExecutableModule'> {
  const found = call.world.get('ExecutableModule', param(call, 'emId'));
  if (found.parentId !== loadFileOf(call).id) throw notExisting('ExecutableModule', param(call, 'emId'));
  return found;
}

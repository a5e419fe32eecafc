// SPDX-License-Identifier: Apache-2.0
import { isObject, type JsonObject } from '../../../wire/tsms/attributes.ts';
import { completed } from '../../../wire/tsms/check.ts';
import type { Deployments, Entity } from '../../../wire/tsms/entities.ts';
import { compareTags, isVersionTag } from '../../../wire/tsms/formats.ts';
import { canonicalId, canonicalIds } from '../../../wire/tsms/ids.ts';
import { wrongFormat } from '../../../wire/tsms/tsms-error.ts';
import {
  type Answer,
  type Call,
  changed,
  flavorOf,
  made,
  many,
  one,
  plain,
  profileJson,
  serviceOf,
  shown,
  versionOf,
} from './call.ts';
import { flavorIdsOf, profileIdsOf } from './relations.ts';
import { requireDeployments, requireSupported } from './rules.ts';
import type { World } from './world.ts';

/** Ids in a body that is a list. @throws TsmsError 1008 */
export function idsOf({ body }: Call, what: string): string[] {
  if (Array.isArray(body) && body.length <= 1_000 && body.every((id) => typeof id === 'string'))
    return body.map(canonicalId);
  throw wrongFormat('request body', body ?? '', `a list of ${what} ids`);
}

function requireService({ world }: Call, service: Entity<'Service'>): Answer {
  const { sposConfigId } = service.document;
  if (sposConfigId !== undefined) world.get('SposConfig', sposConfigId);
  return one(world, service);
}

export const SERVICE_OPERATIONS = {
  listServices: ({ world }: Call) => many(world, world.all('Service')),
  createService: (call: Call) => {
    const { world, body } = call;
    const values = completed('Service', body);
    return requireService(call, made(call, 'Service', { ...values, sdAid: world.ssdAid }));
  },
  getService: (call: Call) => one(call.world, serviceOf(call)),
  modifyService: (call: Call) => {
    const service = serviceOf(call);
    const { sdAid } = service.document;
    const values = completed('Service', call.body, known(call.world, service));
    return requireService(call, changed(call.world, service, { ...values, sdAid }));
  },
  deleteService: (call: Call) => {
    const { world } = call;
    const service = serviceOf(call);
    for (const part of [...world.within('Version', service.id), ...world.within('Flavor', service.id)])
      world.remove<'Version' | 'Flavor'>(part);
    world.remove(service);
    return undefined;
  },
};

/** What a PUT may repeat: the document with what stands beside it. */
export const known = (world: World, entity: Entity): JsonObject => ({
  ...plain(entity.document),
  ...shown(world, entity),
});

function withDeployments(call: Call, version: Entity<'Version'>, allowedDeployments: Deployments): Answer {
  const { world } = call;
  requireDeployments(world, serviceOf(call).id, allowedDeployments);
  const next = changed(world, version, { ...plain(version.document), allowedDeployments });
  requireSupported(world, [next]);
  return one(world, next);
}

/** A map of ids to what `isValue` takes. @throws TsmsError 1008 */
function mapOf<T>({ body }: Call, isValue: (value: unknown) => value is T, form: string): [string, T][] {
  const ids = canonicalIds(body ?? null);
  if (isObject(ids)) {
    const entries = Object.entries(ids);
    const fit = entries.filter((entry): entry is [string, (typeof entry)[1] & T] => isValue(entry[1]));
    if (fit.length === entries.length && entries.length <= 1_000) return fit;
  }
  throw wrongFormat('request body', body ?? '', form);
}

const isId = (value: unknown): value is string => typeof value === 'string';
const isIds = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length <= 1_000 && value.every(isId);

/** The profile is taken from every Flavor that has it. */
const without = (deployments: Deployments, profileIds: ReadonlySet<string>): Deployments =>
  Object.fromEntries(
    Object.entries(deployments).map(([flavorId, ids]) => [flavorId, ids.filter((id) => !profileIds.has(id))]),
  );

export const VERSION_OPERATIONS = {
  listVersions: (call: Call) => many(call.world, call.world.within('Version', serviceOf(call).id)),
  createVersion: (call: Call) => {
    const { world } = call;
    const { id } = serviceOf(call);
    const values = completed('Version', call.body);
    const version = made(call, 'Version', values, id);
    const { tag } = version.document;
    if (
      !isVersionTag(tag) ||
      world.within('Version', id).some((other) => other !== version && compareTags(other.document.tag, tag) === 0)
    )
      throw wrongFormat('tag', tag, 'major.minor.revision, another one for each Version of a Service');
    return withDeployments(call, version, version.document.allowedDeployments);
  },
  getVersion: (call: Call) => one(call.world, versionOf(call)),
  modifyVersion: (call: Call) => {
    const version = versionOf(call);
    const values = completed('Version', call.body, known(call.world, version));
    const next = changed(call.world, version, values);
    return withDeployments(call, next, next.document.allowedDeployments);
  },
  deleteVersion: (call: Call) => {
    call.world.remove(versionOf(call));
    return undefined;
  },
  listLinkedFlavors: (call: Call) => {
    const ids = flavorIdsOf(versionOf(call));
    return many(
      call.world,
      ids.map((id) => call.world.get('Flavor', id)),
    );
  },
  linkFlavors: (call: Call) => {
    const version = versionOf(call);
    const more = mapOf(call, isIds, 'a map of Flavor ids to lists of SecureComponentProfile ids');
    const added = Object.fromEntries(more.map(([id, profileIds]) => [id, [...profileIds]]));
    return withDeployments(call, version, { ...version.document.allowedDeployments, ...added });
  },
  unlinkFlavors: (call: Call) => {
    const version = versionOf(call);
    const ids = new Set(idsOf(call, 'Flavor'));
    for (const id of ids) call.world.get('Flavor', id);
    const left = Object.entries(version.document.allowedDeployments).filter(([id]) => !ids.has(id));
    return withDeployments(call, version, Object.fromEntries(left));
  },
  listAssociatedSecureComponentProfiles: (call: Call) => {
    const deployments = versionOf(call).document.allowedDeployments;
    const ids = deployments[flavorOf(call).id] ?? [];
    return { json: ids.map((id) => profileJson(call.world.profile(id))) };
  },
  listLinkedSecureComponentProfiles: (call: Call) => ({
    json: profileIdsOf(versionOf(call)).map((id) => profileJson(call.world.profile(id))),
  }),
  linkSecureComponentProfiles: (call: Call) => {
    const version = versionOf(call);
    const pairs = mapOf(call, isId, 'a map of SecureComponentProfile ids to Flavor ids');
    const left = without(version.document.allowedDeployments, new Set(pairs.map(([profileId]) => profileId)));
    // A map: an object has names of its own that no Flavor has.
    const linked = new Map(Object.entries(left));
    for (const [profileId, flavorId] of pairs) linked.set(flavorId, [...(linked.get(flavorId) ?? []), profileId]);
    return withDeployments(call, version, Object.fromEntries(linked));
  },
  unlinkSecureComponentProfiles: (call: Call) => {
    const version = versionOf(call);
    const ids = new Set(idsOf(call, 'SecureComponentProfile'));
    for (const id of ids) call.world.profile(id);
    return withDeployments(call, version, without(version.document.allowedDeployments, ids));
  },
};

// SPDX-License-Identifier: Apache-2.0
import { completed } from '../../../wire/tsms/check.ts';
import type { Entity } from '../../../wire/tsms/entities.ts';
import { type Answer, type Call, changed, flavorOf, made, many, one, plain, serviceOf } from './call.ts';
import { configsOf, loadFilesOf, versionsWithFlavors } from './relations.ts';
import { frozen, requireFlavor, requireFlavorSupported, requireNotFrozen, requireUnused } from './rules.ts';
import { idsOf, known } from './service-operations.ts';

function accepted({ world }: Call, flavor: Entity<'Flavor'>, missing: 1004 | 1006): Answer {
  requireFlavor(world, flavor, missing);
  requireFlavorSupported(world, flavor);
  return one(world, flavor);
}

/** Links and unlinks: no change is no modification, also of what is published. */
function withLoadFiles(call: Call, flavor: Entity<'Flavor'>, executableLoadFileIds: readonly string[]): Answer {
  const before = flavor.document.executableLoadFileIds;
  if (before.length === executableLoadFileIds.length) return one(call.world, flavor);
  if (flavor.document.published) throw frozen('Flavor', flavor);
  return accepted(call, changed(call.world, flavor, { ...plain(flavor.document), executableLoadFileIds }), 1006);
}

export const FLAVOR_OPERATIONS = {
  listFlavors: (call: Call) => many(call.world, call.world.within('Flavor', serviceOf(call).id)),
  createFlavor: (call: Call) => {
    const service = serviceOf(call);
    const values = completed('Flavor', call.body);
    return accepted(call, made(call, 'Flavor', { ...values, published: false }, service.id), 1004);
  },
  getFlavor: (call: Call) => one(call.world, flavorOf(call)),
  modifyFlavor: (call: Call) => {
    const flavor = flavorOf(call);
    const { published } = flavor.document;
    const values = { ...completed('Flavor', call.body, known(call.world, flavor)), published };
    requireNotFrozen('Flavor', [flavor], plain(flavor.document), values);
    return accepted(call, changed(call.world, flavor, values), 1006);
  },
  deleteFlavor: (call: Call) => {
    const flavor = flavorOf(call);
    requireUnused(flavor, versionsWithFlavors(call.world, [flavor]));
    call.world.remove(flavor);
    return undefined;
  },
  publishFlavor: (call: Call) => {
    const flavor = flavorOf(call);
    return one(call.world, changed(call.world, flavor, { ...plain(flavor.document), published: true }));
  },
  listServiceRelatedAppConfigs: (call: Call) => many(call.world, configsOf(call.world, [flavorOf(call)])),
  listServiceRelatedVersions: (call: Call) => many(call.world, versionsWithFlavors(call.world, [flavorOf(call)])),
  listLinkedElfs: (call: Call) => many(call.world, loadFilesOf(call.world, [flavorOf(call)])),
  linkElfs: (call: Call) => {
    const flavor = flavorOf(call);
    const ids = idsOf(call, 'ExecutableLoadFile');
    for (const id of ids) call.world.get('CAP', id);
    return withLoadFiles(call, flavor, [...new Set([...flavor.document.executableLoadFileIds, ...ids])]);
  },
  unlinkElfs: (call: Call) => {
    const flavor = flavorOf(call);
    const ids = new Set(idsOf(call, 'ExecutableLoadFile'));
    for (const id of ids) call.world.get('CAP', id);
    return withLoadFiles(
      call,
      flavor,
      flavor.document.executableLoadFileIds.filter((id) => !ids.has(id)),
    );
  },
};

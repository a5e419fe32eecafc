// SPDX-License-Identifier: Apache-2.0
import type { Entity } from '../../../wire/tsms/entities.ts';
import type { World } from './world.ts';

/** What belongs to what: the lists of related things (BSI TR-03165 1.0.4, 4.1.6). */

type Flavors = readonly Entity<'Flavor'>[];

const among = <T extends { readonly id: string }>(all: readonly T[], ids: Iterable<string>): T[] => {
  const wanted = new Set(ids);
  return all.filter(({ id }) => wanted.has(id));
};

export const profileIdsOf = ({ document }: Entity<'Version'>): string[] =>
  Object.values(document.allowedDeployments).flat();

export const flavorIdsOf = ({ document }: Entity<'Version'>): string[] => Object.keys(document.allowedDeployments);

export const configIdsOf = ({ document }: Entity<'Flavor'>): string[] =>
  document.applicationInstantiationConfigs.map(({ applicationConfigId }) => applicationConfigId);

export const moduleIdsOf = ({ document }: Entity<'Flavor'>): string[] =>
  document.applicationInstantiationConfigs.map(({ executableModuleId }) => executableModuleId);

export const versionsWithProfile = (world: World, profileId: string): Entity<'Version'>[] =>
  world.all('Version').filter((version) => profileIdsOf(version).includes(profileId));

/** Versions that one of these Flavors is in. */
export const versionsWithFlavors = (world: World, flavors: Flavors): Entity<'Version'>[] => {
  const ids = new Set(flavors.map(({ id }) => id));
  return world.all('Version').filter((version) => flavorIdsOf(version).some((id) => ids.has(id)));
};

export const flavorsForProfile = (world: World, profileId: string): Entity<'Flavor'>[] =>
  among(
    world.all('Flavor'),
    world
      .all('Version')
      .flatMap(({ document }) => Object.entries(document.allowedDeployments))
      .filter(([, profiles]) => profiles.includes(profileId))
      .map(([flavorId]) => flavorId),
  );

/** Flavors that link a load file, or instantiate one of its modules. */
export function flavorsWithLoadFile(world: World, loadFileId: string): Entity<'Flavor'>[] {
  const modules = new Set(world.within('ExecutableModule', loadFileId).map(({ id }) => id));
  return world
    .all('Flavor')
    .filter(
      (flavor) =>
        flavor.document.executableLoadFileIds.includes(loadFileId) || moduleIdsOf(flavor).some((id) => modules.has(id)),
    );
}

export const flavorsWithConfigs = (
  world: World,
  configs: readonly Entity<'ApplicationConfig'>[],
): Entity<'Flavor'>[] => {
  const ids = new Set(configs.map(({ id }) => id));
  return world.all('Flavor').filter((flavor) => configIdsOf(flavor).some((id) => ids.has(id)));
};

export const configsWithScript = (world: World, scriptId: string): Entity<'ApplicationConfig'>[] =>
  world
    .all('ApplicationConfig')
    .filter(({ document }) => document.personalizationConfig.personalizationScriptId === scriptId);

export const configsWithCertificate = (world: World, certificateId: string): Entity<'ApplicationConfig'>[] =>
  world
    .all('ApplicationConfig')
    .filter(({ document }) => document.personalizationConfig.certificateId === certificateId);

export const sposConfigsWithCertificate = (world: World, certificateId: string): Entity<'SposConfig'>[] =>
  world.all('SposConfig').filter(({ document }) => document.certificateId === certificateId);

export const servicesWithSposConfigs = (
  world: World,
  configs: readonly Entity<'SposConfig'>[],
): Entity<'Service'>[] => {
  const ids = new Set(configs.map(({ id }) => id));
  return world.all('Service').filter(({ document }) => ids.has(document.sposConfigId ?? ''));
};

export const servicesOf = (world: World, parts: readonly Entity<'Flavor' | 'Version'>[]): Entity<'Service'>[] =>
  among(
    world.all('Service'),
    parts.flatMap(({ parentId }) => parentId ?? []),
  );

/** Those that are linked. */
export const loadFilesOf = (world: World, flavors: Flavors): Entity<'CAP'>[] =>
  among(
    world.all('CAP'),
    flavors.flatMap(({ document }) => document.executableLoadFileIds),
  );

/** What a chip gets for Flavors: the load files that they link, and those of the modules that they instantiate. */
export function neededLoadFilesOf(world: World, flavors: Flavors): Entity<'CAP'>[] {
  const parents = flavors.flatMap(moduleIdsOf).map((id) => world.get('ExecutableModule', id).parentId ?? '');
  return among(world.all('CAP'), [...flavors.flatMap(({ document }) => document.executableLoadFileIds), ...parents]);
}

export const configsOf = (world: World, flavors: Flavors): Entity<'ApplicationConfig'>[] =>
  among(world.all('ApplicationConfig'), flavors.flatMap(configIdsOf));

/** Those of one service. */
export const ofService = <T extends { readonly parentId: string | undefined }>(
  all: readonly T[],
  serviceId: string,
): T[] => all.filter(({ parentId }) => parentId === serviceId);

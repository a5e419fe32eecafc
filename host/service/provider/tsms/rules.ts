// SPDX-License-Identifier: Apache-2.0
import type { JsonObject } from '../../../wire/tsms/attributes.ts';
import { frozenChanges } from '../../../wire/tsms/check.ts';
import type { Entity, Profile } from '../../../wire/tsms/entities.ts';
import { type Deployments, nameOfKind } from '../../../wire/tsms/entities.ts';
import { notExisting, tsmsError, wrongFormat } from '../../../wire/tsms/tsms-error.ts';
import {
  configsOf,
  flavorsWithConfigs,
  flavorsWithLoadFile,
  neededLoadFilesOf,
  versionsWithFlavors,
} from './relations.ts';
import type { World } from './world.ts';

/** What must hold between the entities (BSI TR-03165 1.0.4, 4.1.4). */

/**
 * Ids that refer to things that are there, and keys by their mode.
 *
 * @param missing category of what is mandatory and not there: of a POST, or of a PUT
 * @throws TsmsError 1004 or 1006, 1008, 1009
 */
export function requireFlavor(world: World, flavor: Entity<'Flavor'>, missing: 1004 | 1006): void {
  const { executableLoadFileIds, applicationInstantiationConfigs, featureConfig } = flavor.document;
  for (const id of executableLoadFileIds) world.get('CAP', id);
  for (const { executableModuleId, applicationConfigId } of applicationInstantiationConfigs) {
    world.get('ExecutableModule', executableModuleId);
    world.get('ApplicationConfig', applicationConfigId);
  }
  const { keyProvisioningMode: mode, keyIndex } = featureConfig;
  if (mode === 0 && keyIndex !== '')
    throw wrongFormat('featureConfig.keyIndex', keyIndex, 'empty while keyProvisioningMode is 0');
  if (mode !== 0 && keyIndex === '')
    throw tsmsError(missing, { attributeName: 'featureConfig.keyIndex', entityName: 'Flavor' });
  requireAttestable(world, flavor);
  requireOneName(world, flavor);
}

/** A card has one application of a name. @throws TsmsError 1008 */
function requireOneName(world: World, { document }: Entity<'Flavor'>): void {
  const names = document.applicationInstantiationConfigs.map(({ applicationConfigId }) =>
    world.get('ApplicationConfig', applicationConfigId).document.instanceAid.toUpperCase(),
  );
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined)
    throw wrongFormat('applicationInstantiationConfigs', twice, 'another instanceAid for each application of a Flavor');
}

/** Whoever attests needs keys that were provisioned. */
function requireAttestable(world: World, flavor: Entity<'Flavor'>): void {
  const { keyProvisioningMode: mode } = flavor.document.featureConfig;
  for (const { document } of configsOf(world, [flavor])) {
    const { provideAttestationToken, includeSecurityDomainDiversificationData: diversified } =
      document.personalizationConfig;
    if (provideAttestationToken && mode === 0)
      throw wrongFormat('featureConfig.keyProvisioningMode', mode, '1, 2 or 3, as an attestation token is asked for');
    if (diversified && mode !== 1)
      throw wrongFormat('featureConfig.keyProvisioningMode', mode, '1, as diversification data is asked for');
  }
}

export function requireConfig(world: World, config: Entity<'ApplicationConfig'>): void {
  const { activationConfig, personalizationConfig } = config.document;
  const { personalizationScriptId: script, certificateId: certificate } = personalizationConfig;
  if (script !== undefined) world.get('PersonalizationScript', script);
  if (certificate !== undefined) world.get('Certificate', certificate);
  const { makeSelectable, accessibleViaApdu, accessibleViaNfc } = activationConfig;
  if (!makeSelectable && (accessibleViaApdu || accessibleViaNfc)) {
    const name = accessibleViaApdu ? 'accessibleViaApdu' : 'accessibleViaNfc';
    throw wrongFormat(`activationConfig.${name}`, true, 'false while makeSelectable is false');
  }
  if (personalizationConfig.includeSecurityDomainDiversificationData && !personalizationConfig.provideAttestationToken)
    throw wrongFormat(
      'personalizationConfig.includeSecurityDomainDiversificationData',
      true,
      'false while provideAttestationToken is false',
    );
  for (const flavor of flavorsWithConfigs(world, [config])) {
    requireAttestable(world, flavor);
    requireOneName(world, flavor);
  }
}

/** @throws TsmsError 1015 for what a published Flavor holds still */
export function requireNotFrozen(
  kind: 'Flavor' | 'ApplicationConfig',
  publishedBy: readonly Entity<'Flavor'>[],
  before: JsonObject,
  after: JsonObject,
): void {
  const published = publishedBy.find(({ document }) => document.published);
  if (published !== undefined && frozenChanges(kind, before, after).length > 0) throw frozen(kind, published);
}

export const frozen = (entityName: string, { id }: Entity<'Flavor'>) =>
  tsmsError(1015, { entityName, attributeValue: id });

/** @throws TsmsError 1015 when a load file is in a published Flavor */
export function requireReplaceable(world: World, loadFile: Entity<'CAP'>): void {
  const published = flavorsWithLoadFile(world, loadFile.id).find(({ document }) => document.published);
  if (published !== undefined) throw frozen('ExecutableLoadFile', published);
}

/** Flavors of this service, profiles that exist, each for one Flavor only. @throws TsmsError 1008, 1009 */
export function requireDeployments(world: World, serviceId: string, deployments: Deployments): void {
  const seen = new Set<string>();
  for (const [flavorId, profileIds] of Object.entries(deployments)) {
    if (world.get('Flavor', flavorId).parentId !== serviceId) throw notExisting('Flavor', flavorId);
    for (const profileId of profileIds) {
      world.profile(profileId);
      if (seen.has(profileId))
        throw wrongFormat('allowedDeployments', profileId, 'each SecureComponentProfile for one Flavor only');
      seen.add(profileId);
    }
  }
}

/** @throws TsmsError 1016 when a chip does not have what its Flavor, or a load file of that, needs */
export function requireSupported(world: World, versions: readonly Entity<'Version'>[]): void {
  for (const { document } of versions) {
    for (const [flavorId, profileIds] of Object.entries(document.allowedDeployments)) {
      const flavor = world.get('Flavor', flavorId);
      const loadFiles = neededLoadFilesOf(world, [flavor]);
      for (const profileId of profileIds) {
        const chip = world.profile(profileId);
        for (const loadFile of loadFiles) requireChip(loadFile, chip);
        if (flavor.document.featureConfig.useCspFull && Object.keys(chip.document.csp).length === 0)
          throw tsmsError(1016, { attributeName: 'csp' });
      }
    }
  }
}

export const requireFlavorSupported = (world: World, flavor: Entity<'Flavor'>): void =>
  requireSupported(world, versionsWithFlavors(world, [flavor]));

function requireChip(loadFile: Entity<'CAP'>, { document: chip }: Profile): void {
  const { javaCardVersion, gpApiVersion } = loadFile.document.technicalRequirements;
  if (isOlder(chip.javaCardVersion, javaCardVersion)) throw tsmsError(1016, { attributeName: 'javaCardVersion' });
  if (gpApiVersion !== undefined && isOlder(chip.gpApiVersions.card ?? '0', gpApiVersion))
    throw tsmsError(1016, { attributeName: 'gpApiVersion' });
}

/** Versions of numbers and dots. */
export function isOlder(has: string, wanted: string): boolean {
  const [own, other] = [has, wanted].map((text) => text.split('.').map(Number));
  for (let index = 0; index < Math.max(own?.length ?? 0, other?.length ?? 0); index += 1) {
    const difference = (own?.[index] ?? 0) - (other?.[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** @throws TsmsError 1010 when something refers to it */
export function requireUnused(entity: Entity, ...users: readonly (readonly Entity[])[]): void {
  const user = users.flat()[0];
  if (user !== undefined)
    throw tsmsError(1010, { entityName: nameOfKind(entity.kind), entityNameWhereUsed: nameOfKind(user.kind) });
}

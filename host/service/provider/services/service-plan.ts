// SPDX-License-Identifier: Apache-2.0
import type { PlacedApplication } from '../../../store/provider/service-tables.ts';
import type { DocumentOf, Entity } from '../../../wire/tsms/entities.ts';
import { compareTags } from '../../../wire/tsms/formats.ts';
import { refusal } from '../../tsm-refusal.ts';
import type { World } from '../tsms/world.ts';

/** What a Version means for a chip, read from what its service provider has entered. */

type Config = DocumentOf<'ApplicationConfig'>;

/** More do not fit into one deployment. */
const MAX_APPLICATIONS = 8;
/** Load files without an application. */
const MAX_LIBRARIES = 8;
/** What the attribute holds: 255 characters. */
const MAX_PARAMETERS = 127;

export function findVersion(world: World, serviceId: string, tag: string): Entity<'Version'> | undefined {
  return world.within('Version', serviceId).find(({ document }) => compareTags(document.tag, tag) === 0);
}

/** The published Flavor of a Version for a chip; a profile is in one Flavor at most. */
export function flavorFor(world: World, version: Entity<'Version'>, profileId: string): Entity<'Flavor'> | undefined {
  const entry = Object.entries(version.document.allowedDeployments).find(([, ids]) => ids.includes(profileId));
  if (entry === undefined) return undefined;
  const flavor = world.within('Flavor', version.parentId ?? '').find(({ id }) => id === entry[0]);
  return flavor?.document.published === true ? flavor : undefined;
}

/** Tags that fit `a.b.c`, `a.b.x`, `a.x.x` or `x.x.x`, the highest first. */
export function versionsFitting(world: World, serviceId: string, pattern: string): Entity<'Version'>[] {
  const wanted = pattern.split('.');
  const fits = (tag: string) =>
    tag.split('.').every((part, at) => wanted[at] === 'x' || Number(wanted[at]) === Number(part));
  return world
    .within('Version', serviceId)
    .filter(({ document }) => fits(document.tag))
    .sort((one, other) => compareTags(other.document.tag, one.document.tag));
}

/**
 * Applications of a Flavor in the order of their priority.
 *
 * @throws TsmError `invalid-argument` for what this platform does not do: privileges, attestation tokens, keys and
 *     certificates for the application's own use, the registry of contactless applications
 */
export function applicationsOf(world: World, flavor: Entity<'Flavor'>): PlacedApplication[] {
  const { applicationInstantiationConfigs: configs, featureConfig } = flavor.document;
  if (featureConfig.keyProvisioningMode !== 0)
    throw refusal(
      'INVALID_ARGUMENT',
      'Flavors with keys in the security domain (keyProvisioningMode) are not deployed',
    );
  if (configs.length === 0 || configs.length > MAX_APPLICATIONS)
    throw refusal('INVALID_ARGUMENT', `A Flavor that is deployed has 1 to ${MAX_APPLICATIONS} applications`);
  const libraries = librariesOf(world, flavor);
  return configs
    .toSorted((one, other) => one.priority - other.priority)
    .map(({ executableModuleId, applicationConfigId }, at) => {
      const module = world.get('ExecutableModule', executableModuleId);
      const loadFile = world.get('CAP', module.parentId ?? '');
      const { document } = world.get('ApplicationConfig', applicationConfigId);
      requirePossible(document);
      const { personalizationScriptId: scriptId } = document.personalizationConfig;
      const { applicationSpecificInstallParameter: written } = document.installConfig;
      // The published example has spaces between the bytes.
      const parameters = written.replaceAll(/\s/g, '').toUpperCase();
      if (parameters.length > 2 * MAX_PARAMETERS)
        throw refusal('INVALID_ARGUMENT', `Install parameters of more than ${MAX_PARAMETERS} bytes are not deployed`);
      return {
        instanceAid: document.instanceAid.toUpperCase(),
        moduleAid: module.document.aid.toUpperCase(),
        loadFileAid: loadFile.document.aid.toUpperCase(),
        elfId: loadFile.id,
        uploadDate: loadFile.document.uploadDate,
        personalized: false,
        ...(at === 0 && libraries.length > 0 ? { libraries } : {}),
        parameters,
        ...(document.activationConfig.makeSelectable ? {} : { selectable: false as const }),
        ...(scriptId === undefined || scriptId === '' ? {} : { scriptId }),
      };
    });
}

/** Load files that the Flavor links and makes no application of: others import them. */
function librariesOf(world: World, { document }: Entity<'Flavor'>) {
  const modules = document.applicationInstantiationConfigs.map(({ executableModuleId: id }) => id);
  const parents = modules.map((id) => world.get('ExecutableModule', id).parentId);
  const ids = document.executableLoadFileIds.filter((id) => !parents.includes(id));
  if (ids.length > MAX_LIBRARIES)
    throw refusal('INVALID_ARGUMENT', `Flavors with more than ${MAX_LIBRARIES} libraries are not deployed`);
  return ids.map((elfId) => {
    const { aid, uploadDate } = world.get('CAP', elfId).document;
    return { loadFileAid: aid.toUpperCase(), elfId, uploadDate };
  });
}

/** @throws TsmError `invalid-argument` naming the attribute that asks for what is not done here */
function requirePossible({ installConfig, activationConfig, personalizationConfig }: Config): void {
  const { privileges } = installConfig;
  const { certificateId = '', provideAttestationToken } = personalizationConfig;
  const asked = [
    ['privileges', privileges.length > 0],
    ['provideAttestationToken', provideAttestationToken],
    ['certificateId', certificateId !== ''],
    ['accessibleViaNfc', activationConfig.accessibleViaNfc],
  ] as const;
  const wrong = asked.find(([, wanted]) => wanted);
  if (wrong !== undefined)
    throw refusal('INVALID_ARGUMENT', `Applications whose config has ${wrong[0]} are not deployed`);
}

type LoadedFile = Pick<PlacedApplication, 'loadFileAid' | 'elfId' | 'uploadDate'>;
const fileOf = ({ loadFileAid, elfId, uploadDate }: LoadedFile) => [loadFileAid, elfId, uploadDate];
const librariesWith = ({ libraries = [], formerLibraries = [] }: PlacedApplication): readonly LoadedFile[] => [
  ...libraries,
  ...formerLibraries,
];
const filesOf = (application: PlacedApplication): readonly LoadedFile[] => [...librariesWith(application), application];
/** Another upload under the same name. */
const isOtherFile = (one: LoadedFile, other: LoadedFile): boolean =>
  one.loadFileAid === other.loadFileAid && fileOf(one).join() !== fileOf(other).join();

/** The same file, module and parameters under the same name. Libraries beside it do not change it. */
const isSame = (one: PlacedApplication, other: PlacedApplication): boolean =>
  one.instanceAid === other.instanceAid &&
  one.moduleAid === other.moduleAid &&
  one.elfId === other.elfId &&
  one.uploadDate === other.uploadDate &&
  one.parameters === other.parameters &&
  one.selectable === other.selectable;

/**
 * The first AID among what is wanted that another one on the card has: of an instance, of a load file that is another
 * upload, so that one would run the other's code, or of one where the other has it as the other kind: DELETE takes
 * whatever has the name.
 */
export function takenName(
  wanted: readonly PlacedApplication[],
  others: readonly PlacedApplication[],
): string | undefined {
  const names = new Set(others.map(({ instanceAid }) => instanceAid));
  const files = new Map(others.flatMap(filesOf).map((file) => [file.loadFileAid, file]));
  for (const application of wanted) {
    const { instanceAid } = application;
    if (names.has(instanceAid) || files.has(instanceAid)) return instanceAid;
    for (const file of filesOf(application)) {
      if (names.has(file.loadFileAid)) return file.loadFileAid;
      const there = files.get(file.loadFileAid);
      if (there !== undefined && isOtherFile(there, file)) return file.loadFileAid;
    }
  }
  return undefined;
}

/** AIDs of what a load file of this service provider imports. */
type ImportsOf = (elfId: string) => readonly string[];

/**
 * Is a file of the card to become another file of its name, while what imports it would stay? A library may be imported
 * by each application; the file of an application by those that say so.
 */
function replacesImported(
  placed: readonly PlacedApplication[],
  wanted: readonly PlacedApplication[],
  importsOf: ImportsOf,
): boolean {
  const staying = wanted.filter((application) => placed.some((old) => isSame(application, old)));
  const imported = new Set([...staying, ...wanted.flatMap(librariesWith)].flatMap(({ elfId }) => importsOf(elfId)));
  const wantedFiles = wanted.flatMap(filesOf);
  const wantedLibraries = wanted.flatMap(librariesWith);
  return placed.some(
    (old) =>
      librariesWith(old).some((library) => wantedFiles.some((file) => isOtherFile(library, file))) ||
      wantedLibraries.some((library) => isOtherFile(old, library)) ||
      (imported.has(old.loadFileAid) && wanted.some((application) => isOtherFile(old, application))),
  );
}

/**
 * What stands and is not wanted, and what is wanted with what is known of it. An application that stays keeps its data:
 * it goes when it is another one, or a file that it may import is replaced, and not for its place or a library more or
 * less. A library that is wanted no more stays on the card as long as the application that it came with.
 */
export function changeOf(
  placed: readonly PlacedApplication[],
  wanted: readonly PlacedApplication[],
  importsOf: ImportsOf,
): { readonly removals: PlacedApplication[]; readonly applications: PlacedApplication[] } {
  const replaced = replacesImported(placed, wanted, importsOf);
  const removals = placed.filter((old) => replaced || !wanted.some((application) => isSame(application, old)));
  const gone = new Set(removals.map(({ instanceAid }) => instanceAid));
  const names = new Set(wanted.flatMap(filesOf).map(({ loadFileAid }) => loadFileAid));
  const applications = wanted.map((application) => {
    const stays = !gone.has(application.instanceAid);
    const known = placed.filter((old) => isSame(application, old));
    const [first] = known;
    const personalized = stays && first?.personalized === true && first.scriptId === application.scriptId;
    const earlier = stays ? known.flatMap(librariesWith).filter(({ loadFileAid }) => !names.has(loadFileAid)) : [];
    const formerLibraries = [...new Map(earlier.map((file) => [fileOf(file).join(), file])).values()];
    return { ...application, ...(formerLibraries.length === 0 ? {} : { formerLibraries }), personalized };
  });
  return { removals, applications };
}

// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../../errors.ts';
import { API_PACKAGES, JAVA_CARD_RELEASES, releaseWith } from '../../../wire/cap/api-packages.ts';
import { type CapFile, decodeCapFile } from '../../../wire/cap/cap-file.ts';
import { importsOf } from '../../../wire/cap/needs.ts';
import { packageNameOf } from '../../../wire/cap/package-name.ts';
import { aidToHex } from '../../../wire/gp/aid.ts';
import type { JsonObject } from '../../../wire/tsms/attributes.ts';
import type { Entity } from '../../../wire/tsms/entities.ts';
import { notExisting, tsmsError } from '../../../wire/tsms/tsms-error.ts';
import {
  type Answer,
  type Call,
  changed,
  loadFileOf,
  made,
  many,
  moduleOf,
  one,
  profileJson,
  serviceOf,
  type Upload,
} from './call.ts';
import { flavorsWithLoadFile, moduleIdsOf, ofService, servicesOf, versionsWithFlavors } from './relations.ts';
import { requireReplaceable, requireSupported, requireUnused } from './rules.ts';

const GLOBALPLATFORM_PACKAGE = 'A00000015100';

/** @throws TsmsError 1011, 1013 */
function capOf(upload: Upload | undefined): {
  readonly file: Upload;
  readonly cap: CapFile;
  readonly values: JsonObject;
} {
  if (upload === undefined || upload.bytes.length === 0) throw tsmsError(1011);
  try {
    const cap = decodeCapFile(upload.bytes);
    return { file: upload, cap, values: described(cap) };
  } catch (error) {
    if (error instanceof WireError) throw tsmsError(1013, { fileTypeList: 'cap' });
    throw error;
  }
}

/** What the TSM reads from the binary: package, imports, and the releases that have them. */
function described(cap: CapFile): JsonObject {
  const imports = importsOf(cap).map(({ aid, version }) => ({ aid: aidToHex(aid), version }));
  const releases = imports
    .filter(({ aid }) => API_PACKAGES.has(aid))
    .map(({ aid, version }) => releaseWith(aid, version) ?? '255.255.255');
  const release = releases.toSorted((a, b) => order(a) - order(b)).at(-1) ?? JAVA_CARD_RELEASES[0];
  const gpApiVersion = imports.find(({ aid }) => aid === GLOBALPLATFORM_PACKAGE)?.version;
  return {
    aid: aidToHex(cap.packageAid),
    type: 'CAP',
    packageName: packageNameOf(cap),
    importedPackages: imports.map(({ aid }) => aid),
    packageVersion: cap.packageVersion,
    technicalRequirements: {
      javaCardVersion: threeParts(release),
      ...(gpApiVersion === undefined ? {} : { gpApiVersion }),
    },
  };
}

/** A release that nobody knows is newer than all. */
const order = (release: string): number => {
  const index = JAVA_CARD_RELEASES.findIndex((known: string) => known === release);
  return index < 0 ? JAVA_CARD_RELEASES.length : index;
};
const threeParts = (release: string): string => (release.split('.').length === 2 ? `${release}.0` : release);

/** Modules keep their ids by AID; one that is gone may not be in use. */
function putModules(call: Call, loadFile: Entity<'CAP'>, cap: CapFile): void {
  const { world } = call;
  const aids = cap.applets.map(aidToHex);
  const modules = world.within('ExecutableModule', loadFile.id);
  const used = new Set(world.all('Flavor').flatMap(moduleIdsOf));
  for (const module of modules.filter(({ document }) => !aids.includes(document.aid))) {
    if (used.has(module.id)) throw notExisting('ExecutableModule', module.document.aid);
    world.remove(module);
  }
  const held = modules.map(({ document }) => document.aid);
  for (const aid of aids.filter((name) => !held.includes(name))) made(call, 'ExecutableModule', { aid }, loadFile.id);
}

const flavorsOf = (call: Call): Entity<'Flavor'>[] => flavorsWithLoadFile(call.world, loadFileOf(call).id);

function stored({ world, now }: Call, { id }: Entity<'CAP'>, { file, values }: ReturnType<typeof capOf>): JsonObject {
  world.contents.set(id, file.bytes);
  return { ...values, fileName: file.fileName, uploadDate: now.toISOString() };
}

export const LOAD_FILE_OPERATIONS = {
  listElfs: ({ world }: Call) => many(world, world.all('CAP')),
  createElfAndUploadBinary: (call: Call): Answer => {
    const read = capOf(call.upload);
    const { file, values, cap } = read;
    const uploadDate = call.now.toISOString();
    const loadFile = made(call, 'CAP', { ...values, fileName: file.fileName, uploadDate });
    call.world.contents.set(loadFile.id, file.bytes);
    putModules(call, loadFile, cap);
    return one(call.world, loadFile);
  },
  getElf: (call: Call) => one(call.world, loadFileOf(call)),
  modifyElfAndOverwriteBinary: (call: Call): Answer => {
    const loadFile = loadFileOf(call);
    const read = capOf(call.upload);
    requireReplaceable(call.world, loadFile);
    putModules(call, loadFile, read.cap);
    const next = changed(call.world, loadFile, stored(call, loadFile, read));
    requireSupported(call.world, versionsWithFlavors(call.world, flavorsWithLoadFile(call.world, loadFile.id)));
    return one(call.world, next);
  },
  deleteElf: (call: Call) => {
    const { world } = call;
    const loadFile = loadFileOf(call);
    requireUnused(loadFile, flavorsOf(call));
    for (const module of world.within('ExecutableModule', loadFile.id)) world.remove(module);
    world.remove(loadFile);
    return undefined;
  },
  getElfBinary: (call: Call): Answer => {
    const { id, document } = loadFileOf(call);
    return { contentOf: id, fileName: document.fileName };
  },
  listEms: (call: Call) => many(call.world, call.world.within('ExecutableModule', loadFileOf(call).id)),
  getEm: (call: Call) => one(call.world, moduleOf(call)),
  listElfRelatedAppConfigs: (call: Call) => {
    const module = moduleOf(call);
    const ids = call.world
      .all('Flavor')
      .flatMap(({ document }) => document.applicationInstantiationConfigs)
      .filter(({ executableModuleId }) => executableModuleId === module.id)
      .map(({ applicationConfigId }) => applicationConfigId);
    return many(
      call.world,
      [...new Set(ids)].map((id) => call.world.get('ApplicationConfig', id)),
    );
  },
  listElfRelatedServices: (call: Call) => many(call.world, servicesOf(call.world, flavorsOf(call))),
  listElfRelatedFlavors: (call: Call) => many(call.world, ofService(flavorsOf(call), serviceOf(call).id)),
  listElfRelatedVersions: (call: Call) => many(call.world, versionsOfService(call)),
  listElfRelatedSecureComponentProfiles: (call: Call) => {
    const flavorIds = new Set(flavorsOf(call).map(({ id }) => id));
    const ids = versionsOfService(call)
      .flatMap(({ document }) => Object.entries(document.allowedDeployments))
      .flatMap(([flavorId, profileIds]) => (flavorIds.has(flavorId) ? profileIds : []));
    return { json: [...new Set(ids)].map((id) => profileJson(call.world.profile(id))) };
  },
};

const versionsOfService = (call: Call): Entity<'Version'>[] =>
  ofService(versionsWithFlavors(call.world, flavorsOf(call)), serviceOf(call).id);

// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { completed } from '../../../wire/tsms/check.ts';
import type { Entity } from '../../../wire/tsms/entities.ts';
import { tsmsError } from '../../../wire/tsms/tsms-error.ts';
import {
  type Answer,
  type Call,
  certificateOf,
  changed,
  configOf,
  made,
  many,
  one,
  plain,
  profileJson,
  profileOf,
  scriptOf,
  serviceOf,
  sposConfigOf,
  type Upload,
} from './call.ts';
import {
  configsWithCertificate,
  configsWithScript,
  flavorsForProfile,
  flavorsWithConfigs,
  neededLoadFilesOf,
  ofService,
  servicesOf,
  servicesWithSposConfigs,
  sposConfigsWithCertificate,
  versionsWithProfile,
} from './relations.ts';
import { requireConfig, requireNotFrozen, requireUnused } from './rules.ts';
import { known } from './service-operations.ts';

export const CONFIG_OPERATIONS = {
  listAppConfigs: ({ world }: Call) => many(world, world.all('ApplicationConfig')),
  createAppConfig: (call: Call) => {
    const config = made(call, 'ApplicationConfig', completed('ApplicationConfig', call.body));
    requireConfig(call.world, config);
    return one(call.world, config);
  },
  getAppConfig: (call: Call) => one(call.world, configOf(call)),
  modifyAppConfig: (call: Call) => {
    const { world } = call;
    const config = configOf(call);
    const values = completed('ApplicationConfig', call.body, known(world, config));
    requireNotFrozen('ApplicationConfig', flavorsWithConfigs(world, [config]), plain(config.document), values);
    const next = changed(world, config, values);
    requireConfig(world, next);
    return one(world, next);
  },
  deleteAppConfig: (call: Call) => {
    const config = configOf(call);
    requireUnused(config, flavorsWithConfigs(call.world, [config]));
    call.world.remove(config);
    return undefined;
  },
  listAppConfigRelatedEms: (call: Call) => {
    const { id } = configOf(call);
    const ids = call.world
      .all('Flavor')
      .flatMap(({ document }) => document.applicationInstantiationConfigs)
      .filter(({ applicationConfigId }) => applicationConfigId === id)
      .map(({ executableModuleId }) => executableModuleId);
    return many(
      call.world,
      [...new Set(ids)].map((moduleId) => call.world.get('ExecutableModule', moduleId)),
    );
  },
  listAppConfigRelatedFlavors: (call: Call) => many(call.world, flavorsWithConfigs(call.world, [configOf(call)])),
  listAppConfigRelatedServices: (call: Call) =>
    many(call.world, servicesOf(call.world, flavorsWithConfigs(call.world, [configOf(call)]))),
};

/** @throws TsmsError 1011 */
function fileOf({ upload }: Call): Upload {
  if (upload === undefined || upload.bytes.length === 0) throw tsmsError(1011);
  return upload;
}

/** @throws TsmsError 1011, 1013 */
function certificateFileOf(call: Call): Upload {
  const file = fileOf(call);
  try {
    new X509Certificate(file.bytes);
    return file;
  } catch {
    throw tsmsError(1013, { fileTypeList: 'X.509 certificates in PEM or DER' });
  }
}

function created(call: Call, kind: 'PersonalizationScript' | 'Certificate', { fileName, bytes }: Upload): Answer {
  const entity = made(call, kind, { fileName, uploadDate: call.now.toISOString() });
  call.world.contents.set(entity.id, bytes);
  return one(call.world, entity);
}

function replaced(
  call: Call,
  entity: Entity<'PersonalizationScript'> | Entity<'Certificate'>,
  { fileName, bytes }: Upload,
): Answer {
  call.world.contents.set(entity.id, bytes);
  const next: Entity<'PersonalizationScript' | 'Certificate'> = entity;
  return one(call.world, changed(call.world, next, { fileName, uploadDate: call.now.toISOString() }));
}

const contentOf = ({ id, document }: Entity<'PersonalizationScript' | 'Certificate'>): Answer => ({
  contentOf: id,
  fileName: document.fileName,
});

const configsOfScript = (call: Call) => configsWithScript(call.world, scriptOf(call).id);
const flavorsOfScript = (call: Call) => flavorsWithConfigs(call.world, configsOfScript(call));

export const SCRIPT_OPERATIONS = {
  listPersoScripts: ({ world }: Call) => many(world, world.all('PersonalizationScript')),
  createPersoScriptAndUploadBinary: (call: Call) => created(call, 'PersonalizationScript', fileOf(call)),
  getPersoScript: (call: Call) => one(call.world, scriptOf(call)),
  modifyPersoScriptAndOverwriteBinary: (call: Call) => replaced(call, scriptOf(call), fileOf(call)),
  deletePersoScript: (call: Call) => {
    requireUnused(scriptOf(call), configsOfScript(call));
    call.world.remove(scriptOf(call));
    return undefined;
  },
  getScriptBinary: (call: Call) => contentOf(scriptOf(call)),
  listScriptRelatedAppConfigs: (call: Call) => many(call.world, configsOfScript(call)),
  listScriptRelatedFlavors: (call: Call) => many(call.world, flavorsOfScript(call)),
  listScriptRelatedServices: (call: Call) => many(call.world, servicesOf(call.world, flavorsOfScript(call))),
};

const configsOfCertificate = (call: Call) => configsWithCertificate(call.world, certificateOf(call).id);
const flavorsOfCertificate = (call: Call) => flavorsWithConfigs(call.world, configsOfCertificate(call));
const sposConfigsOfCertificate = (call: Call) => sposConfigsWithCertificate(call.world, certificateOf(call).id);

export const CERTIFICATE_OPERATIONS = {
  listCerts: ({ world }: Call) => many(world, world.all('Certificate')),
  createCertAndUploadBinary: (call: Call) => created(call, 'Certificate', certificateFileOf(call)),
  getCert: (call: Call) => one(call.world, certificateOf(call)),
  modifyCertAndOverwriteBinary: (call: Call) => replaced(call, certificateOf(call), certificateFileOf(call)),
  deleteCert: (call: Call) => {
    requireUnused(certificateOf(call), configsOfCertificate(call), sposConfigsOfCertificate(call));
    call.world.remove(certificateOf(call));
    return undefined;
  },
  getCertBinary: (call: Call) => contentOf(certificateOf(call)),
  listCertRelatedAppConfigs: (call: Call) => many(call.world, configsOfCertificate(call)),
  listCertRelatedFlavors: (call: Call) => many(call.world, flavorsOfCertificate(call)),
  listCertRelatedServices: (call: Call) => {
    const { world } = call;
    const bySpos = servicesWithSposConfigs(world, sposConfigsOfCertificate(call));
    return many(world, [...new Set([...servicesOf(world, flavorsOfCertificate(call)), ...bySpos])]);
  },
  listCertRelatedSposConfigs: (call: Call) => many(call.world, sposConfigsOfCertificate(call)),
};

function requireSposConfig({ world }: Call, config: Entity<'SposConfig'>): Answer {
  world.get('Certificate', config.document.certificateId);
  return one(world, config);
}

export const SPOS_OPERATIONS = {
  listSposConfigs: ({ world }: Call) => many(world, world.all('SposConfig')),
  createSposConfig: (call: Call) =>
    requireSposConfig(call, made(call, 'SposConfig', completed('SposConfig', call.body))),
  getSposConfig: (call: Call) => one(call.world, sposConfigOf(call)),
  modifySposConfig: (call: Call) => {
    const config = sposConfigOf(call);
    const values = completed('SposConfig', call.body, known(call.world, config));
    return requireSposConfig(call, changed(call.world, config, values));
  },
  deleteSposConfig: (call: Call) => {
    const config = sposConfigOf(call);
    requireUnused(config, servicesWithSposConfigs(call.world, [config]));
    call.world.remove(config);
    return undefined;
  },
  listSposConfigRelatedServices: (call: Call) =>
    many(call.world, servicesWithSposConfigs(call.world, [sposConfigOf(call)])),
};

export const PROFILE_OPERATIONS = {
  listSecureComponentProfiles: ({ world }: Call) => ({ json: world.profiles.map(profileJson) }),
  getSecureComponentProfile: (call: Call) => ({ json: profileJson(profileOf(call)) }),
  listScpRelatedElfs: (call: Call) =>
    many(call.world, neededLoadFilesOf(call.world, flavorsForProfile(call.world, profileOf(call).id))),
  listScpRelatedServices: (call: Call) =>
    many(call.world, servicesOf(call.world, versionsWithProfile(call.world, profileOf(call).id))),
  listScpRelatedFlavors: (call: Call) =>
    many(call.world, ofService(flavorsForProfile(call.world, profileOf(call).id), serviceOf(call).id)),
  listScpRelatedVersions: (call: Call) =>
    many(call.world, ofService(versionsWithProfile(call.world, profileOf(call).id), serviceOf(call).id)),
};

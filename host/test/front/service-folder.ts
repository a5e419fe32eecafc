// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Type } from 'typebox';
import { Parse } from 'typebox/value';
import type { Platforms } from '../../lab/platforms.ts';
import { CHIP } from '../conformance/chip.ts';
import type { PublishedClient } from '../conformance/published-client.ts';

/** Services as their provider enters them over HTTPS: nothing here knows what a service does. */

const ROOT = join(import.meta.dirname, '../../..');
const PROFILE = '44444444-4444-4444-8444-444444444444';

export interface ServiceFiles {
  readonly name: string;
  readonly instanceAid: string;
  readonly installParameters: string;
  readonly cap: Uint8Array;
  /** PersonalizationScript. */
  readonly personalization: Uint8Array;
}

/** The chip of all cards. */
export async function enterChip(platforms: Platforms): Promise<void> {
  const operator = await platforms.client('provider-a');
  const chip = `/v1/secure-component-profiles/${PROFILE}`;
  await operator.call({ method: 'PUT', path: chip, body: CHIP });
  const ranges = [{ kind: 'iccid', first: '00000000000000000000', last: '99999999999999999999' }];
  await operator.call({ method: 'PUT', path: `${chip}/cards`, body: { ranges } });
}

/** The CAP file and the script uploaded, the service with its version 1.0.0 entered. @returns its id */
export async function enterService(
  client: PublishedClient,
  token: string,
  { name, instanceAid, installParameters, cap, personalization }: ServiceFiles,
): Promise<string> {
  const idOf = async (operation: string, sent: object): Promise<string> => {
    const { json } = await client.call(operation, { token, ...sent });
    return String(Object(json).id);
  };
  const elfId = await idOf('createElfAndUploadBinary', { file: { name: `${name}.cap`, bytes: cap } });
  const script = { name: `${name}.json`, bytes: personalization };
  const personalizationScriptId = await idOf('createPersoScriptAndUploadBinary', { file: script });
  const modules = await client.call('listEms', { token, params: { elfId } });
  const executableModuleId = String((modules.json as { id: string }[])[0]?.id);
  const applicationConfigId = await idOf('createAppConfig', {
    body: {
      instanceAid,
      personalizationConfig: { personalizationScriptId },
      installConfig: { applicationSpecificInstallParameter: installParameters },
    },
  });
  const serviceId = await idOf('createService', { body: { name } });
  const params = { serviceId };
  const applicationInstantiationConfigs = [{ executableModuleId, applicationConfigId }];
  const body = { executableLoadFileIds: [elfId], applicationInstantiationConfigs };
  const flavorId = await idOf('createFlavor', { params, body });
  await client.call('publishFlavor', { token, params: { serviceId, flavorId } });
  const version = { tag: '1.0.0', allowedDeployments: { [flavorId]: [PROFILE] } };
  await client.call('createVersion', { token, params, body: version });
  return serviceId;
}

const Description = Type.Object({
  name: Type.String(),
  instanceAid: Type.String(),
  installParameters: Type.String(),
  /** Files of scripts by action code. */
  actions: Type.Record(Type.String(), Type.String()),
});
const Script = Type.Object({ name: Type.String(), version: Type.String() });

/** A folder with `build.xml`, `service.json`, `personalization.json` and scripts, as a service of this provider. */
export async function enterFolder(client: PublishedClient, token: string, folder: string): Promise<string> {
  const bytes = async (file: string) => new Uint8Array(await readFile(join(folder, file)));
  const text = async (file: string): Promise<unknown> => JSON.parse(await readFile(join(folder, file), 'utf8'));
  const { actions, ...description } = Parse(Description, await text('service.json'));
  const cap = join(ROOT, 'build/cap', `${description.name}.cap`);
  const converter = join(ROOT, 'toolchain/bin/ant-javacard.mjs');
  await promisify(execFile)(process.execPath, [converter, `-Dcap=${cap}`], { cwd: folder });
  const files = { cap: new Uint8Array(await readFile(cap)), personalization: await bytes('personalization.json') };
  const serviceId = await enterService(client, token, { ...description, ...files });
  for (const [code, file] of Object.entries(actions)) {
    const script = Parse(Script, await text(file));
    const { name, version } = script;
    const base = `/ext/1/services/${serviceId}`;
    const at = `${base}/scripts/${name}/${version}`;
    await done(client.beside('PUT', at, { token, body: Object(await text(file)) }));
    await done(client.beside('POST', `${at}/publish`, { token }));
    await done(client.beside('PUT', `${base}/actions/${code}`, { token, body: { script: name, version } }));
  }
  return serviceId;
}

async function done(answer: ReturnType<PublishedClient['beside']>): Promise<void> {
  const { status, json } = await answer;
  if (status !== 204) throw new TypeError(`${status}: ${JSON.stringify(json)}`);
}

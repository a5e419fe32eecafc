// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { FormData } from 'undici';
import { attributesOf, type EntityName, isAssigned } from '../../wire/tsms/attributes.ts';
import { OPERATIONS, TEXTS } from '../../wire/tsms/published.ts';
import { tellFigure } from './figures.ts';
import { type Made, makeOneOfEach, NEW_CHIP, OLD_CHIP, TsmsLab, UNKNOWN } from './tsms-fixture.ts';

/** Each category of error with its text, and what a provider may not see. */
describe('TSM-Backend, what it refuses', () => {
  let lab: TsmsLab;
  let made: Made;
  let stranger: string;
  const seen = new Set<number>();
  before(async function () {
    this.timeout(120_000);
    lab = await TsmsLab.start();
    made = await makeOneOfEach(lab, await lab.token());
    stranger = await lab.token(1);
  });
  after(async () => {
    await lab[Symbol.asyncDispose]();
  });

  async function refused(operation: string, category: number, sent: object = {}, params: object = {}): Promise<string> {
    const message = await lab.client.refused(operation, category, {
      token: made.token,
      params: { ...made, ...params },
      ...sent,
    });
    seen.add(category);
    const template = Object.entries(TEXTS).find(([key]) => Number(key) === category)?.[1];
    // 1002 and 2000 have their reasons in place of the example's.
    const pattern = template?.replace(/^(Invalid|Internal server error): .*$/, '$1: <<reason>>');
    if (pattern !== undefined) expect(message).to.match(patternOf(pattern));
    return message;
  }

  it('an operation without a token, with a wrong one, or with the long-term one', async () => {
    for (const { id } of OPERATIONS.filter(({ id: name }) => name !== 'createAccessToken')) {
      await refused(id, 1000, { token: undefined });
      await refused(id, 1000, { token: lab.longTerm[0] });
    }
    await refused('createAccessToken', 1001, { token: undefined });
    await refused('createAccessToken', 1001, { token: made.token });
  });

  it('tokens that were taken away', async () => {
    const account = await lab.backend.createProvider('third', 'test');
    const { json } = await lab.client.call('createAccessToken', { token: account.longTermToken });
    await lab.client.call('listServices', { token: String(json) });
    await lab.backend.closeProvider(account.spId, 'test');
    await refused('listServices', 1000, { token: String(json) });
    await refused('createAccessToken', 1001, { token: account.longTermToken });
  });

  it('a token that is too old', async () => {
    const token = await lab.token();
    await lab.client.call('listServices', { token });
    await lab.database
      .updateTable('tsms_tokens')
      .set({ expires_at: new Date(0) as never })
      .execute();
    await refused('listServices', 1000, { token });
    made = { ...made, token: await lab.token() };
    stranger = await lab.token(1);
  });

  it('a body where there is none', async () => {
    for (const { id, body } of OPERATIONS)
      if (body === 'none' && id !== 'createAccessToken') await refused(id, 1002, { body: { a: 1 } });
    expect(await refused('createAccessToken', 1002, { token: lab.longTerm[0], body: {} })).to.equal(TEXTS[1002]);
  });

  it('bodies that are no JSON objects', async () => {
    for (const operation of ['createService', 'createFlavor', 'createVersion', 'createAppConfig', 'createSposConfig'])
      for (const body of ['{"a":', '[]', 'null', '"x"', '[['.repeat(5_000)]) await refused(operation, 1008, { body });
  });

  it('every id of another provider, as if it were not there', async () => {
    for (const { id, path, body } of OPERATIONS.filter(({ path: text }) => /:(?!scpId)/.test(text))) {
      // The profiles are everybody's; what is asked about them is not.
      const sent = body === 'json' ? { body: bodyFor(id, made) } : {};
      const file = body === 'file' ? { file: { name: 'a.cap', bytes: lab.cap } } : {};
      const message = await refused(id, 1009, { token: stranger, ...sent, ...file });
      expect(message, path).to.not.contain('undefined');
    }
    const { json } = await lab.client.call('listServices', { token: stranger });
    expect(json).to.deep.equal([]);
  });

  it('references to what is not there, or is another’s', async () => {
    for (const [operation, body] of [
      ['createService', { name: 'a', sposConfigId: UNKNOWN }],
      ['createSposConfig', { url: 'https://a.example/', certificateId: UNKNOWN }],
      ['createAppConfig', { instanceAid: 'A000000001', personalizationConfig: { certificateId: UNKNOWN } }],
      ['createAppConfig', { instanceAid: 'A000000001', personalizationConfig: { personalizationScriptId: UNKNOWN } }],
      ['createFlavor', { executableLoadFileIds: [UNKNOWN] }],
      ['createVersion', { tag: '2.0.0', allowedDeployments: { [UNKNOWN]: [NEW_CHIP] } }],
      ['createVersion', { tag: '2.0.0', allowedDeployments: { [made.flavorId]: [UNKNOWN] } }],
      ['linkElfs', [UNKNOWN]],
      ['unlinkElfs', [UNKNOWN]],
      ['linkFlavors', { [UNKNOWN]: [] }],
      ['unlinkFlavors', [UNKNOWN]],
      ['linkSecureComponentProfiles', { [UNKNOWN]: made.flavorId }],
      ['unlinkSecureComponentProfiles', [UNKNOWN]],
    ] as const)
      await refused(operation, 1009, { body });
    const { json } = await lab.client.call('createSposConfig', {
      token: made.token,
      body: { url: 'https://b.example/', certificateId: made.certificateId },
    });
    await lab.client.refused('createService', 1009, {
      token: stranger,
      body: { name: 'a', sposConfigId: (json as { id: string }).id },
    });
  });

  it('files that are missing, too many, of another kind or too big', async () => {
    for (const operation of [
      'createElfAndUploadBinary',
      'createPersoScriptAndUploadBinary',
      'createCertAndUploadBinary',
    ]) {
      await refused(operation, 1011, { body: {} });
      for (const type of ['multipart/form-data', 'multipart/form-data; boundary=', 'multipart/form-data; boundary=""'])
        await refused(operation, 1011, { body: '--a--', headers: { 'content-type': type } });
      await refused(operation, 1011, { file: { name: 'a', bytes: new Uint8Array() } });
      await refused(operation, 1014, { file: { name: 'a', bytes: new Uint8Array(4 * 1024 * 1024 + 1) } });
    }
    const text = { name: 'a.cap', bytes: new TextEncoder().encode('no archive') };
    await refused('createElfAndUploadBinary', 1013, { file: text });
    await refused('createElfAndUploadBinary', 1013, { file: { name: 'a.cap', bytes: lab.cap.slice(0, 900) } });
    await refused('createCertAndUploadBinary', 1013, { file: text });
    const form = new FormData();
    for (const name of ['a', 'b', 'c']) form.append('elfFile', new Blob(['x']), name);
    const { json } = await lab.client.sendForm('createElfAndUploadBinary', made.token, form);
    expect(json).to.deep.equal({ errorCategory: 1012, errorMessage: 'Upload failed: too many files.' });
    seen.add(1012);
  });

  it('to delete what is in use', async () => {
    for (const operation of [
      'deleteFlavor',
      'deleteElf',
      'deleteAppConfig',
      'deletePersoScript',
      'deleteCert',
      'deleteSposConfig',
    ])
      await refused(operation, 1010);
    expect(await refused('deleteElf', 1010)).to.equal('Delete failed: ExecutableLoadFile is referenced in Flavor.');
  });

  it('a chip that does not have what the code needs', async () => {
    const body = { allowedDeployments: { [made.flavorId]: [OLD_CHIP] } };
    await refused('modifyVersion', 1016, { body });
    await refused('createVersion', 1016, { body: { ...body, tag: '3.0.0' } });
    await refused('linkFlavors', 1016, { body: { [made.flavorId]: [OLD_CHIP] } });
    await refused('linkSecureComponentProfiles', 1016, { body: { [OLD_CHIP]: made.flavorId } });
    const { json } = await lab.client.call('createFlavor', { token: made.token, params: { ...made }, body: {} });
    const flavorId = String((json as { id: unknown }).id);
    await lab.client.call('linkFlavors', { token: made.token, params: { ...made }, body: { [flavorId]: [OLD_CHIP] } });
    await refused('linkElfs', 1016, { body: [made.elfId] }, { flavorId });
    await refused('modifyFlavor', 1016, { body: { executableLoadFileIds: [made.elfId] } }, { flavorId });
    const { json: version } = await lab.client.call('getVersion', { token: made.token, params: { ...made } });
    expect(version, 'nothing half done').to.deep.include({
      allowedDeployments: { [made.flavorId]: [NEW_CHIP], [flavorId]: [OLD_CHIP] },
    });
    // A load file that is not linked comes with its module.
    const applicationInstantiationConfigs = [
      { executableModuleId: made.emId, applicationConfigId: made.applicationConfigId },
    ];
    await refused('modifyFlavor', 1016, { body: { applicationInstantiationConfigs } }, { flavorId });
    const wanting = { body: { featureConfig: { useCspFull: true } } };
    expect(await refused('modifyFlavor', 1016, wanting, { flavorId })).to.contain('csp');
  });

  it('two applications of one name in a Flavor', async () => {
    const two = async (instanceAid: string) => {
      const { json } = await lab.client.call('createAppConfig', { token: made.token, body: { instanceAid } });
      const ids = [made.applicationConfigId, (json as { id: string }).id];
      return ids.map((applicationConfigId) => ({ executableModuleId: made.emId, applicationConfigId }));
    };
    const body = { name: 'two', applicationInstantiationConfigs: await two('A00000000101') };
    expect(await refused('createFlavor', 1008, { body })).to.contain('A00000000101');
    const applicationInstantiationConfigs = await two('A00000000102');
    const flavor = { ...body, applicationInstantiationConfigs };
    await lab.client.call('createFlavor', { token: made.token, params: { ...made }, body: flavor });
    const applicationConfigId = String(applicationInstantiationConfigs[1]?.applicationConfigId);
    const renamed = { body: { instanceAid: 'A00000000101' } };
    await refused('modifyAppConfig', 1008, renamed, { applicationConfigId });
  });

  it('a Flavor that has the name of something that every object has', async () => {
    for (const name of ['constructor', '__proto__', 'toString'])
      await refused('linkSecureComponentProfiles', 1009, { body: { [NEW_CHIP]: name } });
  });

  it('a chip for two Flavors of a Version, and a tag twice', async () => {
    const { json } = await lab.client.call('createFlavor', { token: made.token, params: { ...made }, body: {} });
    const other = String((json as { id: unknown }).id);
    const allowedDeployments = { [made.flavorId]: [NEW_CHIP], [other]: [NEW_CHIP] };
    await refused('createVersion', 1008, { body: { tag: '4.0.0', allowedDeployments } });
    await refused('linkFlavors', 1008, { body: { [other]: [NEW_CHIP] } });
    for (const tag of [made.tag, '01.0.00'])
      await refused('createVersion', 1008, { body: { tag, allowedDeployments: {} } });
  });

  it('a change of what is published, and takes the rest', async () => {
    await lab.client.call('publishFlavor', { token: made.token, params: { ...made } });
    await refused('modifyFlavor', 1015, { body: { executableLoadFileIds: [] } });
    await refused('modifyFlavor', 1015, { body: { applicationInstantiationConfigs: [] } });
    await refused('unlinkElfs', 1015, { body: [made.elfId] });
    await refused('modifyAppConfig', 1015, { body: { instanceAid: 'A0000000FF' } });
    expect(await refused('modifyElfAndOverwriteBinary', 1015, { file: { name: 'a.cap', bytes: lab.cap } })).to.equal(
      'Already Published: ExecutableLoadFile cannot be modified. ' +
        `It is already published via Flavor identifier ‘${made.flavorId}’.`,
    );
    await lab.client.call('linkElfs', { token: made.token, params: { ...made }, body: [made.elfId] });
    const body = { instanceAid: 'A00000000101', name: 'still free' };
    await lab.client.call('modifyAppConfig', { token: made.token, params: { ...made }, body });
  });

  for (const [entity, create, modify] of [
    ['Service', 'createService', 'modifyService'],
    ['Flavor', 'createFlavor', 'modifyFlavor'],
    ['Version', 'createVersion', 'modifyVersion'],
    ['ApplicationConfig', 'createAppConfig', 'modifyAppConfig'],
    ['SposConfig', 'createSposConfig', 'modifySposConfig'],
  ] as const) {
    it(`attributes of ${entity} that are assigned, missing, fixed, unknown or malformed`, async () => {
      const good = goodBody(entity, made);
      for (const [name, attribute] of attributesOf(entity)) {
        const without = Object.fromEntries(Object.entries(good).filter(([key]) => key !== name));
        if (isAssigned(attribute)) {
          expect(await refused(create, 1003, { body: { ...good, [name]: 'x' } })).to.contain(`attribute ${name} `);
          await refused(modify, 1005, { body: { ...good, [name]: 'x' } });
          continue;
        }
        if (attribute.presence === 'M') await refused(create, 1004, { body: without });
        if (attribute.presence === 'M' && attribute.editable !== 'No') await refused(modify, 1006, { body: without });
        if (attribute.editable === 'No') await refused(modify, 1005, { body: { ...good, [name]: '9.9.9' } });
        const wrong = attribute.type === 'string' ? 7 : 'x';
        expect(await refused(create, 1008, { body: { ...good, [name]: wrong } })).to.contain(` for ${name}`);
      }
      for (const text of ['a\u0000b', '\ud800'])
        if (entity !== 'Version')
          await refused(create, 1008, { body: { ...good, [Object.keys(good)[0] ?? '']: text } });
      expect(await refused(create, 1007, { body: { ...good, unheardOf: 1 } })).to.contain('‘unheardOf’');
      await refused(modify, 1007, { body: { ...good, unheardOf: 1 } });
    });
  }

  it('nested attributes by their full path', async () => {
    const body = (more: object) => ({ body: { ...goodBody('Flavor', made), ...more } });
    const attested = { instanceAid: 'A000000001', personalizationConfig: { provideAttestationToken: true } };
    const { json } = await lab.client.call('createAppConfig', { token: made.token, body: attested });
    const attesting = [{ executableModuleId: made.emId, applicationConfigId: (json as { id: string }).id }];
    for (const [category, more, path] of [
      [1004, { featureConfig: { keyProvisioningMode: 1 } }, 'featureConfig.keyIndex'],
      [1008, { featureConfig: { keyIndex: '1' } }, 'featureConfig.keyIndex'],
      [1008, { featureConfig: { keyProvisioningMode: 4 } }, 'featureConfig.keyProvisioningMode'],
      [1008, { applicationInstantiationConfigs: attesting }, 'featureConfig.keyProvisioningMode'],
      [1007, { featureConfig: { other: 1 } }, 'featureConfig.other'],
      [1004, { applicationInstantiationConfigs: [{}] }, 'applicationInstantiationConfigs.executableModuleId'],
    ] as const)
      expect(await refused('createFlavor', category, body(more))).to.contain(path);
    for (const more of [
      { installConfig: { privileges: ['FinalApplication'] } },
      { installConfig: { applicationSpecificInstallParameter: '0F05' } },
      { activationConfig: { makeSelectable: false, accessibleViaNfc: true } },
    ])
      await refused('createAppConfig', 1008, { body: { instanceAid: 'A000000001', ...more } });
  });

  it('a Flavor whose mode has no key, as the operation that it is', async () => {
    const { json } = await lab.client.call('createFlavor', { token: made.token, params: { ...made }, body: {} });
    const flavorId = String((json as { id: unknown }).id);
    for (const keyProvisioningMode of [1, 2, 3]) {
      const body = { featureConfig: { keyProvisioningMode } };
      const missing = 'attribute featureConfig.keyIndex is missing, but it is mandatory for Flavor.';
      expect(await refused('createFlavor', 1004, { body })).to.equal(`Create failed: ${missing}`);
      expect(await refused('modifyFlavor', 1006, { body }, { flavorId })).to.equal(`Modify failed: ${missing}`);
    }
  });

  it('addresses that could lead inside', async () => {
    for (const url of ['/relative', 'http://sp.example/', 'file:///etc/passwd', 'https://u:p@sp.example/'])
      await refused('createSposConfig', 1008, { body: { url, certificateId: made.certificateId } });
  });

  it('unknown paths and methods, without a body', async () => {
    for (const [method, path, status] of [
      ['GET', '/nothing', 404],
      ['GET', '/../v1/audit-records', 404],
      ['PATCH', '/services', 405],
      ['DELETE', '/auth', 405],
    ] as const) {
      const answer = await lab.client.raw(method, path, made.token);
      expect([answer.status, answer.bytes.length], path).to.deep.equal([status, 0]);
    }
  });

  it('tells every category that a caller can cause', () => {
    const published = new Set<number>(OPERATIONS.flatMap(({ errors }) => [...errors]));
    published.delete(2000);
    tellFigure(
      'L3',
      'categories of errors',
      [...published].filter((category) => seen.has(category)).length,
      published.size,
    );
    expect([...published].filter((category) => !seen.has(category))).to.deep.equal([]);
  });
});

function goodBody(entity: EntityName, made: Made): Readonly<Record<string, unknown>> {
  switch (entity) {
    case 'Version':
      return { tag: made.tag, allowedDeployments: {} };
    case 'ApplicationConfig':
      return { instanceAid: 'A00000000101' };
    case 'SposConfig':
      return { url: 'https://sp.example/', certificateId: made.certificateId };
    default:
      return { name: 'name' };
  }
}

function bodyFor(operation: string, made: Made): unknown {
  if (/^(link|unlink)/.test(operation)) return operation.startsWith('unlink') || operation === 'linkElfs' ? [] : {};
  if (operation.endsWith('Version')) return { ...goodBody('Version', made), tag: '1.0.0' };
  if (operation.endsWith('AppConfig')) return goodBody('ApplicationConfig', made);
  if (operation.endsWith('SposConfig')) return goodBody('SposConfig', made);
  return { name: 'name' };
}

/** The text with anything in its places. */
const patternOf = (template: string): RegExp =>
  new RegExp(`^${template.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/<<.*?>>/g, '[^]*')}$`);

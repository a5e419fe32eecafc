// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { FormData } from 'undici';
import { OPERATIONS } from '../../wire/tsms/published.ts';
import { tellFigure } from './figures.ts';
import { type Made, makeOneOfEach, NEW_CHIP, OLD_CHIP, TsmsLab, UNKNOWN } from './tsms-fixture.ts';

type Thing = Readonly<Record<string, never>> & { readonly id: string };

/** Every published operation, by a client that takes only what the document describes. */
describe('TSM-Backend, the published operations', () => {
  let lab: TsmsLab;
  let made: Made;
  before(async function () {
    this.timeout(120_000);
    lab = await TsmsLab.start();
    made = await makeOneOfEach(lab, await lab.token());
  });
  after(async () => {
    await lab[Symbol.asyncDispose]();
  });

  const call = async (operation: string, more: object = {}, params: object = {}) => {
    const { json } = await lab.client.call(operation, { token: made.token, ...more, params: { ...made, ...params } });
    return json as Thing;
  };
  const ids = async (operation: string, params: object = {}): Promise<string[]> => {
    const list = (await call(operation, {}, params)) as unknown as readonly Thing[];
    return list.map((thing) => thing.id ?? (thing as unknown as { tag: string }).tag);
  };

  it('tell of the account and of chips', async () => {
    expect(await call('getAccountInformation')).to.include({ name: 'first' });
    expect(await ids('listSecureComponentProfiles')).to.have.members([NEW_CHIP, OLD_CHIP]);
    expect(await call('getSecureComponentProfile')).to.include({ id: NEW_CHIP, javaCardVersion: '3.1.0' });
  });

  const RELATED: readonly (readonly [operation: string, of: keyof Made])[] = [
    ...([
      ['listScpRelatedElfs', 'elfId'],
      ['listScpRelatedServices', 'serviceId'],
      ['listScpRelatedFlavors', 'flavorId'],
      ['listScpRelatedVersions', 'tag'],
      ['listServices', 'serviceId'],
      ['listFlavors', 'flavorId'],
      ['listServiceRelatedAppConfigs', 'applicationConfigId'],
      ['listLinkedElfs', 'elfId'],
      ['listServiceRelatedVersions', 'tag'],
      ['listVersions', 'tag'],
      ['listLinkedFlavors', 'flavorId'],
      ['listAssociatedSecureComponentProfiles', 'scpId'],
      ['listLinkedSecureComponentProfiles', 'scpId'],
      ['listElfs', 'elfId'],
    ] as const),
    ...([
      ['listElfRelatedAppConfigs', 'applicationConfigId'],
      ['listElfRelatedFlavors', 'flavorId'],
      ['listElfRelatedServices', 'serviceId'],
      ['listElfRelatedVersions', 'tag'],
      ['listElfRelatedSecureComponentProfiles', 'scpId'],
      ['listAppConfigs', 'applicationConfigId'],
      ['listAppConfigRelatedEms', 'emId'],
      ['listAppConfigRelatedFlavors', 'flavorId'],
      ['listAppConfigRelatedServices', 'serviceId'],
      ['listPersoScripts', 'personalizationScriptId'],
      ['listScriptRelatedAppConfigs', 'applicationConfigId'],
      ['listScriptRelatedFlavors', 'flavorId'],
      ['listScriptRelatedServices', 'serviceId'],
      ['listCerts', 'certificateId'],
      ['listCertRelatedAppConfigs', 'applicationConfigId'],
      ['listCertRelatedFlavors', 'flavorId'],
      ['listCertRelatedServices', 'serviceId'],
      ['listCertRelatedSposConfigs', 'sposConfigId'],
      ['listSposConfigs', 'sposConfigId'],
      ['listSposConfigRelatedServices', 'serviceId'],
    ] as const),
  ];
  for (const [operation, of] of RELATED) {
    it(`${operation} finds the one`, async () => {
      expect(await ids(operation)).to.deep.equal([made[of]]);
    });
  }
  for (const [operation, related] of [
    ['listScpRelatedElfs', 'scpId'],
    ['listScpRelatedServices', 'scpId'],
    ['listScpRelatedFlavors', 'scpId'],
    ['listScpRelatedVersions', 'scpId'],
  ] as const) {
    it(`${operation} finds nothing for the other chip`, async () => {
      expect(await ids(operation, { [related]: OLD_CHIP })).to.deep.equal([]);
    });
  }

  it('read what the CAP file says of itself', async () => {
    expect(await call('getElf')).to.deep.include({ type: 'CAP', fileName: 'purse.cap', packageVersion: '1.0' });
    expect(await ids('listEms')).to.have.length(1);
    expect(await call('getEm')).to.include({ id: made.emId, elfId: made.elfId });
  });

  it('give files back, byte for byte, under their names', async () => {
    const { bytes, headers } = await lab.client.call('getElfBinary', { token: made.token, params: { ...made } });
    expect(Buffer.from(bytes).equals(Buffer.from(lab.cap))).to.equal(true);
    expect(headers['content-disposition']).to.equal('attachment; filename="purse.cap"');
    const script = await lab.client.call('getScriptBinary', { token: made.token, params: { ...made } });
    expect(new TextDecoder().decode(script.bytes)).to.equal('any language');
    const certificate = await lab.client.call('getCertBinary', { token: made.token, params: { ...made } });
    expect(new TextDecoder().decode(certificate.bytes)).to.contain('BEGIN CERTIFICATE');
  });

  for (const [given, kept, disposition] of [
    ['größe ü.pers', 'größe ü.pers', `"gr__e _.pers"; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%C3%BC.pers`],
    ["a'(1).pers", "a'(1).pers", `"a__1_.pers"; filename*=UTF-8''a%27%281%29.pers`],
    ['..\\a;"\u202eb', '..\\a;"\u202eb', `".._a___b"; filename*=UTF-8''.._a%3B__b`],
    ['/', 'part.pers', '"part.pers"'],
    ['\u0000', 'part.pers', '"part.pers"'],
  ] as const) {
    it(`give a file back that is named ${JSON.stringify(given)}`, async () => {
      const form = new FormData();
      form.append('scriptFilename', given);
      form.append('scriptFile', new Blob(['any language']), 'part.pers');
      const { json } = await lab.client.sendForm('createPersoScriptAndUploadBinary', made.token, form);
      const { id, fileName } = json as unknown as Thing & { readonly fileName: string };
      expect(fileName).to.equal(kept);
      const params = { personalizationScriptId: id };
      const { headers } = await lab.client.call('getScriptBinary', { token: made.token, params });
      expect(headers['content-disposition']).to.equal(`attachment; filename=${disposition}`);
      await call('deletePersoScript', {}, params);
    });
  }

  it('cut a name of a file behind a character, and not in it', async () => {
    const form = new FormData();
    form.append('scriptFilename', `a${'😀'.repeat(254)}b`);
    form.append('scriptFile', new Blob(['any language']), 'part.pers');
    const { status, json } = await lab.client.sendForm('createPersoScriptAndUploadBinary', made.token, form);
    const { id, fileName } = json as unknown as Thing & { readonly fileName: string };
    expect([status, fileName]).to.deep.equal([200, `a${'😀'.repeat(254)}`]);
    await call('deletePersoScript', {}, { personalizationScriptId: id });
  });

  it('keep what a PUT does not name', async () => {
    await call('modifyService', { body: { name: 'ticket', spParameters: { a: '1' } } });
    expect(await call('modifyService', { body: { name: 'fare' } })).to.deep.include({
      name: 'fare',
      spParameters: { a: '1' },
      sposConfigId: made.sposConfigId,
    });
    expect(await call('getService')).to.include({ name: 'fare' });
    expect(await call('modifyFlavor', { body: { name: 'chip A' } })).to.deep.include({
      name: 'chip A',
      executableLoadFileIds: [made.elfId],
      published: false,
    });
    expect(await call('modifyAppConfig', { body: { instanceAid: 'A00000000102' } })).to.deep.include({
      instanceAid: 'A00000000102',
      installConfig: { applicationSpecificInstallParameter: '', privileges: [] },
    });
    expect(await call('getAppConfig')).to.include({ instanceAid: 'A00000000102' });
    const url = 'https://sp.example/other';
    expect(await call('modifySposConfig', { body: { url, certificateId: made.certificateId } })).to.include({ url });
    expect(await call('getSposConfig')).to.include({ url });
    const body = { tag: made.tag, allowedDeployments: { [made.flavorId]: [NEW_CHIP] } };
    expect(await call('modifyVersion', { body })).to.deep.include(body);
  });

  it('take what was read as it was read', async () => {
    for (const [read, write] of [
      ['getService', 'modifyService'],
      ['getFlavor', 'modifyFlavor'],
      ['getVersion', 'modifyVersion'],
      ['getAppConfig', 'modifyAppConfig'],
      ['getSposConfig', 'modifySposConfig'],
    ] as const) {
      const body = await call(read);
      expect(await call(write, { body }), write).to.deep.equal(body);
    }
  });

  it('take what was read as a client writes it that has types of its own for dates, ids and texts', async () => {
    let dated = 0;
    const zones = [
      (date: string) => date.replace('Z', '+00:00'),
      (date: string) => new Date(Date.parse(date) + 3_600_000).toISOString().replace('Z', '000+01:00'),
      (date: string) => date.toLowerCase(),
    ];
    for (const [read, write] of [
      ['getService', 'modifyService'],
      ['getFlavor', 'modifyFlavor'],
      ['getVersion', 'modifyVersion'],
      ['getAppConfig', 'modifyAppConfig'],
      ['getSposConfig', 'modifySposConfig'],
    ] as const) {
      const kept = await call(read);
      const text = JSON.stringify(kept);
      for (const [index, inZone] of zones.entries()) {
        const dates = text.replaceAll(/\d{4}-\d{2}-\d{2}T[0-9:.]+Z/g, inZone);
        dated += dates === text ? 0 : 1;
        const upper = dates.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => id.toUpperCase());
        const body = `${index === 0 ? '\uFEFF' : ''}${JSON.stringify(JSON.parse(upper), null, 2)}\r\n`;
        const headers = {
          'content-type':
            ['application/json; charset=UTF-8', 'Application/JSON', 'application/json;charset=utf-8'][index] ?? '',
          accept: '*/*',
          'if-match': '*',
          'accept-language': 'de',
          'if-none-match': 'W/"1"',
        };
        const { status, json } = await lab.client.send(write, {
          token: made.token,
          params: { ...made },
          body,
          headers,
        });
        expect([status, json], `${write} ${index}`).to.deep.equal([200, kept]);
      }
      const moved = text.replaceAll(/T\d{2}:/g, 'T99:');
      if (moved !== text) {
        const { json } = await lab.client.send(write, { token: made.token, params: { ...made }, body: moved });
        expect((json as { errorCategory: number }).errorCategory, `${write} with another date`).to.equal(1005);
      }
    }
    expect(dated, 'entities with dates, in each form').to.be.at.least(6);
    const name = 'Fährkarte ﬁ 𝟙 👩‍👧 \u202e עברית';
    expect(await call('modifyService', { body: { name } })).to.include({ name });
    await call('modifyService', { body: { name: 'fare' } });
  });

  it('find things by ids in capital letters', async () => {
    const upper = Object.fromEntries(
      Object.entries(made).map(([name, value]) => [
        name,
        name === 'token' || name === 'tag' ? value : value.toUpperCase(),
      ]),
    );
    for (const read of ['getService', 'getFlavor', 'getVersion', 'getAppConfig', 'getSposConfig', 'getElf', 'getCert'])
      expect(await call(read, {}, upper), read).to.deep.equal(await call(read));
  });

  it('replace files', async () => {
    const bytes = new TextEncoder().encode('another');
    expect(await call('modifyPersoScriptAndOverwriteBinary', { file: { name: 'b.pers', bytes } })).to.include({
      fileName: 'b.pers',
    });
    expect(await call('getPersoScript')).to.include({ fileName: 'b.pers' });
    const { bytes: pem } = await lab.client.call('getCertBinary', { token: made.token, params: { ...made } });
    await call('modifyCertAndOverwriteBinary', { file: { name: 'b.pem', bytes: pem } });
    expect(await call('getCert')).to.include({ fileName: 'b.pem' });
    await call('modifyElfAndOverwriteBinary', { file: { name: 'b.cap', bytes: lab.cap } });
    expect(await ids('listEms'), 'modules keep their ids').to.deep.equal([made.emId]);
  });

  it('link and unlink, and linking twice is no error', async () => {
    await call('unlinkElfs', { body: [made.elfId] });
    expect(await ids('listLinkedElfs')).to.deep.equal([]);
    // A module that the Flavor instantiates brings its load file all the same.
    expect(await ids('listScpRelatedElfs')).to.deep.equal([made.elfId]);
    expect(await ids('listElfRelatedSecureComponentProfiles')).to.deep.equal([NEW_CHIP]);
    for (const _ of [1, 2]) await call('linkElfs', { body: [made.elfId] });
    expect(await ids('listLinkedElfs')).to.deep.equal([made.elfId]);
    await call('unlinkFlavors', { body: [made.flavorId] });
    expect(await ids('listLinkedFlavors')).to.deep.equal([]);
    for (const _ of [1, 2]) await call('linkFlavors', { body: { [made.flavorId]: [NEW_CHIP] } });
    await call('unlinkSecureComponentProfiles', { body: [NEW_CHIP] });
    expect(await ids('listLinkedSecureComponentProfiles')).to.deep.equal([]);
    for (const _ of [1, 2]) await call('linkSecureComponentProfiles', { body: { [NEW_CHIP]: made.flavorId } });
    expect(await ids('listLinkedSecureComponentProfiles')).to.deep.equal([NEW_CHIP]);
  });

  it('publish, as often as one likes', async () => {
    for (const _ of [1, 2]) expect(await call('publishFlavor')).to.include({ published: true });
    expect(await call('getFlavor')).to.include({ published: true });
    expect(await call('modifyFlavor', { body: { description: 'still free' } })).to.include({ published: true });
  });

  it('delete what nothing refers to any more', async () => {
    await call('deleteVersion');
    for (const operation of ['deleteFlavor', 'deleteService', 'deleteAppConfig', 'deletePersoScript'])
      await call(operation);
    for (const operation of ['deleteSposConfig', 'deleteCert', 'deleteElf']) await call(operation);
    for (const operation of [
      'listServices',
      'listElfs',
      'listAppConfigs',
      'listPersoScripts',
      'listCerts',
      'listSposConfigs',
    ])
      expect(await ids(operation), operation).to.deep.equal([]);
    await lab.client.refused('getService', 1009, { token: made.token, params: { serviceId: UNKNOWN } });
  });

  it('are served and driven, all of them', () => {
    const published = [...lab.client.operations.keys()];
    const missing = published.filter((id) => !lab.client.done.has(id));
    const named = readFileSync(new URL('../../../docs/tsms.md', import.meta.url), 'utf8');
    tellFigure('L1', 'TSMS operations', published.length - missing.length, published.length);
    expect(missing).to.deep.equal([]);
    expect(published).to.have.members(OPERATIONS.map(({ id }) => id));
    expect(named, 'docs/tsms.md').to.contain(`${published.length} operations`);
  });
});

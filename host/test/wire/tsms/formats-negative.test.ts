// SPDX-License-Identifier: Apache-2.0
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { expect } from 'chai';
import type { EntityName, Json } from '../../../wire/tsms/attributes.ts';
import { completed } from '../../../wire/tsms/check.ts';
import { TsmsError, tsmsError } from '../../../wire/tsms/tsms-error.ts';

/** What is refused of a body; undefined when nothing is. */
function refusal(entity: EntityName, body: Json): readonly [number, string] | undefined {
  try {
    completed(entity, body);
    return undefined;
  } catch (error) {
    if (error instanceof TsmsError) return [Number(error.category), error.message];
    throw error;
  }
}

const CERTIFICATE = '11111111-1111-4111-8111-111111111111';
const urlRefusal = (url: string) => refusal('SposConfig', { url, certificateId: CERTIFICATE });
const appRefusal = (app: string) => refusal('Service', { name: 'x', accessAuthorizedDeviceApps: [app] });

/** Forms of attributes, at their bounds. */
describe('attributes of the TSM-Backend', () => {
  const isUri = addFormats.default(new Ajv()).compile({ type: 'string', format: 'uri' });

  const NO_URIS: readonly string[] = [
    ' https://a.example/x',
    'https://a.example/x ',
    'https://a.exa\tmple/x',
    'https://a.example/x\n',
    'HTTPS://a.example/ü x',
    'https://größe.example/',
    'https:\\\\a.example\\x',
    'https:a.example/x',
    'https:///a.example/x',
    'https://a.example/%zz',
    'https://a.example/%4',
    'https://a.example/[x]',
    'https://a.example/?a|b',
    ...[...'"<>^`{}'].map((sign) => `https://a.example/${sign}`),
  ];
  for (const url of NO_URIS)
    it(`${JSON.stringify(url)} is no address`, () => {
      expect(urlRefusal(url)?.[0]).to.equal(1008);
    });

  for (const url of [
    'http://a.example/',
    'https://u@a.example/',
    'https://u:p@a.example/',
    'https://a.example/#x',
    'https://a.example/#',
    'https://a.example:70000/',
    'https://[::g]/',
  ])
    it(`${url} is no address for results`, () => {
      expect(urlRefusal(url)?.[0]).to.equal(1008);
    });

  for (const url of [
    'https://a.example',
    'HTTPS://A.example/',
    'https://a.example:8443/x/%C3%BC;a=b,(c)?d=e&f=/?@:',
    'https://a.example?x',
    'https://xn--gre-6ka8i.example/~x',
    'https://10.1.0.1/',
    'https://[2001:db8::1]:8443/x',
  ])
    it(`${url} is an address, by the schema too`, () => {
      expect([urlRefusal(url), isUri(url)]).to.deep.equal([undefined, true]);
    });

  for (const bytes of [5, 16, 20, 32])
    it(`an app has a name of ${bytes} bytes`, () => {
      expect(appRefusal('Ab'.repeat(bytes))).to.equal(undefined);
    });
  for (const app of ['', 'AB'.repeat(4), 'AB'.repeat(33), 'A'.repeat(39), 'AG'.repeat(20)])
    it(`an app has no name ${JSON.stringify(app)}`, () => {
      const text = `Invalid format '${app.slice(0, 60)}' for accessAuthorizedDeviceApps. `;
      expect(appRefusal(app)).to.deep.equal([1008, `${text}Supported format is 5 to 32 bytes, hexadecimal.`]);
    });
  it('an AID of a card has 16 bytes still', () => {
    expect(refusal('ApplicationConfig', { instanceAid: 'AB'.repeat(17) })?.[0]).to.equal(1008);
  });

  for (const sign of ['x', 'ü', '𝟙', '😀'])
    it(`texts and keys of 255 ${sign} are taken, of 256 not`, () => {
      const [most, more] = [sign.repeat(255), sign.repeat(256)];
      expect(refusal('Service', { name: most, spParameters: { [most]: most } })).to.equal(undefined);
      expect(refusal('Service', { name: more })?.[0]).to.equal(1008);
      expect(refusal('Service', { name: 'x', spParameters: { [more]: 'x' } })?.[0]).to.equal(1008);
    });

  it('texts of errors halve no character', () => {
    const [, message = ''] = refusal('Service', { name: `a${'😀'.repeat(256)}` }) ?? [];
    expect(message).to.match(/^Invalid format 'a(😀){59}' for name\. /u);
    const [, unknown = ''] = refusal('Service', { name: 'x', [`a${'😀'.repeat(256)}`]: 1 }) ?? [];
    expect(unknown).to.equal(`Unknown: ‘a${'😀'.repeat(119)}’ is not a valid attribute.`);
    expect(refusal('Service', { name: 'x', 'a\ud83d': 1 })).to.deep.equal([
      ...[1007, 'Unknown: ‘a\ufffd’ is not a valid attribute.'],
    ]);
    expect(new TsmsError(1002, `a${'😀'.repeat(300)}`).message).to.equal(`a${'😀'.repeat(254)}`);
  });

  it('texts of errors have paths and formats in full, beside a value of any length', () => {
    const long = 'x'.repeat(255);
    const path = 'personalizationConfig.includeSecurityDomainDiversificationData';
    const config = { instanceAid: 'A000000001' };
    const shown = `Invalid format '${'x'.repeat(60)}' for `;
    const personalizationConfig = { includeSecurityDomainDiversificationData: long };
    expect(refusal('ApplicationConfig', { ...config, personalizationConfig })).to.deep.equal([
      ...[1008, `${shown}${path}. Supported format is true or false.`],
    ]);
    const privileges = 'CVMManagement, ContactlessSelfActivation, GlobalService, PrivacyTrusted';
    expect(refusal('ApplicationConfig', { ...config, installConfig: { privileges: [long] } })).to.deep.equal([
      ...[1008, `${shown}installConfig.privileges. Supported format is ${privileges}.`],
    ]);
    const once = 'major.minor.revision, another one for each Version of a Service';
    const places = { attributeName: 'tag', attributeValue: long, formatDefinition: once };
    expect(tsmsError(1008, places).message).to.equal(`${shown}tag. Supported format is ${once}.`);
  });
});

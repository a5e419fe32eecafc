// SPDX-License-Identifier: Apache-2.0
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import type { PublishedClient, Sent } from './published-client.ts';
import { type Made, makeOneOfEach, TsmsLab } from './tsms-fixture.ts';

const FORM = 'multipart/form-data; boundary=b';
const FILE = 'content-disposition: form-data; name="scriptFile"; filename="a"\r\n\r\nany language';
const WHOLE = `--b\r\n${FILE}\r\n--b--\r\n`;
const NAME = 'content-disposition: form-data; name="scriptFilename"\r\ncontent-type: application/json\r\n\r\nhello';
const PROTOTYPE = 'content-disposition: form-data; name="__proto__"\r\n\r\nx';

/** Forms that are none; each is the client's fault. */
const FORMS: Readonly<Record<string, readonly [body: string, type?: string]>> = {
  'a form that is cut in its file': [WHOLE.slice(0, -20)],
  'a form that is cut in the header of a part': [WHOLE.slice(0, 30)],
  'a text where a form is said to be': ['hello'],
  'a boundary that is longer than any': [WHOLE, `multipart/form-data; boundary=${'b'.repeat(300)}`],
  'a text that is said to be JSON': [`--b\r\n${NAME}\r\n${WHOLE}`],
  'a text with a name that every object has': [`--b\r\n${PROTOTYPE}\r\n${WHOLE}`],
};
const UPLOADS = [
  'createElfAndUploadBinary',
  'modifyElfAndOverwriteBinary',
  'createPersoScriptAndUploadBinary',
  'modifyPersoScriptAndOverwriteBinary',
  'createCertAndUploadBinary',
  'modifyCertAndOverwriteBinary',
];

const SERVICE = JSON.stringify({ name: 'x' });
/** JSON in other codings than UTF-8 as it is. */
const CODED: Readonly<Record<string, Pick<Sent, 'body' | 'headers'>>> = {
  'a byte that is no UTF-8': { body: Buffer.from(SERVICE.replace('x', '\xff'), 'latin1') },
  'half of a character': { body: Buffer.from(SERVICE.replace('x', '\xc3'), 'latin1') },
  'UTF-16': { body: Buffer.from(SERVICE, 'utf16le') },
  'another charset by name': { body: SERVICE, headers: { 'content-type': 'application/json; charset=iso-8859-1' } },
  'gzip by name': { body: SERVICE, headers: { 'content-encoding': 'gzip' } },
  gzip: { body: gzipSync(SERVICE), headers: { 'content-encoding': 'gzip' } },
};

/** Bodies and tokens that are not right are the client's fault, and said to be. */
describe('TSM-Backend, bodies that cannot be read', () => {
  let lab: TsmsLab;
  let made: Made;
  let ours: PublishedClient;
  before(async function () {
    this.timeout(120_000);
    lab = await TsmsLab.start();
    made = await makeOneOfEach(lab, await lab.token());
    ours = await lab.listener({ extensions: lab.extensions });
  });
  after(async () => {
    await lab[Symbol.asyncDispose]();
  });

  for (const [what, [body, type = FORM]] of Object.entries(FORMS))
    it(`${what}: 1002, of each upload`, async () => {
      for (const operation of UPLOADS) {
        const sent = { token: made.token, params: { ...made }, body, headers: { 'content-type': type } };
        await lab.client.refused(operation, 1002, sent);
      }
    });

  it('a form that is packed: 1002', async () => {
    const headers = { 'content-type': FORM, 'content-encoding': 'gzip' };
    for (const body of [WHOLE, gzipSync(WHOLE)])
      await lab.client.refused('createPersoScriptAndUploadBinary', 1002, { token: made.token, body, headers });
  });

  for (const [what, sent] of Object.entries(CODED))
    it(`JSON in ${what}: 1008, and nothing is kept`, async () => {
      const { json: before } = await lab.client.call('listServices', { token: made.token });
      await lab.client.refused('createService', 1008, { token: made.token, ...sent });
      const { json: after } = await lab.client.call('listServices', { token: made.token });
      expect(after).to.deep.equal(before);
    });

  it('a merge patch in another coding: 400', async () => {
    const headers = { 'content-type': 'application/merge-patch+json', 'content-encoding': 'gzip', 'if-match': '*' };
    const path = `/ext/1/products/iccid/8986001234567890123/${made.serviceId}`;
    const { status, json } = await ours.beside('PATCH', path, { token: made.token, body: '{}', headers });
    expect([status, json.detail]).to.deep.equal([400, 'the request body has to be a JSON text in UTF-8']);
  });

  it('a token that is missing or none: 401 that asks for one', async () => {
    const wrong = 'A'.repeat(43);
    for (const [token, challenge] of [
      [undefined, 'Bearer'],
      ['short', 'Bearer'],
      [wrong, 'Bearer error="invalid_token"'],
    ] as const) {
      const own = await ours.beside('GET', `/ext/1/spos-options/${made.sposConfigId}`, { token });
      expect([own.status, own.headers['www-authenticate']]).to.deep.equal([401, challenge]);
      for (const operation of ['listServices', 'createAccessToken']) {
        const { status, headers } = await lab.client.send(operation, { token });
        expect([status, headers['www-authenticate']], operation).to.deep.equal([401, challenge]);
      }
    }
    const { headers } = await lab.client.send('listServices', { token: made.token });
    expect(headers['www-authenticate']).to.equal(undefined);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { OPERATIONS } from '../../wire/tsms/published.ts';
import type { Received, Sent } from './published-client.ts';
import { type Made, makeOneOfEach, TsmsLab, UNKNOWN } from './tsms-fixture.ts';

/** Ways in which clients of others write a request that means the same. */
const ODDITIES: Readonly<Record<string, (sent: Sent, body: 'none' | 'json' | 'file') => Sent>> = {
  'a query parameter that there is not': (sent) => ({ ...sent, suffix: '?unheardOf=1&a[]=%00&__proto__=x' }),
  'a slash at the end': (sent) => ({ ...sent, suffix: '/' }),
  'ids in capitals': ({ params = {}, ...sent }) => ({
    ...sent,
    params: Object.fromEntries(Object.entries(params).map(([name, value]) => [name, value.toUpperCase()])),
  }),
  'answers of another kind that it would have': (sent) => ({ ...sent, headers: { accept: 'text/*, */*;q=0.1' } }),
  'parameters of its media type': (sent, body) =>
    body === 'json' ? { ...sent, headers: { 'content-type': 'Application/JSON; charset=UTF-8; a="b;c"' } } : sent,
  'the type of a body that it has not': (sent, body) =>
    body === 'none' ? { ...sent, headers: { 'content-type': 'application/json', 'content-length': '0' } } : sent,
  'the type of a form that it has not': (sent, body) =>
    body === 'none' ? { ...sent, headers: { 'content-type': 'application/x-www-form-urlencoded' } } : sent,
  'conditions and ranges': (sent) => ({
    ...sent,
    headers: { 'if-none-match': '*', range: 'bytes=0-1', 'x-http-method-override': 'DELETE', prefer: 'wait=1' },
  }),
};

/** Every operation, asked as the document has it and in other ways: the answers are the same, and the document's. */
describe('TSM-Backend, asked oddly', () => {
  let lab: TsmsLab;
  let made: Made;
  const plain = new Map<string, Received>();
  before(async function () {
    this.timeout(120_000);
    lab = await TsmsLab.start();
    made = await makeOneOfEach(lab, await lab.token());
    for (const operation of OPERATIONS)
      plain.set(operation.id, await lab.client.send(operation.id, requestOf(operation)));
  });
  after(async () => {
    await lab[Symbol.asyncDispose]();
  });

  /** What may be asked twice: reads of what is there; the rest about what is not, or with a body that is refused. */
  function requestOf({ id, method, body }: (typeof OPERATIONS)[number]): Sent {
    if (id === 'createAccessToken') return { token: lab.longTerm[0] };
    const nothing = Object.fromEntries(Object.keys(made).map((name) => [name, UNKNOWN]));
    const params = method === 'GET' ? { ...made } : { ...nothing, tag: made.tag };
    return { token: made.token, params, ...(body === 'json' ? { body: { unheardOf: 1 } } : {}) };
  }

  const told = ({ status, json, bytes }: Received, method: string) => {
    if (method === 'GET') return [status, json ?? bytes];
    return [status, (json as { errorCategory?: number } | undefined)?.errorCategory];
  };

  for (const [name, change] of Object.entries(ODDITIES))
    it(`answers what it always does to ${name}`, async () => {
      for (const operation of OPERATIONS) {
        const { id, method, body } = operation;
        const [sent, answer] = [requestOf(operation), plain.get(id) ?? expect.fail(id)];
        const asked = change(sent, body);
        if (asked === sent) continue;
        const odd = await lab.client.send(id, asked);
        lab.client.requireDescribed(id, odd);
        expect(told(odd, method), id).to.deep.equal(told(answer, method));
      }
    });

  /** A form as it goes over the wire. */
  const form = (...parts: readonly string[]): Sent => ({
    token: made.token,
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
    body: [...parts.map((part) => `--b\r\ncontent-disposition: form-data; ${part}\r\n`), '--b--\r\n'].join(''),
  });

  it('takes a file whose part names none, and says of texts that they are too many', async () => {
    const file = 'name="scriptFile"\r\ncontent-type: application/octet-stream\r\n\r\nany language';
    const kept = await lab.client.send('createPersoScriptAndUploadBinary', form(file));
    lab.client.requireDescribed('createPersoScriptAndUploadBinary', kept);
    expect([kept.status, Object(kept.json).fileName]).to.deep.equal([200, 'scriptFile']);
    const texts = Array.from({ length: 17 }, (_, at) => `name="text${at}"\r\n\r\nx`);
    const many = await lab.client.send('createPersoScriptAndUploadBinary', form(...texts, file));
    expect([many.status, Object(many.json).errorCategory]).to.deep.equal([400, 1002]);
  });

  it('answers HEAD as GET, without the body', async () => {
    for (const operation of OPERATIONS.filter(({ method }) => method === 'GET')) {
      const get = plain.get(operation.id) ?? expect.fail(operation.id);
      const head = await lab.client.send(operation.id, { ...requestOf(operation), method: 'HEAD' });
      const told = [head.status, head.headers['content-type'], head.bytes.length];
      expect(told, operation.id).to.deep.equal([200, get.headers['content-type'], 0]);
    }
    const refused = await lab.client.send('listServices', { method: 'HEAD' });
    expect([refused.status, refused.bytes.length]).to.deep.equal([401, 0]);
  });

  it('says of paths that are none that they are none, without a body', async () => {
    for (const path of ['/services/%zz', `/services/${'a'.repeat(300)}`, '//services', '/services/./flavors/%00/']) {
      const answer = await lab.client.raw('GET', path, made.token);
      expect([answer.status, answer.bytes.length], path).to.deep.equal([404, 0]);
    }
  });
});

// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { PublishedClient } from './published-client.ts';
import { TsmsLab, UNKNOWN } from './tsms-fixture.ts';

const SCRIPT = {
  ...{ format: 'opentsm-service-script/1', name: 'read', version: '1.0.0', inputs: {}, start: 'tell' },
  steps: { tell: { message: 'hello', next: 'done' }, done: { end: 'done' } },
} as const;

/** What a listener does beside the published operations: routes of ours, and limits. */
describe('TSM-Backend, its listeners', () => {
  let lab: TsmsLab;
  let client: PublishedClient;
  let [token, stranger, serviceId] = ['', '', ''];
  before(async function () {
    this.timeout(120_000);
    lab = await TsmsLab.start();
    client = await lab.listener({ scripts: lab.scripts });
    [token, stranger] = [await lab.token(0), await lab.token(1)];
    const { json } = await client.call('createService', { token, body: { name: 'transit' } });
    serviceId = Object(json).id;
  });
  after(async () => {
    await lab[Symbol.asyncDispose]();
  });

  const at = (name = 'read', version = '1.0.0', service = serviceId) =>
    `/ext/1/services/${service}/scripts/${name}/${version}`;
  const action = (code = 'READ', service = serviceId) => `/ext/1/services/${service}/actions/${code}`;
  const NAMED = { script: 'read', version: '1.0.0' };
  type Sent = Parameters<PublishedClient['beside']>[2];
  const refused = async (
    [status, code]: readonly [number, string],
    method: 'GET' | 'PUT' | 'POST',
    path: string,
    sent: Sent = {},
  ) => {
    const answer = await client.beside(method, path, { token, ...sent });
    const what = `${method} ${path} ${JSON.stringify(answer.json)}`;
    expect([answer.status, answer.json?.type], what).to.deep.equal([status, `urn:opentsm:problem:${code}`]);
    expect(answer.headers['content-type'], what).to.match(/^application\/problem\+json\b/);
  };

  it('take a script as often as one likes, and publish it for good', async () => {
    const draft = { ...SCRIPT, steps: { ...SCRIPT.steps, tell: { message: 'draft', next: 'done' } } };
    for (const body of [draft, SCRIPT])
      expect((await client.beside('PUT', at(), { token, body })).status).to.equal(204);
    expect((await client.beside('GET', at(), { token })).json).to.deep.equal({ script: SCRIPT, published: false });
    await refused([404, 'script-unknown'], 'PUT', action(), { body: NAMED });
    for (const _ of [1, 2]) expect((await client.beside('POST', `${at()}/publish`, { token })).status).to.equal(204);
    await refused([409, 'script-published'], 'PUT', at(), { body: draft });
    expect((await client.beside('GET', at(), { token })).json).to.deep.equal({ script: SCRIPT, published: true });
    for (const _ of [1, 2]) expect((await client.beside('PUT', action(), { token, body: NAMED })).status).to.equal(204);
  });

  it('want a short-term token', async () => {
    for (const wrong of [undefined, 'short', 'A'.repeat(43), lab.longTerm[0]])
      for (const [method, path, body] of [
        ['GET', at(), undefined],
        ['PUT', at(), SCRIPT],
        ['POST', `${at()}/publish`, undefined],
        ['PUT', action(), NAMED],
      ] as const)
        await refused([401, 'token-refused'], method, path, { token: wrong, body });
  });

  it('know no service of another provider', async () => {
    for (const sent of [{ token: stranger }, { token }]) {
      const service = sent.token === token ? UNKNOWN : serviceId;
      await refused([404, 'service-unknown'], 'GET', at('read', '1.0.0', service), sent);
      await refused([404, 'service-unknown'], 'PUT', at('read', '1.0.0', service), { ...sent, body: SCRIPT });
      await refused([404, 'service-unknown'], 'POST', `${at('read', '1.0.0', service)}/publish`, sent);
      await refused([404, 'service-unknown'], 'PUT', action('READ', service), { ...sent, body: NAMED });
    }
    const { json } = await client.call('createService', { token: stranger, body: { name: 'mine' } });
    await refused([404, 'script-unknown'], 'PUT', action('READ', Object(json).id), { token: stranger, body: NAMED });
  });

  it('refuse scripts that are none, or not those of the path', async () => {
    await refused([404, 'script-unknown'], 'GET', at('other'));
    await refused([404, 'script-unknown'], 'POST', `${at('other')}/publish`);
    const secret = { kms: 'encrypt', key: 'k', data: '00', result: 'r', next: 'done' };
    for (const [body, version] of [
      [SCRIPT, '1.0.1'],
      [undefined, '1.0.0'],
      [null, '1.0.0'],
      [[], '1.0.0'],
      [{ ...SCRIPT, version: '2.0.0', start: 'nowhere' }, '2.0.0'],
      [{ ...SCRIPT, version: '2.0.0', extra: 1 }, '2.0.0'],
      [{ ...SCRIPT, version: '2.0.0', steps: { ...SCRIPT.steps, tell: secret } }, '2.0.0'],
    ] as const)
      await refused([400, 'service-script'], 'PUT', at('read', version), { body });
    for (const message of ['a\u0000b', 'a\ud800b']) {
      const steps = { ...SCRIPT.steps, tell: { message, next: 'done' } };
      await refused([400, 'invalid-request'], 'PUT', at('read', '2.0.0'), {
        body: { ...SCRIPT, version: '2.0.0', steps },
      });
    }
  });

  it('refuse names and bodies that are malformed', async () => {
    for (const path of [at('Read'), at('read', '1.0'), at('read', '1.0.0', 'no-uuid'), at('%00')])
      await refused([400, 'invalid-request'], 'GET', path);
    for (const body of [undefined, {}, { ...NAMED, extra: 1 }, { ...NAMED, version: 1 }, []])
      await refused([400, 'invalid-request'], 'PUT', action(), { body });
    await refused([400, 'invalid-request'], 'PUT', action('a%20b'), { body: NAMED });
    expect((await client.beside('PUT', at(), { token, body: '{"a":' })).status).to.equal(400);
    const headers = { 'content-type': 'text/plain' };
    expect((await client.beside('PUT', at(), { token, body: 'a', headers })).status).to.equal(415);
    expect((await client.beside('PUT', at(), { token, body: `"${'a'.repeat(1_048_577)}"` })).status).to.equal(413);
  });

  it('have no routes of ours where these are off', async () => {
    const bare = await lab.listener({});
    for (const [method, path] of [
      ['GET', at()],
      ['PUT', at()],
      ['POST', `${at()}/publish`],
      ['PUT', action()],
    ] as const) {
      const { status, json } = await bare.beside(method, path, { token });
      expect([status, json], path).to.deep.equal([404, undefined]);
    }
    await bare.call('listServices', { token });
  });

  const statuses = async (times: number, ask: () => Promise<{ readonly status: number }>) => {
    const all: number[] = [];
    for (let index = 0; index < times; index += 1) all.push((await ask()).status);
    return all;
  };

  it('refuse a token that asks too often in the form of the published errors, and serve the others', async () => {
    const limited = await lab.listener({ rate: { perCaller: 2, perAddress: 1_000, windowSeconds: 3_600 } });
    const often = await lab.token(0);
    expect(await statuses(3, () => limited.send('listServices', { token: often }))).to.deep.equal([200, 200, 429]);
    const { status, json, headers } = await limited.send('listElfs', { token: often });
    expect(status).to.equal(429);
    expect(headers['content-type']).to.match(/^application\/json\b/);
    expect(Number(headers['retry-after'])).to.be.within(1, 3_600);
    expect(Object(json).errorCategory).to.equal(1002);
    expect(Object(json).errorMessage).to.match(/^Invalid: Too many requests: try again in \d+ s\.$/);
    await limited.call('listServices', { token: stranger });
  });

  it('refuse an address that asks too often before they look at the token, on every path', async () => {
    const { scripts } = lab;
    const limited = await lab.listener({ scripts, rate: { perCaller: 1_000, perAddress: 3, windowSeconds: 3_600 } });
    const guess = () => limited.send('listServices', { token: 'A'.repeat(43) });
    expect(await statuses(5, guess)).to.deep.equal([401, 401, 401, 429, 429]);
    expect((await limited.send('listServices', { token })).status).to.equal(429);
    expect((await limited.send('createAccessToken', { token: lab.longTerm[0] })).status).to.equal(429);
    expect((await limited.raw('GET', '/nothing', token)).status).to.equal(429);
    expect((await limited.raw('PATCH', '/services', token)).status).to.equal(429);
    const beside = await limited.beside('GET', '/ext/1/services/a/scripts/b/1.0.0', { token });
    expect([beside.status, beside.json.type]).to.deep.equal([429, 'urn:opentsm:problem:rate-limit']);
  });
});

// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { provideInstance } from '../../store/provider/service-instances.ts';
import { setDeployedState } from '../../store/provider/service-processes.ts';
import { applyStateChange } from '../../store/provider/state-changes.ts';
import type { PublishedClient } from './published-client.ts';
import { TsmsLab, UNKNOWN } from './tsms-fixture.ts';

const SCRIPT = {
  format: 'opentsm-service-script/1',
  name: 'read',
  version: '1.0.0',
  inputs: {},
  start: 'tell',
  steps: { tell: { message: 'hello', next: 'done' }, done: { end: 'done' } },
} as const;

const ATTRIBUTES = { attributes: { line: '7' } } as const;

/** What a listener does beside the published operations: routes of ours, and limits. */
describe('TSM-Backend, its listeners', () => {
  let lab: TsmsLab;
  let client: PublishedClient;
  let [token, stranger, serviceId] = ['', '', ''];
  before(async function () {
    this.timeout(120_000);
    lab = await TsmsLab.start();
    client = await lab.listener({ extensions: lab.extensions });
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
  const CARD = { kind: 'iccid', value: '8986001234567890123' } as const;
  const product = (service = serviceId, card = `${CARD.kind}/${CARD.value}`) => `/ext/1/products/${card}/${service}`;
  const NAMED = { script: 'read', version: '1.0.0' };
  type Sent = Parameters<PublishedClient['beside']>[2];
  const refused = async (
    [status, code]: readonly [number, string],
    method: 'GET' | 'PUT' | 'PATCH' | 'POST',
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
      await refused([422, 'service-script'], 'PUT', at('read', version), { body });
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

  it('keep attributes of a product on a card, at a revision that its provider has seen', async () => {
    const instance = { instanceId: 'i', serial: 's', productId: serviceId, cardId: CARD };
    await provideInstance(lab.database, instance);
    const change = async (method: 'PUT' | 'PATCH', at: string, attributes: object, type = 'application/json') => {
      const headers = { 'if-match': at, 'content-type': type };
      const {
        status,
        json,
        headers: answered,
      } = await client.beside(method, product(), {
        token,
        headers,
        body: { attributes },
      });
      return [status, json.attributes ?? json.type, answered.etag];
    };
    const seen = async () => {
      const { json, headers } = await client.beside('GET', product(), { token });
      return [json, headers.etag];
    };
    const shown = { serviceId, cardId: CARD, state: 'VALID', attributes: {} };
    expect(await seen()).to.deep.equal([shown, '"1"']);
    expect(await change('PUT', '"1"', { line: '7', class: '2' })).to.deep.equal([
      ...[200, { line: '7', class: '2' }, '"2"'],
    ]);
    const merge = 'application/merge-patch+json';
    expect(await change('PATCH', '"9", "2"', { class: null, zone: '' }, merge)).to.deep.equal([
      ...[200, { line: '7', zone: '' }, '"3"'],
    ]);
    const stale = [412, 'urn:opentsm:problem:revision-changed', undefined];
    for (const tag of ['"2"', 'W/"3"', '3', '""']) expect(await change('PUT', tag, {}), tag).to.deep.equal(stale);
    expect(await change('PATCH', '*', {})).to.deep.equal([200, { line: '7', zone: '' }, '"4"']);
    const both = await Promise.all([change('PATCH', '"4"', { a: '1' }), change('PATCH', '"4"', { b: '1' })]);
    expect(both.map(([status]) => status).toSorted()).to.deep.equal([200, 412]);

    await setDeployedState(lab.database, 'i', { suspended: true });
    await setDeployedState(lab.database, 'i', { suspended: true });
    const states: unknown[] = [];
    const look = async () => {
      const [json, tag] = await seen();
      states.push([Object(json).state, tag]);
    };
    await look();
    const notice = { eventId: 'e', cardId: CARD, productId: serviceId, reason: 'lost' };
    const told = { from: 'VALID', to: 'INVALID', sequence: 1 } as const;
    await applyStateChange(lab.database, { ...notice, ...told });
    expect(await change('PATCH', '"6"', { late: '1' })).to.deep.equal(stale);
    await look();
    await applyStateChange(lab.database, { ...notice, from: 'INVALID', to: 'TERMINATED', sequence: 2 });
    await look();
    expect(states).to.deep.equal([
      ['SUSPENDED', '"6"'],
      ['INVALID', '"7"'],
      ['TERMINATED', '"8"'],
    ]);
    await refused([409, 'product-terminated'], 'PUT', product(), { headers: { 'if-match': '"8"' }, body: ATTRIBUTES });
  });

  it('refuse changes of products without if-match, of others, and of what they may not hold', async () => {
    const headers = { 'if-match': '*' };
    for (const method of ['PUT', 'PATCH'] as const) {
      await refused([428, 'precondition-required'], method, product(), { body: ATTRIBUTES });
      await refused([404, 'service-unknown'], method, product(), { token: stranger, headers, body: ATTRIBUTES });
      const elsewhere = product(serviceId, 'iccid/8986001234567890999');
      await refused([404, 'product-unknown'], method, elsewhere, { headers, body: ATTRIBUTES });
      const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`a${index}`, '1']));
      for (const body of [
        ...[undefined, {}, { attributes: null }, { ...ATTRIBUTES, state: 'VALID' }, { attributes: many }],
        ...[{ attributes: { a: 1 } }, { attributes: { '1a': '' } }, { attributes: { a: 'a'.repeat(1_025) } }],
        ...[{ attributes: { a: 'a\u0000' } }, { attributes: { a: '\ud800' } }],
        '{"attributes": {"__proto__": "1"}}',
      ])
        await refused([400, 'invalid-request'], method, product(), { headers, body });
    }
    await refused([404, 'service-unknown'], 'GET', product(), { token: stranger });
    await refused([401, 'token-refused'], 'GET', product(), { token: undefined });
    await refused([400, 'invalid-request'], 'GET', product(serviceId, 'msisdn/123456'));
    await refused([400, 'invalid-request'], 'GET', product('no-uuid'));
  });

  it('have no routes of ours where these are off', async () => {
    const bare = await lab.listener({});
    for (const [method, path] of [
      ['GET', at()],
      ['PUT', at()],
      ['POST', `${at()}/publish`],
      ['PUT', action()],
      ['GET', product()],
      ['PATCH', product()],
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
    const { extensions } = lab;
    const limited = await lab.listener({ extensions, rate: { perCaller: 1_000, perAddress: 3, windowSeconds: 3_600 } });
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

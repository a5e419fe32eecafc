// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { Agent, request } from 'undici';
import { SingleProviderLab } from '../../lab/single-provider-lab.ts';

const DEPLOY = new URL('../../../deploy/', import.meta.url).pathname;
const DAEMONS = ['issuer', 'provider-a', 'ota', 'kms-issuer', 'kms-provider-a'];

interface Line {
  readonly msg: string;
  readonly name: string;
  readonly traceId?: string;
  readonly flow?: string;
  readonly [field: string]: unknown;
}

/** What operators see of a key distribution: lines that name it in every daemon, and figures. */
describe('logs and metrics of a flow', function () {
  this.timeout(120_000);
  let lab: SingleProviderLab;
  let flow: string;
  let cardId: string;
  const lines = new Map<string, Line[]>();
  const metrics = new Map<string, string>();

  before(async () => {
    lab = await SingleProviderLab.open({ link: 'direct', keySizeBits: 1024, readers: 1 });
    {
      await using inserted = await lab.insert();
      const state = await lab.distribute(inserted);
      expect(state.outcome).to.equal('distributed');
      flow = state.id;
      cardId = `${inserted.cardId.kind}:${inserted.cardId.value}`;
    }
    for (const name of DAEMONS) {
      const { topology } = lab.platforms;
      metrics.set(name, await metricsOf(name));
      const text = await readFile(topology.logFile(name), 'utf8');
      lines.set(
        name,
        text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as Line),
      );
    }
  });
  after(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  async function metricsOf(name: string): Promise<string> {
    const { topology } = lab.platforms;
    const {
      key,
      certificate: cert,
      authority: ca,
    } = await topology.pki.identity({
      ...{ role: 'operator', id: 'prometheus', platform: topology.peer(name) },
    });
    const dispatcher = new Agent({ connect: { key, cert, ca } });
    const { body } = await request(`${topology.url(name)}/metrics`, { dispatcher });
    const text = await body.text();
    await dispatcher.close();
    return text;
  }

  const linesOf = (name: string, text: string): Line[] => (lines.get(name) ?? []).filter(({ msg }) => msg === text);

  it('one line tells a finished flow on each platform', () => {
    const [provider, ...others] = linesOf('provider-a', 'flow finished').filter((line) => line.flow === flow);
    expect(others).to.deep.equal([]);
    expect(provider).to.include({ outcome: 'distributed', card: cardId, provider: 'a', roundTrips: 6 });
    expect(provider?.ms).to.be.a('number');
    expect(provider?.steps).to.be.greaterThan(10);
    const [issuer] = linesOf('issuer', 'flow finished');
    expect(issuer).to.include({ outcome: 'created', card: cardId, provider: 'a', kind: 'create-security-domain' });
  });

  it('one trace id goes through the daemons', () => {
    const traceId = linesOf('provider-a', 'flow finished')[0]?.traceId ?? '';
    expect(traceId).to.match(/^[0-9a-f]{32}$/);
    expect(linesOf('issuer', 'flow finished')[0]?.traceId).to.equal(traceId);
    // The acts with keys of 58.
    const acts = lines.get('kms-provider-a')?.filter((line) => line.traceId === traceId) ?? [];
    expect(acts.length).to.be.greaterThan(0);
  });

  it('no line holds key bytes', async () => {
    const secret = /PRIVATE KEY|"(?:key|password|privateKey|sessionKey)":"(?!\[redacted\])/;
    for (const [name, all] of lines) {
      for (const line of all) expect(JSON.stringify(line), name).not.to.match(secret);
    }
  });

  it('every metric and label that dashboard and alert rules name is there', async () => {
    const names = new Set<string>();
    for (const part of [...metrics.values()])
      for (const name of part.matchAll(/^# TYPE (\S+)/gm)) names.add(name[1] ?? '');
    const dashboard = await readFile(join(DEPLOY, 'grafana/opentsm.json'), 'utf8');
    const rules = await readFile(join(DEPLOY, 'prometheus/opentsm.rules.yml'), 'utf8');
    const expressions = [
      ...[...dashboard.matchAll(/"expr": "(.*)"/g)].map(([, text]) => text ?? ''),
      ...[...rules.matchAll(/^ +expr: (.*)$/gm)].map(([, text]) => text ?? ''),
    ];
    expect(expressions.length).to.be.greaterThan(20);
    for (const expression of expressions) {
      const named = [...expression.matchAll(/\b(?:opentsm|tls|nodejs)_[a-z0-9_]+/g)].map(([name]) => name);
      expect(named, expression).not.to.deep.equal([]);
      for (const name of named) {
        const base = names.has(name) ? name : name.replace(/_(bucket|count|sum)$/, '');
        expect([...names], expression).to.include(base);
      }
    }
  });
});

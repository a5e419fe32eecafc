// SPDX-License-Identifier: Apache-2.0
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { sql } from 'kysely';
import pg from 'pg';
import { Agent, request } from 'undici';
import { SingleProviderLab } from '../../lab/single-provider-lab.ts';
import { AuditLog, appendRecords, pruneAudit } from '../../store/audit-log.ts';
import { openDatabase } from '../../store/database.ts';
import { PROVIDER_MIGRATIONS, type ProviderTables } from '../../store/provider/schema.ts';
import { inProcess } from '../cli/in-process.ts';
import { listenersOf, renewCertificates, servedSerial } from './daemon-certificates.ts';

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
  let refusedFlow: string;
  let strangerId: string;
  const lines = new Map<string, Line[]>();
  const metrics = new Map<string, string>();

  before(async () => {
    lab = await SingleProviderLab.open({ link: 'direct', keySizeBits: 1024, readers: 1, front: true });
    {
      await using inserted = await lab.insert();
      const state = await lab.distribute(inserted);
      expect(state.outcome).to.equal('distributed');
      flow = state.id;
      cardId = `${inserted.cardId.kind}:${inserted.cardId.value}`;
    }
    {
      await using stranger = await lab.insert(0, undefined, false);
      const state = await lab.distribute(stranger);
      expect(state.refusedAt, JSON.stringify(state.problem)).to.equal('44');
      refusedFlow = state.id;
      strangerId = `${stranger.cardId.kind}:${stranger.cardId.value}`;
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
      role: 'operator',
      id: 'prometheus',
      platform: topology.peer(name),
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

  it('every line of a flow says whose it is: trace, flow, provider, card and, where it stopped, step', () => {
    for (const [name, kind] of [
      ['provider-a', 'key-distribution'],
      ['issuer', 'create-security-domain'],
    ] as const) {
      const ended = linesOf(name, 'flow finished').filter((line) => line.kind === kind);
      expect(new Set(ended.map((line) => line.flow)).size, `${name}: one line a flow`).to.equal(ended.length);
      for (const line of ended) {
        expect(line.traceId, name).to.match(/^[0-9a-f]{32}$/);
        expect(line, name).to.include({ provider: 'a' });
        expect(line.flow, name).to.be.a('string');
        expect(line.card, name).to.match(/^iccid:/);
      }
    }
    const stopped = linesOf('provider-a', 'flow finished').filter((line) => line.flow === refusedFlow);
    expect(stopped).to.have.length(1);
    expect(stopped[0]).to.include({ outcome: 'refused', step: '44', provider: 'a', card: strangerId });
    // What other daemons have to say of it: the issuer that it refused, the KMS which key it used, `ota` who came.
    const { traceId } = stopped[0] ?? {};
    const refusals = linesOf('issuer', 'request refused').filter((line) => line.traceId === traceId);
    expect(refusals.map(({ provider, code }) => [provider, code])).to.deep.equal([
      ['a', 'urn:opentsm:problem:card-unknown'],
    ]);
    const done = linesOf('provider-a', 'flow finished').find((line) => line.flow === flow)?.traceId;
    for (const [name, text, whose] of [
      ['kms-provider-a', 'secure channel opened', 'a'],
      ['kms-issuer', 'secure channel opened', undefined],
      ['ota', 'card session opened', 'a'],
    ] as const) {
      const own = linesOf(name, text).filter((line) => line.traceId === done);
      expect(own.length, name).to.be.greaterThan(0);
      for (const line of own) {
        expect(line.provider, name).to.equal(whose);
        expect(line.flow, name).to.be.a('string');
      }
    }
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

  async function verifyAudit(name: string, ...more: readonly string[]) {
    const { topology } = lab.platforms;
    const config = join(topology.stateDir, `${name}-operator.json`);
    const platform = { url: topology.url(name), ...topology.peer(name) };
    await writeFile(
      config,
      JSON.stringify({ platform, tls: await topology.pki.issue(lab.platforms.operatorOf(name)) }),
    );
    return inProcess(['audit', '--config', config, 'verify', ...more]);
  }

  const END = /^[1-9][0-9]*:[0-9A-F]{64}\n$/;
  /** Whoever has the database has its triggers too. */
  const WITHOUT_TRIGGERS = 'ALTER TABLE audit_log DISABLE TRIGGER USER';
  const changes = [
    ['changes a record', "UPDATE audit_log SET details = '{}' WHERE number = 2", 2],
    ['drops one', 'DELETE FROM audit_log WHERE number = 3', 3],
    [
      'swaps two',
      `UPDATE audit_log SET number = -number WHERE number IN (2, 4);
       UPDATE audit_log SET number = 6 + number WHERE number < 0`,
      2,
    ],
    ['drops the first', 'DELETE FROM audit_log WHERE number = 1', 1],
  ] as const;

  const named = changes.map(([what]) => what).join(', ');
  for (const name of ['issuer', 'provider-a']) {
    it(`tsm audit verify finds who ${named} in the database of ${name}`, async () => {
      const whole = await verifyAudit(name);
      expect(whole.out, whole.err).to.match(END);
      const database = new pg.Client({ connectionString: lab.platforms.topology.databaseUrl(name) });
      await database.connect();
      try {
        await database.query(`${WITHOUT_TRIGGERS}; CREATE TABLE kept AS SELECT * FROM audit_log`);
        for (const [what, statement, number] of changes) {
          await database.query(statement);
          const { code, err } = await verifyAudit(name);
          expect([code, err], what).to.deep.equal([1, err]);
          expect(err, what).to.match(
            number === 1 ? /audit-broken: the log begins with record 2/ : new RegExp(`audit-broken: record ${number} `),
          );
          await database.query('DELETE FROM audit_log; INSERT INTO audit_log SELECT * FROM kept');
        }
        expect((await verifyAudit(name, '--head', whole.out.trim())).out).to.equal(whole.out);
        // An end that was cut off leaves a chain, which the noted end does not fit.
        await database.query('DELETE FROM audit_log WHERE number = (SELECT max(number) FROM audit_log)');
        expect((await verifyAudit(name)).code).to.equal(0);
        expect((await verifyAudit(name, '--head', whole.out.trim())).err).to.contain('audit-cut');
      } finally {
        await database.end();
      }
    });
  }

  it('tsm audit verify reads many pages, and takes what the retention took away from the log alone', async () => {
    const url = lab.platforms.topology.databaseUrl('provider-a') ?? '';
    const database = await openDatabase<ProviderTables>({ url, migrations: PROVIDER_MIGRATIONS });
    try {
      const old = (await verifyAudit('provider-a')).out.trim();
      const entry = { phase: 'after', act: 'look', subject: 's', workflowId: 'w', numeral: '', details: {} } as const;
      const many = Array.from({ length: 1_200 }, () => entry);
      await database.transaction().execute((transaction) => appendRecords(transaction, many));
      const [number = ''] = (await verifyAudit('provider-a', '--head', old)).out.split(':');
      expect(Number(number) - Number(old.split(':')[0])).to.equal(many.length);
      expect(await pruneAudit(database, 0)).to.be.greaterThan(1_200);
      expect((await verifyAudit('provider-a')).out).to.match(END);
      expect((await verifyAudit('provider-a', '--head', old)).err).to.contain('the retention took it away');
      // What went says so itself, and a log without that record has lost its beginning.
      const { number: last } = (await new AuditLog(database).records()).at(-1) ?? { number: 0 };
      await sql.raw(WITHOUT_TRIGGERS).execute(database);
      await database.deleteFrom('audit_log').where('number', '=', String(last)).execute();
      expect((await verifyAudit('provider-a')).err).to.contain('and does not say why');
    } finally {
      await database.destroy();
    }
  });

  it('SIGHUP brings new certificates to each listener of each daemon, and the next flow goes well', async () => {
    const { topology } = lab.platforms;
    const serials = async () => {
      const shown = listenersOf(topology).map(
        async ([what, url]) => [what, await servedSerial(topology, url)] as const,
      );
      return new Map(await Promise.all(shown));
    };
    const before = await serials();
    expect([...before.keys()]).to.include.members([...DAEMONS, 'front', 'terminal-desk', "the front's app side"]);
    await renewCertificates(topology);
    for (const name of topology.names) process.kill(topology.pid(name) ?? 0, 'SIGHUP');
    const deadline = performance.now() + 30_000;
    const old = async () => [...(await serials())].filter(([what, serial]) => serial === before.get(what));
    for (let left = await old(); left.length > 0; left = await old())
      expect(performance.now(), `still as before: ${left.join(' ')}`).to.be.lessThan(deadline);
    await using inserted = await lab.insert();
    expect((await lab.distribute(inserted)).outcome).to.equal('distributed');
  });
});

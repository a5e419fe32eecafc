// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Static, Type } from 'typebox';
import { gateSeed, soaking, soakRuns } from '../../../setup/soak/runs.ts';
import { SmsLab } from '../../lab/sms.ts';
import { removePostgres } from '../../local/postgres.ts';
import { startTopology, type Topology } from '../../local/topology.ts';
import { developmentPlan } from '../../local/topology-plan.ts';
import type { Peer } from '../../rest/identity.ts';
import { fromHex } from '../../wire/hex.ts';
import { OPERATIONS } from '../../wire/tsms/published.ts';
import { tellFigure } from '../conformance/figures.ts';
import { overlaid } from '../conformance/overlay.ts';
import { SeramLab } from '../conformance/seram-fixture.ts';
import { makeOneOfEach, TsmsLab } from '../conformance/tsms-fixture.ts';
import { FramedCard } from '../transport/framed-card.ts';
import { testPki } from './fixture.ts';

const ROOT = new URL('../../../', import.meta.url).pathname;
/** Installed by setup/clients/prepare.mjs; where it is not, one test is skipped. */
const TOOL = join(ROOT, 'build/clients/bin/st');
const CONFIG = join(ROOT, 'host/test/rest/schemathesis.toml');
const ENVIRONMENT = {
  ...process.env,
  SCHEMATHESIS_HOOKS: join(ROOT, 'host/test/rest/schemathesis_hooks.py'),
  PYTHONPYCACHEPREFIX: join(ROOT, 'build/clients/cache'),
};
/** Random cases per operation, beside those that the schemas call for; CI has little time. */
const EXAMPLES = soakRuns(1);
/** Of so many operations one gets every case that its schemas call for; in a soak all do. */
const ONE_IN = EXAMPLES === 1 ? 8 : 1;
/** Examples of documents, and operations in sequence, are for a soak. */
const PHASES = EXAMPLES === 1 ? 'coverage,fuzzing' : 'examples,coverage,fuzzing,stateful';
/** The two published interfaces too: in whatever run prints the tables of conformance, and in a soak. */
const WITH_STANDARDS = soaking || process.env.OPENTSM_CONFORMANCE === '1';
/** The gate asks the same each time, a soak what its seed draws. */
const DRAWN = soaking ? ['--seed', `${gateSeed.seed}`] : ['--generation-deterministic'];
/** Processes at a time: CI has two cores, and the daemons want some of them. */
const AT_ONCE = 3;

const operatorOf = (platform: Peer): Peer => ({ role: 'operator', id: 'alice', platform });
const ISSUER: Peer = { role: 'issuer', id: 'main' };
const PROVIDER: Peer = { role: 'provider', id: 'a' };
const OTA_OPERATORS = '^/v1/(subscriptions|campaigns|card-queues|packets|packet-counters)';
const READER = 'slot 1';
interface Run {
  readonly daemon: string;
  readonly as: Peer;
  /** Default: every route. */
  readonly routes?: string;
  /** In a soak alone. */
  readonly soak?: true;
}

/**
 * The slow ones first. A second role goes to its own routes: on all others it is refused, which the first one may not
 * be.
 */
const ALL_RUNS: readonly Run[] = [
  { daemon: 'provider-a', as: operatorOf(PROVIDER) },
  { daemon: 'kms-provider-a', as: PROVIDER },
  { daemon: 'issuer', as: operatorOf(ISSUER) },
  { daemon: 'ota', as: PROVIDER },
  { daemon: 'issuer', as: PROVIDER, routes: '^/v1/security-domain-requests' },
  { daemon: 'provider-a', as: ISSUER, routes: '^/v1/card-relays' },
  { daemon: 'kms-provider-a', as: operatorOf({ role: 'kms', id: 'provider-a' }), routes: '^/v1/(managed-)?key' },
  { daemon: 'ota', as: operatorOf({ role: 'ota', id: 'main' }), routes: OTA_OPERATORS },
  { daemon: 'front', as: operatorOf({ role: 'front', id: 'main' }), soak: true },
];
const RUNS = ALL_RUNS.filter(({ soak = false }) => soaking || !soak);

/** A document with the place of the server that is to follow it, and what its callers show. */
interface Subject {
  readonly name: string;
  readonly document: Document;
  readonly url: string;
  /** Of the server's certificate, a file. */
  readonly authority: string;
  readonly arguments: readonly string[];
  /** Before and behind the common config; added to the statuses that well-formed requests may get. */
  readonly headers?: string;
  readonly config?: string;
  readonly expected?: string;
}

const Document = Type.Object({ paths: Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown())) });
type Document = Static<typeof Document>;

/** The published documents do not say of their texts that NUL is in none; ours do. */
const WITHOUT_NUL = '\n[generation]\nallow-x00 = false\n';

const longTermAt = (path: string, token: string): string =>
  `\n[[operations]]\ninclude-path = "${path}"\nheaders = { Authorization = "Bearer ${token}" }\n`;

/** `GET /v1/cards` of each operation but every `ONE_IN`th, with its cases by schema turned off. */
function restraint({ paths }: Document): string {
  const names = Object.entries(paths)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
    .sort()
    .filter((_, index) => index % ONE_IN !== 0);
  return names.length === 0
    ? ''
    : `\n[[operations]]\ninclude-name = ${JSON.stringify(names)}\nphases.coverage.enabled = false\n`;
}

interface Outcome {
  readonly code: number | null;
  readonly text: string;
}

/** Begins `AT_ONCE` of them, and the next whenever one has ended. */
function limited<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R>[] {
  const jobs = items.map((item) => ({ item, ...Promise.withResolvers<R>() }));
  const waiting = [...jobs];
  const lane = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift())
      await work(job.item).then(job.resolve, job.reject);
  };
  for (let index = 0; index < AT_ONCE; index += 1) void lane();
  // Whoever asks for it hears of a failure; until then nobody may be there.
  for (const { promise } of jobs) promise.catch(() => undefined);
  return jobs.map(({ promise }) => promise);
}

/** Requests that follow the daemon's own OpenAPI document and such that do not, against the running daemon. */
describe('REST interfaces by schemathesis', function () {
  this.timeout(600_000);
  let folder: string;
  let card: FramedCard;
  let topology: Topology;
  let outcomes: Promise<Outcome>[];
  let tsms: TsmsLab | undefined;
  let seram: SeramLab | undefined;
  let sms: SmsLab | undefined;

  if (!existsSync(TOOL)) {
    it.skip('needs schemathesis, which the set-up could not fetch');
    return;
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-rest-'));
    await chmod(folder, 0o711);
    card = await FramedCard.start(() => fromHex('6A82'));
    // Front and short messages want three daemons more.
    sms = soaking ? await SmsLab.open(join(folder, 'sms'), [READER]) : undefined;
    topology = await startTopology({
      stateDir: join(folder, 'state'),
      durable: false,
      ...developmentPlan({
        providers: ['a'],
        terminal: { directReaders: [{ name: READER, ...card.address }], ...sms?.terminal },
        ...(sms === undefined ? {} : { ota: sms.ota, otaKms: sms.otaKms, front: {} }),
        platform: { offCardEntityKeySizeBits: 1024, resumeWindowMs: 0 },
      }),
    });
    const subjects = [
      ...RUNS.map((run) => () => daemonSubject(run)),
      ...(WITH_STANDARDS ? [tsmsSubject, seramSubject] : []),
    ];
    outcomes = limited(subjects, async (subject) => check(await subject()));
  });
  after(async () => {
    if (topology === undefined) return;
    await Promise.allSettled(outcomes ?? []);
    await tsms?.[Symbol.asyncDispose]();
    await seram?.[Symbol.asyncDispose]();
    await topology.stop();
    await sms?.[Symbol.asyncDispose]();
    await card[Symbol.asyncDispose]();
    await removePostgres(join(folder, 'state/postgres'));
    await rm(folder, { recursive: true });
  });

  /** The daemon's own document, asked for with the certificate of its caller. */
  async function daemonSubject({ daemon, as, routes }: Run): Promise<Subject> {
    const { key, certificate, authority } = await topology.pki.issue(as);
    const client = await topology.client(as, daemon);
    const document = await client.call({ method: 'GET', path: '/openapi.json', response: Document });
    const only = routes === undefined ? [] : ['--include-path-regex', routes];
    const identity = ['--request-cert', certificate, '--request-cert-key', key];
    const name = `${daemon}-${as.role}`;
    return { name, document, url: topology.url(daemon), authority, arguments: [...identity, ...only] };
  }

  /** The published document, with our overlay, at a TSM-Backend where one of each entity is there. */
  async function tsmsSubject(): Promise<Subject> {
    tsms = await TsmsLab.start();
    const { token, ...made } = await makeOneOfEach(tsms, await tsms.token());
    const { document } = overlaid('tsms');
    const { authorityFile: authority } = await testPki();
    const parameters = Object.entries(made).map(([name, id]) => `"path.${name}" = ${JSON.stringify(id)}\n`);
    return {
      name: 'tsms',
      document,
      url: tsms.base,
      authority,
      arguments: [],
      // One operation alone takes the long-term token.
      headers: `headers = { Authorization = "Bearer ${token}" }\n`,
      // What is there may be in use, published, or name what is not there: tsms_refusal in the hooks says which.
      config: `${WITHOUT_NUL}\n[parameters]\n${parameters.join('')}${longTermAt('/auth', tsms.longTerm[0])}`,
      expected: '400, ',
    };
  }

  /** The published document, with our overlay, at a front where a session is there for each request. */
  async function seramSubject(): Promise<Subject> {
    seram = await SeramLab.start();
    const { document } = overlaid('seram');
    const { authorityFile: authority } = await testPki();
    return {
      name: 'seram',
      document,
      url: seram.base,
      authority,
      arguments: [],
      config: `${WITHOUT_NUL}\n[parameters]\n"query.sessionId" = ${JSON.stringify(seram.liveId)}\n`,
      // What an agent offers may be none of what the session needs; a report may belong to no order.
      expected: '400, 406, ',
    };
  }

  async function check(subject: Subject): Promise<Outcome> {
    const { name, document, url, authority, arguments: words } = subject;
    const { headers = '', config: more = '', expected = '' } = subject;
    const config = join(folder, `${name}.toml`);
    const file = join(folder, `${name}.json`);
    const common = (await readFile(CONFIG, 'utf8')).replace('["2xx", 403,', `["2xx", ${expected}403,`);
    await writeFile(config, `${headers}${common}${more}${restraint(document)}`);
    await writeFile(file, JSON.stringify(document));
    const bounds = [...DRAWN, '--no-shrink', '--max-examples', `${EXAMPLES}`, '--phases', PHASES];
    const tls = ['--tls-verify', authority];
    const tool = spawn(
      TOOL,
      ['--config-file', config, 'run', file, '--url', url, ...tls, ...bounds, ...words, '--no-color'],
      {
        cwd: folder,
        env: ENVIRONMENT,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let text = '';
    for (const stream of [tool.stdout, tool.stderr]) stream.on('data', (part: Buffer) => (text += part.toString()));
    return new Promise((resolve) => tool.on('close', (code) => resolve({ code, text })));
  }

  /** Operations that were asked. */
  function expectHeld({ code, text }: Outcome): number {
    expect(code, text.slice(0, 12_000)).to.equal(0);
    expect(text).to.match(/Tested: +[1-9]/);
    const phases = text.matchAll(/(?:Examples|Coverage|Fuzzing|Stateful) \(in [\d.]+s\)/g);
    console.log(`      ${[...phases].map(([phase]) => phase).join(', ')}`);
    return Number(/Tested: +(\d+)/.exec(text)?.[1]);
  }

  const ended = async (index: number): Promise<Outcome> => (await outcomes[index]) ?? { code: null, text: '' };

  for (const [index, { daemon, as }] of RUNS.entries()) {
    it(`${daemon}, asked by its ${as.role}, answers as it says`, async () => {
      expectHeld(await ended(index));
    });
  }

  if (!WITH_STANDARDS) return;

  it('the TSM-Backend answers as the published document says', async () => {
    const tested = expectHeld(await ended(RUNS.length));
    tellFigure('L2', 'TSMS operations', tested, OPERATIONS.length);
    expect(tested).to.equal(OPERATIONS.length);
  });

  it('the remote agent answers as the published document of SERAM says', async () => {
    const tested = expectHeld(await ended(RUNS.length + 1));
    const operations = Object.keys(overlaid('seram').document.paths).length;
    tellFigure('L2', 'SERAM operations', tested, operations);
    expect(tested).to.equal(operations);
  });
});

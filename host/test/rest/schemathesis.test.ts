// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { removePostgres } from '../../local/postgres.ts';
import { startTopology, type Topology } from '../../local/topology.ts';
import { developmentPlan } from '../../local/topology-plan.ts';
import type { Peer } from '../../rest/identity.ts';
import { fromHex } from '../../wire/hex.ts';
import { FramedCard } from '../transport/framed-card.ts';

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
const EXAMPLES = process.env.OPENTSM_SCHEMATHESIS_EXAMPLES ?? '1';
/** Processes at a time: CI has two cores, and the daemons want some of them. */
const AT_ONCE = 3;

const operatorOf = (platform: Peer): Peer => ({ role: 'operator', id: 'alice', platform });
const ISSUER: Peer = { role: 'issuer', id: 'main' };
const PROVIDER: Peer = { role: 'provider', id: 'a' };
interface Run {
  readonly daemon: string;
  readonly as: Peer;
  /** Default: every route. */
  readonly routes?: string;
}

/**
 * The slow ones first. A second role goes to its own routes: on all others it is refused, which the first one may not
 * be.
 */
const RUNS: readonly Run[] = [
  { daemon: 'provider-a', as: operatorOf(PROVIDER) },
  { daemon: 'kms-provider-a', as: PROVIDER },
  { daemon: 'issuer', as: operatorOf(ISSUER) },
  { daemon: 'ota', as: PROVIDER },
  { daemon: 'issuer', as: PROVIDER, routes: '^/v1/security-domain-requests' },
  { daemon: 'provider-a', as: ISSUER, routes: '^/v1/card-relays' },
];

interface Outcome {
  readonly code: number | null;
  readonly text: string;
}

/** Begins `AT_ONCE` of them, and the next whenever one has ended. */
function limited<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R>[] {
  const lanes = Array.from({ length: AT_ONCE }, (): Promise<unknown> => Promise.resolve());
  return items.map((item, index) => {
    const result = (lanes[index % AT_ONCE] ?? Promise.resolve()).then(() => work(item));
    lanes[index % AT_ONCE] = result.catch(() => undefined);
    return result;
  });
}

/** Requests that follow the daemon's own OpenAPI document and such that do not, against the running daemon. */
describe('REST interfaces by schemathesis', function () {
  this.timeout(180_000);
  let folder: string;
  let card: FramedCard;
  let topology: Topology;
  let outcomes: Promise<Outcome>[];

  if (!existsSync(TOOL)) {
    it.skip('needs schemathesis, which the set-up could not fetch');
    return;
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-rest-'));
    await chmod(folder, 0o711);
    card = await FramedCard.start(() => fromHex('6A82'));
    topology = await startTopology({
      stateDir: join(folder, 'state'),
      durable: false,
      ...developmentPlan({
        providers: ['a'],
        terminal: { directReaders: [{ name: 'slot 1', ...card.address }] },
        platform: { offCardEntityKeySizeBits: 1024, resumeWindowMs: 0 },
      }),
    });
    outcomes = limited(RUNS, check);
  });
  after(async () => {
    if (topology === undefined) return;
    await Promise.allSettled(outcomes ?? []);
    await topology.stop();
    await card[Symbol.asyncDispose]();
    await removePostgres(join(folder, 'state/postgres'));
    await rm(folder, { recursive: true });
  });

  async function check({ daemon, as, routes }: Run): Promise<Outcome> {
    const { key, certificate, authority } = await topology.pki.issue(as);
    const tls = ['--tls-verify', authority, '--request-cert', certificate, '--request-cert-key', key];
    const bounds = ['--generation-deterministic', '--no-shrink', '--max-examples', EXAMPLES];
    const only = routes === undefined ? [] : ['--include-path-regex', routes];
    const url = `${topology.url(daemon)}/openapi.json`;
    const tool = spawn(TOOL, ['--config-file', CONFIG, 'run', url, ...tls, ...bounds, ...only, '--no-color'], {
      cwd: folder,
      env: ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [tool.stdout, tool.stderr]) stream.on('data', (part: Buffer) => (text += part.toString()));
    return new Promise((resolve) => tool.on('close', (code) => resolve({ code, text })));
  }

  for (const [index, { daemon, as }] of RUNS.entries()) {
    it(`${daemon}, asked by its ${as.role}, answers as it says`, async () => {
      const { code, text } = (await outcomes[index]) ?? { code: null, text: '' };
      expect(code, text.slice(0, 12_000)).to.equal(0);
      expect(text).to.match(/Tested: +[1-9]/);
    });
  }
});

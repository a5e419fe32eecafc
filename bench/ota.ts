// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvariantError } from '../host/errors.ts';
import { BEARERS, type BearerKind, MultiProviderLab } from '../host/lab/multi-provider-lab.ts';
import { administrationSessions } from './administration.ts';
import { median, onCore } from './one-core.ts';

/** `npm run bench -- ota`: secured packets, sessions of remote administration, and 41 to 60 by each bearer. */

const ROUNDS = 3;
const SECONDS = '4';
const DELAY_MS = 300;

const row = (name: string, ...columns: readonly (string | number)[]) =>
  console.log(`${name.padEnd(38)}${columns.map((column) => String(column).padStart(14)).join('')}`);

/** Both on one core and in turn, so that what else the machine does falls on both. */
async function packetRows() {
  // setup/clients/prepare.mjs puts it there
  const python = join(import.meta.dirname, '..', 'build', 'clients', 'bin', 'python');
  const [ours, reference]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    const script = join(import.meta.dirname, 'packets.ts');
    ours.push(Number(await onCore(0, process.execPath, [script, SECONDS])));
    const other = join(import.meta.dirname, 'packets_reference.py');
    if (existsSync(python)) reference.push(Number(await onCore(0, python, [other, SECONDS])));
  }
  const [rate, plain] = [median(ours), reference.length === 0 ? undefined : median(reference)];
  row('packets wrapped and unwrapped', 'a CPU second', 'of Python');
  row('TypeScript, AES, 100 bytes', Math.round(rate), plain === undefined ? '' : (rate / plain).toFixed(2));
  if (plain !== undefined) row('Python (cryptography)', Math.round(plain));
  return { rate, ...(plain === undefined ? {} : { overPython: rate / plain }) };
}

async function sessionRows(idle: number, active: number) {
  const found = await administrationSessions(idle, active);
  row('sessions of remote administration', 'KiB RSS each', 'KiB heap each', 'idle, core', 'connect, s', 'scripts/s');
  const { rssKiB, heapKiB, idleCpuShare, connectSeconds, scriptsPerSecond } = found;
  const share = `${(idleCpuShare * 100).toFixed(0)} %`;
  const figures = [
    rssKiB.toFixed(1),
    heapKiB.toFixed(1),
    share,
    connectSeconds.toFixed(1),
    scriptsPerSecond.toFixed(0),
  ];
  row(`${found.idle} idle, ${active} of them active`, ...figures);
  return found;
}

/** One flow on a new card, after one that does not count. */
async function flowBy(bearer: BearerKind) {
  const stateDir = await mkdtemp(join(tmpdir(), 'opentsm-bench-ota-'));
  try {
    const providers = ['a'];
    const ota = { addedDelayMs: DELAY_MS };
    const options = {
      link: 'direct',
      keySizeBits: 1024,
      bearer,
      stateDir,
      ota,
      providers,
      permitted: providers,
    } as const;
    await using lab = await MultiProviderLab.open(options);
    let [ms, roundTrips, messages] = [0, 0, 0];
    for (const slot of [0, 1]) {
      const before = lab.smsCost?.messages ?? 0;
      const card = await lab.insertCard(slot, { known: true });
      const start = performance.now();
      const { outcome, cost, problem } = await lab.platforms.distribute('a', lab.request(card));
      if (outcome !== 'distributed')
        throw new InvariantError('bench-flow', `a flow ended otherwise: ${problem?.detail}`);
      [ms, roundTrips] = [performance.now() - start, cost?.roundTrips ?? 0];
      messages = (lab.smsCost?.messages ?? 0) - before;
    }
    return { bearer, ms, roundTrips, messages };
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
}

async function bearerRows() {
  const flows: Awaited<ReturnType<typeof flowBy>>[] = [];
  row(`41 to 60, RSA 1024, ${DELAY_MS} ms a script`, 'ms', 'of reader', 'exchanges', 'messages');
  for (const bearer of BEARERS) {
    const flow = await flowBy(bearer);
    flows.push(flow);
    row(bearer, Math.round(flow.ms), (flow.ms / (flows[0]?.ms ?? flow.ms)).toFixed(2), flow.roundTrips, flow.messages);
  }
  return flows;
}

export async function otaBench({ idle, active }: { readonly idle: number; readonly active: number }) {
  const packets = await packetRows();
  console.log();
  const sessions = await sessionRows(idle, active);
  console.log();
  const flows = await bearerRows();
  return { machine: { cores: cpus().length, node: process.version }, packets, sessions, flows };
}

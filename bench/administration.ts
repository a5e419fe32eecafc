// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { CARD_TLS } from '../host/bearer/bip/tls-profile.ts';
import { TransportError } from '../host/errors.ts';
import { removePostgres, startEmbeddedPostgres } from '../host/local/postgres.ts';
import { fromHex } from '../host/wire/hex.ts';
import { ADMIN_PROTOCOL } from '../host/wire/uicc/admin-http.ts';
import { KEY_OF_ALL, type NodeReport, type NodeRequest, type Weight } from './administration-protocol.ts';

/** Cards that hold their sessions open at one node of `ota`, most of them with nothing to do. */

export interface Sessions {
  readonly idle: number;
  readonly active: number;
  /** From the first connection to the last. */
  readonly connectSeconds: number;
  /** Of the node's process, for each session. */
  readonly rssKiB: number;
  readonly heapKiB: number;
  /** Of one core, while all are idle. */
  readonly idleCpuShare: number;
  /** Of the active ones together, the others still connected. */
  readonly scriptsPerSecond: number;
}

/** Handshakes under way; the server takes 256. */
const AT_ONCE = 64;
const IDLE_MS = 10_000;
const WORK_MS = 10_000;
const ANSWER = Buffer.from('AF80230466009000', 'hex');
const RESULT = Buffer.concat([ANSWER, Buffer.of(0, 0)]);
const TYPE = 'application/vnd.globalplatform.card-content-mgt-response;version=1.0';

/** A card: posts where it is told, answers each script, until it is disconnected. */
function card(port: number, identity: string, uri: string): Promise<TLSSocket> {
  const psk = fromHex(KEY_OF_ALL, 16);
  const { minVersion, maxVersion, ciphers } = CARD_TLS;
  const socket = connect({
    host: '127.0.0.1',
    port,
    minVersion,
    maxVersion,
    ciphers: `${ciphers}:@SECLEVEL=0`,
    pskCallback: () => ({ psk, identity }),
    checkServerIdentity: () => undefined,
  });
  const post = (where: string, body?: Buffer) => {
    const result = body === undefined ? '' : `X-Admin-Script-Status: ok\r\nContent-Type: ${TYPE}\r\n`;
    const head = `POST ${where} HTTP/1.1\r\nHost: ota\r\nX-Admin-Protocol: ${ADMIN_PROTOCOL}\r\n${result}`;
    socket.write(`${head}Content-Length: ${body?.length ?? 0}\r\n\r\n`);
    if (body !== undefined) socket.write(body);
  };
  let text = '';
  socket.on('data', (part: Buffer) => {
    text += part.toString('latin1');
    const [, head = '', rest = ''] = /^([\s\S]*?)\r\n\r\n([\s\S]*)$/.exec(text) ?? [];
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    const next = /x-admin-next-uri: (\S+)/i.exec(head)?.[1];
    if (next === undefined || rest.length < length) return;
    text = rest.slice(length);
    post(next, length === 0 ? undefined : RESULT);
  });
  socket.on('error', () => {});
  const connected = once(socket, 'secureConnect').then(() => {
    post(uri);
    return socket;
  });
  return connected;
}

/** The node's process: questions and answers in turn. */
class Node {
  readonly #child: ChildProcess;

  constructor(url: string) {
    const script = join(import.meta.dirname, 'administration-node.ts');
    this.#child = fork(script, { env: { ...process.env, DATABASE_URL: url }, execArgv: ['--expose-gc'] });
  }

  async next<K extends NodeReport['kind']>(kind: K): Promise<Extract<NodeReport, { kind: K }>> {
    const [report]: NodeReport[] = await once(this.#child, 'message');
    if (report !== undefined && isOf(report, kind)) return report;
    throw new TransportError('bench-node', `the node said ${report?.kind} in place of ${kind}`);
  }

  ask<K extends NodeReport['kind']>(request: NodeRequest, kind: K): Promise<Extract<NodeReport, { kind: K }>> {
    const answer = this.next(kind);
    this.#child.send(request);
    return answer;
  }

  async stop(): Promise<void> {
    this.#child.kill();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }
}

const isOf = <K extends NodeReport['kind']>(report: NodeReport, kind: K): report is Extract<NodeReport, { kind: K }> =>
  report.kind === kind;

async function connectAll(node: Node, port: number, count: number): Promise<TLSSocket[]> {
  const sockets: TLSSocket[] = [];
  for (let from = 0; from < count; from += AT_ONCE) {
    const to = Math.min(count, from + AT_ONCE);
    const { uris } = await node.ask({ kind: 'open', from, to }, 'opened');
    sockets.push(...(await Promise.all(uris.map((uri, index) => card(port, `card-${from + index}`, uri)))));
  }
  return sockets;
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const KIB = 1_024;

async function measure(node: Node, idle: number, active: number): Promise<Sessions> {
  const { port } = await node.next('ready');
  const weigh = (): Promise<Weight> => node.ask({ kind: 'weigh' }, 'weighed');
  // What the first sessions load is not what a session takes.
  const first = await connectAll(node, port, 1);
  const empty = await weigh();
  const start = performance.now();
  const sockets = await connectAll(node, port, idle);
  const connectSeconds = (performance.now() - start) / 1_000;
  try {
    await pause(IDLE_MS / 5);
    const before = await weigh();
    await pause(IDLE_MS);
    const full = await weigh();
    const { scripts } = await node.ask({ kind: 'work', cards: active, ms: WORK_MS }, 'worked');
    const each = (after: number, was: number) => (after - was) / idle / KIB;
    return {
      idle: full.connected - 1,
      active,
      connectSeconds,
      rssKiB: each(full.rss, empty.rss),
      heapKiB: each(full.heapUsed, empty.heapUsed),
      idleCpuShare: (full.cpuMs - before.cpuMs) / IDLE_MS,
      scriptsPerSecond: (scripts * 1_000) / WORK_MS,
    };
  } finally {
    for (const socket of [...first, ...sockets]) socket.destroy();
  }
}

export async function administrationSessions(idle: number, active: number): Promise<Sessions> {
  const folder = await mkdtemp(join(tmpdir(), 'opentsm-bench-'));
  const postgres = await startEmbeddedPostgres({ folder: join(folder, 'postgres'), durable: false });
  const node = new Node(await postgres.createDatabase('administration'));
  try {
    return await measure(node, idle, active);
  } finally {
    await node.stop();
    await postgres.stop();
    await removePostgres(join(folder, 'postgres'));
    await rm(folder, { recursive: true });
  }
}

// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { AdministrationServer } from '../host/bearer/bip/administration-server.ts';
import { administrationUri } from '../host/bearer/bip/administration-uri.ts';
import { Administration } from '../host/service/ota/administration.ts';
import { BellsByDatabase } from '../host/store/bells.ts';
import { openDatabase } from '../host/store/database.ts';
import { AdminSessionTable } from '../host/store/ota/admin-session-table.ts';
import { OTA_MIGRATIONS } from '../host/store/ota/lease-table.ts';
import { fromHex } from '../host/wire/hex.ts';
import { KEY_OF_ALL, type NodeReport, type NodeRequest, SCRIPT } from './administration-protocol.ts';

/** One node of `ota` with the port that cards call, alone in its process: what it takes is what its sessions take. */

const CONNECTIONS = 10;
const onError = () => {};
const logger = { info: onError, warn: onError, error: onError, debug: onError } as never;
const { DATABASE_URL: url = '', HOLD_MS = '20000' } = process.env;

const database = await openDatabase<unknown>({ url, migrations: OTA_MIGRATIONS, connections: CONNECTIONS, onError });
const bells = await BellsByDatabase.listen({ url, onError });
const table = new AdminSessionTable(database);
const administration = new Administration({ table, bells: bells.bells, holdMs: Number(HOLD_MS), silentMs: 3_600_000 });
const findKey = async () => fromHex(KEY_OF_ALL, 16);
const server = await AdministrationServer.listen({ host: '127.0.0.1', port: 0, administration, findKey, logger });

const tell = (report: NodeReport): void => void process.send?.(report);
const sessions = new Map<number, string>();
const keyOf = (card: number) => ({ terminalId: 'bench', readerName: `card ${card}`, fence: 1 });
const identityOf = (card: number): string => `card-${card}`;

async function open(from: number, to: number): Promise<string[]> {
  const uris: string[] = [];
  for (let card = from; card < to; card += 1) {
    const row = await table.open(keyOf(card), randomBytes(16).toString('hex'), identityOf(card));
    sessions.set(card, row?.sessionId ?? '');
    uris.push(administrationUri(row?.sessionId ?? '', 0));
  }
  return uris;
}

/** Scripts one after the other in each of these sessions, as long as it takes. */
async function work(cards: number, ms: number): Promise<number> {
  const end = performance.now() + ms;
  let scripts = 0;
  const trigger = async () => ({});
  const one = async (card: number) => {
    const key = { ...keyOf(card), pskIdentity: identityOf(card) };
    while (performance.now() < end) {
      await administration.run(key, { body: fromHex(SCRIPT, 64) }, { trigger, timeoutMs: 60_000 });
      scripts += 1;
    }
  };
  await Promise.all(Array.from({ length: cards }, (_, card) => one(card)));
  return scripts;
}

process.on('message', async (request: NodeRequest) => {
  if (request.kind === 'open') tell({ kind: 'opened', uris: await open(request.from, request.to) });
  else if (request.kind === 'work') tell({ kind: 'worked', scripts: await work(request.cards, request.ms) });
  else {
    globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    tell({ kind: 'weighed', rss, heapUsed, cpuMs: (user + system) / 1_000, connected: server.size });
  }
});
tell({ kind: 'ready', port: server.port });

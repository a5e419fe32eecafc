// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { type RunningDaemon, startDaemon } from '../../daemon/daemon.ts';
import { otaDaemon } from '../../daemon/ota.ts';
import { type PostgresServer, removePostgres, startEmbeddedPostgres } from '../../local/postgres.ts';
import { RestClient } from '../../rest/client.ts';
import type { Peer } from '../../rest/identity.ts';
import {
  type CardCommand,
  CardSessionInfo,
  ExchangeResult,
  type OpenCardSession,
  type TerminalExchange,
  type TerminalInfo,
  type TerminalResult,
} from '../../wire/message/card-script.ts';
import { testPki } from '../rest/fixture.ts';

export const OTA: Peer = { role: 'ota', id: 'main' };

/** A PostgreSQL server for one suite. */
export class TestDatabase implements AsyncDisposable {
  readonly folder: string;
  readonly server: PostgresServer;

  private constructor(folder: string, server: PostgresServer) {
    this.folder = folder;
    this.server = server;
  }

  static async start(): Promise<TestDatabase> {
    const folder = await mkdtemp(join(tmpdir(), 'opentsm-ota-'));
    await chmod(folder, 0o711);
    return new TestDatabase(folder, await startEmbeddedPostgres({ folder: join(folder, 'postgres'), durable: false }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
    await removePostgres(join(this.folder, 'postgres'));
    await rm(this.folder, { recursive: true });
  }
}

/** A config file for `ota` and how to call the daemon that runs on it. */
export class TestOta implements AsyncDisposable {
  readonly configFile: string;
  port = 0;
  #daemon: RunningDaemon | undefined;
  readonly #clients: RestClient[] = [];
  readonly #terminals: TestTerminal[] = [];

  private constructor(configFile: string) {
    this.configFile = configFile;
  }

  static async configure(
    database: TestDatabase,
    name: string,
    more: { readonly nodeId?: string } & object = {},
  ): Promise<TestOta> {
    const pki = await testPki();
    const configFile = join(database.folder, `${name}${more.nodeId ?? ''}.json`);
    const config = {
      listen: { host: '127.0.0.1', port: 0 },
      tls: await pki.issue(OTA),
      log: { level: 'silent' },
      database: { url: await database.server.createDatabase(name) },
      providers: [{ id: 'a' }, { id: 'b' }],
      ...more,
    };
    await writeFile(configFile, JSON.stringify(config), { mode: 0o600 });
    return new TestOta(configFile);
  }

  /** Runs the daemon inside this process. */
  static async start(database: TestDatabase, name: string, more: object = {}): Promise<TestOta> {
    const ota = await TestOta.configure(database, name, more);
    await ota.startHere();
    return ota;
  }

  async startHere(): Promise<void> {
    this.#daemon = await startDaemon(otaDaemon, this.configFile);
    this.port = this.#daemon.port;
  }

  /** Ends the daemon and starts it again at the same port. */
  async restartHere(): Promise<void> {
    await this.stopHere();
    const config = JSON.parse(await readFile(this.configFile, 'utf8'));
    await writeFile(this.configFile, JSON.stringify({ ...config, listen: { host: '127.0.0.1', port: this.port } }));
    await this.startHere();
  }

  async stopHere(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = undefined;
  }

  async provider(id = 'a'): Promise<Provider> {
    return new Provider(await this.client({ role: 'provider', id }));
  }

  async client(peer: Peer): Promise<RestClient> {
    const pki = await testPki();
    const client = new RestClient({
      baseUrl: `https://127.0.0.1:${this.port}`,
      tls: await pki.identity(peer),
      expectedPeer: OTA,
      timeoutMs: 20_000,
    });
    this.#clients.push(client);
    return client;
  }

  async terminal(id = 'desk'): Promise<TestTerminal> {
    const terminal = await TestTerminal.connect(this.port, id);
    this.#terminals.push(terminal);
    return terminal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const terminal of this.#terminals) terminal.drop();
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.stopHere();
  }
}

/** Calls of a provider. */
export class Provider {
  readonly client: RestClient;

  constructor(client: RestClient) {
    this.client = client;
  }

  open(owner: string, more: Partial<OpenCardSession> = {}): Promise<CardSessionInfo> {
    const body = { terminalId: 'desk', readerName: 'slot 1', owner: `workflow-${owner}`, ...more };
    return this.client.call({ method: 'POST', path: '/v1/card-sessions', body, response: CardSessionInfo });
  }

  exchange(session: CardSessionInfo, commands: CardCommand[] = [command('00A40400')]): Promise<ExchangeResult> {
    const path = `/v1/card-sessions/${session.sessionId}/exchange`;
    return this.client.call({
      method: 'POST',
      path,
      body: { fence: session.fence, commands },
      response: ExchangeResult,
    });
  }

  close(session: CardSessionInfo): Promise<unknown> {
    return this.client.call({ method: 'DELETE', path: `/v1/card-sessions/${session.sessionId}` });
  }
}

export function command(...apdus: string[]): CardCommand {
  return { label: 'SELECT', apdus };
}

type Reader = TerminalInfo['readers'][number];

export function reader(insertion: string, readerName = 'slot 1'): Reader {
  return {
    readerName,
    link: 'direct',
    cardPresent: insertion !== '',
    atr: insertion === '' ? '' : '3B00',
    insertion: insertion === '' ? 'none' : insertion,
  };
}

/** A terminal that the test plays itself, message by message: also a hostile one. */
export class TestTerminal {
  readonly socket: WebSocket;
  /** Everything that came from `ota`, oldest first. */
  readonly received: (TerminalExchange | { type: 'release'; readerName: string; fence: number })[] = [];
  /** Answers a script; default: 9000 to each command. Undefined answers nothing. */
  answer: (exchange: TerminalExchange) => unknown = (exchange) => success(exchange);
  readonly closed: Promise<number>;
  #notify: () => void = () => {};

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', (code) => resolve(code)));
    socket.on('error', () => {});
    socket.on('message', (data) => {
      const message = JSON.parse(String(data));
      this.received.push(message);
      this.#notify();
      if (message.type !== 'exchange') return;
      const result = this.answer(message);
      if (result !== undefined) this.send(result);
    });
  }

  static async connect(port: number, id: string, role: Peer['role'] = 'terminal'): Promise<TestTerminal> {
    const tls = await (await testPki()).identity({ role, id });
    const socket = new WebSocket(`wss://127.0.0.1:${port}/v1/terminal-link`, {
      key: tls.key,
      cert: tls.certificate,
      ca: tls.authority,
      perMessageDeflate: false,
    });
    const terminal = new TestTerminal(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve());
      socket.once('error', reject);
    });
    return terminal;
  }

  hello(readers: Reader[] = [reader('card-1')], terminalId = 'desk'): void {
    this.send({ type: 'hello', terminalId, readers });
  }

  readers(readers: Reader[]): void {
    this.send({ type: 'readers', readers });
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message));
  }

  /** The next script that arrives, or one that has. */
  async script(): Promise<TerminalExchange> {
    for (;;) {
      const found = this.received.find((message) => message.type === 'exchange');
      if (found !== undefined) return found as TerminalExchange;
      await new Promise<void>((resolve) => {
        this.#notify = resolve;
      });
    }
  }

  drop(): void {
    this.socket.terminate();
  }
}

export function success(exchange: TerminalExchange): TerminalResult {
  return {
    type: 'result',
    id: exchange.id,
    responses: exchange.commands.map(() => ({ data: '', sw: '9000' })),
    stopped: false,
    apdus: exchange.commands.length,
    bytesOut: 5,
    bytesIn: 2,
  };
}

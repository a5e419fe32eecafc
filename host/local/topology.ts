// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Static, Type } from 'typebox';
import { initialiseKms } from '../daemon/kms.ts';
import { InvariantError, NotFoundError, TransportError } from '../errors.ts';
import { RestClient } from '../rest/client.ts';
import type { Peer } from '../rest/identity.ts';
import { type DevelopmentPki, openDevelopmentPki } from './development-pki.ts';
import { type DevelopmentUsers, openDevelopmentUsers } from './development-users.ts';
import { claimPort, freePort, releasePorts } from './free-port.ts';
import { openPostgres, type PostgresServer } from './postgres.ts';
import { type ProcessEvent, SupervisedProcess } from './supervised-process.ts';
import { type DaemonPlan, daemonPlans, type TopologyPlan } from './topology-plan.ts';

export interface TopologyOptions extends Readonly<TopologyPlan> {
  /** Databases, keys, configs and logs; made when absent. */
  readonly stateDir: string;
  /** Start daemons again that end by themselves or are killed. Default false: tests decide for themselves. */
  readonly keepAlive?: boolean;
  /** False lets PostgreSQL skip fsync; default true. */
  readonly durable?: boolean;
  readonly onEvent?: (event: ProcessEvent) => void;
  /** What daemons of these names are started with in the place of the CLI: a test lets one of them cheat. */
  readonly programs?: Readonly<Record<string, string>>;
}

/**
 * All daemons on this machine, as processes that end with this one. Names: `ota`, `issuer`, `provider-a`,
 * `kms-provider-a`, `terminal-desk`.
 */
export interface Topology extends AsyncDisposable {
  readonly stateDir: string;
  readonly names: readonly string[];
  readonly pki: DevelopmentPki;
  /** Gives tokens to users of phone apps. */
  readonly users: DevelopmentUsers;
  readonly postgres: PostgresServer;
  /** Who the daemon is. @throws NotFoundError for a name that is not in `names` */
  peer(name: string): Peer;
  url(name: string): string;
  /** Addresses of all nodes of this name, separated by a space: a name that any of them answers. */
  addresses(name: string): string;
  /** Where phone apps reach each node of the front. */
  appAddresses(): readonly string[];
  /** Where service providers reach each node of this provider. */
  tsmsAddresses(name: string): readonly string[];
  pid(name: string): number | undefined;
  configFile(name: string): string;
  logFile(name: string): string;
  /** Address of the daemon's database with its own role; undefined for one without. */
  databaseUrl(name: string): string | undefined;
  /** A client of all nodes of this name, with a certificate of this peer; closed by stop(). */
  client(as: Peer, name: string): Promise<RestClient>;
  /** kill -9, and waits until the process is gone; SIGSTOP lets it hang with its connections open, SIGCONT go on. */
  kill(name: string, signal?: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  /** Starts a daemon that does not run and waits until it listens. */
  start(name: string): Promise<void>;
  /** Drains a daemon and starts it again. */
  restart(name: string): Promise<void>;
  /** With keepAlive: waits until a killed daemon listens again. */
  ready(name: string): Promise<void>;
  /** Waits until the daemon says that it can do its work. @throws TransportError after `timeoutMs` */
  healthy(name: string, timeoutMs?: number): Promise<void>;
  stop(): Promise<void>;
}

interface Member {
  readonly plan: DaemonPlan;
  readonly port: number;
  /** Of a front: where phones come; of a provider: where service providers do. */
  readonly secondPort?: number;
  readonly configFile: string;
  readonly logFile: string;
  readonly databaseUrl: string | undefined;
  readonly process: SupervisedProcess;
}

const Ports = Type.Record(Type.String(), Type.Integer({ minimum: 1, maximum: 65_535 }));
const HEALTHY_MS = 60_000;

/** Starts PostgreSQL and every daemon of the plan. Whatever was started is stopped when one fails. */
export async function startTopology(options: TopologyOptions): Promise<Topology> {
  const stateDir = resolve(options.stateDir);
  for (const folder of ['', 'config', 'log', 'keys', 'sealing'])
    await mkdir(join(stateDir, folder), { recursive: true, mode: 0o700 });
  // PostgreSQL may run under another uid and must pass through; what is inside is private file by file.
  await chmod(stateDir, 0o711);
  const pki = await openDevelopmentPki(join(stateDir, 'pki'));
  const postgres = await openPostgres({ folder: join(stateDir, 'postgres'), durable: options.durable ?? true });
  const users = await openDevelopmentUsers(join(stateDir, 'users'));
  const topology = new RunningTopology(stateDir, pki, users, postgres);
  try {
    await topology.prepare(options);
    await topology.startAll();
    return topology;
  } catch (error) {
    await topology.stop();
    throw error;
  }
}

class RunningTopology implements Topology {
  readonly stateDir: string;
  readonly pki: DevelopmentPki;
  readonly users: DevelopmentUsers;
  readonly postgres: PostgresServer;
  readonly #members = new Map<string, Member>();
  readonly #clients: RestClient[] = [];
  #ports: readonly number[] = [];
  #stopping: Promise<void> | undefined;

  constructor(stateDir: string, pki: DevelopmentPki, users: DevelopmentUsers, postgres: PostgresServer) {
    this.stateDir = stateDir;
    this.pki = pki;
    this.users = users;
    this.postgres = postgres;
  }

  /** Certificates, databases, ports and config files. */
  async prepare(options: TopologyOptions): Promise<void> {
    const plans = daemonPlans(options);
    const ports = await choosePorts(
      join(this.stateDir, 'ports.json'),
      plans.flatMap(({ name, daemon }) => [name, ...secondListenerOf(name, daemon)]),
    );
    this.#ports = Object.values(ports);
    const endpoint = (name: string) => {
      const nodes = plans.filter((plan) => plan.group === name);
      const peer = nodes[0]?.peer;
      if (peer === undefined) throw new InvariantError('topology-plan', `no daemon is named ${name}`);
      const url = nodes.map((plan) => `https://127.0.0.1:${ports[plan.name]}`).join(' ');
      return { url, role: peer.role, id: peer.id };
    };
    // Making keys is the slow part of a first start; it runs beside this thread.
    const identities = await Promise.all(plans.map(({ peer }) => this.pki.issue(peer)));
    const { issuer, audience, jwksFile } = this.users;
    for (const [index, plan] of plans.entries()) {
      const [second = ''] = secondListenerOf(plan.name, plan.daemon);
      const secondPort = ports[second];
      const configFile = join(this.stateDir, 'config', `${plan.name}.json`);
      const logFile = join(this.stateDir, 'log', `${plan.name}.log`);
      const databaseUrl = plan.database
        ? await this.postgres.createDatabase(plan.group.replaceAll(/[^a-z0-9]/g, '_'))
        : undefined;
      const config = {
        listen: { host: '127.0.0.1', port: ports[plan.name] },
        tls: identities[index],
        log: { file: logFile },
        ...(databaseUrl === undefined ? {} : { database: { url: databaseUrl } }),
        ...plan.config({
          endpoint,
          stateDir: this.stateDir,
          node: plan.node,
          users: { issuer, audience, jwksFile },
          appSide: plan.daemon === 'front' ? await this.#appSide(secondPort ?? 0) : {},
          tsms: { listen: { host: '127.0.0.1', port: secondPort ?? 0 } },
        }),
      };
      await savePrivate(configFile, config);
      // On a machine of its own this is the operator's word: `tsm kms init`.
      if (plan.daemon === 'kms') await initialiseKms(configFile);
      const program = options.programs?.[plan.name];
      const process = new SupervisedProcess({
        name: plan.name,
        daemon: plan.daemon,
        configFile,
        outputFile: join(this.stateDir, 'log', `${plan.name}.out`),
        keepAlive: options.keepAlive ?? false,
        ...(program === undefined ? {} : { program }),
        ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
      });
      this.#members.set(plan.name, {
        plan,
        port: ports[plan.name] ?? 0,
        configFile,
        logFile,
        databaseUrl,
        process,
        ...(secondPort === undefined ? {} : { secondPort }),
      });
    }
  }

  /** Where phones come, and the role that their requests have in the database of the front. */
  async #appSide(port: number): Promise<object> {
    const url = await this.postgres.createRole('front', 'front_app');
    return { listen: { host: '127.0.0.1', port }, database: { url } };
  }

  appAddresses(): readonly string[] {
    return this.#secondAddresses(({ daemon }) => daemon === 'front');
  }

  tsmsAddresses(name: string): readonly string[] {
    return this.#secondAddresses(({ group, daemon }) => group === name && daemon === 'provider');
  }

  #secondAddresses(which: (plan: DaemonPlan) => boolean): readonly string[] {
    return [...this.#members.values()].flatMap(({ plan, secondPort }) =>
      secondPort === undefined || !which(plan) ? [] : [`https://127.0.0.1:${secondPort}`],
    );
  }

  /** Platforms ask their KMS for keys when they start, so the others go first. */
  async startAll(): Promise<void> {
    for (const lab of [0, 1]) {
      const members = [...this.#members.values()].filter(({ plan }) => plan.lab === lab);
      const outcomes = await Promise.allSettled(members.map(({ process }) => process.start()));
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    }
  }

  get names(): readonly string[] {
    return [...this.#members.keys()];
  }

  peer(name: string): Peer {
    return this.#member(name).plan.peer;
  }

  url(name: string): string {
    return `https://127.0.0.1:${this.#member(name).port}`;
  }

  addresses(name: string): string {
    const nodes = [...this.#members.values()].filter(({ plan }) => plan.group === name || plan.name === name);
    return nodes.map(({ plan }) => this.url(plan.name)).join(' ');
  }

  pid(name: string): number | undefined {
    return this.#member(name).process.pid;
  }

  configFile(name: string): string {
    return this.#member(name).configFile;
  }

  logFile(name: string): string {
    return this.#member(name).logFile;
  }

  databaseUrl(name: string): string | undefined {
    return this.#member(name).databaseUrl;
  }

  client(as: Peer, name: string): Promise<RestClient> {
    return this.#clientAt(this.addresses(name), as, name);
  }

  async #clientAt(baseUrl: string, as: Peer, name: string): Promise<RestClient> {
    const client = new RestClient({
      baseUrl,
      tls: await this.pki.identity(as),
      expectedPeer: this.peer(name),
    });
    this.#clients.push(client);
    return client;
  }

  async kill(name: string, signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' = 'SIGKILL'): Promise<void> {
    const { process: daemon } = this.#member(name);
    if (signal === 'SIGKILL') await daemon.kill(signal);
    else if (daemon.pid !== undefined) process.kill(daemon.pid, signal);
  }

  async start(name: string): Promise<void> {
    await this.#member(name).process.start();
  }

  async restart(name: string): Promise<void> {
    await this.#member(name).process.stop();
    await this.#member(name).process.start();
  }

  async ready(name: string): Promise<void> {
    await this.#member(name).process.ready();
  }

  async healthy(name: string, timeoutMs = HEALTHY_MS): Promise<void> {
    const operator = { role: 'operator', id: 'supervisor', platform: this.peer(name) } as const;
    const client = await this.#clientAt(this.url(name), operator, name);
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      try {
        await client.call({ method: 'GET', path: '/health/ready', timeoutMs: 5_000 });
        return;
      } catch (error) {
        if (performance.now() > deadline)
          throw new TransportError('not-healthy', `${name} is not ready: ${(error as Error).message}`, { name }, error);
        await new Promise((done) => setTimeout(done, 50));
      }
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stopAll(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    for (const lab of [1, 0]) {
      const members = [...this.#members.values()].filter(({ plan }) => plan.lab === lab);
      await Promise.all(members.map(({ process }) => process.stop()));
    }
    await this.postgres.stop();
    releasePorts(this.#ports);
  }

  #member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined)
      throw new NotFoundError('no-such-daemon', `no daemon is named ${name}: there are ${this.names.join(', ')}`);
    return member;
  }
}

/** Name of the port of a daemon that listens at two. */
function secondListenerOf(name: string, daemon: DaemonPlan['daemon']): string[] {
  if (daemon === 'front') return [`${name}-app`];
  return daemon === 'provider' ? [`${name}-tsms`] : [];
}

/** The ports of the last run where they are free, else new ones: peers and notes keep their addresses. */
async function choosePorts(file: string, names: readonly string[]): Promise<Record<string, number>> {
  const kept = await readPorts(file);
  const ports: Record<string, number> = {};
  for (const name of names) {
    const before = kept[name];
    ports[name] = before !== undefined && (await claimPort(before)) ? before : await freePort();
  }
  await savePrivate(file, { ...kept, ...ports });
  return ports;
}

async function readPorts(file: string): Promise<Static<typeof Ports>> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return {};
  }
}

async function savePrivate(file: string, value: object): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

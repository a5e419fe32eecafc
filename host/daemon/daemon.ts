// SPDX-License-Identifier: Apache-2.0
import type { AddressInfo } from 'node:net';
import pino, { type Logger } from 'pino';
import { Gauge, Registry } from 'prom-client';
import type { Static, TSchema } from 'typebox';
import { errorLine, TransportError, UsageError } from '../errors.ts';
import packageDescription from '../package.json' with { type: 'json' };
import type { RestApp } from '../rest/app.ts';
import { type Peer, peerOfCertificate, type TlsIdentity } from '../rest/identity.ts';
import { createRestServer } from '../rest/server.ts';
import { workNow } from '../trace.ts';
import { type BaseConfig, readConfig } from './config.ts';
import { LiveTls } from './live-tls.ts';

/** What a daemon gets to build its parts from. */
export interface DaemonContext<C> {
  readonly config: C;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** The daemon's own key and certificate, also for its RestClients. */
  readonly tls: TlsIdentity;
  /** Who this daemon is, by its own certificate. */
  readonly self: Peer;
  /** Of this release, as its OpenAPI documents say it. */
  readonly version: string;
}

/** The parts of a running daemon. */
export interface DaemonParts {
  readonly routes: (app: RestApp) => void | Promise<void>;
  /** Throws while the daemon cannot do its work; default always ready. */
  readonly ready?: () => Promise<void>;
  /** Called once the server listens, for work that needs the port or takes WebSocket upgrades. */
  readonly listening?: (app: RestApp) => void | Promise<void>;
  /** Called when certificates were read again. */
  readonly reload?: () => Promise<void>;
  /** Called first when the daemon stops: take nothing new, let long polls return. */
  readonly drain?: () => Promise<void>;
  /** Called last: gives everything back. */
  readonly close?: () => Promise<void>;
}

export interface DaemonDefinition<S extends TSchema> {
  /** Role of the daemon's own certificate. */
  readonly name: 'issuer' | 'provider' | 'ota' | 'terminal' | 'kms' | 'front';
  readonly config: S;
  readonly bodyLimitBytes?: number;
  start(context: DaemonContext<Static<S>>): Promise<DaemonParts>;
}

export interface RunningDaemon {
  readonly port: number;
  /** Takes new certificates and the revocation list from their files. @throws UsageError, and the old ones stay */
  reload(): Promise<void>;
  /** Drains, closes and returns; safe to call twice. */
  stop(): Promise<void>;
}

/** Ties the config's type to its schema. */
export function defineDaemon<S extends TSchema>(definition: DaemonDefinition<S>): DaemonDefinition<S> {
  return definition;
}

const DRAIN_MS = 10_000;

/**
 * Reads the config and starts the daemon in this process.
 *
 * @throws UsageError for a config that is not right, and whatever the daemon's own start throws
 */
export async function startDaemon<S extends TSchema>(
  definition: DaemonDefinition<S>,
  configFile: string,
): Promise<RunningDaemon> {
  const config = await readConfig(configFile, definition.config);
  // Every daemon's schema spreads daemonFields, so these are there.
  const base = config as BaseConfig;
  const tls = await LiveTls.open(base.tls);
  const self = peerOfCertificate(tls.certificate);
  if (self.role !== definition.name) {
    throw new UsageError(
      'config-field',
      `/tls/certificate: names a ${self.role}, but this daemon is a ${definition.name}`,
      { field: '/tls/certificate' },
    );
  }
  const logger = createLogger(`${self.role}:${self.id}`, base.log);
  tellStale(tls, logger);
  const metrics = new Registry();
  new Gauge({
    name: 'opentsm_tls_certificate_expiry_seconds',
    help: "end of this daemon's own certificate, in seconds since 1970",
    registers: [metrics],
    collect() {
      this.set(tls.expiresAt.getTime() / 1_000);
    },
  });
  const { version } = packageDescription;
  const parts = await definition.start({ config, logger, metrics, tls, self, version });
  let stopping: Promise<void> | undefined;
  let app: RestApp;
  try {
    app = await createRestServer({
      self,
      version,
      tls,
      logger,
      metrics,
      ...(definition.bodyLimitBytes === undefined ? {} : { bodyLimitBytes: definition.bodyLimitBytes }),
      ready: async () => {
        // Whoever chooses among nodes goes elsewhere before this one refuses.
        if (stopping !== undefined) throw new TransportError('draining', 'this node ends what it has: ask another one');
        await parts.ready?.();
      },
      routes: parts.routes,
    });
    await listen(app, base.listen);
    await parts.listening?.(app);
  } catch (error) {
    await parts.close?.();
    throw error;
  }
  return {
    port: (app.server.address() as AddressInfo).port,
    reload: () => reload({ app, parts, tls, logger }),
    stop: () => {
      stopping ??= stop(app, parts, logger);
      return stopping;
    },
  };
}

async function listen(app: RestApp, { host, port }: BaseConfig['listen']): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new TransportError(
      'cannot-listen',
      `/listen: cannot listen on ${host}:${port} (${reason})`,
      { host, port },
      error,
    );
  }
}

function tellStale({ staleRevocations: endedAt }: LiveTls, logger: Logger): void {
  if (endedAt === undefined) return;
  logger.error({ endedAt }, 'the CRL in tls.revoked has ended: bring the next one; what it names stays revoked');
}

/** New certificates and revocations, then those of other listeners; the log says which were not read. */
async function reload({
  app,
  parts,
  tls,
  logger,
}: {
  readonly app: RestApp;
  readonly parts: DaemonParts;
  readonly tls: LiveTls;
  readonly logger: Logger;
}): Promise<void> {
  // Who revoked a certificate looks here for it.
  const told = async (work: () => Promise<void>, text: string) => {
    try {
      await work();
    } catch (error) {
      logger.error({ reason: errorLine(error) }, text);
      throw error;
    }
  };
  await told(async () => {
    await tls.reload();
    tellStale(tls, logger);
    const { key, certificate: cert, authority: ca } = tls;
    app.server.setSecureContext({ key, cert, ca, minVersion: 'TLSv1.3' });
  }, 'certificates are not read again: the ones of before stay');
  await told(
    async () => parts.reload?.(),
    'certificates are read again, but not those of its other listeners: there the ones of before stay',
  );
  logger.info({ expiresAt: tls.expiresAt }, 'certificates are read again');
}

async function stop(app: RestApp, parts: DaemonParts, logger: Logger): Promise<void> {
  logger.info('draining');
  const overdue = setTimeout(() => app.server.closeAllConnections(), DRAIN_MS);
  try {
    await parts.drain?.();
    await app.close();
  } finally {
    clearTimeout(overdue);
    await parts.close?.();
  }
  logger.info('stopped');
  logger.flush();
}

/** Logs to a file or standard error; standard output belongs to the supervisor. */
function createLogger(name: string, log: BaseConfig['log']): Logger {
  const options: pino.LoggerOptions = {
    name,
    level: log?.level ?? 'info',
    // What the line belongs to: trace, flow, provider, card, step.
    mixin: () => ({ ...workNow() }),
    redact: {
      paths: [
        'req.headers',
        'body',
        'apdus',
        'data',
        '*.apdus',
        '*.data',
        '*.body',
        '*.key',
        '*.password',
        '*.url',
        'err.config',
      ],
      censor: '[redacted]',
    },
  };
  return pino(options, unfailing({ dest: log?.file ?? 2, sync: true, mkdir: true, append: true, mode: 0o600 }));
}

/** A disk that is full must not end the work: lines that cannot be written are lost, and nothing else. */
function unfailing(to: Parameters<typeof pino.destination>[0]): pino.DestinationStream {
  const destination = pino.destination(to);
  destination.on('error', () => {});
  return {
    write: (line) => {
      try {
        destination.write(line);
      } catch {
        // Nobody can be told: the log is what failed.
      }
    },
  };
}

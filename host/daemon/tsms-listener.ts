// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { type Static, Type } from 'typebox';
import { TransportError, UsageError } from '../errors.ts';
import type { TlsIdentity } from '../rest/identity.ts';
import { RateLimits } from '../rest/rate-limit.ts';
import type { TsmsApp } from '../rest/tsms/app.ts';
import type { Extensions } from '../rest/tsms/extensions.ts';
import { createTsmsServer } from '../rest/tsms/server.ts';
import type { TsmsBackend } from '../service/provider/tsms/backend.ts';
import { daemonFields, FilePath } from './config.ts';

export const TsmsConfig = Type.Object(
  {
    listen: daemonFields.listen,
    /** RSA size of the pairs of domains that deployments make; default 2,048. */
    keySizeBits: Type.Optional(Type.Union([Type.Literal(1024), Type.Literal(2048), Type.Literal(3072)])),
    /** Routes of ours below /ext beside the guideline's; default true. */
    extensions: Type.Optional(Type.Boolean()),
    /** Networks that servers of service providers may be in although they are not the Internet's; default none. */
    sposNetworks: Type.Optional(
      Type.Array(Type.String({ pattern: '^[0-9a-fA-F.:]{2,45}/[0-9]{1,3}$' }), { maxItems: 64 }),
    ),
    /** How often one token or address may ask. */
    rate: Type.Optional(RateLimits),
    /** Certificate and key that service providers trust, PEM; default the daemon's own. */
    tls: Type.Optional(Type.Object({ key: FilePath, certificate: FilePath }, { additionalProperties: false })),
  },
  { additionalProperties: false },
);

export interface TsmsListenerOptions {
  readonly config: Static<typeof TsmsConfig> | undefined;
  readonly tls: TlsIdentity;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly backend: TsmsBackend;
  readonly extensions: Extensions;
}

/** The provider's second listener: service providers come with tokens and without certificates of ours. */
export class TsmsListener {
  readonly #options: TsmsListenerOptions;
  #app: TsmsApp | undefined;

  constructor(options: TsmsListenerOptions) {
    this.#options = options;
  }

  /** Listens, where the config says that it should. @throws TransportError `cannot-listen` */
  async open(): Promise<void> {
    const { config, logger, metrics, backend, extensions } = this.#options;
    if (config === undefined) return;
    const app = await createTsmsServer({
      tls: await this.#tls(),
      logger,
      metrics,
      backend,
      rate: config.rate ?? {},
      ...(config.extensions === false ? {} : { extensions }),
    });
    const { host, port } = config.listen;
    try {
      await app.listen({ host, port });
    } catch (error) {
      await app.close();
      const reason = (error as NodeJS.ErrnoException).code ?? 'unknown';
      throw new TransportError(
        'cannot-listen',
        `/tsms/listen: cannot listen on ${host}:${port} (${reason})`,
        {},
        error,
      );
    }
    this.#app = app;
    logger.info({ port: (app.server.address() as AddressInfo).port }, 'TSM-Backend listens');
  }

  /** Takes a new certificate from its files. @throws UsageError, and the old one stays */
  async reload(): Promise<void> {
    const { key, certificate: cert } = await this.#tls();
    this.#app?.server.setSecureContext({ key, cert, minVersion: 'TLSv1.2' });
  }

  async close(): Promise<void> {
    const app = this.#app;
    this.#app = undefined;
    await app?.close();
  }

  async #tls(): Promise<{ readonly key: string; readonly certificate: string }> {
    const { config, tls } = this.#options;
    if (config?.tls === undefined) return tls;
    const [key, certificate] = await Promise.all([config.tls.key, config.tls.certificate].map(readPem));
    return { key: key ?? '', certificate: certificate ?? '' };
  }
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError('config-field', `/tsms/tls: ${file} cannot be read`, { field: '/tsms/tls', file }, error);
  }
}

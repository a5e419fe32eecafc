// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { Registry } from 'prom-client';
import { InvariantError } from '../host/errors.ts';
import { createReverseProxy } from '../host/rest/reverse-proxy/server.ts';
import { ServiceNodes } from '../host/rest/reverse-proxy/service-nodes.ts';

/** The front's reverse proxy alone: `proxy-server.ts KEY CERTIFICATE ORIGIN` prints its port and runs until killed. */

const [keyFile = '', certificateFile = '', origin = ''] = process.argv.slice(2);
const [key, certificate] = [readFileSync(keyFile, 'utf8'), readFileSync(certificateFile, 'utf8')];
const onError = (error: Error) => process.stderr.write(`${error.message}\n`);
const proxy = await createReverseProxy({
  tls: { key, certificate, authority: certificate },
  users: {
    userOf: async () => {
      throw new InvariantError('no-users', 'The bench has no users');
    },
  },
  routes: [{ prefix: '/', pool: 'service', access: 'anybody' }],
  pools: new Map([['service', new ServiceNodes({ name: 'service', config: { nodes: [origin] }, onError })]]),
  logger: pino({ level: 'silent' }),
  metrics: new Registry(),
  rate: { perCaller: 1_000_000, perAddress: 1_000_000, windowSeconds: 1 },
});
await proxy.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`${(proxy.server.address() as AddressInfo).port}\n`);

// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';

/**
 * What Node's TLS server and undici reach with nothing between them, not even a rule: the most that the front can.
 * `bare-proxy.ts KEY CERTIFICATE ORIGIN` prints its port and runs until killed.
 */

const [keyFile = '', certificateFile = '', origin = ''] = process.argv.slice(2);
const pool = new Pool(origin, { connections: 64 });
const server = createServer({ key: readFileSync(keyFile), cert: readFileSync(certificateFile) }, (request, answer) => {
  const { url = '/', headers } = request;
  pool.dispatch(
    { method: 'GET', path: url, headers: { host: headers.host } },
    {
      onRequestStart: () => {},
      onResponseStart: (_controller, status, { connection: _, 'keep-alive': __, ...passed }) => {
        answer.writeHead(status, passed);
      },
      onResponseData: (_controller, chunk) => {
        answer.write(chunk);
      },
      onResponseEnd: () => {
        answer.end();
      },
      onResponseError: (_controller, error) => {
        answer.destroy(error);
      },
    },
  );
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));

// SPDX-License-Identifier: Apache-2.0
import { Pool } from 'undici';
import { quantile } from './one-core.ts';

/** `proxy-load.ts URL SECONDS`: requests over 32 kept connections; prints `{ requests, seconds, p99Ms }`. */

const CONNECTIONS = 32;
const [url = '', seconds = '5'] = process.argv.slice(2);
const pool = new Pool(url, { connections: CONNECTIONS, connect: { rejectUnauthorized: false } });

async function burst(ms: number): Promise<number[]> {
  const times: number[] = [];
  const until = performance.now() + ms;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (performance.now() < until) {
        const start = performance.now();
        const { statusCode, body } = await pool.request({ method: 'GET', path: '/' });
        await body.dump();
        if (statusCode !== 200) throw new Error(`answered ${statusCode}`);
        times.push(performance.now() - start);
      }
    }),
  );
  return times;
}

const start = performance.now();
const times = await burst(Number(seconds) * 1_000);
const took = (performance.now() - start) / 1_000;
process.stdout.write(JSON.stringify({ requests: times.length, seconds: took, p99Ms: quantile(times, 0.99) }));
await pool.close();

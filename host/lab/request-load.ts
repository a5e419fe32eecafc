// SPDX-License-Identifier: Apache-2.0
import { Agent, request } from 'undici';
import type { Topology } from '../local/topology.ts';

/** HTTP requests that daemons have answered, by their own figures. */

const COUNT = /^opentsm_http_request_seconds_count\{(.*)\} (\d+)$/gm;
const LABEL = /(\w+)="([^"]*)"/g;
/** What a supervisor and this count itself ask for. */
const OF_NO_FLOW = /^(none|\/metrics|\/health\/.*|\/v1\/(cards|providers\/.*|terminals))$/;

/** `issuer POST /v1/security-domain-requests` and how often, for every daemon of the topology. */
export async function requestLoad(topology: Topology): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const name of topology.names) {
    for (const [, labels = '', count] of (await metricsOf(topology, name)).matchAll(COUNT)) {
      const { method, route = '' } = Object.fromEntries(
        [...labels.matchAll(LABEL)].map(([, key, value]) => [key, value]),
      );
      if (OF_NO_FLOW.test(route)) continue;
      const key = `${name} ${method} ${route}`;
      counts.set(key, (counts.get(key) ?? 0) + Number(count));
    }
  }
  return counts;
}

async function metricsOf(topology: Topology, name: string): Promise<string> {
  const operator = { role: 'operator', id: 'bench', platform: topology.peer(name) } as const;
  const { key, certificate: cert, authority: ca } = await topology.pki.identity(operator);
  const dispatcher = new Agent({ connect: { key, cert, ca } });
  const { body } = await request(`${topology.url(name)}/metrics`, { dispatcher });
  const text = await body.text();
  await dispatcher.close();
  return text;
}

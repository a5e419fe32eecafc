// SPDX-License-Identifier: Apache-2.0
import { METHODS } from 'node:http';
import type { RestApp } from './app.ts';
import { RequestError } from './problem.ts';

/**
 * All that Node parses, but CONNECT, which is no request for a path: Fastify would answer 400 to those it knows not.
 */
const ALL = METHODS.filter((name) => name !== 'CONNECT');

/**
 * Answers 405 with `Allow` where a path is known and the method is not (RFC 9110 §15.5.6).
 *
 * @returns to be called once, after the last route
 */
export function refuseOtherMethods(app: RestApp): () => void {
  for (const name of ALL) if (!app.supportedMethods.includes(name)) app.addHttpMethod(name);
  const known = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = known.get(url) ?? new Set();
    for (const name of [method].flat()) methods.add(name);
    known.set(url, methods);
  });
  return () => {
    for (const [url, methods] of [...known]) {
      const others = ALL.filter((name) => !methods.has(name));
      const allow = [...methods].join(', ');
      app.route({
        url,
        method: others,
        config: { access: ['any-peer'] },
        schema: { hide: true },
        // Before a body is read: it would be refused for being there.
        onRequest: async (_request, reply) => {
          reply.header('allow', allow);
          throw new RequestError('method-not-allowed', `this route takes ${allow}`, [], 405);
        },
        handler: async () => {},
      });
    }
  };
}

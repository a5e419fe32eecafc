// SPDX-License-Identifier: Apache-2.0

/** The OpenAPI document of our extensions, apart from the two published interfaces: all that is below `/ext`. */

export const EXT_DOCUMENT = '/ext/1/openapi.json';
const PREFIX = '/ext/';

/** The part of a document that a server has of itself. */
export interface ServerDocument {
  readonly paths?: Readonly<Record<string, object | undefined>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, object>> };
}

interface Described {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string };
  readonly components: { readonly securitySchemes: Readonly<Record<string, object>> };
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly paths: Readonly<Record<string, object>>;
}

const INFO = { title: 'opentsm extensions', version: '1' };
const BEARER = { type: 'http', scheme: 'bearer' };
const CERTIFICATE = { type: 'mutualTLS' };

/** What is below `/ext` at this listener, whose callers have tokens or certificates. */
export function extDocument({ paths = {} }: ServerDocument, security: 'bearer' | 'certificate'): Described {
  const own = Object.entries(paths)
    .filter(([path]) => path.startsWith(PREFIX) && path !== EXT_DOCUMENT)
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
  return {
    openapi: '3.1.0',
    info: INFO,
    security: [{ [security]: [] }],
    components: { securitySchemes: { [security]: security === 'bearer' ? BEARER : CERTIFICATE } },
    paths: Object.fromEntries(own.map(([path, item]) => [path, item ?? {}])),
  };
}

// SPDX-License-Identifier: Apache-2.0
import swagger from '@fastify/swagger';
import { Problem } from '../wire/message/common.ts';
import type { RestApp } from './app.ts';
import { PROBLEM_MEDIA_TYPE } from './problem.ts';

/** Every route may end in these, with a problem document. */
const ERRORS: Readonly<Record<number, string>> = {
  400: 'The request does not follow the schema',
  403: 'This peer may not do this',
  404: 'There is no such thing',
  405: 'The path takes other methods',
  409: 'Somebody else holds it, or its state does not allow it',
  413: 'The body is too large',
  415: 'Only application/json is understood',
  422: 'Well-formed, but a key, certificate, name or combination in it is not acceptable',
  429: 'More than this peer may ask for',
  500: 'Our fault',
  502: 'The card or another platform refused',
  503: 'Something is away or too busy: try again',
};

/** A route of users, who show a token. */
const USER_ERRORS = { 401: 'The bearer token is missing, not good any more, or of too weak a login' };

const answersOf = (errors: Readonly<Record<number, string>>) =>
  Object.fromEntries(
    Object.entries(errors).map(([status, description]) => [
      status,
      { description, content: { [PROBLEM_MEDIA_TYPE]: { schema: Problem } } },
    ]),
  );

/** What `no-nul.ts` refuses in every text: a database column cannot hold U+0000. */
const WITHOUT_NUL = '^[^\\u0000]*$';
/** Of a record whose names are free. */
const ANY_NAME = '^.*$';
/** Parts of a request, by their names in a route's schema. */
const REQUEST_PARTS = ['body', 'querystring', 'params', 'headers'] as const;
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A schema whose free texts say that they hold no NUL, as the server has it for all of them. */
function withoutNul(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutNul);
  if (!isObject(schema)) return schema;
  const { type, pattern, format, enum: values, const: value } = schema;
  const isFree = type === 'string' && [pattern, format, values, value].every((limit) => limit === undefined);
  if (isFree) return { ...schema, pattern: WITHOUT_NUL };
  return Object.fromEntries(
    Object.entries(schema).map(([name, part]) => [name === ANY_NAME ? WITHOUT_NUL : name, withoutNul(part)]),
  );
}

const requestPartsOf = (schema: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(REQUEST_PARTS.filter((name) => name in schema).map((name) => [name, withoutNul(schema[name])]));

/**
 * The document at `/openapi.json`: routes with their schemas, callers (`x-access`) and error answers.
 *
 * @param more error answers that these routes have besides
 */
export async function describeRoutes(
  app: RestApp,
  about: { title: string; version: string },
  more: Readonly<Record<number, string>> = {},
): Promise<void> {
  const errorResponses = answersOf({ ...ERRORS, ...more });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: about,
      security: [{ certificate: [] }],
      components: { securitySchemes: { certificate: { type: 'mutualTLS' } as never } },
    },
    transform: ({ schema, url, route }) => {
      const responses = (schema as { response?: object } | undefined)?.response ?? { 200: { description: 'OK' } };
      const ofUsers = route.config?.access?.includes('user') === true;
      const requests = isObject(schema) ? requestPartsOf(schema) : {};
      const described = {
        ...schema,
        ...requests,
        response: { ...responses, ...errorResponses, ...(ofUsers ? answersOf(USER_ERRORS) : {}) },
        'x-access': route.config?.access,
      };
      return { schema: described as never, url };
    },
  });
}

// SPDX-License-Identifier: Apache-2.0
// Makes host/wire/tsms/published.ts from the published OpenAPI document of TR-03165: `node setup/tsms/generate.mjs`.
// A test compares, so that the table of operations is the published one and nobody's memory of it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '../..');
export const SOURCE = join(root, 'docs/openapi/tsms/tsm-rest-api-1.0.4.yaml');
export const TARGET = join(root, 'host/wire/tsms/published.ts');

const lastOf = (reference) => reference.split('/').at(-1);

function operationsOf(document) {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, responses, requestBody }]) => ({
      id: operationId,
      method: method.toUpperCase(),
      path: path.replaceAll(/\{(\w+)\}/g, ':$1'),
      body: requestBody === undefined ? 'none' : requestBody.$ref === undefined ? 'json' : 'file',
      errors: Object.values(responses)
        .flatMap(({ $ref = '' }) => lastOf($ref).split('_').slice(1).map(Number))
        .filter(Number.isInteger),
    })),
  );
}

/** `instanceAid: # M, C`: presence and whether it may be edited stand in comments only. */
function rulesOf(text) {
  const rules = new Map();
  let schema = '';
  for (const line of text.slice(text.indexOf('\n  schemas:')).split('\n')) {
    schema = /^ {4}([\w-]+):\s*$/.exec(line)?.[1] ?? schema;
    const [, name, presence, editable] = /^ {8}(\w+): # ([MOAC]), (Yes|No|C)/.exec(line) ?? [];
    if (name !== undefined) rules.set(`${schema}.${name}`, { presence, editable });
  }
  return rules;
}

function shapeOf({ $ref, type, format, items, additionalProperties, maxLength, minimum, maximum }) {
  if ($ref !== undefined) return { type: 'object', of: lastOf($ref) };
  if (type === 'array') return { type: 'list', items: shapeOf(items) };
  if (type === 'object') return { type: 'map', items: shapeOf(additionalProperties) };
  return Object.fromEntries(
    Object.entries({ type, format, maxLength, minimum, maximum }).filter(([, value]) => value !== undefined),
  );
}

function entitiesOf(document, rules) {
  const entities = {};
  for (const [name, { properties, allOf }] of Object.entries(document.components.schemas)) {
    if (properties === undefined) continue;
    const base = allOf === undefined ? {} : (entities[lastOf(allOf[0].$ref)] ?? {});
    const own = Object.entries(properties).map(([attribute, schema]) => {
      const initial = schema.default === undefined ? {} : { initial: schema.default };
      return [attribute, { ...rules.get(`${name}.${attribute}`), ...shapeOf(schema), ...initial }];
    });
    entities[name] = { ...base, ...Object.fromEntries(own) };
  }
  return entities;
}

/** Texts of errors as they stand in the examples, by category. */
function textsOf(document) {
  const texts = {};
  for (const { content } of Object.values(document.components.responses)) {
    const { errorCategory, errorMessage } = content?.['application/json']?.example ?? {};
    if (errorCategory !== undefined) texts[errorCategory] ??= errorMessage;
  }
  return texts;
}

/** What the document says, as values. */
export function read() {
  const text = readFileSync(SOURCE, 'utf8');
  const document = parse(text);
  return {
    OPERATIONS: operationsOf(document),
    ENTITIES: entitiesOf(document, rulesOf(text)),
    TEXTS: textsOf(document),
  };
}

/** The module's text, before Biome has formatted it. */
function moduleOf(values) {
  const constants = Object.entries(values).map(
    ([name, value]) => `export const ${name} = ${JSON.stringify(value, null, 1)} as const;\n`,
  );
  return `// SPDX-License-Identifier: Apache-2.0
/**
 * Operations, attributes and texts of errors of the TSM-Backend, as published.
 * Made by setup/tsms/generate.mjs: change nothing here.
 *
 * @see BSI TR-03165 1.0.4, 4.1
 */

${constants.join('\n').replaceAll(/"(\d{4})":/g, '$1:')}`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(TARGET, moduleOf(read()));

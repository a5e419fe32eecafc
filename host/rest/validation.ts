// SPDX-License-Identifier: Apache-2.0
import type { Static, TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';

/** One thing wrong with a value: a JSON pointer and what was wanted there. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** Checks values against one schema, without coercion and without defaults. */
export interface Checker<S extends TSchema> {
  readonly schema: S;
  /** True when the value follows the schema. */
  is(value: unknown): value is Static<S>;
  /** What is wrong, at most `limit` entries; empty when nothing is. */
  errors(value: unknown, limit?: number): FieldError[];
}

const compiled = new WeakMap<object, Validator>();

/** Compiles a schema once per process; the same schema object gives the same code again. */
export function checkerOf<S extends TSchema>(schema: S): Checker<S> {
  let validator = compiled.get(schema);
  if (validator === undefined) {
    validator = Compile(schema) as unknown as Validator;
    compiled.set(schema, validator);
  }
  const check = validator;
  return {
    schema,
    is: (value): value is Static<S> => check.Check(value),
    errors: (value, limit = 16) => (check.Check(value) ? [] : fieldErrors(check.Errors(value), limit)),
  };
}

interface RawError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly message: string;
  readonly params: object;
}

function fieldErrors(errors: readonly RawError[], limit: number): FieldError[] {
  const found = new Map<string, FieldError>();
  for (const error of errors) {
    for (const entry of entriesOf(error)) {
      const key = `${entry.field}\n${entry.message}`;
      if (found.size < limit && !found.has(key)) found.set(key, entry);
    }
  }
  return [...found.values()];
}

function entriesOf(error: RawError): FieldError[] {
  const at = error.instancePath;
  const params = error.params as Record<string, unknown>;
  // An unknown field is told once, by its own pointer.
  if (error.keyword === 'boolean') return [];
  if (error.keyword === 'additionalProperties') {
    return names(params.additionalProperties).map((name) => ({
      field: pointer(at, name),
      message: 'is not a known field',
    }));
  }
  if (error.keyword === 'required') {
    return names(params.requiredProperties).map((name) => ({ field: pointer(at, name), message: 'is missing' }));
  }
  if (error.keyword === 'const') return [{ field: at, message: `must be ${JSON.stringify(params.allowedValue)}` }];
  if (error.keyword === 'anyOf') return [{ field: at, message: 'must be one of the allowed forms' }];
  return [{ field: at, message: error.message.slice(0, 200) }];
}

function names(value: unknown): string[] {
  return Array.isArray(value) ? value.map((name) => String(name).slice(0, 64)) : [];
}

/** Appends one step to a JSON pointer (RFC 6901). */
export function pointer(base: string, name: string): string {
  return `${base}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

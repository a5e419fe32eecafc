// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type Static, type TSchema, Type } from 'typebox';
import { UsageError } from '../errors.ts';
import { ROLES } from '../rest/identity.ts';
import { checkerOf } from '../rest/validation.ts';

/** One JSON file per daemon. Unknown fields are refused; every failure names its field. */

const PATH_MARK = 'x-file-path';

/** A file or folder; relative paths start at the folder of the config file. */
export const FilePath = Type.String({ minLength: 1, maxLength: 1_024, [PATH_MARK]: true });

export const TlsFiles = Type.Object(
  {
    /** Private key in PEM, mode 0600. */
    key: FilePath,
    /** In PEM, with those between it and the authority. It says who this daemon is (`urn:opentsm:ROLE:ID`). */
    certificate: FilePath,
    /** Of the certificates of all peers, PEM. */
    authority: FilePath,
    /** Certificates that are not accepted any more: CRLs in PEM, or one a line, by SHA-256 fingerprint or serial. */
    revoked: Type.Optional(FilePath),
  },
  { additionalProperties: false },
);

/** Another daemon: where it is, or where its nodes are, separated by a space, and who it must be. */
export const PeerEndpoint = Type.Object(
  {
    url: Type.String({ pattern: '^https://[^\\s/?#]+( https://[^\\s/?#]+){0,15}$', maxLength: 2_000 }),
    role: Type.Union(ROLES.map((role) => Type.Literal(role))),
    id: Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' }),
  },
  { additionalProperties: false },
);
export type PeerEndpoint = Static<typeof PeerEndpoint>;

/** Fields of every daemon; spread into its own schema. */
export const daemonFields = {
  /** Where peers reach it. */
  listen: Type.Object(
    { host: Type.String({ minLength: 1, maxLength: 253 }), port: Type.Integer({ minimum: 0, maximum: 65_535 }) },
    { additionalProperties: false },
  ),
  /** Read again at SIGHUP. */
  tls: TlsFiles,
  /** Lines of JSON. */
  log: Type.Optional(
    Type.Object(
      {
        /** Default `info`. */
        level: Type.Optional(
          Type.Union(['trace', 'debug', 'info', 'warn', 'error', 'silent'].map((level) => Type.Literal(level))),
        ),
        /** Default: standard error. */
        file: Type.Optional(FilePath),
      },
      { additionalProperties: false },
    ),
  ),
};

/** Spread into the schema of a daemon that keeps data. */
export const databaseFields = {
  database: Type.Object(
    {
      /** Each daemon has a database or a role of its own (docs/operations.md). */
      url: Type.String({ pattern: '^postgres(ql)?://', maxLength: 1_000 }),
    },
    { additionalProperties: false },
  ),
};

/** Spread into the schema of a daemon of which several may run on one database. */
export const nodeFields = {
  /** Name of this node among them: stable over restarts; default its host name and port. */
  nodeId: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' })),
};

export const BaseConfig = Type.Object(daemonFields);
export type BaseConfig = Static<typeof BaseConfig>;

/**
 * Reads and checks a config file; file paths in the result are absolute.
 *
 * @throws UsageError `config-file`, `config-json` or `config-field`, naming file and field
 */
export async function readConfig<S extends TSchema>(file: string, schema: S): Promise<Static<S>> {
  const path = resolve(file);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new UsageError(
      'config-file',
      `cannot read ${path} (${reason}): name an existing JSON file with --config`,
      { file: path },
      error,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError('config-json', `${path} is not JSON: ${(error as Error).message}`, { file: path }, error);
  }
  const checker = checkerOf(schema);
  const errors = checker.errors(value);
  if (errors.length > 0) {
    const lines = errors.map(({ field, message }) => `${field === '' ? '(whole file)' : field} ${message}`);
    throw new UsageError('config-field', `${path}: ${lines.join('; ')}. Correct these fields.`, {
      file: path,
      field: errors[0]?.field ?? '',
    });
  }
  return absolutePaths(value, schema, dirname(path)) as Static<S>;
}

/** Follows objects and arrays; a path inside a union is not found, so keep paths out of unions. */
function absolutePaths(value: unknown, schema: TSchema, base: string): unknown {
  const node = schema as {
    properties?: Record<string, TSchema>;
    patternProperties?: Record<string, TSchema>;
    items?: TSchema;
    [PATH_MARK]?: boolean;
  };
  if (node[PATH_MARK] === true && typeof value === 'string') return resolve(base, value);
  if (node.items !== undefined && Array.isArray(value)) {
    const items = node.items;
    return value.map((item) => absolutePaths(item, items, base));
  }
  const [each] = Object.values(node.patternProperties ?? {});
  if (each !== undefined && typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, absolutePaths(item, each, base)]));
  }
  if (node.properties !== undefined && typeof value === 'object' && value !== null) {
    const properties = node.properties;
    const entries = Object.entries(value).map(([name, item]) => {
      const inner = properties[name];
      return [name, inner === undefined ? item : absolutePaths(item, inner, base)];
    });
    return Object.fromEntries(entries);
  }
  return value;
}

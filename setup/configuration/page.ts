// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import ts from 'typescript';
import { CardCalls } from '../../host/daemon/card-calls.ts';
import { daemonFields, databaseFields, nodeFields, PeerEndpoint } from '../../host/daemon/config.ts';
import { FrontConfig } from '../../host/daemon/front.ts';
import { IssuerConfig } from '../../host/daemon/issuer.ts';
import { KmsConfig } from '../../host/daemon/kms.ts';
import { OtaConfig } from '../../host/daemon/ota.ts';
import { platformFields } from '../../host/daemon/platform-config.ts';
import { ProviderConfig } from '../../host/daemon/provider.ts';
import { TerminalConfig } from '../../host/daemon/terminal.ts';
import { Aid, HolderReference, Name } from '../../host/wire/message/common.ts';

/**
 * `docs/configuration.md`: every field of every daemon's config file, from the schema that checks it (type, bounds) and
 * from the comment above the field (what it is, its default).
 */

const root = join(import.meta.dirname, '..', '..');

const SHARED = { ...daemonFields, ...databaseFields, ...nodeFields };

/** A part of the page: the fields of `schema` but those of parts before. */
interface Part {
  readonly heading: string;
  readonly file: string;
  readonly name: string;
  readonly schema: Node;
  readonly without: readonly object[];
}

/** What of a JSON schema the page shows. */
interface Node {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly patternProperties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly 'x-file-path'?: boolean;
}

const part = (heading: string, name: string, schema: object, without: readonly object[]): Part => ({
  heading,
  file: `host/daemon/${heading}.ts`,
  name,
  schema: schema as Node,
  without,
});

const shared = Object.values(SHARED);
const both = [...shared, ...Object.values(platformFields)];
const object = (properties: object): Node => {
  const fields = properties as Readonly<Record<string, Node>>;
  const required = Object.entries(fields).filter(([, field]) => !('~optional' in field));
  return { type: 'object', properties: fields, required: required.map(([name]) => name) };
};

const COMMON: readonly Part[] = [
  {
    heading: 'Every daemon',
    file: 'host/daemon/config.ts',
    name: 'daemonFields',
    schema: object(daemonFields),
    without: [],
  },
  {
    heading: 'Those that keep data',
    file: 'host/daemon/config.ts',
    name: 'databaseFields',
    schema: object(databaseFields),
    without: [],
  },
  {
    heading: 'Those of which several may run on one database',
    file: 'host/daemon/config.ts',
    name: 'nodeFields',
    schema: object(nodeFields),
    without: [],
  },
  {
    heading: 'Issuer and provider',
    file: 'host/daemon/platform-config.ts',
    name: 'platformFields',
    schema: object(platformFields),
    without: shared,
  },
];

const DAEMONS: readonly Part[] = [
  part('issuer', 'IssuerConfig', IssuerConfig, both),
  part('provider', 'ProviderConfig', ProviderConfig, both),
  part('kms', 'KmsConfig', KmsConfig, shared),
  part('ota', 'OtaConfig', OtaConfig, shared),
  part('terminal', 'TerminalConfig', TerminalConfig, shared),
  part('front', 'FrontConfig', FrontConfig, shared),
];

const grouped = (value: number) => value.toLocaleString('en-US');
const span = (from: number | undefined, to: number | undefined) =>
  to === undefined || to === Number.MAX_SAFE_INTEGER
    ? `from ${grouped(from ?? 0)}`
    : `${grouped(from ?? 0)} to ${grouped(to)}`;

const patternOf = (schema: object) => (schema as Node).pattern;

/** Patterns that stand in many places, in words. */
const PATTERNS = new Map<string | undefined, string>([
  [patternOf(PeerEndpoint.properties.id), 'name of letters, digits, `.`, `_`, `-`; 1 to 64'],
  [patternOf(PeerEndpoint.properties.url), '`https://` URL, or several with spaces between'],
  [patternOf(Name), 'name, 1 to 128'],
  [patternOf(HolderReference), '32 hex digits, capitals'],
  [patternOf(CardCalls.properties.address), 'IPv4 address'],
  [patternOf(Aid), 'AID: 5 to 16 bytes in hex, capitals'],
  [patternOf(databaseFields.database.properties.url), '`postgres://` URL'],
  ['^https://[^\\s?#]+$', '`https://` URL'],
]);

/** Objects that stand in many places: named by their fields, which are told once. */
function shapeOf(node: Node): string | undefined {
  const fields = Object.keys(node.properties ?? {}).join();
  return { 'url,role,id': '[peer](#peers-and-addresses)', 'host,port': '[address](#peers-and-addresses)' }[fields];
}

/** `1 to 32`, `` `a` or `b` ``, `path`. */
function wanted(node: Node): string {
  const shape = shapeOf(node);
  if (shape !== undefined) return shape;
  if (node['x-file-path'] === true) return 'path';
  if (node.const !== undefined) return `\`${JSON.stringify(node.const).replaceAll('"', '')}\``;
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(wanted))].join(' or ');
  if (node.type === 'integer' || node.type === 'number')
    return node.minimum === undefined && node.maximum === undefined ? 'number' : span(node.minimum, node.maximum);
  if (node.type === 'boolean') return '`true` or `false`';
  if (node.type === 'array') {
    const of = node.items === undefined || node.items.type === 'object' ? '' : ` of ${wanted(node.items)}`;
    return node.maxItems === undefined ? `list${of}` : `list${of}, at most ${grouped(node.maxItems)}`;
  }
  if (node.type === 'object') return node.patternProperties === undefined ? 'object' : 'object by name';
  if (node.pattern !== undefined) return PATTERNS.get(node.pattern) ?? `\`${node.pattern.replaceAll('|', '\\|')}\``;
  return node.maxLength === undefined ? 'text' : `text, at most ${grouped(node.maxLength)}`;
}

interface Row {
  readonly path: string;
  readonly value: string;
  readonly optional: boolean;
  readonly about: string;
}

/** The type of a property; undefined where the checker does not see one. */
function member(checker: ts.TypeChecker, type: ts.Type | undefined, name: string): ts.Type | undefined {
  const symbol = type?.getProperty(name);
  return symbol === undefined ? undefined : checker.getTypeOfSymbol(symbol);
}

function rowsOf(
  checker: ts.TypeChecker,
  properties: ts.Type | undefined,
  node: Node,
  { path = '', without = [] as readonly object[] },
): Row[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, field]) => {
    if (without.includes(field)) return [];
    const symbol = properties?.getProperty(name);
    const documentation = ts.displayPartsToString(symbol?.getDocumentationComment(checker) ?? []);
    const about = documentation.replaceAll(/\s+/g, ' ').trim();
    const at = path === '' ? name : `${path}.${name}`;
    const row = { path: at, value: wanted(field), optional: !(node.required ?? []).includes(name), about };
    const type = symbol === undefined ? undefined : checker.getTypeOfSymbol(symbol);
    return [row, ...inside(checker, type, field, at)];
  });
}

/** Rows of what is in a field: of an object, of each item of a list, of each entry of a record. */
function inside(checker: ts.TypeChecker, type: ts.Type | undefined, field: Node, path: string): Row[] {
  if (shapeOf(field) !== undefined) return [];
  if (field.items !== undefined) return inside(checker, member(checker, type, 'items'), field.items, `${path}[]`);
  const [each] = Object.values(field.patternProperties ?? {});
  if (each !== undefined) {
    const values = member(checker, type, 'patternProperties');
    const of = values === undefined ? undefined : checker.getPropertiesOfType(values)[0];
    return inside(checker, of === undefined ? undefined : checker.getTypeOfSymbol(of), each, `${path}.NAME`);
  }
  return rowsOf(checker, member(checker, type, 'properties'), field, { path });
}

/** The page, as it must stand in `docs/`. */
export function configurationPage(): string {
  const files = [...new Set([...COMMON, ...DAEMONS].map(({ file }) => join(root, file)))];
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config as { compilerOptions: object };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const program = ts.createProgram(files, options);
  const checker = program.getTypeChecker();
  const lines = [...HEAD];
  for (const { heading, file, name, schema, without } of [...COMMON, ...DAEMONS]) {
    const source = program.getSourceFile(join(root, file));
    const module = source === undefined ? undefined : checker.getSymbolAtLocation(source);
    const symbol = checker.getExportsOfModule(module as ts.Symbol).find((one) => one.name === name);
    const type = checker.getTypeOfSymbol(symbol as ts.Symbol);
    const properties = name.endsWith('Config') ? member(checker, type, 'properties') : type;
    const rows = rowsOf(checker, properties, schema, { without });
    lines.push('', `## ${heading}`, '', '| Field | Value | |', '| --- | --- | --- |');
    for (const { path, value, optional, about } of rows)
      lines.push(`| ${optional ? `\`${path}\`` : `**\`${path}\`**`} | ${value} | ${about.replaceAll('|', '\\|')} |`);
  }
  return `${lines.join('\n')}\n`;
}

const HEAD = [
  '# Configuration',
  '',
  'One JSON file for each daemon; `deploy/examples/` has one of each. Unknown fields are refused, and a mistake is',
  'told by file and field. Paths are relative to the file. A field in bold must be there; one inside another must be',
  'there when that is. `[]` stands for each of a list, `NAME` for a name of your own.',
  '',
  '`tsm up` writes these files itself below its state folder; a topology file gives it what is yours',
  '(`host/daemon/README.md`).',
  '',
  'This page is made from the schemas: `node setup/configuration/print.ts > docs/configuration.md`.',
  '',
  '## Peers and addresses',
  '',
  '- **peer**: another daemon, `{"url": "https://kms.example:8443", "role": "kms", "id": "a"}`. `role` and `id` are',
  '  those in its certificate (`urn:opentsm:kms:a`): who answers at the URL and is somebody else gets nothing. Of',
  '  several nodes, all their URLs, a space between.',
  '- **address**: `{"host": "0.0.0.0", "port": 8443}`. A daemon that listens at port 0 takes a free one and says',
  '  which.',
];

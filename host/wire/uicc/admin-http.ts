// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { type Aid, aid, aidToHex } from '../gp/aid.ts';
import { fromHex } from '../hex.ts';

/** Value of X-Admin-Protocol. @see Amendment B */
export const ADMIN_PROTOCOL = 'globalplatform-remote-admin/1.0';

/** What a body holds: GlobalPlatform commands to a security domain, or commands to the card's files. */
export const BODY_KINDS = ['card-content-management', 'file-management'] as const;
export type BodyKind = (typeof BODY_KINDS)[number];

const COMMAND_TYPES: Readonly<Record<BodyKind, string>> = {
  'card-content-management': 'application/vnd.globalplatform.card-content-mgt;version=1.0',
  'file-management': 'application/vnd.etsi.scp.command-data;version=1.0',
};
const RESPONSE_TYPES: Readonly<Record<BodyKind, string>> = {
  'card-content-management': 'application/vnd.globalplatform.card-content-mgt-response;version=1.0',
  'file-management': 'application/vnd.etsi.scp.response-data;version=1.0',
};

/** What became of the last script; a body follows `ok` only. */
export const SCRIPT_STATUS = [
  ...(['ok', 'unknown-application', 'not-a-security-domain', 'security-error'] as const),
  /** Of agents outside the card: the chip does not answer. @see GPD_SPE_008 */
  'unavailable-se',
  /** What is read in place of any other. */
  'unrecognized',
] as const;
export type ScriptStatus = (typeof SCRIPT_STATUS)[number];

/** Header fields of a card's POST, besides those of HTTP itself. @see Amendment B */
export interface AdminRequest {
  /** X-Admin-From: name of the agent; some agents whose trigger had no name leave it out. */
  readonly from?: string;
  /** Absent in the first POST of a session. */
  readonly scriptStatus?: ScriptStatus;
  /** First POST after a session broke; carries no results. */
  readonly resume: boolean;
  /** Present where there is a body. */
  readonly body?: BodyKind;
}

/** Header fields of a server's answer. @see Amendment B */
export interface AdminAnswer {
  /** Where the card posts next, path and query; absent ends the session. */
  readonly nextUri?: string;
  /** Application that gets the commands; absent is the security domain that holds the TLS keys. */
  readonly target?: Aid;
  readonly body?: BodyKind;
}

export type HeaderField = readonly [name: string, value: string];

/** Longest value that is read or written. */
const MAX_VALUE = 1024;
const VERSION = /^version="?1\.0"?$/;
/** Printable ASCII without spaces at the ends: nothing can end the line or begin another field. */
const VALUE = /^[!-~](?:[ -~]*[!-~])?$/;
const URI = /^\/[!-~]*$/;
const TARGET = /^\/\/aid\/([0-9A-Fa-f]{10})\/((?:[0-9A-Fa-f]{2}){0,11})$/;

function requireValue(name: string, value: string, shape: RegExp): string {
  if (value.length > MAX_VALUE || !shape.test(value))
    throw new WireError('admin-header-value', `${name} is too long or has characters that it must not have`, {
      got: value.length,
    });
  return value;
}

/** Fields by lower-case name; those that this protocol does not know are passed over, its own must not come twice. */
class Fields {
  readonly #values = new Map<string, string>();

  constructor(fields: Iterable<HeaderField>, known: readonly string[]) {
    for (const [name, value] of fields) {
      const key = name.toLowerCase();
      if (!known.includes(key)) continue;
      if (this.#values.has(key)) throw new WireError('admin-header-twice', `${key} comes twice`);
      this.#values.set(key, requireValue(key, value, VALUE));
    }
  }

  get(name: string): string | undefined {
    return this.#values.get(name);
  }
}

function findType(types: Readonly<Record<BodyKind, string>>, value: string | undefined): BodyKind | undefined {
  if (value === undefined) return undefined;
  const [type = '', ...parameters] = value.replaceAll(/[ \t]/g, '').toLowerCase().split(';');
  const found = BODY_KINDS.find((kind) => types[kind].startsWith(`${type};`));
  const version = parameters.filter((one) => one.startsWith('version='));
  if (found === undefined || version.length > 1 || !version.every((one) => VERSION.test(one)))
    throw new WireError('admin-content-type', 'Not a content type of remote administration');
  return found;
}

/** Fields of a POST, in the order of the specification. @throws WireError when a value would break the header */
export function encodeAdminRequest({ from, scriptStatus, resume, body }: AdminRequest): HeaderField[] {
  return [
    ['X-Admin-Protocol', ADMIN_PROTOCOL],
    ...optional('X-Admin-From', from === undefined ? undefined : requireValue('X-Admin-From', from, VALUE)),
    ...optional('X-Admin-Script-Status', scriptStatus),
    ...optional('X-Admin-Resume', resume ? 'true' : undefined),
    ...optional('Content-Type', body === undefined ? undefined : RESPONSE_TYPES[body]),
  ];
}

const optional = (name: string, value: string | undefined): HeaderField[] =>
  value === undefined ? [] : [[name, value]];

const REQUEST_FIELDS = [
  ...['x-admin-protocol', 'x-admin-from', 'x-admin-script-status', 'x-admin-resume', 'content-type'],
];

/** @throws WireError when the protocol is another or missing, or a field is doubled or malformed */
export function decodeAdminRequest(fields: Iterable<HeaderField>): AdminRequest {
  const found = new Fields(fields, REQUEST_FIELDS);
  const from = found.get('x-admin-from');
  if (found.get('x-admin-protocol')?.toLowerCase() !== ADMIN_PROTOCOL)
    throw new WireError('admin-protocol', 'Not a request of remote administration 1.0: X-Admin-Protocol');
  const status = found.get('x-admin-script-status')?.toLowerCase();
  // A failure by a name of the agent's own is a failure all the same.
  const known = SCRIPT_STATUS.find((one) => one === status) ?? 'unrecognized';
  const scriptStatus = status === undefined ? undefined : known;
  const resume = found.get('x-admin-resume')?.toLowerCase();
  if (resume !== undefined && resume !== 'true' && resume !== 'false')
    throw new WireError('admin-header-value', 'X-Admin-Resume has an unknown value');
  const body = findType(RESPONSE_TYPES, found.get('content-type'));
  return {
    ...(from === undefined ? {} : { from }),
    resume: resume === 'true',
    ...(scriptStatus === undefined ? {} : { scriptStatus }),
    ...(body === undefined ? {} : { body }),
  };
}

/** Fields of an answer; 200 goes with a body, 204 without one. @throws WireError when a value would break the header */
export function encodeAdminAnswer({ nextUri, target, body }: AdminAnswer): HeaderField[] {
  const uri = nextUri === undefined ? undefined : requireValue('X-Admin-Next-URI', nextUri, URI);
  return [
    ['X-Admin-Protocol', ADMIN_PROTOCOL],
    ...optional('X-Admin-Next-URI', uri),
    ...optional('X-Admin-Targeted-Application', target === undefined ? undefined : encodeTarget(target)),
    ...optional('Content-Type', body === undefined ? undefined : COMMAND_TYPES[body]),
  ];
}

const ANSWER_FIELDS = [...['x-admin-protocol', 'x-admin-next-uri', 'x-admin-targeted-application', 'content-type']];

/** @throws WireError when another protocol is named, or a field is doubled or malformed */
export function decodeAdminAnswer(fields: Iterable<HeaderField>): AdminAnswer {
  const found = new Fields(fields, ANSWER_FIELDS);
  // Servers of others leave it out.
  if ((found.get('x-admin-protocol') ?? ADMIN_PROTOCOL).toLowerCase() !== ADMIN_PROTOCOL)
    throw new WireError('admin-protocol', 'Not an answer of remote administration 1.0');
  const nextUri = found.get('x-admin-next-uri');
  const target = found.get('x-admin-targeted-application');
  const body = findType(COMMAND_TYPES, found.get('content-type'));
  return {
    ...(nextUri === undefined ? {} : { nextUri: requireValue('X-Admin-Next-URI', nextUri, URI) }),
    ...(target === undefined ? {} : { target: decodeTarget(target) }),
    ...(body === undefined ? {} : { body }),
  };
}

/** `//aid/<RID, 5 bytes>/<PIX, 0 to 11 bytes>` in hex. @see Amendment B */
function encodeTarget(target: Aid): string {
  const text = aidToHex(target);
  return `//aid/${text.slice(0, 10)}/${text.slice(10)}`;
}

function decodeTarget(text: string): Aid {
  const [, rid, pix] = TARGET.exec(text) ?? [];
  if (rid === undefined || pix === undefined)
    throw new WireError('admin-target', 'A targeted application is //aid/RID/PIX in hex');
  return aid(fromHex(rid + pix, 16));
}

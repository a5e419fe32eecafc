// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { decodeSingle, encodeTlv, TlvReader } from '../ber-tlv.ts';
import { decodeKeyReference, encodeKeyReference, type KeyReference } from '../gp/key-reference.ts';
import { concat } from '../hex.ts';
import { ByteReader, encodeNumber } from './byte-reader.ts';
import { type AnyCatObject, decodeCatObjects, encodeCatObject } from './cat-object.ts';
import { type TimerValue, timerValue } from './cat-values.ts';

/** Which key opens TLS to the server. @see Amendment B */
export interface SessionSecurity {
  /** 1 to 255 bytes, sent in clear in the handshake. */
  readonly pskIdentity: Uint8Array;
  readonly key: KeyReference;
  /** Kind of SHA for the key check value; left out by cards of before. */
  readonly hash?: number;
}

export interface RetryPolicy {
  /** 0 to 65535. */
  readonly count: number;
  readonly wait: TimerValue;
  /** Data objects of a message that tells of the failure; empty for none. */
  readonly failureReport: Uint8Array;
}

/** How the card posts; ASCII. */
export interface HttpParameters {
  readonly host?: string;
  readonly agentId?: string;
  readonly uri?: string;
}

/** What is absent the card takes from its security domain, then from the issuer's, then from the defaults. */
export interface SessionParameters {
  /** Objects of OPEN CHANNEL: bearer, buffer, network access name, transport, address. */
  readonly connection?: readonly AnyCatObject[];
  /** In order of preference. */
  readonly security?: readonly SessionSecurity[];
  readonly retry?: RetryPolicy;
  readonly http?: HttpParameters;
}

export interface DnsParameters {
  readonly domainName: string;
  readonly connection: readonly AnyCatObject[];
}

/** Data of the secured message that makes a card call its server. @see Amendment B */
export interface AdminTrigger {
  readonly session?: SessionParameters;
  readonly dns?: DnsParameters;
}

const TAG = {
  TRIGGER: 0x81,
  SESSION: 0x83,
  CONNECTION: 0x84,
  SECURITY: 0x85,
  SECURITY_LIST: 0xa5,
  RETRY: 0x86,
  HTTP: 0x89,
  HOST: 0x8a,
  AGENT: 0x8b,
  URI: 0x8c,
  DNS: 0xb3,
  DOMAIN_NAME: 0xd6,
  DNS_CONNECTION: 0xfa,
} as const;
/** With and without comprehension required. */
const TIMER_TAGS = { plain: 0x25, required: 0xa5 } as const;
const MAX_SECURITIES = 16;
const PRINTABLE = /^[!-~]{1,255}$/;

const present = <T>(value: T | undefined, encode: (value: T) => Uint8Array): Uint8Array =>
  value === undefined ? new Uint8Array() : encode(value);

function encodeText(tag: number, text: string): Uint8Array {
  return encodeTlv(tag, Buffer.from(requireText(text), 'latin1'));
}

function requireText(text: string): string {
  if (!PRINTABLE.test(text))
    throw new WireError('trigger-text', 'Host, agent and URI are 1 to 255 printable characters', { got: text.length });
  return text;
}

const decodeText = (bytes: Uint8Array): string => requireText(Buffer.from(bytes).toString('latin1'));

function encodeSecurity({ pskIdentity, key, hash }: SessionSecurity): Uint8Array {
  if (pskIdentity.length === 0) throw new WireError('trigger-identity', 'A PSK identity has at least one byte');
  const length = encodeNumber(pskIdentity.length, 1);
  const kind = present(hash, (value) => encodeNumber(value, 1));
  return encodeTlv(TAG.SECURITY, length, pskIdentity, Uint8Array.of(2), encodeKeyReference(key), kind);
}

function decodeSecurity(value: Uint8Array): SessionSecurity {
  const reader = new ByteReader(value, 'Security parameters');
  const pskIdentity = reader.take(reader.number(1));
  const key = decodeKeyReference(reader.take(reader.number(1)));
  if (pskIdentity.length === 0) throw new WireError('trigger-identity', 'A PSK identity has at least one byte');
  if (reader.left === 0) return { pskIdentity, key };
  const hash = reader.number(1);
  reader.end();
  return { pskIdentity, key, hash };
}

function encodeSecurities(list: readonly SessionSecurity[]): Uint8Array {
  if (list.length === 0 || list.length > MAX_SECURITIES)
    throw new WireError('trigger-security', 'Name 1 to 16 keys, or leave security out', { got: list.length });
  const encoded = list.map(encodeSecurity);
  return encoded.length === 1 ? concat(...encoded) : encodeTlv(TAG.SECURITY_LIST, ...encoded);
}

function readSecurities(reader: TlvReader): SessionSecurity[] | undefined {
  const single = reader.optional(TAG.SECURITY);
  if (single !== undefined) return [decodeSecurity(single)];
  const list = reader.optional(TAG.SECURITY_LIST);
  if (list === undefined) return undefined;
  const inner = new TlvReader(list);
  const found: SessionSecurity[] = [];
  do {
    if (found.length === MAX_SECURITIES) throw new WireError('trigger-security', 'More than 16 keys');
    found.push(decodeSecurity(inner.expect(TAG.SECURITY)));
  } while (!inner.atEnd);
  return found;
}

function encodeRetry({ count, wait, failureReport }: RetryPolicy): Uint8Array {
  return encodeTlv(
    TAG.RETRY,
    encodeNumber(count, 2),
    encodeTlv(TIMER_TAGS.plain, timerValue.encode(wait)),
    failureReport,
  );
}

function decodeRetry(value: Uint8Array): RetryPolicy {
  const reader = new ByteReader(value, 'Retry policy');
  const count = reader.number(2);
  const timer = reader.take(5);
  const tag = timer[0] === TIMER_TAGS.required ? TIMER_TAGS.required : TIMER_TAGS.plain;
  const wait = timerValue.decode(decodeSingle(tag, timer));
  return { count, wait, failureReport: reader.rest() };
}

function encodeHttp({ host, agentId, uri }: HttpParameters): Uint8Array {
  return encodeTlv(
    TAG.HTTP,
    present(host, (text) => encodeText(TAG.HOST, text)),
    present(agentId, (text) => encodeText(TAG.AGENT, text)),
    present(uri, (text) => encodeText(TAG.URI, text)),
  );
}

function decodeHttp(value: Uint8Array): HttpParameters {
  const reader = new TlvReader(value);
  const [host, agentId, uri] = [TAG.HOST, TAG.AGENT, TAG.URI].map((tag) => reader.optional(tag));
  reader.end();
  return {
    ...(host === undefined ? {} : { host: decodeText(host) }),
    ...(agentId === undefined ? {} : { agentId: decodeText(agentId) }),
    ...(uri === undefined ? {} : { uri: decodeText(uri) }),
  };
}

const encodeConnection = (tag: number, objects: readonly AnyCatObject[]): Uint8Array =>
  encodeTlv(tag, ...objects.map(encodeCatObject));

function encodeSession({ connection, security, retry, http }: SessionParameters): Uint8Array {
  return encodeTlv(
    TAG.SESSION,
    present(connection, (objects) => encodeConnection(TAG.CONNECTION, objects)),
    present(security, encodeSecurities),
    present(retry, encodeRetry),
    present(http, encodeHttp),
  );
}

function decodeSession(value: Uint8Array): SessionParameters {
  const reader = new TlvReader(value);
  const connection = reader.optional(TAG.CONNECTION);
  const security = readSecurities(reader);
  const retry = reader.optional(TAG.RETRY);
  const http = reader.optional(TAG.HTTP);
  reader.end();
  return {
    ...(connection === undefined ? {} : { connection: decodeCatObjects(connection) }),
    ...(security === undefined ? {} : { security }),
    ...(retry === undefined ? {} : { retry: decodeRetry(retry) }),
    ...(http === undefined ? {} : { http: decodeHttp(http) }),
  };
}

/**
 * `81 L { 83 L { [84] [85|A5] [86] [89] } ‖ B3 L { D6 ‖ FA } }`, each part optional. @throws WireError. @see Amendment
 * B
 */
export function encodeAdminTrigger({ session, dns }: AdminTrigger): Uint8Array {
  const encodeDns = ({ domainName, connection }: DnsParameters) =>
    encodeTlv(TAG.DNS, encodeText(TAG.DOMAIN_NAME, domainName), encodeConnection(TAG.DNS_CONNECTION, connection));
  return encodeTlv(TAG.TRIGGER, present(session, encodeSession), present(dns, encodeDns));
}

function decodeDns(value: Uint8Array): DnsParameters {
  const reader = new TlvReader(value);
  const domainName = decodeText(reader.expect(TAG.DOMAIN_NAME));
  const connection = decodeCatObjects(reader.expect(TAG.DNS_CONNECTION));
  reader.end();
  return { domainName, connection };
}

/** @throws WireError when malformed, or an object is not in its place */
export function decodeAdminTrigger(bytes: Uint8Array): AdminTrigger {
  const reader = new TlvReader(decodeSingle(TAG.TRIGGER, bytes));
  const session = reader.optional(TAG.SESSION);
  const dns = reader.optional(TAG.DNS);
  reader.end();
  return {
    ...(session === undefined ? {} : { session: decodeSession(session) }),
    ...(dns === undefined ? {} : { dns: decodeDns(dns) }),
  };
}

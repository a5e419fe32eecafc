// SPDX-License-Identifier: Apache-2.0
import { ByteReader } from '../../wire/uicc/byte-reader.ts';

/**
 * What a ClientHello says of the version and of the key: in TLS 1.3 it names the key itself.
 *
 * @see RFC 8446 4.1.2, 4.2.1, 4.2.11; RFC 5246 7.4.1.2
 */
export interface ClientHello {
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  /** Of the pre-shared keys, the best first; none in TLS 1.2, where ClientKeyExchange has it. */
  readonly identities: readonly Uint8Array[];
}

const SUPPORTED_VERSIONS = 43;
const PRE_SHARED_KEY = 41;
const TLS_1_3 = 0x0304;
const VERSION_AND_RANDOM = 34;
const TICKET_AGE = 4;
const SPEAKS_1_2: ClientHello = { version: 'TLSv1.2', identities: [] };

/** @param body of the message, behind its type and length. @throws WireError when it is cut off */
export function readClientHello(body: Uint8Array): ClientHello {
  const reader = new ByteReader(body, 'ClientHello');
  reader.take(VERSION_AND_RANDOM);
  // session, suites, compression
  for (const bytes of [1, 2, 1]) reader.take(reader.number(bytes));
  if (reader.left === 0) return SPEAKS_1_2;
  const extensions = new ByteReader(reader.take(reader.number(2)), 'Extensions');
  let speaks13 = false;
  let identities: readonly Uint8Array[] = [];
  while (extensions.left > 0) {
    const type = extensions.number(2);
    const value = extensions.take(extensions.number(2));
    if (type === SUPPORTED_VERSIONS) speaks13 = hasVersion13(value);
    if (type === PRE_SHARED_KEY) identities = readIdentities(value);
  }
  // Without a key in it only TLS 1.2 leads on: there are no certificates here.
  return speaks13 && identities.length > 0 ? { version: 'TLSv1.3', identities } : SPEAKS_1_2;
}

function hasVersion13(value: Uint8Array): boolean {
  const reader = new ByteReader(value, 'supported_versions');
  const versions = new ByteReader(reader.take(reader.number(1)), 'supported_versions');
  while (versions.left > 0) if (versions.number(2) === TLS_1_3) return true;
  return false;
}

function readIdentities(value: Uint8Array): readonly Uint8Array[] {
  const reader = new ByteReader(value, 'pre_shared_key');
  const list = new ByteReader(reader.take(reader.number(2)), 'pre_shared_key');
  const identities: Uint8Array[] = [];
  while (list.left > 0) {
    identities.push(list.take(list.number(2)));
    list.take(TICKET_AGE);
  }
  return identities;
}

// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { concat } from '../hex.ts';
import { ByteReader, encodeNumber } from './byte-reader.ts';
import type { ValueCodec } from './cat-values.ts';

/** Bearer types of OPEN CHANNEL. @see TS 102 223 8.52 */
export const BEARER = { GPRS: 0x02, DEFAULT: 0x03, E_UTRAN: 0x0b, NG_RAN: 0x0c } as const;

/** Transport protocol types. @see TS 102 223 8.59 */
export const TRANSPORT = {
  UDP_CLIENT: 0x01,
  TCP_CLIENT: 0x02,
  TCP_SERVER: 0x03,
  UDP_CLIENT_LOCAL: 0x04,
  TCP_CLIENT_LOCAL: 0x05,
} as const;

export interface Transport {
  readonly protocol: number;
  readonly port: number;
}

export const transport: ValueCodec<Transport> = {
  encode: ({ protocol, port }) => concat(encodeNumber(protocol, 1), encodeNumber(port, 2)),
  decode: (bytes) => {
    const reader = new ByteReader(bytes, 'Transport level');
    const value = { protocol: reader.number(1), port: reader.number(2) };
    reader.end();
    return value;
  },
};

/** Link of a channel: 80 up for a client; for a server 00 closed, 40 listens, 80 established. @see TS 102 223 8.56 */
export const LINK = { DOWN: 0x00, LISTEN: 0x40, UP: 0x80 } as const;
/** Second byte of a channel status. */
export const CHANNEL_INFO = { NONE: 0x00, LINK_DROPPED: 0x05 } as const;

export interface ChannelStatus {
  /** 1 to 7; 0 is no channel. */
  readonly channel: number;
  /** Value of LINK. */
  readonly link: number;
  /** Value of CHANNEL_INFO. */
  readonly info: number;
}

const LINK_MASK = 0xc0;
const CHANNEL_MASK = 0x07;

export const channelStatus: ValueCodec<ChannelStatus> = {
  encode: ({ channel, link, info }) => {
    if ((channel & CHANNEL_MASK) !== channel || (link & LINK_MASK) !== link)
      throw new WireError('cat-channel', 'A channel is 0 to 7 and its link one of LINK', { got: channel | link });
    return concat(Uint8Array.of(channel | link), encodeNumber(info, 1));
  },
  decode: (bytes) => {
    const reader = new ByteReader(bytes, 'Channel status');
    const first = reader.number(1);
    const value = { channel: first & CHANNEL_MASK, link: first & LINK_MASK, info: reader.number(1) };
    reader.end();
    return value;
  },
};

const ADDRESS_TYPES = [
  { family: 'ipv4', type: 0x21, length: 4 },
  { family: 'ipv6', type: 0x57, length: 16 },
] as const;

/** Address of a peer, or one that the network is to give (`dynamic`, a zero length). @see TS 102 223 8.58 */
export type DataAddress =
  | { readonly family: 'ipv4' | 'ipv6'; readonly address: Uint8Array }
  | { readonly family: 'dynamic' };

export const dataAddress: ValueCodec<DataAddress> = {
  encode: (value) => {
    if (value.family === 'dynamic') return new Uint8Array();
    const found = ADDRESS_TYPES.find(({ family }) => family === value.family);
    if (found?.length !== value.address.length)
      throw new WireError('cat-address', 'An address has 4 or 16 bytes, by its family', { got: value.address.length });
    return concat(Uint8Array.of(found.type), value.address);
  },
  decode: (bytes) => {
    if (bytes.length === 0) return { family: 'dynamic' };
    const found = ADDRESS_TYPES.find(({ type, length }) => bytes[0] === type && bytes.length === length + 1);
    if (found === undefined)
      throw new WireError('cat-address', 'Not an IPv4 address of 4 or an IPv6 address of 16 bytes', { got: bytes[0] });
    return { family: found.family, address: bytes.slice(1) };
  },
};

/** A dot inside a label is against the coding, and there are cards that write the whole name as one label. */
const LABEL = /^[A-Za-z0-9._-]{1,63}$/;
const MAX_NAME = 100;

function requireLabels(labels: readonly string[], length: number): void {
  if (labels.length === 0 || length > MAX_NAME || !labels.every((label) => LABEL.test(label)))
    throw new WireError('cat-network-name', 'Labels of a network access name are letters, digits, . - and _');
}

/**
 * Labels of a network access name, each after its length; no character but `A-Z a-z 0-9 . - _`. Read, and never
 * written, are a name of no label, which leaves it to the network, and one that ends with the label of no length.
 *
 * @see TS 102 223 8.70
 */
export const networkAccessName: ValueCodec<readonly string[]> = {
  encode: (labels) => {
    requireLabels(labels, labels.join('.').length + 1);
    return concat(...labels.map((label) => concat(Uint8Array.of(label.length), Buffer.from(label, 'latin1'))));
  },
  decode: (bytes) => {
    const reader = new ByteReader(bytes, 'Network access name');
    const labels: string[] = [];
    while (reader.left > 0) labels.push(Buffer.from(reader.take(reader.number(1))).toString('latin1'));
    if (labels.at(-1) === '') labels.pop();
    if (labels.length > 0) requireLabels(labels, bytes.length);
    return labels;
  },
};

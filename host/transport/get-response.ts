// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../errors.ts';
import { type CommandApdu, decodeCommand, decodeResponse, encodeCommand, type ResponseApdu } from '../wire/apdu.ts';
import { INS } from '../wire/gp/command.ts';
import { concat } from '../wire/hex.ts';
import { isMoreResponse, isWrongLe, type StatusWord, SW } from '../wire/status-word.ts';
import type { CardChannel } from './card-channel.ts';

/** Longest response that is put together from parts. */
export const MAX_RESPONSE_DATA = 4096;
/** No card needs more parts than this; one that never ends is stopped. */
const MAX_PARTS = 64;

/** What went over the link so far; counted up while a script runs. */
export interface LinkCount {
  apdus: number;
  bytesOut: number;
  bytesIn: number;
}

export const linkCount = (): LinkCount => ({ apdus: 0, bytesOut: 0, bytesIn: 0 });

export interface ExchangeOptions {
  readonly timeoutMs?: number;
  readonly count?: LinkCount;
}

/** All parts joined; up to 4096 bytes, so not a short response APDU any more. */
export interface FullResponse {
  readonly data: Uint8Array;
  readonly sw: StatusWord;
}

/** CLA of GET RESPONSE: the logical channel of the command, no secure messaging, no chaining. */
const plainClass = (cla: number): number => ((cla & 0x40) === 0 ? cla & 0x03 : 0x40 | (cla & 0x0f));

const getResponse = (command: CommandApdu, le: number): CommandApdu => ({
  cla: plainClass(command.cla),
  ins: INS.GET_RESPONSE,
  p1: 0,
  p2: 0,
  data: new Uint8Array(),
  le,
});

/** The answer to RETRIEVE DATA waits, and is not the whole object. @see TS 102 221 10.2.1.3 */
const RESPONSE_DATA_AVAILABLE = 0x62f3;

/** T=0 cards are in use that answer GET STATUS with 6310 alone and keep the data for GET RESPONSE. */
const keptBack = ({ ins }: CommandApdu, { data, sw }: ResponseApdu): boolean =>
  data.length === 0 &&
  ((ins === INS.GET_STATUS && sw === SW.MORE_DATA_AVAILABLE) ||
    (ins === INS.GET_DATA_FILE && sw === RESPONSE_DATA_AVAILABLE));

async function once(channel: CardChannel, command: CommandApdu, options: ExchangeOptions): Promise<ResponseApdu> {
  const bytes = encodeCommand(command);
  const { count, timeoutMs } = options;
  if (count !== undefined) {
    count.apdus += 1;
    count.bytesOut += bytes.length;
  }
  const answer = await channel.transmit(bytes, timeoutMs === undefined ? {} : { timeoutMs });
  if (count !== undefined) count.bytesIn += answer.length;
  return decodeResponse(answer);
}

/** Sends a command, and once more with the Le that 6Cxx names. */
async function withRightLe(
  channel: CardChannel,
  command: CommandApdu,
  options: ExchangeOptions,
): Promise<ResponseApdu> {
  const first = await once(channel, command, options);
  if (!isWrongLe(first.sw)) return first;
  const le = first.sw & 0xff;
  return once(channel, { ...command, le: le === 0 ? 256 : le }, options);
}

/**
 * Sends one short command, repeats it once after 6Cxx and fetches what 61xx announces, or what a GET STATUS keeps back.
 *
 * @throws TransportError from the channel
 * @throws WireError when the command is not a short APDU, or the card's answer is malformed or has no end
 * @see ISO 7816-4 5.3.4
 */
export async function exchange(
  channel: CardChannel,
  apdu: Uint8Array,
  options: ExchangeOptions = {},
): Promise<FullResponse> {
  const command = decodeCommand(apdu);
  let response = await withRightLe(channel, command, options);
  if (keptBack(command, response)) {
    const fetched = await withRightLe(channel, getResponse(command, 256), options);
    if (fetched.data.length > 0) response = fetched;
  }
  const parts = [response.data];
  let length = response.data.length;
  while (isMoreResponse(response.sw)) {
    const waits = response.sw & 0xff;
    response = await withRightLe(channel, getResponse(command, waits === 0 ? 256 : waits), options);
    parts.push(response.data);
    length += response.data.length;
    const stuck = isMoreResponse(response.sw) && response.data.length === 0;
    if (stuck || length > MAX_RESPONSE_DATA || parts.length > MAX_PARTS) {
      throw new WireError('response-endless', 'The card announces response data without end', { got: length });
    }
  }
  return { data: concat(...parts), sw: response.sw };
}

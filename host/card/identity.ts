// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../errors.ts';
import { decodeSingle } from '../wire/ber-tlv.ts';
import { decodeCardProductionLifeCycle } from '../wire/gp/card-production-life-cycle.ts';
import { ifPresent } from '../wire/gp/command.ts';
import { DATA_OBJECT, getData } from '../wire/gp/get-data.ts';
import { select } from '../wire/gp/select.ts';
import { fromHex, toHex } from '../wire/hex.ts';
import { decodeIccid, readIccidCommands } from '../wire/iccid.ts';
import type { CardCommand, CardResponse } from '../wire/message/card-script.ts';
import type { CardId } from '../wire/message/common.ts';

/** Naming a card: each source is asked, whatever the ones before it answered. */

/** IIN, CIN and CPLC of the default security domain, then EF.ICCID. */
export const identityCommands: readonly CardCommand[] = [
  select(),
  getData(DATA_OBJECT.ISSUER_IDENTIFICATION_NUMBER),
  getData(DATA_OBJECT.CARD_IMAGE_NUMBER),
  getData(DATA_OBJECT.CARD_PRODUCTION_LIFE_CYCLE),
  ...readIccidCommands,
].map(ifPresent);

export interface CardIdentity {
  readonly cardId: CardId;
  readonly iin?: string;
  readonly cin?: string;
}

/** Longest IIN and CIN, in bytes, of which a name is made: together they fit a card id. */
const MAX_NUMBER = { iin: 16, cin: 32 } as const;

/**
 * Names the card by the first of ICCID, IIN with CIN, and CPLC that it gave and that tells it from others: a source
 * that was refused, is malformed, or holds 00 or FF only is no name.
 *
 * @param responses one per command of `identityCommands`
 * @throws WireError `no-card-identity` when no source is left
 */
export function decodeIdentity(responses: readonly CardResponse[]): CardIdentity {
  const [, iinResponse, cinResponse, cplcResponse, , iccidFile, iccidResponse] = responses;
  const iin = dataObject(DATA_OBJECT.ISSUER_IDENTIFICATION_NUMBER, iinResponse);
  const cin = dataObject(DATA_OBJECT.CARD_IMAGE_NUMBER, cinResponse);
  const cardId =
    // Without the right file selected, READ BINARY gives whatever file is.
    (iccidFile?.sw === '9000' ? iccidName(iccidResponse) : undefined) ?? numberName(iin, cin) ?? cplcName(cplcResponse);
  if (cardId === undefined) {
    throw new WireError(
      'no-card-identity',
      'The card has no ICCID, no IIN and CIN, and no CPLC of its own: it cannot be told from others',
    );
  }
  return {
    cardId,
    ...(iin === undefined ? {} : { iin: toHex(iin) }),
    ...(cin === undefined ? {} : { cin: toHex(cin) }),
  };
}

function iccidName(response: CardResponse | undefined): CardId | undefined {
  const value = answered(response, decodeIccid);
  return value === undefined || /^0+$/.test(value) ? undefined : { kind: 'iccid', value };
}

function numberName(iin: Uint8Array | undefined, cin: Uint8Array | undefined): CardId | undefined {
  if (iin === undefined || cin === undefined || isBlank(iin) || isBlank(cin)) return undefined;
  if (iin.length > MAX_NUMBER.iin || cin.length > MAX_NUMBER.cin) return undefined;
  return { kind: 'iin-cin', value: `${toHex(iin)}-${toHex(cin)}` };
}

function cplcName(response: CardResponse | undefined): CardId | undefined {
  const cplc = answered(response, decodeCardProductionLifeCycle);
  // All cards of a batch share the rest.
  return cplc === undefined || isBlank(cplc.serialNumber) ? undefined : { kind: 'cplc', value: toHex(cplc.bytes) };
}

const dataObject = (tag: number, response: CardResponse | undefined): Uint8Array | undefined =>
  answered(response, (bytes) => decodeSingle(tag, bytes));

/** What the card answered, unless it refused or answered what is no such thing. */
function answered<T>(response: CardResponse | undefined, decode: (bytes: Uint8Array) => T): T | undefined {
  if (response?.sw !== '9000') return undefined;
  try {
    return decode(fromHex(response.data, 4096));
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

/** Never personalized: every byte 00, or every byte FF, or none at all. */
const isBlank = (bytes: Uint8Array): boolean =>
  bytes.every((byte) => byte === 0x00) || bytes.every((byte) => byte === 0xff);

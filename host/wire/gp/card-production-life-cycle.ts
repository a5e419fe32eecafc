// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { decodeSingle } from '../ber-tlv.ts';
import { DATA_OBJECT } from './get-data.ts';

/** Length of the CPLC, always the same. */
const LENGTH = 42;
/** IC serial number: what tells two cards of one batch apart. */
const SERIAL = { from: 12, to: 16 } as const;

/** Card production life cycle: who made the chip, when, and which one it is. */
export interface CardProductionLifeCycle {
  /** All 42 bytes. */
  readonly bytes: Uint8Array;
  /** IC serial number, 4 bytes. */
  readonly serialNumber: Uint8Array;
}

/**
 * `9F7F 2A { IC fabricator 2 ‖ IC type 2 ‖ OS id 2 ‖ OS date 2 ‖ OS level 2 ‖ IC date 2 ‖ IC serial 4 ‖ IC batch 2 ‖ ..
 * }`; cards that leave out tag and length are understood too.
 *
 * @throws WireError
 */
export function decodeCardProductionLifeCycle(response: Uint8Array): CardProductionLifeCycle {
  const bare = response.length === LENGTH;
  const bytes = bare ? response : decodeSingle(DATA_OBJECT.CARD_PRODUCTION_LIFE_CYCLE, response);
  if (bytes.length !== LENGTH)
    throw new WireError('cplc-length', 'The CPLC has 42 bytes', { expected: LENGTH, got: bytes.length });
  return { bytes, serialNumber: bytes.slice(SERIAL.from, SERIAL.to) };
}

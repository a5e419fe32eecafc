// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';

/** What proves a packet: nothing, a redundancy check, a cryptographic checksum, a digital signature. */
export const INTEGRITY = ['none', 'rc', 'cc', 'ds'] as const;
export type Integrity = (typeof INTEGRITY)[number];

/**
 * What the receiver does with the counter: nothing, nothing but tell it, take a higher one only, take the next one
 * only.
 */
export const COUNTER_MODE = ['ignored', 'unchecked', 'higher', 'next'] as const;
export type CounterMode = (typeof COUNTER_MODE)[number];

export const PROOF_OF_RECEIPT = ['never', 'always', 'on-error'] as const;
export type ProofOfReceipt = (typeof PROOF_OF_RECEIPT)[number];

/** Security parameters indicator: how the command is protected and how its proof of receipt shall be. */
export interface SecurityParameters {
  readonly integrity: Integrity;
  readonly ciphered: boolean;
  readonly counter: CounterMode;
  readonly proof: ProofOfReceipt;
  readonly proofIntegrity: Integrity;
  readonly proofCiphered: boolean;
  /** The proof comes by SMS-SUBMIT; else in the deliver report. */
  readonly proofBySubmit: boolean;
}

const CIPHERED = 0x04;
const RESERVED_1 = 0xe0;
const PROOF_CIPHERED = 0x10;
const PROOF_BY_SUBMIT = 0x20;
const RESERVED_2 = 0xc0;

/** SPI, 2 bytes. @see TS 102 225 5.1.1 */
export function encodeSecurityParameters(spi: SecurityParameters): Uint8Array {
  const first =
    INTEGRITY.indexOf(spi.integrity) | (spi.ciphered ? CIPHERED : 0) | (COUNTER_MODE.indexOf(spi.counter) << 3);
  const second =
    PROOF_OF_RECEIPT.indexOf(spi.proof) |
    (INTEGRITY.indexOf(spi.proofIntegrity) << 2) |
    (spi.proofCiphered ? PROOF_CIPHERED : 0) |
    (spi.proofBySubmit ? PROOF_BY_SUBMIT : 0);
  return Uint8Array.of(first, second);
}

/** @throws WireError when not 2 bytes, or a reserved bit or value is used. @see TS 102 225 5.1.1 */
export function decodeSecurityParameters(bytes: Uint8Array): SecurityParameters {
  const [first, second] = bytes;
  if (first === undefined || second === undefined || bytes.length !== 2)
    throw new WireError('spi-length', 'The SPI has 2 bytes', { expected: 2, got: bytes.length });
  const integrity = INTEGRITY[first & 3];
  const counter = COUNTER_MODE[(first >> 3) & 3];
  const proof = PROOF_OF_RECEIPT[second & 3];
  const proofIntegrity = INTEGRITY[(second >> 2) & 3];
  const reserved = (first & RESERVED_1) | (second & RESERVED_2);
  if (!integrity || !counter || !proof || !proofIntegrity || reserved !== 0)
    throw new WireError('spi-reserved', 'The SPI uses a reserved value', { got: (first << 8) | second });
  return {
    integrity,
    ciphered: (first & CIPHERED) !== 0,
    counter,
    proof,
    proofIntegrity,
    proofCiphered: (second & PROOF_CIPHERED) !== 0,
    proofBySubmit: (second & PROOF_BY_SUBMIT) !== 0,
  };
}

// SPDX-License-Identifier: Apache-2.0
import { countParts } from '../../wire/uicc/concatenation.ts';
import type { SecurityParameters } from '../../wire/uicc/security-parameters-indicator.ts';

/** What all packets to cards have in common, whoever asks for them. */

/** Of a packet: campaigns, what one asked for, card sessions, which people wait for. Quiet hours hold the first two. */
export const PRIORITY = { CAMPAIGN: 0, NORMAL: 1, SESSION: 2 } as const;

/** How proofs of receipt come: in the deliver report where it has room, or in messages of the card's own. */
export type ProofWay = 'deliver-report' | 'submit';

/** Enciphered, with CC and a higher counter; so is the proof of receipt. */
export const packetSecurity = (proof: ProofWay = 'deliver-report'): SecurityParameters => ({
  integrity: 'cc',
  ciphered: true,
  counter: 'higher',
  proof: 'always',
  proofIntegrity: 'cc',
  proofCiphered: true,
  proofBySubmit: proof === 'submit',
});

/** TAR of the UICC's file system. @see 3GPP TS 31.115, TS 101 220 annex D */
export const FILES_TAR: Uint8Array = Uint8Array.of(0xb0, 0x00, 0x00);

/** Of the issuer's domain: for expanded scripts, and for compact ones. @see TS 101 220 annex D */
export const ISSUER_TAR = { expanded: 'B20100', compact: '000000' } as const;

/** Bytes of a packet beside its script: header, and checksum. */
const PACKET_BYTES = 16 + 8;
const BLOCK = 16;

/** Messages of a script's packet, padding included. */
export const messagesOf = (scriptBytes: number): number => countParts(PACKET_BYTES + scriptBytes + BLOCK);

/** Bytes of a packet that are in clear, and those before the script that are not: counter, PCNTR and checksum. */
const CLEAR_BYTES = 10;
const CIPHERED_BYTES = 5 + 1 + 8;

/** Messages of a script's packet whose key is AES: exactly. */
export const packetMessages = (scriptBytes: number): number =>
  countParts(CLEAR_BYTES + Math.ceil((CIPHERED_BYTES + scriptBytes) / BLOCK) * BLOCK);

/** Longest script whose packet is no more than `parts` short messages. */
export function scriptRoom(parts: number): number {
  let room = parts * 140;
  while (messagesOf(room) > parts) room -= 1;
  return room;
}

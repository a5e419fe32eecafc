// SPDX-License-Identifier: Apache-2.0
import { encodeTlv } from '../ber-tlv.ts';
import { type GpCommand, gpCommand, INS } from './command.ts';

/** GET ATTESTATION: `80 CA FF60`, data `94 10 nonce`. The response is read by `decodeAttestation`. */
export function getAttestation(nonce: Uint8Array): GpCommand {
  const data = encodeTlv(0x94, nonce);
  return gpCommand({ label: 'GET ATTESTATION', cla: 0x80, ins: INS.GET_DATA, p1: 0xff, p2: 0x60, data, le: true });
}

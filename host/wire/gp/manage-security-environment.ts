// SPDX-License-Identifier: Apache-2.0
import { encodeTlv } from '../ber-tlv.ts';
import { concat } from '../hex.ts';
import { type GpCommand, gpCommand, INS } from './command.ts';
import { encodeKeyReference, type KeyReference } from './key-reference.ts';

export interface SecurityEnvironment {
  /** SCP10 option byte: 01 key agreement, 02 key transport. */
  readonly option: number;
  /** '84': private key of the card; absent is its default. */
  readonly keyReference?: KeyReference;
  /** '83': a stored public key to start from; absent is PK.TP_EX.AUT. */
  readonly publicKeyReference?: KeyReference;
}

const EMPTY = new Uint8Array();

/**
 * MSE SET for mutual authentication with certificates: `00 22 C1 B6`, `80 02 10 i [‖ 83 02 ..] [‖ 84 02 ..]`. @see GPCS
 * F.4.5
 */
export function manageSecurityEnvironment(environment: SecurityEnvironment): GpCommand {
  const { option, keyReference, publicKeyReference } = environment;
  const data = concat(
    encodeTlv(0x80, Uint8Array.of(0x10, option)),
    publicKeyReference === undefined ? EMPTY : encodeTlv(0x83, encodeKeyReference(publicKeyReference)),
    keyReference === undefined ? EMPTY : encodeTlv(0x84, encodeKeyReference(keyReference)),
  );
  return gpCommand({
    label: 'MANAGE SECURITY ENVIRONMENT',
    cla: 0x00,
    ins: INS.MANAGE_SECURITY_ENVIRONMENT,
    p1: 0xc1,
    p2: 0xb6,
    data,
  });
}

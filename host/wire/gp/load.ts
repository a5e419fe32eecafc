// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { encodeTlv } from '../ber-tlv.ts';
import { concat } from '../hex.ts';
import type { Aid } from './aid.ts';
import { type GpCommand, gpCommand, INS } from './command.ts';

const P1 = { MORE: 0x00, LAST: 0x80 } as const;
const MAX_BLOCKS = 256;

/** A signature over the load file's hash by the domain that verifies it. @see GPCS 11.6.2.3, Table 11-58 */
export interface DapBlock {
  readonly securityDomain: Aid;
  readonly signature: Uint8Array;
}

/** `[E2 L { 4F AID ‖ C3 signature }]* ‖ C4 L <load file data block>` @see GPCS 11.6.2.3 */
export function encodeLoadFile(dataBlock: Uint8Array, daps: readonly DapBlock[] = []): Uint8Array {
  const blocks = daps.map(({ securityDomain, signature }) =>
    encodeTlv(0xe2, encodeTlv(0x4f, securityDomain), encodeTlv(0xc3, signature)),
  );
  return concat(...blocks, encodeTlv(0xc4, dataBlock));
}

/**
 * LOAD: `80 E8 P1 P2 Lc block 00`, block numbers from 00.
 *
 * @param blockLength plain bytes a block, at most what the channel leaves room for
 * @throws WireError when the file needs more than 256 blocks
 * @see GPCS 11.6
 */
export function loadCommands(loadFile: Uint8Array, blockLength: number): GpCommand[] {
  const count = Math.ceil(loadFile.length / blockLength);
  if (count > MAX_BLOCKS)
    throw new WireError('load-file-too-long', 'The load file needs more than 256 LOAD commands', { got: count });
  return Array.from({ length: count }, (_, index) =>
    gpCommand({
      label: `LOAD [${index + 1} of ${count}]`,
      cla: 0x80,
      ins: INS.LOAD,
      p1: index === count - 1 ? P1.LAST : P1.MORE,
      p2: index,
      data: loadFile.slice(index * blockLength, (index + 1) * blockLength),
      le: true,
    }),
  );
}

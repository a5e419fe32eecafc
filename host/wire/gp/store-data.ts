// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { encodeTlv } from '../ber-tlv.ts';
import { concat } from '../hex.ts';
import { type GpCommand, gpCommand, INS, KEY_GENERATION_TIMEOUT_MS } from './command.ts';

/** What P1 says of the data. @see GPCS 11.11.2.1, Table 11-89 */
export const STORE_DATA_FORM = { PLAIN: 0x00, DGI: 0x08, BER_TLV: 0x10 } as const;
export type StoreDataForm = (typeof STORE_DATA_FORM)[keyof typeof STORE_DATA_FORM];
/** P1 of the last block. */
export const LAST_BLOCK = 0x80;

/** STORE DATA, last block, BER-TLV (P1 90). Longer data is cut into blocks when it is sent. @see GPCS 11.11 */
export function storeData(label: string, dataObjects: Uint8Array): GpCommand {
  return gpCommand({
    label: `STORE DATA [${label}]`,
    cla: 0x80,
    ins: INS.STORE_DATA,
    p1: LAST_BLOCK | STORE_DATA_FORM.BER_TLV,
    p2: 0x00,
    data: dataObjects,
  });
}

/**
 * One STORE DATA a block, numbered from 00, the last one marked.
 *
 * @param blocks each at most what the channel leaves room for
 * @throws WireError for more than 256 blocks
 * @see GPCS 11.11.2
 */
export function storeDataBlocks(blocks: readonly Uint8Array[], form: StoreDataForm): GpCommand[] {
  if (blocks.length > 256) throw new WireError('store-data-too-long', 'More than 256 blocks', { got: blocks.length });
  return blocks.map((data, index) => {
    const last = index === blocks.length - 1;
    const label = `STORE DATA [${index + 1} of ${blocks.length}]`;
    return gpCommand({ label, cla: 0x80, ins: INS.STORE_DATA, p1: form | (last ? LAST_BLOCK : 0), p2: index, data });
  });
}

/** STORE DATA of CERT.SD.AUT ('7F21'). */
export const storeCertificate = (certificate: Uint8Array): GpCommand => storeData('certificate', certificate);

/** A command to perform, ISO 7816-6. */
const TAG_COMMAND = 0x52;

/**
 * STORE DATA that carries commands to one of our domains on a card whose issuer's domain is not ours:
 * `52 L { CLA INS P1 P2 data }` for each. The domain answers nothing to them.
 *
 * @see applet README 10; GPCS 7.3.3
 */
export function storeCommands(commands: readonly GpCommand[]): GpCommand {
  const objects = commands.map(({ cla, ins, p1, p2, data }) =>
    encodeTlv(TAG_COMMAND, concat(Uint8Array.of(cla, ins, p1, p2), data)),
  );
  return { ...storeData('commands', concat(...objects)), timeoutMs: KEY_GENERATION_TIMEOUT_MS };
}

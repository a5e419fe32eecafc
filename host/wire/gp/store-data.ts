import { encodeTlv } from '../ber-tlv.ts';
import { concat } from '../hex.ts';
import { type GpCommand, gpCommand, INS, KEY_GENERATION_TIMEOUT_MS } from './command.ts';

/** STORE DATA, last block, BER-TLV (P1 90). Longer data is cut into blocks when it is sent. @see GPCS 11.11 */
export function storeData(label: string, dataObjects: Uint8Array): GpCommand {
  return gpCommand({
    label: `STORE DATA [${label}]`,
    cla: 0x80,
    ins: INS.STORE_DATA,
    p1: 0x90,
    p2: 0x00,
    data: dataObjects,
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

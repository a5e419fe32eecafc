import { encodeTlv } from '../ber-tlv.ts';
import type { Aid } from './aid.ts';
import { type GpCommand, gpCommand, INS } from './command.ts';

/** DELETE [card content]: `4F L AID`; `related` takes what belongs to it along. @see GPCS 11.2 */
export function deleteObject(name: Aid, options: { readonly related?: boolean } = {}): GpCommand {
  const p2 = options.related === true ? 0x80 : 0x00;
  return gpCommand({
    label: 'DELETE',
    cla: 0x80,
    ins: INS.DELETE,
    p1: 0x00,
    p2,
    data: encodeTlv(0x4f, name),
    le: true,
  });
}

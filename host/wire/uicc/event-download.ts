// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { encodeTlv } from '../ber-tlv.ts';
import { type AnyCatObject, catObject, decodeCatObjects, encodeCatObject } from './cat-object.ts';
import type { TimerValue } from './cat-values.ts';
import { decodeTemplate } from './comprehension-tlv.ts';
import { DEVICE } from './proactive-command.ts';

/** Events that a card may ask to be told. @see TS 102 223 8.25 */
export const EVENT = { LOCATION_STATUS: 0x03, DATA_AVAILABLE: 0x09, CHANNEL_STATUS: 0x0a } as const;

export interface EventDownload {
  readonly event: number;
  readonly source: number;
  readonly destination: number;
  readonly objects: readonly AnyCatObject[];
}

const EVENT_TEMPLATE = 0xd6;
const TIMER_TEMPLATE = 0xd7;

/** `D6 L ‖ 99 01 event ‖ 82 02 source destination ‖ objects`. @throws WireError. @see TS 102 223 7.5 */
export function encodeEventDownload({ event, source, destination, objects }: EventDownload): Uint8Array {
  const lead = [catObject('eventList', [event]), catObject('deviceIdentities', { source, destination })];
  return encodeTlv(EVENT_TEMPLATE, ...[...lead, ...objects].map(encodeCatObject));
}

/** @throws WireError when it is another envelope, or event and device identities do not lead */
export function decodeEventDownload(bytes: Uint8Array): EventDownload {
  const [list, devices, ...objects] = decodeCatObjects(decodeTemplate(EVENT_TEMPLATE, 'event download', bytes));
  const event = list?.kind === 'eventList' && list.value.length === 1 ? list.value[0] : undefined;
  if (event === undefined || devices?.kind !== 'deviceIdentities')
    throw new WireError('cat-lead', 'An event download begins with one event and device identities');
  return { event, ...devices.value, objects };
}

/** Timer 1 to 8 ran out after this time. */
export interface TimerExpiration {
  readonly timer: number;
  readonly value: TimerValue;
}

/** `D7 L ‖ 82 02 82 81 ‖ A4 01 timer ‖ A5 03 value`. @throws WireError. @see TS 102 223 7.4 */
export function encodeTimerExpiration({ timer, value }: TimerExpiration): Uint8Array {
  const objects = [
    catObject('deviceIdentities', { source: DEVICE.TERMINAL, destination: DEVICE.CARD }),
    catObject('timerIdentifier', timer),
    catObject('timerValue', value),
  ];
  return encodeTlv(TIMER_TEMPLATE, ...objects.map(encodeCatObject));
}

/** @throws WireError when it is another envelope or lacks one of its objects */
export function decodeTimerExpiration(bytes: Uint8Array): TimerExpiration {
  const [devices, timer, value] = decodeCatObjects(decodeTemplate(TIMER_TEMPLATE, 'timer expiration', bytes));
  if (devices?.kind !== 'deviceIdentities' || timer?.kind !== 'timerIdentifier' || value?.kind !== 'timerValue')
    throw new WireError('cat-lead', 'A timer expiration has device identities, timer and value');
  return { timer: timer.value, value: value.value };
}

// SPDX-License-Identifier: Apache-2.0
/** CLA with the bit of GlobalPlatform secure messaging. @see GPCS 11.1.4 */
export const protectedClass = (cla: number): number => ((cla & 0x40) === 0 ? cla | 0x04 : cla | 0x20);

/** CLA of channel 0 without secure messaging, for one of any channel: those from 4 differ in form. @see GPCS 11.1.4 */
export const basicClass = (cla: number): number => ((cla & 0x40) === 0 ? cla & 0xf0 : cla & 0x80);

/** CLA as the MACs of SCP02 and SCP03 see it: 84 on every channel. @see GPCS E.4.4; Amendment D 6.2.4 */
export const macClass = (cla: number): number => basicClass(cla) | 0x04;

/** Lc as a MAC sees it: one byte, or `00 xxxx` for data that travels in a chain. @see GPCS 11.1.5.1 */
export const macLength = (length: number): Uint8Array =>
  length > 0xff ? Uint8Array.of(0, length >> 8, length & 0xff) : Uint8Array.of(length);

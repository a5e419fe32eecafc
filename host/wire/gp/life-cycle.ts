// SPDX-License-Identifier: Apache-2.0
/** Life cycle states. @see GPCS 11.1.1, Tables 11-3 to 11-6 */
export const CARD_STATE = {
  OP_READY: 0x01,
  INITIALIZED: 0x07,
  SECURED: 0x0f,
  CARD_LOCKED: 0x7f,
  TERMINATED: 0xff,
} as const;
export const LOAD_FILE_STATE = { LOADED: 0x01 } as const;
export const APPLICATION_STATE = { INSTALLED: 0x03, SELECTABLE: 0x07 } as const;
export const SECURITY_DOMAIN_STATE = { INSTALLED: 0x03, SELECTABLE: 0x07, PERSONALIZED: 0x0f } as const;
/** Set on top of the state before: 83, 87, 8F. */
export const LOCKED = 0x80;

const CARD_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(CARD_STATE).map(([name, value]) => [value, name]),
);
const SD_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(SECURITY_DOMAIN_STATE).map(([name, value]) => [value, name]),
);

export const cardStateName = (state: number): string => CARD_NAMES.get(state) ?? 'UNKNOWN';

export function securityDomainStateName(state: number): string {
  const name = SD_NAMES.get(state & ~LOCKED & 0xff) ?? 'UNKNOWN';
  return (state & LOCKED) === 0 ? name : `LOCKED (${name})`;
}

// SPDX-License-Identifier: Apache-2.0
/** The purse as its provider would personalise it: serial, largest balances, and the keys from the KMS. */
export const PURSE_SCRIPT = {
  format: 'opentsm-personalization/1',
  keys: { kind: 'purse', algorithm: 'aes' },
  personalized: { answerHolds: '5A08{serial}' },
  storeData: [
    { p1: '10', data: '5A08{serial}C10800000000000186A0' },
    { p1: 'F0', keys: true },
  ],
};

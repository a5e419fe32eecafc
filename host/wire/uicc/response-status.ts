// SPDX-License-Identifier: Apache-2.0
/** STS of a response packet. @see TS 102 225 5.2, table of response status codes */
export const RESPONSE_STATUS = {
  OK: 0x00,
  CHECKSUM_FAILED: 0x01,
  COUNTER_LOW: 0x02,
  COUNTER_HIGH: 0x03,
  COUNTER_BLOCKED: 0x04,
  CIPHERING_ERROR: 0x05,
  SECURITY_ERROR: 0x06,
  NOT_ENOUGH_MEMORY: 0x07,
  MORE_TIME: 0x08,
  TAR_UNKNOWN: 0x09,
  SECURITY_LEVEL_TOO_LOW: 0x0a,
  RESPONSE_BY_SUBMIT: 0x0b,
  RESPONSE_BY_USSD: 0x0c,
} as const;

const MEANING: ReadonlyMap<number, string> = new Map([
  [RESPONSE_STATUS.OK, 'received'],
  [RESPONSE_STATUS.CHECKSUM_FAILED, 'checksum is wrong'],
  [RESPONSE_STATUS.COUNTER_LOW, 'counter is too low'],
  [RESPONSE_STATUS.COUNTER_HIGH, 'counter is too high'],
  [RESPONSE_STATUS.COUNTER_BLOCKED, 'counter is at its end: new keys are needed'],
  [RESPONSE_STATUS.CIPHERING_ERROR, 'deciphering failed'],
  [RESPONSE_STATUS.SECURITY_ERROR, 'security error that the card does not name'],
  [RESPONSE_STATUS.NOT_ENOUGH_MEMORY, 'not enough memory'],
  [RESPONSE_STATUS.MORE_TIME, 'the card needs more time'],
  [RESPONSE_STATUS.TAR_UNKNOWN, 'no application has this TAR'],
  [RESPONSE_STATUS.SECURITY_LEVEL_TOO_LOW, 'the application wants more protection'],
  [RESPONSE_STATUS.RESPONSE_BY_SUBMIT, 'the response follows by SMS-SUBMIT'],
  [RESPONSE_STATUS.RESPONSE_BY_USSD, 'the response follows by USSD'],
]);

/** The status in words. */
export const responseStatusMeaning = (status: number): string => MEANING.get(status) ?? 'status that is not defined';

/** The card refuses the command, so that a proof without checksum may tell it: it may have had no key to make one. */
export const isRefusal = (status: number): boolean =>
  status > RESPONSE_STATUS.OK && status <= RESPONSE_STATUS.SECURITY_LEVEL_TOO_LOW;

/** The card has the command, and its answer comes in a message of its own. */
export const answerFollows = (status: number): boolean =>
  status === RESPONSE_STATUS.MORE_TIME ||
  status === RESPONSE_STATUS.RESPONSE_BY_SUBMIT ||
  status === RESPONSE_STATUS.RESPONSE_BY_USSD;

/**
 * The card has run nothing of the command. One that had no memory (07), or says what is not defined, may have run all
 * of it and have had no room for the answer.
 */
export const ranNothing = (status: number): boolean =>
  isRefusal(status) && status !== RESPONSE_STATUS.NOT_ENOUGH_MEMORY && status !== RESPONSE_STATUS.MORE_TIME;

// SPDX-License-Identifier: Apache-2.0
import { EXECUTION_STATUS } from '../../../wire/tsms/instance-state.ts';
import type { Failure } from '../../../workflow/engine/run.ts';

/** The guideline's number for what a process failed with. @see BSI TR-03165 1.0.4, 4.2 */

/** Card, reader, phone or bearer are not there: trying again with the card at hand may help. */
const CARD_AWAY: readonly string[] = [
  ...['card-absent', 'card-away', 'card-busy', 'card-removed', 'channel-closed', 'channel-unknown', 'script-cut'],
  ...['reader-unknown', 'stale-fence', 'no-such-card-session', 'session-lost', 'link-lost', 'bearer-unreachable'],
  ...['terminal-away', 'front-away', 'smsc-away', 'smsc-refused'],
];
/** A platform cannot be asked. */
const PLATFORM_AWAY: readonly string[] = [
  ...['peer-unreachable', 'connection-lost', 'time-over', 'no-node', 'draining', 'database', 'ota-away'],
  ...['token-away', 'token-issuer-away'],
];
const BUSY: readonly string[] = ['overloaded', 'kms-busy', 'front-busy', 'smsc-busy', 'too-many-requests'];
/** Rows in which the issuer is asked, or works. */
const ISSUER_ROW = /^([CDR]\d|4[2-9]|5[0-2])/;

const BY_CLASS: Readonly<Record<string, number>> = {
  TransportError: EXECUTION_STATUS.SC_INACCESSIBLE,
  StatusWordError: EXECUTION_STATUS.SC_ERROR,
  WireError: EXECUTION_STATUS.SC_ERROR,
  SecureChannelError: EXECUTION_STATUS.SC_CHANNEL,
  CertificateError: EXECUTION_STATUS.SC_CHANNEL,
  LifeCycleError: EXECUTION_STATUS.SC_ERROR,
  PolicyError: EXECUTION_STATUS.NOT_ALLOWED,
  NotFoundError: EXECUTION_STATUS.ORPHANED,
  UsageError: EXECUTION_STATUS.INVALID_ARGUMENT,
  PeerError: EXECUTION_STATUS.ISSUER_ERROR,
  WorkflowError: EXECUTION_STATUS.INTERRUPTED,
  LimitError: EXECUTION_STATUS.OVERLOAD,
};

/** By its code where that says whose failure it is, else by its class. */
export function statusOf({ kind, code, status, numeral = '' }: Failure): number {
  if (code === 'other-card') return EXECUTION_STATUS.NO_ELIGIBLE_SC;
  if (CARD_AWAY.includes(code)) return EXECUTION_STATUS.SC_INACCESSIBLE;
  if (BUSY.includes(code) || (kind === 'PeerError' && status === 429)) return EXECUTION_STATUS.OVERLOAD;
  if (PLATFORM_AWAY.includes(code))
    return ISSUER_ROW.test(numeral) ? EXECUTION_STATUS.ISSUER_ERROR : EXECUTION_STATUS.TSM_NOT_AVAILABLE;
  return BY_CLASS[kind] ?? EXECUTION_STATUS.INTERNAL;
}

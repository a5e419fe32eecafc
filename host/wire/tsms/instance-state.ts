// SPDX-License-Identifier: Apache-2.0
import { INSTANCE_STATE } from '../message/platform.ts';
import type { Command, ProcessOperation } from '../message/service-instance.ts';

/** States of a service instance and the only moves between them. @see BSI TR-03165 1.0.4, figure 4 */

const S = INSTANCE_STATE;
const AFTER = { I: S.INSTALLED, P: S.PERSONALIZED, A: S.ACTIVATED } as const;

/** Command lists by the state that they begin at; P alone at 11 stands in the figure only. */
const LISTS: ReadonlyMap<number, readonly string[]> = new Map([
  [S.NOT_DEPLOYED, ['I', 'IP', 'IA', 'IPA', 'IAP']],
  [S.IN_ERROR, ['I', 'IP', 'IA', 'IPA', 'IAP']],
  [S.INSTALLED, ['A', 'P', 'AP', 'PA']],
  [S.PERSONALIZED, ['A', '']],
  [S.ACTIVATED, ['P', '']],
]);
/** An update installs anew. */
const UPDATABLE: readonly number[] = [S.OPERATIONAL, S.SUSPENDED, S.IN_ERROR];
const SWITCHED: readonly number[] = [S.OPERATIONAL, S.SUSPENDED, S.IN_ERROR];

/** Activated applications are free before anybody finalizes them. */
const FREED: readonly number[] = [S.ACTIVATED, S.OPERATIONAL, S.SUSPENDED];
/** What is left of one in error is locked too; what mends it frees it. */
const LOCKABLE: readonly number[] = [...FREED, S.IN_ERROR];

/** The state that a request ends in, `undefined` for gone, or why it is not legal now. */
export type Move = { readonly to: number | undefined } | { readonly illegal: string };

const illegal = (state: number, what: string): Move => ({ illegal: `${what} is not possible in state ${state}` });

/** What this request makes of an instance in this state, when all of it succeeds. */
export function moveOf(state: number, request: ProcessOperation): Move {
  switch (request.operation) {
    case 'deploy':
      return deployed(state, request, LISTS.get(state));
    case 'update':
      if (!UPDATABLE.includes(state)) return illegal(state, 'an update');
      return deployed(state, request, LISTS.get(S.NOT_DEPLOYED));
    case 'suspension':
      if (!SWITCHED.includes(state)) return illegal(state, request.suspend ? 'suspending' : 'resuming');
      return { to: request.suspend ? S.SUSPENDED : S.OPERATIONAL };
    case 'termination':
      return { to: undefined };
    case 'execution':
      return state === S.OPERATIONAL ? { to: state } : illegal(state, 'an action');
    case 'lock':
      return (request.locked ? LOCKABLE : FREED).includes(state)
        ? { to: state }
        : illegal(state, 'a lock for its issuer');
  }
}

interface Deploying {
  readonly commands: readonly Command[];
  readonly finalize: boolean;
  readonly suspensionControl?: boolean;
}

function deployed(state: number, request: Deploying, lists: readonly string[] | undefined): Move {
  const { commands, finalize, suspensionControl = false } = request;
  const list = commands.join('');
  if (lists?.includes(list) !== true) return illegal(state, `the command list ${list === '' ? '(empty)' : list}`);
  const last = commands.at(-1);
  if (last === undefined && !finalize) return illegal(state, 'an empty command list without finalize');
  const reached = last === undefined ? state : AFTER[last];
  if (!finalize) return { to: reached };
  if (reached === S.INSTALLED) return illegal(state, 'finalize before anything but the installation');
  return { to: suspensionControl ? S.SUSPENDED : S.OPERATIONAL };
}

/** What an end leaves that is none of the request's own: nothing was changed on the chip, or something was. */
export const stateAfterFailure = (before: number, chipChanged: boolean): number => (chipChanged ? S.IN_ERROR : before);

/** Numbers of what was asked for, as notices have them: without finalize. @see BSI TR-03165 1.0.4, 4.3 */
export function operationNumbers(request: ProcessOperation): number[] {
  const offset = { I: 0, P: 1, A: 2 } as const;
  switch (request.operation) {
    case 'deploy':
      return request.commands.map((command) => 10 + offset[command]);
    case 'update':
      return request.commands.map((command) => 20 + offset[command]);
    case 'suspension':
      return [request.suspend ? 30 : 31];
    case 'termination':
      return [40];
    case 'execution':
      return [50];
    case 'lock':
      return [request.locked ? 60 : 61];
  }
}

/** Results of a process. @see BSI TR-03165 1.0.4, 4.2 */
export const EXECUTION_STATUS = {
  NONE: 0,
  TSM_NOT_AVAILABLE: 1,
  INTERNAL: 2,
  NETWORK: 3,
  INVALID_ARGUMENT: 4,
  NOT_AUTHENTICATED: 5,
  INTERRUPTED: 6,
  SC_ERROR: 7,
  NO_ELIGIBLE_SC: 8,
  SC_INACCESSIBLE: 9,
  SC_CHANNEL: 10,
  NFC_OFF: 11,
  ORPHANED: 12,
  NOT_ALLOWED: 13,
  ALREADY_EXISTS: 14,
  UNAUTHORIZED: 15,
  ISSUER_ERROR: 16,
  NOT_FOUND: 17,
  OVERLOAD: 18,
  MAINTENANCE: 19,
  DEVICE_INTEGRITY: 20,
  UNSPECIFIED: 100,
} as const;

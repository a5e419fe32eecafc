// SPDX-License-Identifier: Apache-2.0
import { LifeCycleError } from '../../errors.ts';
import { setChipChanged } from '../../store/provider/service-processes.ts';
import { aid, aidToHex } from '../../wire/gp/aid.ts';
import { responseData, toPlainCommand } from '../../wire/gp/command.ts';
import { decodeGetStatus, getStatus, REGISTRY } from '../../wire/gp/get-status.ts';
import { LOCKED } from '../../wire/gp/life-cycle.ts';
import { STATUS_TARGET, setStatus } from '../../wire/gp/set-status.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { SW } from '../../wire/status-word.ts';
import type { OnItsCard, ServiceContext } from './context.ts';

/** Instances in the provider's domain that are locked, and all of them, by AID. */
export interface Registered {
  readonly present: readonly string[];
  readonly lockedNow: readonly string[];
  /** The card has more to tell. */
  readonly more: boolean;
}

function registered(responses: readonly CardResponse[], known: Omit<Registered, 'more'>): Registered {
  const [answer] = responses;
  const accepted = [SW.NO_ERROR, SW.MORE_DATA_AVAILABLE, SW.REFERENCED_DATA_NOT_FOUND] as const;
  const entries = decodeGetStatus(responseData('GET STATUS', answer, ...accepted));
  const locked = entries.filter(({ lifeCycle }) => (lifeCycle & LOCKED) !== 0);
  return {
    present: [...known.present, ...entries.map((entry) => aidToHex(entry.aid))],
    lockedNow: [...known.lockedNow, ...locked.map((entry) => aidToHex(entry.aid))],
    more: answer?.sw === '6310',
  };
}

/** S8: GET STATUS in the provider's own session: the domain, and what is in it. */
export async function* readApplications(_facts: OnItsCard, _context: ServiceContext) {
  const responses: readonly CardResponse[] = yield [toPlainCommand(getStatus(REGISTRY.APPLICATIONS))];
  return registered(responses, { present: [], lockedNow: [] });
}

/** S8a: the rest of it, where one answer does not hold all. @throws LifeCycleError when two do not either */
export async function* readMoreApplications({ present, lockedNow, more }: Registered, _context: ServiceContext) {
  if (!more) return {};
  const responses: readonly CardResponse[] = yield [toPlainCommand(getStatus(REGISTRY.APPLICATIONS, { next: true }))];
  const all = registered(responses, { present, lockedNow });
  if (all.more)
    throw new LifeCycleError('too-many-applications', 'The domain has more applications than two answers hold');
  return all;
}

/** S9: applications that are to be personalised can be selected. */
export async function* unlockApplications(facts: OnItsCard & Registered, context: ServiceContext) {
  if (!facts.commands.includes('P')) return {};
  yield* switched(facts, false, context);
  return {};
}

/**
 * S13: SET STATUS: locked until the activation, and while the instance is suspended; else not (GPCS 5.3.2.2).
 *
 * @throws LifeCycleError `application-gone` when the card does not have one of them, but where the instance is in error
 */
export async function* switchApplications(facts: OnItsCard & Registered, context: ServiceContext) {
  yield* switched(facts, facts.locked, context);
  return {};
}

async function* switched(
  { applications, present, lockedNow, unlocks, presentOnly }: OnItsCard & Registered,
  locked: boolean,
  { database, workflowId }: ServiceContext,
) {
  // One that was to be replaced stands twice.
  const all = [...new Set(applications.map(({ instanceAid }) => instanceAid))];
  const gone = all.find((name) => !present.includes(name));
  if (gone !== undefined && presentOnly !== true)
    throw new LifeCycleError('application-gone', `${gone} is not in our domain on this card any more`);
  const names = all.filter((name) => present.includes(name) && lockedNow.includes(name) !== locked);
  if (names.length === 0) return;
  // Before an action that says of its script whether it was begun.
  if (unlocks !== true) await setChipChanged(database, workflowId, true);
  yield names.map((name) => toPlainCommand(setStatus(STATUS_TARGET.APPLICATION, locked ? LOCKED : 0x00, aid(name))));
}

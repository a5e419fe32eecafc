// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { addCardLocks, setCardLocked, setCardLockUnsure } from '../../../store/provider/card-locks.ts';
import { closeCardRelay } from '../../../store/provider/card-relays.ts';
import type { ProviderTables } from '../../../store/provider/schema.ts';
import {
  deleteInstance,
  findDeployed,
  findProcess,
  finishProcess,
  setApplications,
  setDeployedState,
  setDeployment,
  setInstanceState,
} from '../../../store/provider/service-processes.ts';
import type { ProcessEnd } from '../../../store/provider/service-tables.ts';
import { enqueueNotice, enqueueOwnNotice } from '../../../store/provider/spos-notices.ts';
import { INSTANCE_STATE } from '../../../wire/message/platform.ts';
import { EXECUTION_STATUS, operationNumbers, stateAfterFailure } from '../../../wire/tsms/instance-state.ts';
import type { Ran } from '../../../workflow/deploy-service/run-script.ts';
import type { Also } from '../../../workflow/engine/execution.ts';
import type { Failure, FlowEnd } from '../../../workflow/engine/run.ts';
import type { ScriptRun } from '../../../workflow/service-script/run-script.ts';
import { problemOfFailure } from '../../problem-of-failure.ts';
import type { ProcessInput } from './process-input.ts';
import { statusOf } from './process-status.ts';

type Row = NonNullable<Awaited<ReturnType<typeof findProcess>>>;
type Database = Kysely<ProviderTables>;

/** State of an instance that is gone. */
const GONE = 0;
const DEPLOYED: readonly number[] = [INSTANCE_STATE.OPERATIONAL, INSTANCE_STATE.SUSPENDED];

/** What is written with the end of a process: the instance's state, the result, and the notice of it. */
export function processEnding(id: string, end: FlowEnd, input?: ProcessInput): Also {
  return async (transaction) => {
    const database = transaction as unknown as Database;
    const row = await findProcess(database, id);
    if (row?.state !== 'running') return;
    await closeCardRelay(database, id);
    const ran = end.end === 'done' ? (end.facts as Partial<Ran>).ran : undefined;
    const failure = end.end === 'failed' ? end.failure : failureOfScript(ran);
    // With its instance it goes.
    const kept = (await findDeployed(database, row.instanceId))?.sposConfigId;
    const serviceEndState =
      failure === undefined && input !== undefined ? await succeed(database, row, input) : await fail(database, row);
    const status = failure === undefined ? EXECUTION_STATUS.NONE : statusOf(failure);
    const written: ProcessEnd = {
      result: {
        processId: id,
        serviceId: row.serviceId,
        serviceInstanceId: row.instanceId,
        versionTag: input?.version?.tag ?? row.versionTag,
        executionStatus: status,
        executionMessage: (failure?.message ?? '').slice(0, 500),
        startDate: row.startedAt.toISOString(),
        endDate: new Date().toISOString(),
        requestedOperations: operationNumbers(row.request),
        serviceStartState: row.startState,
        serviceEndState,
      },
      ...(ran === undefined ? {} : { messages: ran.messages.slice(0, 64), values: ran.values }),
      ...(failure === undefined ? {} : { problem: problemOfFailure(failure) }),
    };
    await finishProcess(database, id, failure === undefined ? 'done' : 'failed', written);
    // A server has heard of the loss, and of its end, from the change of the product.
    if (row.request.operation === 'lock') return;
    // A loss report may have come while this was under way.
    await addCardLocks(database, [row.instanceId]);
    // The guideline has no number for what else is done with a service that is deployed.
    if (row.request.operation !== 'execution') await enqueueNotice(database, written.result, { at: new Date(), kept });
    else await enqueueOwnNotice(database, written.result, { operation: 'execution', at: new Date() });
  };
}

/** The script ran to an end, and it was none that it should have. */
function failureOfScript(ran: ScriptRun | undefined): Failure | undefined {
  if (ran?.end !== 'failed') return undefined;
  const left = ran.uncompensated === undefined ? '' : `; not taken back: ${ran.uncompensated.join(', ')}`;
  return { kind: 'LifeCycleError', code: 'script-failed', message: `${ran.reason ?? 'the script failed'}${left}` };
}

async function succeed(database: Database, { instanceId }: Row, input: ProcessInput): Promise<number> {
  const { to, request, start, version } = input;
  if (to === undefined) {
    await deleteInstance(database, instanceId);
    return GONE;
  }
  if (request.operation === 'lock') await setCardLocked(database, instanceId, request.locked);
  if (request.operation === 'execution' && start.unlocks === true) await setCardLocked(database, instanceId, false);
  if (request.operation === 'execution' || request.operation === 'lock')
    return (await findDeployed(database, instanceId))?.state ?? GONE;
  // S13 has made them what the instance's own state is.
  await setCardLocked(database, instanceId, false);
  if (request.operation === 'deploy' || request.operation === 'update') {
    // Those that went are gone.
    const recorded = (await findDeployed(database, instanceId))?.applications ?? [];
    const done = new Set(recorded.filter(({ personalized }) => personalized).map(({ instanceAid }) => instanceAid));
    const applications = start.applications.map((application) => ({
      ...application,
      personalized: done.has(application.instanceAid),
    }));
    await setApplications(database, instanceId, applications);
    await setDeployment(database, instanceId, {
      activated: !start.locked || request.finalize,
      ...(version === undefined ? {} : { versionTag: version.tag, flavorId: version.flavorId }),
    });
  }
  if (DEPLOYED.includes(to))
    return setDeployedState(database, instanceId, { suspended: to === INSTANCE_STATE.SUSPENDED });
  await setInstanceState(database, instanceId, to);
  return to;
}

/** Nothing was changed on the chip: as it was before. Else nobody knows without looking. */
async function fail(database: Database, row: Row): Promise<number> {
  const { instanceId, startState, chipChanged, request, applicationsBefore } = row;
  // A process of a release before this one has no such list.
  if (!chipChanged && applicationsBefore !== undefined) await setApplications(database, instanceId, applicationsBefore);
  if (request.operation === 'execution') await setCardLockUnsure(database, instanceId, { whenLocked: true });
  else if (chipChanged) await setCardLockUnsure(database, instanceId, { whenLocked: false });
  const keeps = request.operation === 'execution' || request.operation === 'lock';
  const state = keeps ? startState : stateAfterFailure(startState, chipChanged);
  if (!DEPLOYED.includes(state)) {
    await setInstanceState(database, instanceId, state);
    return state;
  }
  // A loss report may have come meanwhile.
  return setDeployedState(database, instanceId, {
    suspended: (await findDeployed(database, instanceId))?.suspended === true,
  });
}

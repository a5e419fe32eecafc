// SPDX-License-Identifier: Apache-2.0
import type { Kysely, Transaction } from 'kysely';
import { PeerError } from '../../../errors.ts';
import type { AuthenticationFailures } from '../../../store/authentication-failures.ts';
import { cardIdText } from '../../../store/card-id.ts';
import { isCardLocked } from '../../../store/provider/card-locks.ts';
import type { ProviderTables } from '../../../store/provider/schema.ts';
import {
  addProcess,
  applicationsOfOthers,
  type DeployedService,
  findDeployed,
  findProcess,
  listLostProcesses,
  lockInstance,
  type ProcessRow,
  setApplications,
  setInstanceState,
} from '../../../store/provider/service-processes.ts';
import { scriptOfAction } from '../../../store/provider/service-scripts.ts';
import { keepProvider, ownerOfService, type TsmsTables } from '../../../store/provider/tsms.ts';
import { claimIdempotencyKey, type RequestTables } from '../../../store/request-log.ts';
import type { Problem } from '../../../wire/message/common.ts';
import { INSTANCE_STATE } from '../../../wire/message/platform.ts';
import type { Operation, Process, ProcessOperation, StartProcess } from '../../../wire/message/service-instance.ts';
import { moveOf } from '../../../wire/tsms/instance-state.ts';
import type { ChangeStart } from '../../../workflow/change-content/context.ts';
import type { Installer } from '../../../workflow/deploy-application/context.ts';
import type { ServiceContext, ServiceStart } from '../../../workflow/deploy-service/context.ts';
import {
  deployServiceSteps,
  executeServiceSteps,
  switchServiceSteps,
  terminateServiceSteps,
  unlockAndExecuteSteps,
} from '../../../workflow/deploy-service.ts';
import type { Also, DurableRun, Workflow } from '../../../workflow/engine/execution.ts';
import type { FlowJournal } from '../../../workflow/engine/flow-journal.ts';
import { type Failure, type FlowEnd, failureOf } from '../../../workflow/engine/run.ts';
import { SecureChannelSlot } from '../../../workflow/engine/secure-channel-slot.ts';
import type { ProviderSettings } from '../../../workflow/key-distribution/provider-context.ts';
import type { IssuerPlatform, Kms } from '../../../workflow/ports.ts';
import { scriptKeyOwner } from '../../../workflow/service-script/script-kms.ts';
import type { LoadPermits } from '../../../workflow/top-up/context.ts';
import type { CardLinks } from '../../card-links.ts';
import { type DurableFlow, lostFlow } from '../../durable-flow.ts';
import { refusal } from '../../tsm-refusal.ts';
import { attemptAt } from '../authentication-attempt.ts';
import { CONTENT_CHANGE, type ContentChanges } from '../content-changes.ts';
import { KEY_DISTRIBUTION, type KeyDistributions } from '../key-distributions.ts';
import { processEnding } from './process-end.ts';
import type { ProcessInput } from './process-input.ts';
import type { KnownService, ServiceCatalogue } from './service-catalogue.ts';
import { applicationsOf, changeOf, findVersion, flavorFor, takenName } from './service-plan.ts';

export const SERVICE_PROCESS = 'service-process';

/** Of an app or an operator, or of the platform itself. */
export type ProcessStart = Omit<StartProcess, 'request'> & { readonly request: ProcessOperation };

export interface ServiceProcessesOptions {
  readonly database: Kysely<ProviderTables>;
  readonly kms: Kms;
  readonly issuer: IssuerPlatform;
  readonly installer: Installer;
  readonly permits: LoadPermits;
  readonly links: CardLinks;
  readonly failures: AuthenticationFailures;
  readonly settings: ProviderSettings;
  readonly flow: DurableFlow<ProviderTables>;
  readonly catalogue: ServiceCatalogue;
  readonly keyDistributions: KeyDistributions;
  readonly contentChanges: ContentChanges;
  /** RSA size of the pairs of domains that a deployment makes. */
  readonly keySizeBits: 1024 | 2048 | 3072;
}

/** What is done with instances of services, each a durable process of its own. */
export class ServiceProcesses {
  readonly #options: ServiceProcessesOptions;

  constructor(options: ServiceProcessesOptions) {
    this.#options = options;
  }

  /** Bodies for the engine. */
  get workflows(): Readonly<Record<string, Workflow>> {
    return {
      [SERVICE_PROCESS]: {
        run: (input, run) => this.#run(input as ProcessInput, run),
        broken: (id) => this.failed(id, failureOf(undefined)),
      },
    };
  }

  /**
   * Starts what is legal now; the same key and request give the same process.
   *
   * @param allow refuses by what the instance is, which nobody changes until the process has begun
   * @throws ConflictError `not-allowed` @throws NotFoundError `not-found` @throws UsageError `invalid-argument`
   */
  async start(
    id: string,
    caller: string,
    instanceId: string,
    body: ProcessStart,
    allow: (instance: DeployedService) => void = () => {},
  ): Promise<Process> {
    const { database, flow, settings } = this.#options;
    const go = await database.transaction().execute(async (transaction) => {
      const use = { key: id, caller, body: [SERVICE_PROCESS, instanceId, body] };
      if (!(await claimIdempotencyKey(transaction as unknown as Kysely<RequestTables>, use))) return undefined;
      await lockInstance(transaction, instanceId);
      const instance = await findDeployed(transaction, instanceId);
      if (instance === undefined) throw refusal('NOT_FOUND', 'There is no such service instance');
      allow(instance);
      // A Version that is deleted in this moment is gone before it is planned with, or is kept by the process.
      await keepProvider(transaction as unknown as Transaction<TsmsTables>, instance.spId);
      const input = await this.#plan(instance, body);
      const row: ProcessRow = { id, ...instance, request: body.request, startState: instance.state };
      if (!(await addProcess(transaction, row)))
        throw refusal('NOT_ALLOWED', 'Another process works on this instance: wait for its end');
      await requireFree(transaction, instance, input);
      await begin(transaction, instance, input);
      const workflow = { id, kind: SERVICE_PROCESS, fairKey: settings.providerId, input };
      return flow.engine.add(transaction as unknown as Transaction<unknown>, workflow);
    });
    go?.();
    return this.#read(id);
  }

  async #plan(instance: DeployedService, { request, terminalId, readerName }: ProcessStart): Promise<ProcessInput> {
    const { instanceId, cardId, serviceId, serial, state, productState, applications } = instance;
    const move = moveOf(state, request);
    if ('illegal' in move) throw refusal('NOT_ALLOWED', move.illegal);
    const harmless =
      request.operation === 'termination' ||
      (request.operation === 'suspension' && request.suspend) ||
      (request.operation === 'lock' && request.locked);
    if (productState !== 'VALID' && !harmless)
      throw refusal('NOT_ALLOWED', `The product is ${productState} on this card: nothing but its end is possible`);
    const spId = await ownerOfService(this.#options.database, serviceId);
    const start = {
      ...(spId === undefined ? {} : { keyOwner: scriptKeyOwner(spId) }),
      instanceId,
      instanceCard: cardId,
      productId: serviceId,
      serial,
      terminalId,
      readerName,
      applications,
      removals: [],
      commands: [],
      locked: false,
    };
    switch (request.operation) {
      case 'deploy':
      case 'update':
        return this.#planDeployment(instance, request, { ...start, commands: request.commands }, move.to);
      case 'suspension':
        return { start: { ...start, locked: request.suspend }, request, to: move.to };
      case 'termination':
        return { start: { ...start, applications: [], removals: applications }, request, to: move.to };
      case 'execution':
        return this.#planExecution(instance, request, start);
      case 'lock': {
        // What its provider has suspended stays locked.
        const locked = request.locked || instance.suspended || !instance.activated;
        const found = state === INSTANCE_STATE.IN_ERROR ? { presentOnly: true as const } : {};
        return { start: { ...start, ...found, locked }, request, to: move.to };
      }
    }
  }

  async #planExecution(
    instance: DeployedService,
    request: Operation & { readonly operation: 'execution' },
    start: ServiceStart,
  ): Promise<ProcessInput> {
    const { instanceId, serviceId, state } = instance;
    requireFlavor(await this.#options.catalogue.find(serviceId), instance);
    const script = await scriptOfAction(this.#options.database, serviceId, request.actionCode);
    if (script === undefined) throw refusal('NOT_FOUND', `The service has no action ${request.actionCode}`);
    const inputs = request.inputs ?? {};
    const wrong = [...new Set([...Object.keys(inputs), ...Object.keys(script.inputs)])].find(
      (name) => inputs[name]?.length !== 2 * (script.inputs[name]?.bytes ?? -1),
    );
    if (wrong !== undefined) throw refusal('INVALID_ARGUMENT', `${wrong} is missing, unknown, or has another length`);
    const unlocks = (await isCardLocked(this.#options.database, instanceId)) ? { unlocks: true as const } : {};
    return { start: { ...start, ...unlocks, script, inputs }, request, to: state };
  }

  async #planDeployment(
    instance: DeployedService,
    request: Operation & { readonly operation: 'deploy' | 'update' },
    start: ServiceStart,
    to: number | undefined,
  ): Promise<ProcessInput> {
    const known = await this.#options.catalogue.find(instance.serviceId);
    const tag = request.operation === 'update' ? request.version : instance.versionTag;
    const version = known === undefined ? undefined : findVersion(known.world, instance.serviceId, tag);
    if (known === undefined || version === undefined) throw refusal('ORPHANED', `There is no version ${tag} any more`);
    requireFlavor(known, instance);
    const flavor = flavorFor(known.world, version, instance.profileId);
    if (flavor === undefined)
      throw refusal(
        request.operation === 'update' ? 'NO_ELIGIBLE_SC' : 'ORPHANED',
        `Version ${tag} has no published Flavor for this chip`,
      );
    const imports = (elfId: string) => known.world.get('CAP', elfId).document.importedPackages;
    const change = changeOf(instance.applications, applicationsOf(known.world, flavor), imports);
    for (const { scriptId } of change.applications)
      if (scriptId !== undefined) await this.#options.catalogue.personalizationScript(scriptId);
    const reinstalls = request.commands.includes('I');
    const activated = request.commands.includes('A') || (!reinstalls && instance.activated);
    const locked = request.finalize ? request.suspensionControl === true : !activated;
    return {
      start: { ...start, ...change, locked },
      request,
      to,
      version: { tag: version.document.tag, flavorId: flavor.id },
    };
  }

  /** Waits until there is more to tell than `afterStep` rows, the process has ended, or the time is over. */
  async state(id: string, wait: { readonly waitMs: number; readonly afterStep: number }): Promise<Process> {
    const { waitMs, afterStep } = wait;
    const done = (process: Process) => process.state !== 'running' || process.steps.length > afterStep;
    return this.#options.flow.wait(id, () => this.#read(id), { waitMs, done });
  }

  async #read(id: string): Promise<Process> {
    const row = await findProcess(this.#options.database, id);
    if (row === undefined) throw refusal('NOT_FOUND', 'There is no such process');
    const live = row.state === 'running' ? this.#options.flow.live(id) : undefined;
    const steps = [...(live?.steps ?? row.steps)];
    const { end } = row;
    return {
      processId: id,
      serviceInstanceId: row.instanceId,
      cardId: row.cardId,
      state: row.state,
      steps,
      progress: row.state === 'running' ? progressOf(steps.at(-1)?.numeral) : 100,
      messages: [...(end?.messages ?? [])],
      values: { ...end?.values },
      ...(end === undefined ? {} : { result: end.result }),
      ...(end?.problem === undefined ? {} : { problem: end.problem }),
    };
  }

  /** Ends processes that say they run although nothing works on them. */
  async endLost(): Promise<number> {
    const { database } = this.#options;
    const lost = await listLostProcesses(database);
    for (const id of lost) {
      const end = this.failed(id, failureOf(lostFlow()));
      await database.transaction().execute((transaction) => end(transaction as unknown as Transaction<unknown>));
    }
    return lost.length;
  }

  /** An operator has given it up. */
  async givenUp(transaction: Transaction<ProviderTables>, id: string, problem: Problem): Promise<void> {
    const failure = { kind: 'WorkflowError', code: 'given-up', message: problem.detail ?? problem.title };
    await this.failed(id, failure)(transaction as unknown as Transaction<unknown>);
  }

  /** The end of a process that came to none of its own. */
  failed(id: string, failure: Failure): Also {
    return processEnding(id, { end: 'failed', failure });
  }

  async #run(input: ProcessInput, run: DurableRun): Promise<Also> {
    const { flow, links, kms } = this.#options;
    const { start, request } = input;
    const id = run.workflowId;
    const common = {
      start,
      run,
      context: (journal: FlowJournal) => this.#context(input, run, journal),
      end: async (end: FlowEnd) => {
        await links.release(id);
        await kms.endFlow(id).catch(() => {});
        return processEnding(id, end, input);
      },
    };
    if (request.operation === 'execution')
      return flow.run({ ...common, flow: start.unlocks === true ? unlockAndExecuteSteps : executeServiceSteps });
    if (request.operation === 'suspension' || request.operation === 'lock')
      return flow.run({ ...common, flow: switchServiceSteps });
    if (request.operation !== 'termination') return flow.run({ ...common, flow: deployServiceSteps });
    // Nothing of it was ever on the card.
    if (start.removals.length === 0) return processEnding(id, { end: 'done', facts: {} }, input);
    return flow.run({ ...common, flow: terminateServiceSteps });
  }

  #context({ start }: ProcessInput, run: DurableRun, journal: FlowJournal): ServiceContext {
    const { database, kms, settings, issuer, installer, permits, links, failures, catalogue } = this.#options;
    const { workflowId } = run;
    const card = cardIdText(start.instanceCard);
    return {
      workflowId,
      database,
      kms,
      settings,
      issuer,
      installer,
      permits,
      journal,
      auditLog: journal,
      card: links.of(workflowId, start),
      channel: new SecureChannelSlot(kms),
      report: async (step) => journal.report(step),
      copySteps: async (steps) => journal.copy(steps),
      cardName: () => card,
      authentication: () => attemptAt(failures, card, settings.ssdAid),
      loadFile: (elfId) => catalogue.loadFile(elfId),
      personalizationScript: (scriptId) => catalogue.personalizationScript(scriptId),
      distributeKeys: () => this.#distributeKeys(start, run),
      changeContent: (name, change) => this.#changeContent(name, { ...change, ...placeOf(start) }, run),
    };
  }

  /** Its steps are recorded as steps of this run, under names of their own. */
  async #distributeKeys({ terminalId, readerName, instanceCard }: ServiceStart, run: DurableRun): Promise<void> {
    const { keyDistributions, keySizeBits, links } = this.#options;
    await links.of(run.workflowId, { terminalId, readerName }).rest();
    const part = partOf(run, 'keys', KEY_DISTRIBUTION);
    const start = { terminalId, readerName, keySizeBits, onlyCard: instanceCard };
    const { problem } = await keyDistributions.within(start, part);
    if (problem !== undefined) throw endOf(problem, 'S3');
  }

  async #changeContent(name: string, change: ChangeStart, run: DurableRun): Promise<void> {
    const { contentChanges, links } = this.#options;
    await links.of(run.workflowId, change).rest();
    const { problem } = await contentChanges.within(change, partOf(run, name, CONTENT_CHANGE));
    if (problem !== undefined) throw endOf(problem, 'S5');
  }
}

const placeOf = ({ terminalId, readerName, instanceCard }: ServiceStart) => ({
  terminalId,
  readerName,
  onCard: instanceCard,
});

/** What a part ended with. */
function endOf(problem: Problem, row: string): PeerError {
  const code = problem.type.replace(/^urn:opentsm:problem:/, '');
  const { numeral = row, status, detail, title } = problem;
  return new PeerError(code, detail ?? title, { status, final: true, numeral });
}

/** A run within a run, whose steps have names of their own. */
function partOf(run: DurableRun, part: string, kind: string): DurableRun {
  const prefix = `${part} `;
  return {
    workflowId: `${run.workflowId}.${part.replace(' ', '-')}`,
    engineId: run.engineId,
    row: { ...run.row, kind },
    tries: run.tries,
    cancelled: run.cancelled,
    get results() {
      const own = Object.entries(run.results).filter(([name]) => name.startsWith(prefix));
      return Object.fromEntries(own.map(([name, result]) => [name.slice(prefix.length), result]));
    },
    step: (name, act, along) => run.step(`${prefix}${name}`, act, along),
  };
}

/** What is on a card of a deleted Flavor is suspended, resumed and terminated. @throws ConflictError `orphaned` */
function requireFlavor(known: KnownService | undefined, { serviceId, flavorId, state }: DeployedService): void {
  const flavors = known?.world.within('Flavor', serviceId) ?? [];
  if (state === INSTANCE_STATE.NOT_DEPLOYED || flavors.some(({ id }) => id === flavorId)) return;
  throw refusal('ORPHANED', 'The Flavor of this instance was deleted: suspend, resume or terminate it');
}

/**
 * All services share one domain on a card: what comes has no name there that another instance has.
 *
 * @throws ConflictError `already-exists`
 */
async function requireFree(
  transaction: Transaction<ProviderTables>,
  instance: DeployedService,
  { request, start }: ProcessInput,
): Promise<void> {
  if (request.operation !== 'deploy' && request.operation !== 'update') return;
  const taken = takenName(start.applications, await applicationsOfOthers(transaction, instance));
  if (taken !== undefined)
    throw refusal(
      'ALREADY_EXISTS',
      `Another service has ${taken} on this card: end that one, or take another name or the same load file`,
    );
}

/** The instance while the process works on it. */
async function begin(
  transaction: Transaction<ProviderTables>,
  { instanceId, state, applications }: DeployedService,
  { request, start }: ProcessInput,
): Promise<void> {
  if (request.operation !== 'deploy' && request.operation !== 'update') return;
  // What may be on the card from now on: all of it is taken off again by a termination.
  await setApplications(transaction, instanceId, [
    ...start.removals.map((old) => ({ ...old, personalized: false })),
    ...start.applications,
  ]);
  const under: readonly number[] = [INSTANCE_STATE.INSTALLED, INSTANCE_STATE.PERSONALIZED, INSTANCE_STATE.ACTIVATED];
  if (!under.includes(state) || applications.length === 0)
    await setInstanceState(transaction, instanceId, INSTANCE_STATE.INITIALIZED);
}

/** Percent by the row that is at work. */
function progressOf(numeral: string | undefined): number {
  if (numeral === undefined) return 0;
  if (!numeral.startsWith('S')) return 50;
  return Math.min(95, Math.round((Number.parseInt(numeral.slice(1), 10) / 13) * 95));
}

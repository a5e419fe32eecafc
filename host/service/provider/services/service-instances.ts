// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { TsmError } from '../../../errors.ts';
import { appendRecords } from '../../../store/audit-log.ts';
import { cardIdText } from '../../../store/card-id.ts';
import { isCrossed } from '../../../store/database-errors.ts';
import { hurryCardLocks } from '../../../store/provider/card-locks.ts';
import { agreeForHolder, isOtherAgreed } from '../../../store/provider/renewals.ts';
import type { ProviderTables } from '../../../store/provider/schema.ts';
import { provideInstance } from '../../../store/provider/service-instances.ts';
import {
  addDeployment,
  type DeployedService,
  findDeployed,
  findDeployedOn,
  lockInstance,
  profileOfCard,
} from '../../../store/provider/service-processes.ts';
import type { CardId } from '../../../wire/message/common.ts';
import { INSTANCE_STATE } from '../../../wire/message/platform.ts';
import type {
  CheckOnCards,
  CheckResult,
  CreateOnCards,
  FindOnCards,
  Instance,
} from '../../../wire/message/service-instance.ts';
import type { Entity } from '../../../wire/tsms/entities.ts';
import { compareTags } from '../../../wire/tsms/formats.ts';
import { newSerial } from '../../../workflow/deploy-application/request-application.ts';
import { refusal } from '../../tsm-refusal.ts';
import type { World } from '../tsms/world.ts';
import type { KnownService, ServiceCatalogue } from './service-catalogue.ts';
import { applicationsOf, findVersion, flavorFor, versionsFitting } from './service-plan.ts';

interface Choice {
  readonly cardId: CardId;
  readonly profileId: string;
  readonly flavor: Entity<'Flavor'>;
}

/** Instances of services: who may have one, and on which chip (BSI TR-03165 1.0.4, 4.2 and 3.3). */
export class ServiceInstances {
  readonly #database: Kysely<ProviderTables>;
  readonly #catalogue: ServiceCatalogue;

  readonly #onAgreed: () => void;

  /** @param onAgreed hears that a renewal may go on */
  constructor(database: Kysely<ProviderTables>, catalogue: ServiceCatalogue, onAgreed: () => void = () => {}) {
    this.#database = database;
    this.#catalogue = catalogue;
    this.#onAgreed = onAgreed;
  }

  /**
   * The instance of this service on one of these cards, made where there is none: the same until it is terminated. One
   * of which nothing is on its card yet is of the version that is asked for now.
   *
   * @throws ConflictError `no-eligible-sc`, `already-exists` for another version of what is on the card
   * @throws NotFoundError `not-found` @throws PolicyError `unauthorized`
   */
  async create({ serviceId, version, appId, cards }: CreateOnCards): Promise<Instance> {
    const known = await this.#catalogue.service(serviceId, appId);
    const rows = await findDeployedOn(this.#database, serviceId, cards);
    const there = rows.find(isBegun);
    if (there !== undefined) return shown(requireVersion(there, version), known);
    // The card of before, while the version is for it.
    const [planned] = rows;
    if (planned === undefined) return this.#make(known, version, cards);
    return this.#make(known, version, [planned.cardId]).catch((error: unknown) => {
      if (!(error instanceof TsmError) || error.code !== 'no-eligible-sc' || cards.length === 1) throw error;
      return this.#make(known, version, cards);
    });
  }

  /** The same for a platform's own ends, without an app: for one card. @throws as `create` */
  async provide(serviceId: string, version: string, cardId: CardId): Promise<Instance> {
    const known = await this.#catalogue.find(serviceId);
    const [there] = await findDeployedOn(this.#database, serviceId, [cardId]);
    if (there !== undefined) return shown(there, known);
    if (known === undefined) throw refusal('ORPHANED', 'The service was deleted');
    return this.#make(known, version, [cardId]);
  }

  async #make(known: KnownService, version: string, cards: readonly CardId[]): Promise<Instance> {
    const serviceId = known.service.id;
    const wanted = findVersion(known.world, serviceId, version);
    if (wanted === undefined) throw refusal('NOT_FOUND', `The service has no version ${version}`);
    const choice = await this.#choose(known.world, wanted, cards);
    if (choice === undefined)
      throw refusal('NO_ELIGIBLE_SC', 'None of these chips is one that this version is for: see allowedDeployments');
    applicationsOf(known.world, choice.flavor);
    const { cardId, profileId, flavor } = choice;
    return this.#database.transaction().execute(async (transaction) => {
      const { instanceId } = await provideInstance(transaction, {
        productId: serviceId,
        cardId,
        instanceId: randomUUID(),
        serial: newSerial(),
      });
      // A process may have begun with it meanwhile.
      await lockInstance(transaction, instanceId);
      const begun = await findDeployed(transaction, instanceId);
      if (begun !== undefined && isBegun(begun)) return shown(requireVersion(begun, version), known);
      await addDeployment(transaction, {
        instanceId,
        spId: known.world.spId,
        serviceId,
        versionTag: wanted.document.tag,
        flavorId: flavor.id,
        profileId,
      });
      const made = await findDeployed(transaction, instanceId);
      if (made === undefined) throw refusal('INTERNAL', 'The instance was not made: try again');
      return shown(made, known);
    });
  }

  /**
   * Instances of this service on these cards.
   *
   * @param front who says that one user holds all of them: what one had may go onto its successor
   */
  async find({ serviceId, appId, cards }: FindOnCards, front?: string): Promise<Instance[]> {
    if ((await this.#catalogue.find(serviceId)) === undefined) return this.#orphans(serviceId, cards);
    const known = await this.#catalogue.service(serviceId, appId);
    if (front !== undefined) await hurryCardLocks(this.#database, cards);
    if (front !== undefined && cards.length > 1) await this.#agree(serviceId, cards, front);
    return (await findDeployedOn(this.#database, serviceId, cards)).map((row) => shown(row, known));
  }

  /** What is left on cards of a service that was deleted: it can be terminated. @throws NotFoundError `not-found` */
  async #orphans(serviceId: string, cards: readonly CardId[]): Promise<Instance[]> {
    const rows = await findDeployedOn(this.#database, serviceId, cards);
    if (rows.length === 0) throw refusal('NOT_FOUND', 'There is no such service');
    return rows.map((row) => shown(row, undefined));
  }

  async #agree(serviceId: string, cards: readonly CardId[], front: string): Promise<void> {
    // An operator has agreed to another one in the same moment, or other fronts to some of these: what is left is
    // looked at anew.
    const goesOn = await again(() => this.#agreeOnce(serviceId, cards, front));
    if (goesOn) this.#onAgreed();
  }

  /** @returns whether one may go on */
  #agreeOnce(serviceId: string, cards: readonly CardId[], front: string): Promise<boolean> {
    return this.#database.transaction().execute(async (transaction) => {
      const { agreed, due } = await agreeForHolder(transaction, serviceId, cards);
      const record = { phase: 'after', act: 'agree to renewal', workflowId: '', numeral: '' } as const;
      const records = agreed.map(({ instanceId, oldCard, newCard }) => {
        const details = { front, from: cardIdText(oldCard), card: cardIdText(newCard) };
        return { ...record, subject: instanceId, details };
      });
      await appendRecords(transaction, records);
      return agreed.length + due > 0;
    });
  }

  /** @throws NotFoundError `not-found` */
  async get(instanceId: string): Promise<Instance> {
    const row = await findDeployed(this.#database, instanceId);
    if (row === undefined) throw refusal('NOT_FOUND', 'There is no such service instance');
    return shown(row, await this.#catalogue.find(row.serviceId));
  }

  /** The highest version that fits and is for one of these chips. */
  async checkDeployment({ serviceId, version, appId, cards }: CheckOnCards): Promise<CheckResult> {
    const known = await this.#catalogue.service(serviceId, appId);
    if ((await findDeployedOn(this.#database, serviceId, cards)).some(isBegun))
      return unavailable(refusal('ALREADY_EXISTS', 'The service has an instance on one of these chips'));
    return this.#check(known, version, async (candidate) => this.#choose(known.world, candidate, cards));
  }

  /** The highest version that fits, is newer and is for this chip. @throws NotFoundError `not-found` */
  async checkUpdate(instanceId: string, pattern: string): Promise<CheckResult> {
    const row = await findDeployed(this.#database, instanceId);
    if (row === undefined) throw refusal('NOT_FOUND', 'There is no such service instance');
    const known = await this.#catalogue.find(row.serviceId);
    if (known === undefined) return unavailable(refusal('ORPHANED', 'The service was deleted'));
    return this.#check(known, pattern, async (candidate) =>
      compareTags(candidate.document.tag, row.versionTag) > 0
        ? flavorFor(known.world, candidate, row.profileId)
        : undefined,
    );
  }

  async #check(
    { world, service }: KnownService,
    pattern: string,
    choose: (version: Entity<'Version'>) => Promise<unknown>,
  ): Promise<CheckResult> {
    for (const candidate of versionsFitting(world, service.id, pattern)) {
      if ((await choose(candidate)) === undefined) continue;
      return { available: true, versionTag: candidate.document.tag, executionStatus: 0, executionMessage: '' };
    }
    return unavailable(refusal('NO_ELIGIBLE_SC', 'No such version is for one of these chips'));
  }

  /** The first card, by its name, that the version is for: the same choice however often it is asked. */
  async #choose(world: World, version: Entity<'Version'>, cards: readonly CardId[]): Promise<Choice | undefined> {
    const name = ({ kind, value }: CardId) => `${kind}:${value}`;
    for (const cardId of cards.toSorted((one, other) => (name(one) < name(other) ? -1 : 1))) {
      const profileId = await profileOfCard(this.#database, cardId);
      const flavor = profileId === undefined ? undefined : flavorFor(world, version, profileId);
      if (profileId !== undefined && flavor !== undefined) return { cardId, profileId, flavor };
    }
    return undefined;
  }
}

/** Many who agree at once to what crosses take turns: each turn one of them goes on. */
const MOST_TURNS = 8;

/** Until nobody comes between. @throws what it threw last */
async function again<T>(act: () => Promise<T>): Promise<T> {
  for (let turn = 1; ; turn += 1) {
    try {
      return await act();
    } catch (error) {
      if (turn === MOST_TURNS || !(isOtherAgreed(error) || isCrossed(error))) throw error;
    }
  }
}

/** Something of it is on its card, or may be. */
const isBegun = ({ state }: DeployedService): boolean => state !== INSTANCE_STATE.NOT_DEPLOYED;

/** @throws ConflictError `already-exists` */
function requireVersion(row: DeployedService, version: string): DeployedService {
  if (compareTags(row.versionTag, version) === 0) return row;
  throw refusal('ALREADY_EXISTS', `Version ${row.versionTag} is on the card: update that one`);
}

function unavailable(error: TsmError): CheckResult {
  const { executionStatus } = error.context;
  return { available: false, executionStatus: Number(executionStatus), executionMessage: error.message };
}

function shown(row: DeployedService, known: KnownService | undefined): Instance {
  const flavor = known?.world.within('Flavor', row.serviceId).find(({ id }) => id === row.flavorId);
  // Where both have a value, the Flavor's counts.
  const parameters = { ...known?.service.document.spParameters, ...flavor?.document.spParameters };
  return {
    serviceInstanceId: row.instanceId,
    state: row.state,
    productState: row.productState,
    cardId: row.cardId,
    ...(known?.service.document.sdAid ? { securityDomainAid: known.service.document.sdAid } : {}),
    ...(row.applications.length === 0 ? {} : { instanceAids: row.applications.map(({ instanceAid }) => instanceAid) }),
    technicalInformation: {
      serviceId: row.serviceId,
      versionTag: row.versionTag,
      flavorId: row.flavorId,
      profileId: row.profileId,
      flavorName: flavor?.document.name ?? '',
      spParameters: parameters,
    },
  };
}

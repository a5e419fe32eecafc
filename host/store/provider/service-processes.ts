// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import { ConflictError, NotFoundError } from '../../errors.ts';
import type { CardId } from '../../wire/message/common.ts';
import { INSTANCE_STATE, type ProductState } from '../../wire/message/platform.ts';
import type { ProcessOperation } from '../../wire/message/service-instance.ts';
import { cardIdOfText, cardIdText } from '../card-id.ts';
import { stepsOf } from '../step-log.ts';
import type { ProviderTables } from './schema.ts';
import type { PlacedApplication, ProcessEnd, ServiceTables } from './service-tables.ts';

/** Instances of services on cards beyond what a product is, and what was done with them (BSI TR-03165 1.0.4, 4.2). */

type Database = Kysely<ProviderTables>;

export interface DeployedService {
  readonly instanceId: string;
  readonly spId: string;
  readonly serviceId: string;
  readonly versionTag: string;
  readonly flavorId: string;
  readonly profileId: string;
  readonly cardId: CardId;
  readonly serial: string;
  readonly state: number;
  readonly productState: ProductState;
  readonly applications: readonly PlacedApplication[];
  readonly activated: boolean;
  /** By its provider. */
  readonly suspended: boolean;
  /** Of its service, once that is deleted. */
  readonly sposConfigId?: string;
}

export async function addDeployment(
  transaction: Database,
  deployment: Pick<DeployedService, 'instanceId' | 'spId' | 'serviceId' | 'versionTag' | 'flavorId' | 'profileId'>,
): Promise<void> {
  const { instanceId, spId, serviceId, versionTag, flavorId, profileId } = deployment;
  const chosen = { version_tag: versionTag, flavor_id: flavorId, profile_id: profileId };
  await transaction
    .insertInto('service_deployments')
    .values({ instance_id: instanceId, sp_id: spId, service_id: serviceId, ...chosen })
    .onConflict((conflict) => conflict.column('instance_id').doUpdateSet(chosen))
    .execute();
}

const deployed = (database: Database) =>
  database
    .selectFrom('service_deployments')
    .innerJoin('service_instances', 'service_instances.instance_id', 'service_deployments.instance_id')
    .selectAll('service_deployments')
    .select(['card', 'serial', 'state', 'product_state', 'suspended']);

export async function findDeployed(database: Database, instanceId: string): Promise<DeployedService | undefined> {
  const row = await deployed(database).where('service_deployments.instance_id', '=', instanceId).executeTakeFirst();
  return row === undefined ? undefined : toDeployed(row);
}

/** One process at a time begins with an instance. */
export async function lockInstance(transaction: Transaction<ProviderTables>, instanceId: string): Promise<void> {
  await transaction
    .selectFrom('service_instances')
    .select('instance_id')
    .where('instance_id', '=', instanceId)
    .forUpdate()
    .execute();
}

/**
 * What other instances have on this card, or may have: until the end of the transaction nobody else is told this of the
 * card.
 */
export async function applicationsOfOthers(
  transaction: Transaction<ProviderTables>,
  { instanceId, cardId }: Pick<DeployedService, 'instanceId' | 'cardId'>,
): Promise<PlacedApplication[]> {
  const card = cardIdText(cardId);
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`applications of ${card}`}, 0))`.execute(transaction);
  const rows = await deployed(transaction)
    .where('card', '=', card)
    .where('service_deployments.instance_id', '<>', instanceId)
    .execute();
  return rows.flatMap(({ applications }) => applications);
}

/** Instances of a service on these cards, in the order of the cards' names. */
export async function findDeployedOn(
  database: Database,
  serviceId: string,
  cards: readonly CardId[],
): Promise<DeployedService[]> {
  const rows = await deployed(database)
    .where('service_id', '=', serviceId)
    .where('card', 'in', cards.map(cardIdText))
    .orderBy('card')
    .execute();
  return rows.map(toDeployed);
}

function toDeployed(
  row: Selectable<ServiceTables['service_deployments']> & {
    readonly card: string;
    readonly serial: string;
    readonly state: number;
    readonly product_state: ProductState;
    readonly suspended: boolean;
  },
): DeployedService {
  return {
    instanceId: row.instance_id,
    spId: row.sp_id,
    serviceId: row.service_id,
    versionTag: row.version_tag,
    flavorId: row.flavor_id,
    profileId: row.profile_id,
    cardId: cardIdOfText(row.card),
    serial: row.serial,
    state: row.state,
    productState: row.product_state,
    applications: row.applications,
    activated: row.activated,
    suspended: row.suspended,
    ...(row.spos_config_id === null ? {} : { sposConfigId: row.spos_config_id }),
  };
}

export async function setApplications(
  database: Database,
  instanceId: string,
  applications: readonly PlacedApplication[],
): Promise<void> {
  await database
    .updateTable('service_deployments')
    .set({ applications: JSON.stringify(applications) })
    .where('instance_id', '=', instanceId)
    .execute();
}

export async function setInstanceState(database: Database, instanceId: string, state: number): Promise<void> {
  await database.updateTable('service_instances').set({ state }).where('instance_id', '=', instanceId).execute();
}

/** Operational or suspended: as the product's private attribute lets it be. */
export async function setDeployedState(
  database: Database,
  instanceId: string,
  { suspended }: { readonly suspended: boolean },
): Promise<number> {
  const row = await database
    .updateTable('service_instances')
    .set({
      suspended,
      revision: sql<number>`revision + CASE WHEN suspended = ${suspended}::boolean THEN 0 ELSE 1 END`,
      state: sql<number>`CASE WHEN product_state = 'VALID' AND NOT ${suspended}::boolean
        THEN ${INSTANCE_STATE.OPERATIONAL}::int ELSE ${INSTANCE_STATE.SUSPENDED}::int END`,
    })
    .where('instance_id', '=', instanceId)
    .returning('state')
    .executeTakeFirst();
  return row?.state ?? INSTANCE_STATE.SUSPENDED;
}

export async function setDeployment(
  database: Database,
  instanceId: string,
  change: { readonly activated?: boolean; readonly versionTag?: string; readonly flavorId?: string },
): Promise<void> {
  const { activated, versionTag, flavorId } = change;
  const values = {
    ...(activated === undefined ? {} : { activated }),
    ...(versionTag === undefined ? {} : { version_tag: versionTag }),
    ...(flavorId === undefined ? {} : { flavor_id: flavorId }),
  };
  if (Object.keys(values).length === 0) return;
  await database.updateTable('service_deployments').set(values).where('instance_id', '=', instanceId).execute();
}

/** The instance is gone; what was done with it stays. */
export async function deleteInstance(database: Database, instanceId: string): Promise<void> {
  await database.deleteFrom('service_instances').where('instance_id', '=', instanceId).execute();
}

export interface ProcessRow {
  readonly id: string;
  readonly instanceId: string;
  readonly spId: string;
  readonly serviceId: string;
  readonly versionTag: string;
  readonly cardId: CardId;
  readonly request: ProcessOperation;
  readonly startState: number;
  /** Of the instance, before it. */
  readonly applications: readonly PlacedApplication[];
}

/** @returns false while another process works on this instance */
export async function addProcess(transaction: Database, process: ProcessRow): Promise<boolean> {
  const { id, instanceId, spId, serviceId, versionTag, cardId, request, startState, applications } = process;
  const row = await transaction
    .insertInto('service_processes')
    .values({
      id,
      instance_id: instanceId,
      sp_id: spId,
      service_id: serviceId,
      version_tag: versionTag,
      card: cardIdText(cardId),
      request: JSON.stringify(request),
      start_state: startState,
      state: 'running',
      applications_before: JSON.stringify(applications),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Notes that something on the chip is about to change, or that it was not. */
export async function setChipChanged(database: Database, id: string, changed: boolean): Promise<void> {
  await database.updateTable('service_processes').set({ chip_changed: changed }).where('id', '=', id).execute();
}

export async function findProcess(database: Database, id: string) {
  const row = await database
    .selectFrom('service_processes')
    .selectAll()
    .select(stepsOf('service_processes.id'))
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    id: row.id,
    instanceId: row.instance_id,
    spId: row.sp_id,
    serviceId: row.service_id,
    versionTag: row.version_tag,
    cardId: cardIdOfText(row.card),
    request: row.request,
    startState: row.start_state,
    state: row.state,
    chipChanged: row.chip_changed,
    startedAt: row.started_at,
    ...(row.result === null ? {} : { end: row.result }),
    ...(row.applications_before === null ? {} : { applicationsBefore: row.applications_before }),
    steps: row.steps,
  };
}

/** The first end counts. @returns false for one that has ended */
export async function finishProcess(
  transaction: Database,
  id: string,
  state: 'done' | 'failed',
  end: ProcessEnd,
): Promise<boolean> {
  const row = await transaction
    .updateTable('service_processes')
    .set({ state, result: JSON.stringify(end), ended_at: sql<Date>`now()` })
    .where('id', '=', id)
    .where('state', '=', 'running')
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Processes that say they run although no workflow does. */
export async function listLostProcesses(database: Database): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM service_processes WHERE state = 'running' AND NOT EXISTS
      (SELECT 1 FROM workflows WHERE workflows.id = service_processes.id AND workflows.state <> 'ended')`.execute(
    database,
  );
  return rows.map(({ id }) => id);
}

/** The profile of a chip, by the ranges that operators entered. */
export async function profileOfCard(database: Database, { kind, value }: CardId): Promise<string | undefined> {
  const row = await database
    .selectFrom('tsms_card_ranges')
    .select('scp_id')
    .where('kind', '=', kind)
    .where('first', '<=', value)
    .where('last', '>=', value)
    .where(sql<boolean>`length(first) = ${value.length}`)
    .orderBy('first', 'desc')
    .executeTakeFirst();
  return row?.scp_id;
}

/**
 * Which cards have a profile; those of before are forgotten.
 *
 * @throws NotFoundError `no-such-profile` @throws ConflictError `card-range-taken` when another one begins there
 */
export async function putCardRanges(
  transaction: Transaction<ProviderTables>,
  scpId: string,
  ranges: readonly { readonly kind: string; readonly first: string; readonly last: string }[],
): Promise<void> {
  const profile = await transaction
    .selectFrom('tsms_profiles')
    .select('scp_id')
    .where('scp_id', '=', scpId)
    .forUpdate()
    .executeTakeFirst();
  if (profile === undefined)
    throw new NotFoundError('no-such-profile', 'There is no secure component profile of this id');
  await transaction.deleteFrom('tsms_card_ranges').where('scp_id', '=', scpId).execute();
  for (const { kind, first, last } of ranges) {
    const { rows } = await sql`
      INSERT INTO tsms_card_ranges (scp_id, kind, first, last) SELECT ${scpId}, ${kind}, ${first}, ${last}
      WHERE NOT EXISTS (SELECT 1 FROM tsms_card_ranges AS other WHERE other.kind = ${kind}
        AND length(other.first) = ${first.length} AND other.first <= ${last}
        AND other.last >= ${first}) RETURNING 1`.execute(transaction);
    if (rows.length === 0)
      throw new ConflictError('card-range-taken', `${kind}:${first} to ${last}: another range has cards of it`);
  }
}

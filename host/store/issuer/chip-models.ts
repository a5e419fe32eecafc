// SPDX-License-Identifier: Apache-2.0
import { type Kysely, type Selectable, sql } from 'kysely';
import { ConflictError, NotFoundError } from '../../errors.ts';
import type { ChipModel, ChipModelRegistration } from '../../wire/message/card-batches.ts';
import type { IssuerTables } from './schema.ts';

/** Chip models: what all chips of one kind have in common. */

type Database = Kysely<IssuerTables>;

/** @throws ConflictError `model-differs`: only its maker's name may change */
export async function putChipModel(database: Database, modelId: string, model: ChipModelRegistration): Promise<void> {
  const values = {
    model_id: modelId,
    profile: model.profile,
    maker: model.maker,
    isd_aid: model.isdAid,
    casd_aid: model.casdAid ?? null,
    key_version: model.keyVersion ?? '00',
  };
  const row = await database
    .insertInto('chip_models')
    .values(values)
    .onConflict((conflict) =>
      conflict
        .column('model_id')
        .doUpdateSet({ maker: model.maker })
        // Cards were registered by the rest: another chip is another model.
        .where('chip_models.profile', '=', values.profile)
        .where('chip_models.isd_aid', '=', values.isd_aid)
        .where(sql.ref('chip_models.casd_aid'), 'is not distinct from', values.casd_aid)
        .where('chip_models.key_version', '=', values.key_version),
    )
    .returning('model_id')
    .executeTakeFirst();
  if (row === undefined)
    throw new ConflictError('model-differs', `Model ${modelId} is another chip: give this one a name of its own`);
}

export async function listChipModels(database: Database): Promise<ChipModel[]> {
  const rows = await database.selectFrom('chip_models').selectAll().orderBy('model_id').limit(10_000).execute();
  return rows.map(toModel);
}

/** @throws NotFoundError `no-such-model` */
export async function findChipModel(database: Database, modelId: string): Promise<ChipModel> {
  const row = await database.selectFrom('chip_models').selectAll().where('model_id', '=', modelId).executeTakeFirst();
  if (row !== undefined) return toModel(row);
  throw new NotFoundError('no-such-model', `There is no chip model ${modelId}: register it first`, { modelId });
}

const toModel = (row: Selectable<IssuerTables['chip_models']>): ChipModel => ({
  modelId: row.model_id,
  profile: row.profile,
  maker: row.maker,
  isdAid: row.isd_aid,
  ...(row.casd_aid === null ? {} : { casdAid: row.casd_aid }),
  keyVersion: row.key_version,
});

// SPDX-License-Identifier: Apache-2.0
import type { Kysely, Transaction } from 'kysely';
import { nativeIssuerProfile } from '../../card/profile/native-issuer.ts';
import { ConflictError, InvariantError, UnacceptableError } from '../../errors.ts';
import { type AuditLog, appendRecords, audited } from '../../store/audit-log.ts';
import { cardIdText } from '../../store/card-id.ts';
import {
  addCardBatch,
  batchRow,
  closeBatch,
  endBatch,
  ended,
  findCardBatch,
  importRows,
  listFaults,
  type StagedRow,
  stageRows,
} from '../../store/issuer/card-batches.ts';
import { findChipModel, listChipModels, putChipModel } from '../../store/issuer/chip-models.ts';
import { lockAids, requireNoProviderHas } from '../../store/issuer/provider-aids.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import type {
  CardBatch,
  CardBatchFault,
  CardBatchRow,
  CardKeyBlocks,
  ChipModel,
  ChipModelRegistration,
  StartCardBatch,
} from '../../wire/message/card-batches.ts';
import type { CardKeyKms } from '../../workflow/ports.ts';
import { type CheckedRow, checkRow } from './card-batch-row.ts';

/** Takes in cards as their maker delivers them: a whole file or nothing, in parts that may come twice. */

/** Profile of a model whose ISD is ours. */
export const OWN_PROFILE = 'opentsm';
const STORAGE_KEY = 'card-keys';

export interface CardBatchesOptions {
  readonly database: Kysely<IssuerTables>;
  readonly kms: { readonly cardKeys: CardKeyKms };
  readonly auditLog: AuditLog;
}

/** What the rows of a batch have in common. */
interface Batch {
  readonly model: ChipModel;
  readonly transportKey: string | null;
  readonly storageKey: string;
}

type Waiting = { readonly line: number; readonly row: CheckedRow & { readonly keyBlocks: CardKeyBlocks } };

export class CardBatches {
  readonly #options: CardBatchesOptions;

  constructor(options: CardBatchesOptions) {
    this.#options = options;
  }

  /** @throws NotFoundError `profile-unknown` @throws ConflictError `model-differs` */
  async putModel(modelId: string, model: ChipModelRegistration, caller: string): Promise<void> {
    const { database, auditLog } = this.#options;
    if (model.profile !== OWN_PROFILE) nativeIssuerProfile(model.profile);
    const change = {
      act: 'register chip model',
      subject: modelId,
      workflowId: '',
      numeral: '',
      details: { operator: caller, profile: model.profile, maker: model.maker, isdAid: model.isdAid },
    };
    await audited(auditLog, change, () => putChipModel(database, modelId, model));
  }

  models = (): Promise<ChipModel[]> => listChipModels(this.#options.database);

  /**
   * Begins a batch, or goes on with it.
   *
   * @throws NotFoundError `no-such-model` @throws ConflictError `batch-taken` @throws UnacceptableError `transport-key`
   */
  async start(request: StartCardBatch, caller: string): Promise<CardBatch> {
    const { database, auditLog } = this.#options;
    const { profile } = await findChipModel(database, request.modelId);
    if ((profile === OWN_PROFILE) !== (request.transportKey === undefined))
      throw new UnacceptableError(
        'transport-key',
        'Cards with an ISD of their maker come with keys under a transportKey, cards with an ISD of ours with none',
      );
    await addCardBatch(database, { ...request, storageKey: request.storageKey ?? STORAGE_KEY });
    const { batchId, modelId, transportKey = '' } = request;
    const record = { act: 'begin card batch', subject: batchId, workflowId: '', numeral: '' };
    await auditLog.append({ ...record, phase: 'after', details: { operator: caller, modelId, transportKey } });
    return this.find(batchId);
  }

  find = (batchId: string): Promise<CardBatch> => findCardBatch(this.#options.database, batchId);

  faults(batchId: string, page: { readonly after: number; readonly limit: number }): Promise<CardBatchFault[]> {
    return listFaults(this.#options.database, batchId, page);
  }

  /** Checks rows and lays them aside; a bad one is told at the end, not here. @throws LifeCycleError `batch-ended` */
  async addRows(batchId: string, rows: readonly CardBatchRow[]): Promise<void> {
    const { database } = this.#options;
    const row = await batchRow(database, batchId);
    if (row.state !== 'receiving') throw ended(batchId);
    const model = await findChipModel(database, row.model_id);
    const batch: Batch = { model, transportKey: row.transport_key, storageKey: row.storage_key };
    const staged: StagedRow[] = [];
    const waiting: Waiting[] = [];
    for (const { line, values } of rows) {
      const checked = checkRow(values, model.profile !== OWN_PROFILE);
      if ('faults' in checked) staged.push({ line, faults: checked.faults });
      else if (checked.row.keyBlocks === undefined)
        staged.push({ line, ...namesOf(checked.row), ...ownKey(checked.row) });
      else waiting.push({ line, row: { ...checked.row, keyBlocks: checked.row.keyBlocks } });
    }
    staged.push(...(await this.#withKeys(batch, waiting)));
    await stageRows(database, batchId, staged);
  }

  /** Has the KMS put the keys of the rows under our own key. */
  async #withKeys({ model, transportKey, storageKey }: Batch, waiting: readonly Waiting[]): Promise<StagedRow[]> {
    if (waiting.length === 0) return [];
    if (transportKey === null) throw new InvariantError('transport-key', 'A batch with keys has no transport key');
    const { cards } = await this.#options.kms.cardKeys.translate({
      transportKey,
      storageKey,
      cards: waiting.map(({ row }) => row.keyBlocks),
    });
    return waiting.map(({ line, row }, index): StagedRow => {
      const keys = cards[index];
      if (keys === undefined) throw new InvariantError('card-keys', 'The KMS answered for fewer cards');
      if (!('keyBlocks' in keys)) return { line, faults: [keys] };
      const { profile, keyVersion = '00' } = model;
      const isdKeySet = {
        profile,
        keySet: storageKey,
        derivation: 'none',
        keyVersion,
        keyBlocks: keys.keyBlocks,
      } as const;
      return { line, ...namesOf(row), isdKeySet };
    });
  }

  /**
   * Makes cards of all rows, in one transaction, or of none when one is bad. Once more gives the same answer.
   *
   * @param rows how many the caller sent: with fewer here, nothing is decided
   * @throws ConflictError `rows-missing`, `aid-taken` @throws LifeCycleError for one that was cancelled
   */
  async commit(batchId: string, rows: number, caller: string): Promise<CardBatch> {
    await this.#options.database.transaction().execute(async (transaction) => {
      await lockAids(transaction);
      const { state, model_id: modelId, counted } = await closeBatch(transaction, batchId);
      if (state === 'cancelled') throw ended(batchId);
      if (counted.rows !== rows)
        throw new ConflictError('rows-missing', `${counted.rows} rows of ${rows} are here: send the others first`);
      if (state !== 'receiving') return;
      const imported = counted.bad === 0;
      if (imported) {
        const { isdAid, casdAid } = await findChipModel(transaction, modelId);
        for (const aid of [isdAid, casdAid]) if (aid !== undefined) await requireNoProviderHas(transaction, aid);
        await importRows(transaction, batchId);
      }
      await this.#end(transaction, batchId, imported ? 'imported' : 'refused', { ...counted, caller });
    });
    return this.find(batchId);
  }

  /** Forgets the rows of a batch that is not committed. @throws LifeCycleError `batch-ended` */
  async cancel(batchId: string, caller: string): Promise<void> {
    await this.#options.database.transaction().execute(async (transaction) => {
      const { state, counted } = await closeBatch(transaction, batchId);
      if (state === 'cancelled') return;
      if (state !== 'receiving') throw ended(batchId);
      await this.#end(transaction, batchId, 'cancelled', { ...counted, caller });
    });
  }

  async #end(
    transaction: Transaction<IssuerTables>,
    batchId: string,
    state: 'imported' | 'refused' | 'cancelled',
    { rows, bad, caller }: { readonly rows: number; readonly bad: number; readonly caller: string },
  ): Promise<void> {
    await endBatch(transaction, batchId, { state, rows, bad });
    const record = { act: 'end card batch', subject: batchId, workflowId: '', numeral: '' };
    await appendRecords(transaction, [
      { ...record, phase: 'after', details: { operator: caller, state, rows, badRows: bad } },
    ]);
  }
}

const namesOf = ({ card, names }: CheckedRow) => ({ card: cardIdText(card), names });
const ownKey = ({ isdKey }: CheckedRow) => (isdKey === undefined ? {} : { isdKey });

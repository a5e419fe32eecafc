// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { ConflictError, NotFoundError, UnacceptableError } from '../../../errors.ts';
import type { ProviderTables } from '../../../store/provider/schema.ts';
import {
  findScript,
  publishScript,
  putAction,
  putScript,
  type ScriptKey,
} from '../../../store/provider/service-scripts.ts';
import { ownerOfService } from '../../../store/provider/tsms.ts';
import { scriptFindings } from '../../../wire/script/check-script.ts';
import { kmsStepsOf, readServiceScript, type ServiceScript } from '../../../wire/script/service-script.ts';
import type { ManagedKeyKms } from '../../../workflow/ports.ts';
import { ScriptKms, scriptKeyOwner } from '../../../workflow/service-script/script-kms.ts';

/** Scripts that service providers keep with their services: drafts that change, and published ones that never do. */
export class ServiceScripts {
  readonly #database: Kysely<ProviderTables>;
  readonly #keys: ManagedKeyKms | undefined;

  /** @param keys absent where there are none: scripts that call the KMS are refused */
  constructor(database: Kysely<ProviderTables>, keys?: ManagedKeyKms) {
    this.#database = database;
    this.#keys = keys;
  }

  /** @throws UnacceptableError `service-script` with what is wrong @throws ConflictError `script-published` */
  async put(spId: string, key: ScriptKey, text: string): Promise<void> {
    await this.#requireOwn(spId, key.serviceId);
    const script = readServiceScript(text);
    if (script.name !== key.name || script.version !== key.version)
      throw new UnacceptableError('service-script', 'Name and version of the script are those of its path');
    const findings = scriptFindings(script);
    if (findings.length > 0) throw new UnacceptableError('service-script', findings.join('; ').slice(0, 1_000));
    if (this.#keys === undefined && kmsStepsOf(script).length > 0)
      throw new UnacceptableError('service-script', 'There are no keys for scripts here: no step may call the KMS');
    if (!(await putScript(this.#database, key, script)))
      throw new ConflictError('script-published', 'A published script is never changed: give it another version');
  }

  /** @throws NotFoundError `script-unknown` */
  async get(spId: string, key: ScriptKey): Promise<{ readonly script: ServiceScript; readonly published: boolean }> {
    await this.#requireOwn(spId, key.serviceId);
    const row = await findScript(this.#database, key);
    if (row === undefined) throw unknown();
    return { script: row.document, published: row.published };
  }

  /**
   * From now on it may be named by action codes, and stays as it is.
   *
   * @throws NotFoundError `script-unknown` @throws PolicyError `script-key` when the KMS would refuse one of its steps
   */
  async publish(spId: string, key: ScriptKey): Promise<void> {
    const { script } = await this.get(spId, key);
    if (this.#keys !== undefined) await new ScriptKms(this.#keys, scriptKeyOwner(spId)).require(script);
    if (!(await publishScript(this.#database, key))) throw unknown();
  }

  /** @throws NotFoundError `script-unknown` for one that is not published */
  async putAction(spId: string, actionCode: string, key: ScriptKey): Promise<void> {
    await this.#requireOwn(spId, key.serviceId);
    if (!(await putAction(this.#database, actionCode, key))) throw unknown();
  }

  async #requireOwn(spId: string, serviceId: string): Promise<void> {
    if ((await ownerOfService(this.#database, serviceId)) !== spId)
      throw new NotFoundError('service-unknown', 'You have no such service');
  }
}

const unknown = () => new NotFoundError('script-unknown', 'The service has no such script, or it is not published');

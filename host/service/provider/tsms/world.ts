// SPDX-License-Identifier: Apache-2.0
import { type Entity, type Kind, nameOfKind, type Profile } from '../../../wire/tsms/entities.ts';
import { notExisting } from '../../../wire/tsms/tsms-error.ts';

type ByKind = { readonly [K in Kind]: Map<string, Entity<K>> };

/** All that one service provider has, and what a request changes of it: nothing of another's is in here. */
export class World {
  readonly spId: string;
  /** The domain of all services on cards: ours to choose (BSI TR-03165 1.0.4, 4.1.4.1). */
  readonly ssdAid: string;
  readonly #profiles: ReadonlyMap<string, Profile>;
  readonly #byKind: ByKind = {
    Service: new Map(),
    Flavor: new Map(),
    Version: new Map(),
    CAP: new Map(),
    ExecutableModule: new Map(),
    ApplicationConfig: new Map(),
    PersonalizationScript: new Map(),
    Certificate: new Map(),
    SposConfig: new Map(),
  };
  readonly changed = new Set<Entity>();
  readonly removed = new Set<string>();
  readonly contents = new Map<string, Uint8Array>();

  constructor(spId: string, profiles: readonly Profile[], ssdAid = '') {
    this.spId = spId;
    this.ssdAid = ssdAid;
    this.#profiles = new Map(profiles.map((profile) => [profile.id, profile]));
  }

  /** Takes over what is stored. */
  load<K extends Kind>(entity: Entity<K>): void {
    this.#byKind[entity.kind].set(entity.id, entity);
  }

  all<K extends Kind>(kind: K): Entity<K>[] {
    return [...this.#byKind[kind].values()];
  }

  /** Those of one service, or of one load file. */
  within<K extends Kind>(kind: K, parentId: string): Entity<K>[] {
    return this.all(kind).filter((entity) => entity.parentId === parentId);
  }

  /** @throws TsmsError 1009 */
  get<K extends Kind>(kind: K, id: string): Entity<K> {
    const found = this.#byKind[kind].get(id);
    if (found === undefined) throw notExisting(nameOfKind(kind), id);
    return found;
  }

  /** @throws TsmsError 1009 */
  profile(id: string): Profile {
    const found = this.#profiles.get(id);
    if (found === undefined) throw notExisting('SecureComponentProfile', id);
    return found;
  }

  get profiles(): Profile[] {
    return [...this.#profiles.values()];
  }

  get size(): number {
    return Object.values(this.#byKind).reduce((sum, { size }) => sum + size, 0);
  }

  put<K extends Kind>(entity: Entity<K>): Entity<K> {
    const before = this.#byKind[entity.kind].get(entity.id);
    if (before !== undefined) this.changed.delete(before);
    this.load(entity);
    this.changed.add(entity);
    return entity;
  }

  remove<K extends Kind>({ kind, id }: Entity<K>): void {
    this.#byKind[kind].delete(id);
    this.removed.add(id);
  }
}

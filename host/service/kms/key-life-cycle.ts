// SPDX-License-Identifier: Apache-2.0
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { Check } from 'typebox/value';
import type { Secret } from '../../crypto/secret.ts';
import { ConflictError, KeyError, LifeCycleError, PolicyError } from '../../errors.ts';
import { unwrapKeyBlock, wrapKeyBlock } from '../../kms/key-block.ts';
import { checkValueOf, type HeldKey, type ManagedKeys } from '../../kms/managed-keys.ts';
import type * as message from '../../wire/message/managed-keys.ts';
import { KeyAttributes } from '../../wire/message/managed-keys.ts';
import type { KeyAudit } from './key-audit.ts';
import { cardKeyOf, operate } from './key-operations.ts';

/** Which attributes a use asks for. @see ASC X9 TR 31-2018, tables 6 and 8 */
const RULES = {
  encrypt: { usages: ['D0'], modes: ['B', 'E', 'N'], makes: true },
  decrypt: { usages: ['D0'], modes: ['B', 'D', 'N'], makes: false },
  'generate-mac': { usages: ['M1', 'M3', 'M6'], modes: ['C', 'G', 'N'], makes: true },
  'verify-mac': { usages: ['M1', 'M3', 'M6'], modes: ['C', 'V', 'N'], makes: false },
  'derive-card-key': {
    usages: ['D0', 'E0', 'M1', 'M3', 'M6'],
    modes: ['B', 'C', 'D', 'E', 'G', 'N', 'V', 'X'],
    makes: true,
  },
  'wrap key block': { usages: ['K1'], modes: ['B', 'E', 'N'], makes: true },
  'unwrap key block': { usages: ['K1'], modes: ['B', 'D', 'N'], makes: false },
} as const;
type Use = keyof typeof RULES;

/** What fits together: an attribute set that nothing could use is refused. B0, E0 and P0 are kept for their owner. */
const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  D0: ['aes'],
  M1: ['des'],
  M3: ['des'],
  M6: ['aes'],
  K1: ['aes', 'des'],
  B0: ['aes', 'des'],
  E0: ['aes', 'des'],
  P0: ['aes', 'des'],
};
/**
 * Triple DES by the serial and its complement is what a MAC is made of too: a master whose MACs one may have gives its
 * cards' keys away, and so it is for one of both.
 */
const DERIVING = { usages: ['M1', 'M3'], mode: 'X' } as const;
/** Algorithm 3 of ISO 9797-1 splits its key into two. */
const TWO_KEYS_ONLY = 'M3';

/** Life cycle and use of symmetric keys: states and usage rules, for every operation, in one place. */
export class KeyLifeCycle {
  readonly #keys: ManagedKeys;
  readonly #audit: KeyAudit | undefined;
  readonly #now: () => Date;

  constructor(keys: ManagedKeys, audit?: KeyAudit, now: () => Date = () => new Date()) {
    this.#keys = keys;
    this.#audit = audit;
    this.#now = now;
  }

  list = (): Promise<message.ManagedKey[]> => this.#keys.list();

  find = (label: string): Promise<message.ManagedKey> => this.#keys.with(label, ({ info }) => info);

  /** Makes a key; it is used after `activate`. @throws ConflictError `key-label-taken` */
  async generate(attributes: message.KeyAttributes, by: string): Promise<message.ManagedKey> {
    return this.#audited('generate key', attributes.label, by, () =>
      this.#create(attributes, new Uint8Array(randomBytes(attributes.lengthBits / 8))),
    );
  }

  /** @param key taken over and wiped @param origin where it came from */
  async #create(
    attributes: message.KeyAttributes,
    key: Uint8Array,
    origin: { readonly brought?: true } = {},
  ): Promise<message.ManagedKey> {
    requireUsable(attributes);
    if (key.length * 8 !== attributes.lengthBits)
      throw new KeyError('key-length', `The key has ${key.length * 8} bits and not ${attributes.lengthBits}`);
    const info = { ...attributes, versions: [{ ...this.#version(1, 'pre-active', attributes, key), ...origin }] };
    try {
      if (origin.brought === true) await this.#requireNoTwin(info, key);
      await this.#keys.write(info, 1, [key]);
    } finally {
      key.fill(0);
    }
    return info;
  }

  /**
   * What a key may not do it may by another label, where the same value lives for another use or owner: of a key that
   * wraps alone, say, which came as one that unwraps before. In whatever state: it may be used again.
   *
   * @throws ConflictError `key-value-taken`
   */
  async #requireNoTwin(info: message.ManagedKey, value: Uint8Array): Promise<void> {
    for (const other of await this.#keys.list()) {
      if (!mayNot(info, other)) continue;
      const alike = other.versions.filter(
        ({ state, checkValue }) => state !== 'destroyed' && checkValue === checkValueOf(info, value),
      );
      if (alike.length === 0) continue;
      const version = await this.#keys.with(other.label, ({ secrets }) =>
        alike.find((row) => {
          const secret = secrets.get(row.version)?.expose();
          return secret !== undefined && secret.length === value.length && timingSafeEqual(secret, value);
        }),
      );
      if (version === undefined) continue;
      throw new ConflictError(
        'key-value-taken',
        `${info.label} is the same key as version ${version.version} of ${other.label}, for another use or owner: ` +
          'have that destroyed, or bring another one',
        { label: info.label, other: other.label, version: version.version },
      );
    }
  }

  /** A key whose parts were given. */
  async createFromComponents(
    attributes: message.KeyAttributes,
    key: Uint8Array,
    by: string,
  ): Promise<message.ManagedKey> {
    return this.#audited('import key components', attributes.label, by, () =>
      this.#create(attributes, key, { brought: true }),
    );
  }

  /** A key in a block under a transport key. @throws KeyError `key-block-mac`; WireError `key-block` */
  async importBlock(request: message.KeyImport, by: string): Promise<message.ManagedKey> {
    const { label, owner, transportKey, keyBlock } = request;
    return this.#audited('import key block', label, by, async () => {
      const { header, key } = await this.protecting(transportKey, 'unwrap key block', (secret) =>
        unwrapKeyBlock(secret.expose(), keyBlock),
      );
      const { keyUsage, modeOfUse, exportability } = header;
      const algorithm = { A: 'aes', T: 'des' }[header.algorithm];
      const attributes: unknown = {
        label,
        owner,
        algorithm,
        lengthBits: key.length * 8,
        keyUsage,
        modeOfUse,
        exportability: exportability === 'S' ? 'N' : exportability,
      };
      if (Check(KeyAttributes, attributes)) return this.#create(attributes, key, { brought: true });
      throw new KeyError('key-attributes', 'The block holds a key for a use that this KMS does not have', {
        keyUsage,
        modeOfUse,
        algorithm: header.algorithm,
      });
    });
  }

  /** From `pre-active` or `suspended`; the version that was active retires. @throws LifeCycleError */
  async activate(label: string, by: string): Promise<message.ManagedKey> {
    return this.#changed('activate key', label, by, (versions) => {
      const next = versions.findLast(({ state }) => state === 'pre-active' || state === 'suspended');
      if (next === undefined) throw illegal(label, 'activate');
      return versions.map((version) => {
        if (version === next) return { ...version, state: 'active' };
        return version.state === 'active' ? { ...version, state: 'retired' } : version;
      });
    });
  }

  /** No use at all until it is activated again. @throws LifeCycleError */
  async suspend(label: string, by: string): Promise<message.ManagedKey> {
    return this.#changed('suspend key', label, by, (versions) => {
      if (!versions.some(({ state }) => state === 'active')) throw illegal(label, 'suspend');
      return versions.map((version) => (version.state === 'active' ? { ...version, state: 'suspended' } : version));
    });
  }

  /**
   * A new version is active at once; the old one still decrypts and verifies.
   *
   * @throws LifeCycleError
   * @throws PolicyError `key-usage` for a key that wraps alone and may not leave: nobody could open what it wraps
   */
  async rotate(label: string, by: string): Promise<message.ManagedKey> {
    return this.#audited('rotate key', label, by, () =>
      this.#keys.with(label, async ({ info, revision, secrets }) => {
        if (wrapsForGood(info))
          throw new PolicyError('key-usage', `${label} wraps for whoever has it elsewhere: bring his next key anew`, {
            label,
          });
        if (!info.versions.some(({ state }) => state === 'active') || info.versions.length >= 99)
          throw illegal(label, 'rotate');
        const key = new Uint8Array(randomBytes(info.lengthBits / 8));
        const old = info.versions.map(
          (version): message.KeyVersion => (version.state === 'active' ? { ...version, state: 'retired' } : version),
        );
        const next = { ...info, versions: [...old, this.#version(old.length + 1, 'active', info, key)] };
        await this.#keys.write(next, revision + 1, [...copies(secrets), key]);
        return next;
      }),
    );
  }

  /**
   * The version's bytes are gone from the folder; what says that it was there stays. Only after two persons said so.
   */
  async destroy(label: string, version: number, by: string): Promise<message.ManagedKey> {
    return this.#audited('destroy key', `${label} ${version}`, by, () =>
      this.#keys.with(label, async ({ info, revision, secrets }) => {
        requireVersion(info, version);
        const versions = info.versions.map(
          (row): message.KeyVersion => (row.version === version ? { ...row, state: 'destroyed' } : row),
        );
        const left = new Map([...secrets].filter(([number]) => number !== version));
        const next = { ...info, versions };
        await this.#keys.write(next, revision + 1, copies(left));
        return next;
      }),
    );
  }

  /** A key block under a transport key. Only after two persons said so. @throws PolicyError `key-not-exportable` */
  async exportBlock(label: string, version: number, transportKey: string, by: string): Promise<message.ApprovedAct> {
    return this.#audited('export key block', `${label} ${version}`, by, () =>
      this.#keys.with(label, async ({ info, secrets }) => {
        requireVersion(info, version);
        requireExportable(info);
        const secret = secrets.get(version);
        if (secret === undefined) throw destroyed(label, version);
        const { keyUsage, modeOfUse, exportability } = info;
        const header = {
          keyUsage,
          modeOfUse,
          exportability,
          algorithm: info.algorithm === 'aes' ? 'A' : 'T',
          versionNumber: String(version).padStart(2, '0'),
        };
        const keyBlock = await this.protecting(transportKey, 'wrap key block', (protection) =>
          wrapKeyBlock(protection.expose(), header, secret.expose()),
        );
        return { key: info, keyBlock };
      }),
    );
  }

  /** One of the operations that an owner has. @throws PolicyError `key-owner`, `key-usage`; KeyError for its state */
  async use(request: message.KeyOperation, by: string): Promise<message.KeyOperationResult> {
    const { operation, label, owner, check } = request;
    const use = () =>
      this.#keys.with(label, (key) => {
        requireOwner(key.info, owner);
        const ofCard = request.serial !== undefined || operation === 'derive-card-key';
        const { version, secret } = chosen(key, operation, { wanted: request.version, ofCard });
        return check === true ? { version } : { version, ...operate(request, key.info, secret) };
      });
    return check === true ? use() : this.#audited(operation, label, by, use);
  }

  /**
   * The key of one card, for the KMS's own secure channels alone, which put it under the DEK.
   *
   * @param serial 8 bytes, hex
   * @throws PolicyError `key-owner`, `key-usage`; KeyError for its state
   */
  async cardKey({ label, owner, serial }: Omit<message.CardKey, 'dgi'>, by: string): Promise<Uint8Array> {
    return this.#audited('derive-card-key', `${label} ${serial}`, by, () =>
      this.#keys.with(label, (key) => {
        requireOwner(key.info, owner);
        return cardKeyOf(key.info, chosen(key, 'derive-card-key', { ofCard: true }).secret, serial);
      }),
    );
  }

  /**
   * Uses a key block protection key, for the time of `act`.
   *
   * @param wanted of `unwrap key block`: the version that wrapped; default the active one
   */
  protecting<T>(
    label: string,
    use: 'wrap key block' | 'unwrap key block',
    act: (secret: Secret, version: number) => T | Promise<T>,
    wanted?: number,
  ): Promise<T> {
    return this.#keys.with(label, (key) => {
      const { secret, version } = chosen(key, use, { wanted });
      return act(secret, version);
    });
  }

  /**
   * As `protecting`, with a key for what stays here. Under a key that came from outside it would not stay: a caller
   * could have keys of cards wrapped for whoever knows that one, and bring in blocks of keys that he knows.
   *
   * @throws PolicyError `storage-key`
   */
  storing<T>(
    label: string,
    use: 'wrap key block' | 'unwrap key block',
    act: (secret: Secret, version: number) => T | Promise<T>,
    wanted?: number,
  ): Promise<T> {
    return this.#keys.with(label, (key) => {
      const { secret, version } = chosen(key, use, { wanted });
      if (key.info.versions.some((row) => row.version === version && row.brought === true))
        throw new PolicyError('storage-key', `${label} came from outside: rotate it, or name a key made in this KMS`, {
          label,
          version,
        });
      return act(secret, version);
    });
  }

  /**
   * As `protecting`, to wrap under a key of this owner for whoever has it elsewhere. With a key that unwraps too (mode
   * B) the caller could have that opened here again.
   *
   * @throws PolicyError `key-owner`, `key-usage` for another mode than E
   * @throws ConflictError `key-value-taken` where the same key lives under a label that unwraps
   */
  protectingFor<T>(owner: string, label: string, act: (secret: Secret, version: number) => T): Promise<T> {
    return this.#keys.with(label, async (key) => {
      requireOwner(key.info, owner);
      const { secret, version } = chosen(key, 'wrap key block');
      const { modeOfUse } = key.info;
      if (modeOfUse !== 'E')
        throw new PolicyError('key-usage', `${label} wraps keys for their owner: it must be of mode E`, {
          label,
          modeOfUse,
        });
      await this.#requireNoTwin(key.info, secret.expose());
      return act(secret, version);
    });
  }

  #changed(
    act: string,
    label: string,
    by: string,
    change: (versions: message.KeyVersion[]) => message.KeyVersion[],
  ): Promise<message.ManagedKey> {
    return this.#audited(act, label, by, () =>
      this.#keys.with(label, async ({ info, revision, secrets }) => {
        const next = { ...info, versions: change(info.versions) };
        await this.#keys.write(next, revision + 1, copies(secrets));
        return next;
      }),
    );
  }

  #version(
    version: number,
    state: message.KeyState,
    attributes: Pick<message.KeyAttributes, 'algorithm'>,
    key: Uint8Array,
  ): message.KeyVersion {
    return { version, state, checkValue: checkValueOf(attributes, key), createdAt: this.#now().toISOString() };
  }

  async #audited<T>(act: string, key: string, by: string, work: () => Promise<T>): Promise<T> {
    await this.#audit?.('before', act, { key, by });
    try {
      const result = await work();
      await this.#audit?.('after', act, { key, by });
      return result;
    } catch (error) {
      await this.#audit?.('failed', act, { key, by });
      throw error;
    }
  }
}

/** @throws KeyError for attributes that nothing could use together */
export function requireUsable({ keyUsage, algorithm, lengthBits }: message.KeyAttributes): void {
  const longest = keyUsage === TWO_KEYS_ONLY ? 128 : 192;
  const fits = ALGORITHMS[keyUsage]?.includes(algorithm) === true && !(algorithm === 'des' && lengthBits > longest);
  if (!fits)
    throw new KeyError('key-attributes', `No ${algorithm} key of ${lengthBits} bits is used as ${keyUsage}`, {
      keyUsage,
      algorithm,
      lengthBits,
    });
}

export function requireVersion({ label, versions }: message.ManagedKey, version: number): message.KeyVersion {
  const found = versions.find((row) => row.version === version);
  if (found === undefined) throw new KeyError('key-version', `${label} has no version ${version}`, { label, version });
  if (found.state === 'destroyed') throw destroyed(label, version);
  return found;
}

const wrapsForGood = ({ keyUsage, modeOfUse, exportability }: message.ManagedKey): boolean =>
  keyUsage === 'K1' && modeOfUse === 'E' && exportability !== 'E';

/** True when one of them may do, or is for, what the other is not. */
const mayNot = (one: message.ManagedKey, other: message.ManagedKey): boolean =>
  one.label !== other.label &&
  (one.owner !== other.owner || one.keyUsage !== other.keyUsage || one.modeOfUse !== other.modeOfUse);

function requireOwner(info: message.ManagedKey, owner: string): void {
  const { label } = info;
  if (info.owner !== owner) throw new PolicyError('key-owner', `${label} is not a key of ${owner}`, { label, owner });
}

export function requireExportable({ label, exportability }: message.ManagedKey): void {
  if (exportability !== 'E')
    throw new PolicyError('key-not-exportable', `${label} was made not to leave this KMS`, { label });
}

const destroyed = (label: string, version: number): KeyError =>
  new KeyError('key-destroyed', `Version ${version} of ${label} was destroyed`, { label, version });

const illegal = (label: string, act: string): LifeCycleError =>
  new LifeCycleError('key-state', `${label} has no version that could do this now: ${act}`, { label });

/** Bytes for the next revision, which wipes them. */
const copies = (secrets: ReadonlyMap<number, Secret>): Uint8Array[] =>
  [...secrets.values()].map((secret) => secret.expose().slice());

/** The version for a use: what makes something takes the active one only; what reads takes retired ones too. */
function chosen(
  { info, secrets }: HeldKey,
  use: Use,
  { wanted, ofCard = false }: { readonly wanted?: number | undefined; readonly ofCard?: boolean } = {},
) {
  const { usages, modes, makes } = RULES[use];
  const { label, keyUsage, modeOfUse } = info;
  const derives = ofCard && DERIVING.usages.some((usage) => usage === keyUsage);
  const fits = derives ? modeOfUse === DERIVING.mode : modes.some((mode) => mode === modeOfUse);
  if (!usages.some((usage) => usage === keyUsage) || !fits)
    throw new PolicyError('key-usage', `${label} is not a key to ${use}${derives ? ' for cards: want mode X' : ''}`, {
      label,
      keyUsage,
      modeOfUse,
    });
  const row =
    wanted === undefined ? info.versions.findLast(({ state }) => state === 'active') : requireVersion(info, wanted);
  const usable = row?.state === 'active' || (row?.state === 'retired' && !makes);
  const secret = secrets.get(row?.version ?? 0);
  if (row === undefined || !usable || secret === undefined)
    throw new KeyError('key-state', `${label} has no version that may ${use} now`, {
      label,
      state: row?.state ?? 'none',
    });
  return { version: row.version, secret };
}

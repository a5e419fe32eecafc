// SPDX-License-Identifier: Apache-2.0
import { Secret } from '../../crypto/secret.ts';
import { KeyError, PolicyError, TsmError } from '../../errors.ts';
import { isPublishedKey } from '../../kms/card-key-sets.ts';
import type { MasterKeys } from '../../kms/diversification.ts';
import { type KeyBlockHeader, unwrapKeyBlock, wrapKeyBlock } from '../../kms/key-block.ts';
import type * as message from '../../wire/message/card-batches.ts';
import type { KeyAudit } from './key-audit.ts';
import type { KeyLifeCycle } from './key-life-cycle.ts';

/**
 * Keys of single cards, as key blocks: they come under the card maker's transport key, are kept by the issuer under a
 * key of its own KMS, and are opened here alone.
 *
 * @see ASC X9 TR 31-2018, tables 6 to 8
 */

const ROLES = ['enc', 'mac', 'dek'] as const;
type Role = (typeof ROLES)[number];

/** What the header of each key must say: no key takes the place of another. */
const USAGES: Readonly<Record<Role, { readonly usages: readonly string[]; readonly modes: readonly string[] }>> = {
  enc: { usages: ['D0'], modes: ['B', 'N'] },
  mac: { usages: ['M1', 'M3', 'M6'], modes: ['C', 'N'] },
  dek: { usages: ['K0'], modes: ['B', 'N'] },
};

/**
 * Label of what domains get first: another's from then on. Without it whoever calls the KMS could open a channel to
 * that domain, or to himself under keys that their owner knows, or have them wrapped anew without it.
 */
export const DOMAIN_KEYS = 'for PUT KEY to a domain only';

type Protect = Pick<KeyLifeCycle, 'protecting' | 'storing'>;

export class CardKeyBlockService {
  readonly #keys: Protect;
  readonly #allowPublished: boolean;
  readonly #audit: KeyAudit | undefined;

  constructor(keys: Protect, options: { readonly allowPublished: boolean; readonly audit: KeyAudit | undefined }) {
    this.#keys = keys;
    this.#allowPublished = options.allowPublished;
    this.#audit = options.audit;
  }

  /**
   * Wraps the keys of many cards anew. A card whose blocks are not right is told as such and hinders no other.
   *
   * @throws NotFoundError, KeyError, PolicyError for a transport or storage key that may not do this; `storage-key`
   */
  async translate(request: message.TranslateCardKeys): Promise<message.TranslatedCardKeys> {
    const { transportKey, storageKey, cards } = request;
    const details = { key: transportKey, storageKey, cards: String(cards.length) };
    await this.#audit?.('before', 'translate card keys', details);
    const translated = await this.#keys.protecting(transportKey, 'unwrap key block', (transport) =>
      this.#keys.storing(storageKey, 'wrap key block', (storage, version) =>
        cards.map((blocks) => this.#translateOne(transport, { storage, version }, blocks)),
      ),
    );
    await this.#audit?.('after', 'translate card keys', details);
    return { cards: translated };
  }

  #translateOne(
    transport: Secret,
    { storage, version }: { readonly storage: Secret; readonly version: number },
    blocks: message.CardKeyBlocks,
  ): message.TranslatedCardKeys['cards'][number] {
    const opened: OpenedKey[] = [];
    try {
      for (const role of ROLES) opened.push(openBlock(transport, role, blocks[role]));
      requireAlike(opened);
      if (!this.#allowPublished && opened.some(({ key }) => isPublishedKey(key)))
        throw new KeyError('published-test-key', 'This is the published test key: everybody has it');
      const [enc = '', mac = '', dek = ''] = opened.map(({ header, key }) =>
        wrapKeyBlock(storage.expose(), { ...header, exportability: 'N' }, key),
      );
      return { keyBlocks: { version, enc, mac, dek } };
    } catch (error) {
      if (!(error instanceof TsmError)) throw error;
      return { code: error.code, message: error.message.slice(0, 500) };
    } finally {
      for (const { key } of opened) key.fill(0);
    }
  }

  /**
   * The keys of one card, for its channel. Wiped by who asked for them. A storage key that was brought here from
   * another KMS opens what it wrapped there: a channel under keys that somebody knows gives him nothing, because named
   * keys go into none.
   *
   * @throws PolicyError `domain-keys` for first keys of a domain @throws KeyError, WireError
   */
  open(storageKey: string, { version, ...blocks }: message.StoredCardKeys): Promise<MasterKeys> {
    const opened = (storage: Secret) => openedSet(storage, blocks);
    return this.#keys.protecting(storageKey, 'unwrap key block', opened, version);
  }

  /** The first keys of a domain, for PUT KEY. @throws PolicyError `storage-key`; `domain-keys` for keys of a card */
  openForDomain(storageKey: string, { version, ...blocks }: message.StoredCardKeys): Promise<MasterKeys> {
    const opened = (storage: Secret) => openedSet(storage, blocks, DOMAIN_KEYS);
    return this.#keys.storing(storageKey, 'unwrap key block', opened, version);
  }
}

function openedSet(storage: Secret, blocks: message.CardKeyBlocks, label?: typeof DOMAIN_KEYS): MasterKeys {
  using opened = new DisposableStack();
  const key = (role: Role) => opened.use(new Secret(openBlock(storage, role, blocks[role], label).key));
  const set = { enc: key('enc'), mac: key('mac'), dek: key('dek') };
  opened.move();
  return set;
}

interface OpenedKey {
  readonly header: KeyBlockHeader;
  readonly key: Uint8Array;
}

/** @throws KeyError `key-block-mac`, `key-attributes`; WireError `key-block`; PolicyError `domain-keys` */
function openBlock(protection: Secret, role: Role, block: string, wanted?: typeof DOMAIN_KEYS): OpenedKey {
  const opened = unwrapKeyBlock(protection.expose(), block);
  if ((opened.label === DOMAIN_KEYS) !== (wanted === DOMAIN_KEYS)) {
    opened.key.fill(0);
    throw new PolicyError(
      'domain-keys',
      'First keys of a domain are put into it, and nothing else is: they open no channel and are not wrapped anew',
    );
  }
  const { keyUsage, modeOfUse, algorithm } = opened.header;
  const { usages, modes } = USAGES[role];
  const bits = opened.key.length * 8;
  const fits = algorithm === 'A' || (algorithm === 'T' && bits === 128);
  if (fits && usages.includes(keyUsage) && modes.includes(modeOfUse)) return opened;
  opened.key.fill(0);
  throw new KeyError(
    'key-attributes',
    `The block of ${role} holds a key for ${keyUsage} ${algorithm} ${modeOfUse} of ${bits} bits: ` +
      `want ${usages.join(' or ')}, ${modes.join(' or ')}`,
  );
}

/** A key set is of one algorithm and length. */
function requireAlike(keys: readonly OpenedKey[]): void {
  const kinds = new Set(keys.map(({ header, key }) => `${header.algorithm}${key.length}`));
  if (kinds.size > 1) throw new KeyError('key-attributes', 'The three keys are not of one algorithm and length');
}

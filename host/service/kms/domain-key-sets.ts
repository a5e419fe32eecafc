// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { type KeySealer, keySetCommand } from '../../card/key-set.ts';
import { aesKeyCheckValue } from '../../crypto/aes.ts';
import { Secret } from '../../crypto/secret.ts';
import { wrapKeyBlock } from '../../kms/key-block.ts';
import { keyReferenceFromHex } from '../../wire/gp/key-reference.ts';
import { toHex } from '../../wire/hex.ts';
import type { StoredCardKeys } from '../../wire/message/card-batches.ts';
import type { CreateDomainKeys, DomainKeySet, DomainKeys } from '../../wire/message/domain-keys.ts';
import { type CardKeyBlockService, DOMAIN_KEYS } from './card-key-blocks.ts';
import type { KeyToPut } from './content-service.ts';
import type { KeyAudit } from './key-audit.ts';
import type { KeyLifeCycle } from './key-life-cycle.ts';

/**
 * First key sets of domains that are somebody else's: made here, put on the card under a session's DEK, and handed over
 * under the owner's transport key. They are nowhere in clear, and cannot be had again.
 *
 * @see ASC X9 TR 31-2018, tables 6 to 9; GPC_SPE_034 11.8
 */

/** ENC, MAC, DEK by what their blocks say they are for. */
const HEADERS = {
  enc: { keyUsage: 'D0', modeOfUse: 'B' },
  mac: { keyUsage: 'M6', modeOfUse: 'C' },
  dek: { keyUsage: 'K0', modeOfUse: 'B' },
} as const;
const COMMON = { algorithm: 'A', versionNumber: '00', exportability: 'N' } as const;
/** Key identifiers 01, 02 and 03 of one version. */
const FIRST_KID = '01';

export class DomainKeySets {
  readonly #keys: Pick<KeyLifeCycle, 'storing' | 'protectingFor'>;
  readonly #opened: Pick<CardKeyBlockService, 'openForDomain'>;
  readonly #audit: KeyAudit | undefined;

  constructor(
    keys: Pick<KeyLifeCycle, 'storing' | 'protectingFor'>,
    opened: Pick<CardKeyBlockService, 'openForDomain'>,
    audit: KeyAudit | undefined,
  ) {
    this.#keys = keys;
    this.#opened = opened;
    this.#audit = audit;
  }

  /**
   * Three random AES keys, twice in key blocks: under the owner's transport key, and under our own for `putKey`, with
   * a label that lets them be nothing else.
   *
   * @throws NotFoundError `no-such-key` @throws PolicyError `key-owner`, `key-usage`, `storage-key`
   * @throws KeyError `key-state` @throws ConflictError `key-value-taken`
   */
  async create(request: CreateDomainKeys): Promise<DomainKeys> {
    const { storageKey, transportKey, owner, lengthBits } = request;
    const details = { key: transportKey, storageKey, owner };
    await this.#audit?.('before', 'create domain keys', details);
    const bytes = lengthBits / 8;
    using keys = new DisposableStack();
    const key = () => keys.use(new Secret(new Uint8Array(randomBytes(bytes))));
    const set = { enc: key(), mac: key(), dek: key() };
    const handed = await this.#keys.protectingFor(owner, transportKey, blocksOf(set, COMMON));
    const stored = await this.#keys.storing(
      storageKey,
      'wrap key block',
      blocksOf(set, { ...COMMON, label: DOMAIN_KEYS }),
    );
    await this.#audit?.('after', 'create domain keys', details);
    const check = (secret: Secret) => toHex(aesKeyCheckValue(secret.expose()));
    return { handed, stored, checkValues: { enc: check(set.enc), mac: check(set.mac), dek: check(set.dek) } };
  }

  /**
   * Whether `create` would make them, before anything is made on a card.
   *
   * @throws as `create`
   */
  async check({ storageKey, transportKey, owner }: CreateDomainKeys): Promise<void> {
    const nothing = () => {};
    await this.#keys.protectingFor(owner, transportKey, nothing);
    await this.#keys.storing(storageKey, 'wrap key block', nothing);
  }

  /**
   * PUT KEY of such a set, for the KMS's own secure channels alone.
   *
   * @param receiver who gets them, for the record
   */
  async putKey({ storageKey, keyBlocks, keyVersion }: DomainKeySet, receiver: string): Promise<KeyToPut> {
    const details = { storageKey, keyVersion, receiver };
    await this.#audit?.('before', 'put domain keys', details);
    const { enc, mac, dek } = await this.#opened.openForDomain(storageKey, keyBlocks).catch(async (error: unknown) => {
      await this.#audit?.('failed', 'put domain keys', details);
      throw error;
    });
    await this.#audit?.('after', 'put domain keys', details);
    const reference = keyReferenceFromHex(`${keyVersion}${FIRST_KID}`);
    return {
      command: (sealer: KeySealer) => keySetCommand(sealer, { reference, kind: 'aes', keys: [enc, mac, dek] }).command,
      [Symbol.dispose]: () => {
        for (const secret of [enc, mac, dek]) secret.wipe();
      },
    };
  }
}

const blocksOf =
  (set: Readonly<Record<keyof typeof HEADERS, Secret>>, common: typeof COMMON & { readonly label?: string }) =>
  (protection: Secret, version: number): StoredCardKeys => {
    const block = (role: keyof typeof HEADERS) =>
      wrapKeyBlock(protection.expose(), { ...common, ...HEADERS[role] }, set[role].expose());
    return { version, enc: block('enc'), mac: block('mac'), dek: block('dek') };
  };

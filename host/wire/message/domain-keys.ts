// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { StoredCardKeys } from './card-batches.ts';
import { KeyLabel, KeyOwner } from './managed-keys.ts';

/** First key sets of domains that are somebody else's, between the issuer and its KMS. */

const closed = { additionalProperties: false } as const;

/** POST /v1/domain-keys on `kms`: makes ENC, MAC and DEK, AES. */
export const CreateDomainKeys = Type.Object(
  {
    storageKey: KeyLabel,
    /** A key block protection key of this owner. */
    transportKey: KeyLabel,
    owner: KeyOwner,
    lengthBits: Type.Union([Type.Literal(128), Type.Literal(192), Type.Literal(256)]),
  },
  closed,
);
export type CreateDomainKeys = Static<typeof CreateDomainKeys>;

const CheckValue = Type.String({ pattern: '^[0-9A-F]{6}$' });
export const CheckValues = Type.Object({ enc: CheckValue, mac: CheckValue, dek: CheckValue }, closed);

export const DomainKeys = Type.Object(
  {
    /** Key blocks under the transport key, whose version stands beside them. */
    handed: StoredCardKeys,
    /** The same keys under the storage key. */
    stored: StoredCardKeys,
    checkValues: CheckValues,
  },
  closed,
);
export type DomainKeys = Static<typeof DomainKeys>;

/** What a command of `wrap` names, to become the PUT KEY of these keys. */
export const DomainKeySet = Type.Object(
  { storageKey: KeyLabel, keyBlocks: StoredCardKeys, keyVersion: Type.String({ pattern: '^[0-7][0-9A-F]$' }) },
  closed,
);
export type DomainKeySet = Static<typeof DomainKeySet>;

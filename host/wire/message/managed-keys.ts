// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { Hex } from './common.ts';

/**
 * Symmetric keys with a life cycle, at the `kms` daemon. What a key is for stands in the attributes of TR-31, which
 * travel with it in a key block. No key byte is in any message but sealed in a block, or as a component of one person.
 */

const closed = { additionalProperties: false } as const;
/** Label of a key: stands in paths. */
export const KeyLabel = Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' });
/** For whom a key is used: every use names it again. */
export const KeyOwner = Type.String({ pattern: '^[A-Za-z0-9._:/-]{1,128}$' });

/** @see ASC X9 TR 31-2018, tables 6 to 9 */
export const KeyAttributes = Type.Object(
  {
    label: KeyLabel,
    owner: KeyOwner,
    algorithm: Type.Union([Type.Literal('aes'), Type.Literal('des')]),
    lengthBits: Type.Union([Type.Literal(128), Type.Literal(192), Type.Literal(256)]),
    /**
     * D0 data encryption, M1 and M3 MAC by ISO 9797-1 algorithm 1 and 3, M6 CMAC, K1 protection of key blocks; B0 base
     * derivation, E0 issuer master key for cryptograms, P0 PIN encryption.
     */
    keyUsage: Type.Union([
      Type.Literal('D0'),
      Type.Literal('M1'),
      Type.Literal('M3'),
      Type.Literal('M6'),
      Type.Literal('K1'),
      Type.Literal('B0'),
      Type.Literal('E0'),
      Type.Literal('P0'),
    ]),
    /** B encrypt and decrypt, C generate and verify, D decrypt, E encrypt, G generate, V verify, N all, X derive. */
    modeOfUse: Type.Union([
      Type.Literal('B'),
      Type.Literal('C'),
      Type.Literal('D'),
      Type.Literal('E'),
      Type.Literal('G'),
      Type.Literal('V'),
      Type.Literal('N'),
      Type.Literal('X'),
    ]),
    /** E under a key block protection key, N never. */
    exportability: Type.Union([Type.Literal('E'), Type.Literal('N')]),
  },
  closed,
);
export type KeyAttributes = Static<typeof KeyAttributes>;

export const KeyVersion = Type.Object(
  {
    version: Type.Integer({ minimum: 1, maximum: 99 }),
    /** `retired`: another version is active; it still decrypts and verifies. */
    state: Type.Union([
      Type.Literal('pre-active'),
      Type.Literal('active'),
      Type.Literal('suspended'),
      Type.Literal('retired'),
      Type.Literal('destroyed'),
    ]),
    /** First three bytes of a block of 00 (DES) or 01 (AES) encrypted. */
    checkValue: Type.String({ pattern: '^[0-9A-F]{6}$' }),
    createdAt: Type.String({ maxLength: 32 }),
    /** It came in parts or in a key block: somebody outside may know it. */
    brought: Type.Optional(Type.Literal(true)),
  },
  closed,
);
export type KeyVersion = Static<typeof KeyVersion>;
export type KeyState = KeyVersion['state'];

export const ManagedKey = Type.Object(
  { ...KeyAttributes.properties, versions: Type.Array(KeyVersion, { maxItems: 99 }) },
  closed,
);
export type ManagedKey = Static<typeof ManagedKey>;

export const KeyLabelParams = Type.Object({ label: KeyLabel }, closed);

/** POST /v1/key-components: one of two to five persons gives his part; the key is the XOR of all. */
export const KeyComponent = Type.Object(
  {
    key: KeyAttributes,
    index: Type.Integer({ minimum: 1, maximum: 5 }),
    count: Type.Integer({ minimum: 2, maximum: 5 }),
    value: Type.String({ pattern: '^([0-9A-F]{32}|[0-9A-F]{48}|[0-9A-F]{64})$' }),
    /** Of this component. */
    checkValue: Type.String({ pattern: '^[0-9A-F]{6}$' }),
  },
  closed,
);
export type KeyComponent = Static<typeof KeyComponent>;
export const ComponentsGiven = Type.Object({ given: Type.Integer(), key: Type.Optional(ManagedKey) }, closed);
export type ComponentsGiven = Static<typeof ComponentsGiven>;

/** TR-31 block: printable ASCII. */
export const KeyBlock = Type.String({ pattern: '^[0-9A-Z]{16}[ -~]*[0-9A-Fa-f]$', maxLength: 2_048 });

/** POST /v1/key-imports */
export const KeyImport = Type.Object(
  { label: KeyLabel, owner: KeyOwner, transportKey: KeyLabel, keyBlock: KeyBlock },
  closed,
);
export type KeyImport = Static<typeof KeyImport>;

/** POST /v1/key-approvals: one person asks, another one does it. */
export const KeyApprovalRequest = Type.Object(
  {
    act: Type.Union([Type.Literal('destroy'), Type.Literal('export')]),
    label: KeyLabel,
    version: Type.Integer({ minimum: 1, maximum: 99 }),
    /** For `export`. */
    transportKey: Type.Optional(KeyLabel),
  },
  closed,
);
export type KeyApprovalRequest = Static<typeof KeyApprovalRequest>;
export const KeyApproval = Type.Object(
  {
    approvalId: Type.String({ pattern: '^[0-9A-F]{32}$' }),
    ...KeyApprovalRequest.properties,
    requestedBy: Type.String({ maxLength: 200 }),
    expiresAt: Type.String({ maxLength: 32 }),
  },
  closed,
);
export type KeyApproval = Static<typeof KeyApproval>;
export const ApprovalParams = Type.Object({ approvalId: Type.String({ pattern: '^[0-9A-F]{32}$' }) }, closed);
export const ApprovedAct = Type.Object({ key: ManagedKey, keyBlock: Type.Optional(KeyBlock) }, closed);
export type ApprovedAct = Static<typeof ApprovedAct>;

/** Diversifies a key: eight bytes that no other instance of a service has. */
const CardSerial = Type.String({ pattern: '^[0-9A-F]{16}$' });
/** A key of one card that goes into it by STORE DATA. */
export const CardKey = Type.Object(
  {
    label: KeyLabel,
    owner: KeyOwner,
    serial: CardSerial,
    /** Data grouping identifier that the application knows it by. */
    dgi: Type.String({ pattern: '^[0-9A-F]{4}$' }),
  },
  closed,
);
export type CardKey = Static<typeof CardKey>;

/** POST /v1/key-operations, by the owner of the KMS. */
export const KeyOperation = Type.Object(
  {
    operation: Type.Union([
      Type.Literal('encrypt'),
      Type.Literal('decrypt'),
      Type.Literal('generate-mac'),
      Type.Literal('verify-mac'),
      /** With `check` alone: the key of a card leaves under a channel's DEK, by `cardKey` of a command. */
      Type.Literal('derive-card-key'),
    ]),
    label: KeyLabel,
    owner: KeyOwner,
    /** Default: the active one. */
    version: Type.Optional(Type.Integer({ minimum: 1, maximum: 99 })),
    /** `encrypt`: plain; `decrypt`: nonce, ciphertext and tag. */
    data: Hex,
    /** For `verify-mac`. */
    mac: Type.Optional(Type.String({ pattern: '^([0-9A-F]{2}){4,16}$' })),
    /** With the key of the card of this serial, which comes from the named one. */
    serial: Type.Optional(CardSerial),
    /** Only whether this owner may do this now: nothing is computed, `data` is not looked at. */
    check: Type.Optional(Type.Literal(true)),
  },
  closed,
);
export type KeyOperation = Static<typeof KeyOperation>;
export const KeyOperationResult = Type.Object(
  { version: Type.Integer(), data: Type.Optional(Hex), verified: Type.Optional(Type.Boolean()) },
  closed,
);
export type KeyOperationResult = Static<typeof KeyOperationResult>;

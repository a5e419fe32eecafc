// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { CardKeyBlocks, StoredCardKeys } from './card-batches.ts';
import { ExchangeRequest, ExchangeResult, OpenCardSession } from './card-script.ts';
import { Aid, IdempotencyKey, Problem, StatusWordHex } from './common.ts';
import { CheckValues, CreateDomainKeys, DomainKeySet } from './domain-keys.ts';
import { SecurityDomainReport, SecurityDomainRequest } from './key-distribution.ts';
import { KeyLabel } from './managed-keys.ts';
import { ApplicationRequestState } from './platform.ts';
import { SecureElementName } from './secure-elements.ts';

/**
 * Security domains as a resource of the issuer, for TSMs of others: 43 to 52 of the key distribution asked for with
 * names that do not come from it.
 */

const closed = { additionalProperties: false } as const;
const { keySizeBits, applicationProviderId, trustPoint, relayId } = SecurityDomainRequest.properties;

const SecureElementType = Type.Union([
  Type.Literal('ICCID'),
  Type.Literal('EID'),
  Type.Literal('CPLC'),
  Type.Literal('CUD'),
]);

const { terminalId, readerName } = OpenCardSession.properties;

/** A reader of the issuer's OTA server. */
export const IssuersReader = Type.Object({ terminalId, readerName }, closed);
export type IssuersReader = Static<typeof IssuersReader>;

/** @see GPCS 2.3.1 Table 6-1 */
export const PrivilegeName = Type.Union([
  Type.Literal('security-domain'),
  Type.Literal('dap-verification'),
  Type.Literal('delegated-management'),
  Type.Literal('card-lock'),
  Type.Literal('card-terminate'),
  Type.Literal('card-reset'),
  Type.Literal('cvm-management'),
  Type.Literal('mandated-dap-verification'),
  Type.Literal('trusted-path'),
  Type.Literal('authorized-management'),
  Type.Literal('token-verification'),
  Type.Literal('global-delete'),
  Type.Literal('global-lock'),
  Type.Literal('global-registry'),
  Type.Literal('final-application'),
  Type.Literal('global-service'),
  Type.Literal('receipt-generation'),
  Type.Literal('ciphered-load-file-data-block'),
  Type.Literal('contactless-activation'),
  Type.Literal('contactless-self-activation'),
]);
export type PrivilegeName = Static<typeof PrivilegeName>;

const Bytes = Type.Optional(Type.Integer({ minimum: 1, maximum: 0x7fff_ffff }));
/** Bytes that the domain and what is below it may have, and that are kept for it. @see GPCS 2.3.1 Table 11-49 */
export const DomainMemory = Type.Object(
  { volatileQuota: Bytes, nonVolatileQuota: Bytes, volatileReserved: Bytes, nonVolatileReserved: Bytes },
  closed,
);
export type DomainMemory = Static<typeof DomainMemory>;

/** POST /ext/1/security-domains, header `idempotency-key`: 202 with `location`. */
export const CreateSecurityDomain = Type.Object(
  {
    secureElement: Type.Object({ type: SecureElementType, value: SecureElementName.properties.value }, closed),
    sdAid: Aid,
    keyProvisioning: Type.Union([
      /** The card makes the pair, and its CASD vouches for it: no key passes the issuer (GPC_SPE_007, scenario 1). */
      Type.Object({ mode: Type.Literal('CASD_PULL'), keySizeBits, applicationProviderId, trustPoint }, closed),
      /** The issuer's KMS makes a key set of SCP03, which the owner replaces by his own in his first session. */
      Type.Object(
        {
          mode: Type.Literal('INITIAL_KEYS_THEN_ROTATE'),
          /** Transport key of the owner in the issuer's KMS: the keys are handed over under it. */
          keyIndex: KeyLabel,
          /** KVN of the set; default 30. */
          keyVersion: Type.Optional(DomainKeySet.properties.keyVersion),
          /** Default 128. */
          lengthBits: Type.Optional(CreateDomainKeys.properties.lengthBits),
        },
        closed,
      ),
    ]),
    /** Default: security domain and trusted path, and Delegated Management where the owner may have it. */
    privileges: Type.Optional(Type.Array(PrivilegeName, { maxItems: 20 })),
    memory: Type.Optional(DomainMemory),
    transport: Type.Union([
      /** The TSM's own way to the card: `POST {baseUrl}/v1/card-relays/{relayId}/exchange`, by the issuer. */
      Type.Object({ kind: Type.Literal('relay'), relayId }, closed),
      /** The issuer's way, by its OTA server; phones of a front are readers of its terminal `seram:{front}`. */
      Type.Object({ kind: Type.Literal('ota'), ...IssuersReader.properties }, closed),
      /** The same, and the card is found by its id: in a phone, or in whatever reader there is. */
      Type.Object({ kind: Type.Literal('ota') }, closed),
    ]),
  },
  closed,
);
export type CreateSecurityDomain = Static<typeof CreateSecurityDomain>;
export type WishedDomain = Pick<CreateSecurityDomain, 'privileges' | 'memory'>;

export const SecurityDomainState = Type.Union([
  /** Taken, nothing sent to the card. */
  Type.Literal('REQUESTED'),
  Type.Literal('REACHING'),
  /** On the card, without keys so far. */
  Type.Literal('CREATED'),
  /** On the card, with its first pair or keys. */
  Type.Literal('KEYED'),
  /** The key blob was taken. */
  Type.Literal('HANDED_OVER'),
  /** Its owner says that they are dead. */
  Type.Literal('ROTATED'),
  Type.Literal('FAILED'),
  /** The issuer has deleted it on the card. */
  Type.Literal('DELETED'),
]);
export type SecurityDomainState = Static<typeof SecurityDomainState>;

/** What the card answered to the DELETE, in the secure channel of its ISD, and whether GET STATUS finds it after. */
export const DeletionProof = Type.Object(
  {
    /** Absent where the card had no such domain any more when the issuer came. */
    statusWord: Type.Optional(StatusWordHex),
    /** Response data: `00`, or a confirmation with its length. */
    confirmation: Type.Optional(Type.String({ pattern: '^([0-9A-F]{2}){0,256}$' })),
    /** GET STATUS of the ISD no longer names it. */
    absent: Type.Literal(true),
  },
  closed,
);
export type DeletionProof = Static<typeof DeletionProof>;

/** GET /ext/1/security-domains/{id} */
export const SecurityDomainResource = Type.Object(
  {
    id: Type.String({ maxLength: 128 }),
    state: SecurityDomainState,
    /** With FAILED: as the TSM-API of BSI TR-03165 numbers it. */
    error: Type.Optional(
      Type.Object({ executionStatus: Type.Literal(16), name: Type.Literal('ISSUER_ERROR'), problem: Problem }, closed),
    ),
    /** Once it was asked for by DELETE; a failed one leaves the state as it was, and may be asked for again. */
    deletion: Type.Optional(
      Type.Object(
        {
          state: ApplicationRequestState.properties.state,
          proof: Type.Optional(DeletionProof),
          problem: Type.Optional(Problem),
        },
        closed,
      ),
    ),
  },
  closed,
);
export type SecurityDomainResource = Static<typeof SecurityDomainResource>;

/** TR-31 blocks of version D under the owner's transport key, and the first three bytes of 01.. enciphered. */
export const InitialKeyBlob = Type.Object(
  {
    ssdAid: Aid,
    isdAid: Aid,
    keyVersion: DomainKeySet.properties.keyVersion,
    keyIndex: KeyLabel,
    transportKeyVersion: StoredCardKeys.properties.version,
    keyBlocks: CardKeyBlocks,
    checkValues: CheckValues,
  },
  closed,
);
export type InitialKeyBlob = Static<typeof InitialKeyBlob>;

/**
 * GET /ext/1/security-domains/{id}/key-blob, once: the public key that the card made, for which its CASD signs, or the
 * initial keys.
 */
export const KeyBlob = Type.Union([SecurityDomainReport, InitialKeyBlob]);
export type KeyBlob = Static<typeof KeyBlob>;
export const SecurityDomainParams = Type.Object({ id: IdempotencyKey }, closed);

/** POST /ext/1/security-domains/{id}/apdu-exchanges: a script of the domain's owner, in one round trip. */
export const ApduExchange = Type.Object(
  {
    commands: ExchangeRequest.properties.commands,
    /**
     * The session that an exchange before answered: the card is as that one left it. Without it a session begins, with
     * SELECT of the domain.
     */
    fence: Type.Optional(ExchangeRequest.properties.fence),
    /** The card is given back afterwards; otherwise the lease ends after a minute without an exchange. */
    last: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type ApduExchange = Static<typeof ApduExchange>;

export const ApduExchangeResult = Type.Object(
  {
    fence: ExchangeRequest.properties.fence,
    responses: ExchangeResult.properties.responses,
    stopped: ExchangeResult.properties.stopped,
    cost: ExchangeResult.properties.cost,
  },
  closed,
);
export type ApduExchangeResult = Static<typeof ApduExchangeResult>;

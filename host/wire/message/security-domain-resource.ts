// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { Aid, IdempotencyKey, Problem } from './common.ts';
import { SecurityDomainReport, SecurityDomainRequest } from './key-distribution.ts';
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

/** POST /ext/1/security-domains, header `idempotency-key`: 202 with `location`. */
export const CreateSecurityDomain = Type.Object(
  {
    secureElement: Type.Object({ type: SecureElementType, value: SecureElementName.properties.value }, closed),
    sdAid: Aid,
    keyProvisioning: Type.Object(
      {
        /** The card makes the pair, and its CASD vouches for it: no key passes the issuer (GPC_SPE_007, scenario 1). */
        mode: Type.Literal('CASD_PULL'),
        ...{ keySizeBits, applicationProviderId, trustPoint },
      },
      closed,
    ),
    /** The TSM's own way to the card: `POST {baseUrl}/v1/card-relays/{relayId}/exchange`, by the issuer. */
    transport: Type.Object({ kind: Type.Literal('relay'), relayId }, closed),
  },
  closed,
);
export type CreateSecurityDomain = Static<typeof CreateSecurityDomain>;

export const SecurityDomainState = Type.Union([
  /** Taken, nothing sent to the card. */
  Type.Literal('REQUESTED'),
  Type.Literal('REACHING'),
  /** On the card, with its first pair. */
  Type.Literal('KEYED'),
  /** The key blob was taken. */
  Type.Literal('HANDED_OVER'),
  /** Its owner says that the first pair is dead. */
  Type.Literal('ROTATED'),
  Type.Literal('FAILED'),
]);
export type SecurityDomainState = Static<typeof SecurityDomainState>;

/** GET /ext/1/security-domains/{id} */
export const SecurityDomainResource = Type.Object(
  {
    id: Type.String({ maxLength: 128 }),
    state: SecurityDomainState,
    /** With FAILED: as the TSM-API of BSI TR-03165 numbers it. */
    error: Type.Optional(
      Type.Object({ executionStatus: Type.Literal(16), name: Type.Literal('ISSUER_ERROR'), problem: Problem }, closed),
    ),
  },
  closed,
);
export type SecurityDomainResource = Static<typeof SecurityDomainResource>;

/** GET /ext/1/security-domains/{id}/key-blob, once: the public key that the card made; its CASD signs for it. */
export const KeyBlob = SecurityDomainReport;
export type KeyBlob = Static<typeof KeyBlob>;
export const SecurityDomainParams = Type.Object({ id: IdempotencyKey }, closed);

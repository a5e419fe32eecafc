// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { StoredCardKeys } from './card-batches.ts';
import { Aid, CardId, Hex, HolderReference, KeyReference, Name, RsaPublicKey } from './common.ts';

/** What operators of the platforms send and get. */

const closed = { additionalProperties: false } as const;

/** What an issuer may allow a provider. */
export const PERMISSIONS = ['create-security-domain', 'install-application', 'delegated-management'] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** Id of a provider: the last part of its certificate's URI name. */
export const ProviderId = Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' });

/** PUT /v1/providers/{providerId} on `issuer`: takes the place of what was registered before. */
export const ProviderRegistration = Type.Object(
  {
    /** Where the provider carries the issuer's APDUs; several nodes are separated by a space. */
    baseUrl: Type.String({
      pattern: '^https://[A-Za-z0-9.:\\[\\]_-]+( https://[A-Za-z0-9.:\\[\\]_-]+){0,15}$',
      maxLength: 2_000,
    }),
    permissions: Type.Array(Type.Union(PERMISSIONS.map((name) => Type.Literal(name))), { maxItems: 16 }),
    /** The AIDs that its security domains may have: nobody else's, nor such that one selects the other. */
    aids: Type.Array(Aid, { maxItems: 64 }),
  },
  closed,
);
export type ProviderRegistration = Static<typeof ProviderRegistration>;
/** GET /v1/providers on `issuer`: an array of these. */
export const RegisteredProvider = Type.Object(
  { ...ProviderRegistration.properties, providerId: ProviderId, permissions: Type.Array(Name, { maxItems: 16 }) },
  closed,
);

/** The channel to an issuer's domain that is not ours: docs/cards.md has the profiles. */
export const IsdKeySet = Type.Object(
  {
    profile: Name,
    /** Label of the key set in the issuer's KMS; with `keyBlocks` of the key that protects them. */
    keySet: Name,
    /** The card's own keys, as they came with its batch; `derivation` is `none` then. */
    keyBlocks: Type.Optional(StoredCardKeys),
    derivation: Type.Union([Type.Literal('none'), Type.Literal('visa2'), Type.Literal('emv'), Type.Literal('kdf3')]),
    /** KVN; 00 is the card's first set. */
    keyVersion: Type.String({ pattern: '^[0-9A-F]{2}$' }),
  },
  closed,
);
export type IsdKeySet = Static<typeof IsdKeySet>;

/** PUT /v1/cards on `issuer`: a card has one way to its ISD. */
export const CardRegistration = Type.Union([
  Type.Object(
    {
      cardId: CardId,
      isdAid: Aid,
      /** PK.SD.AUT of an ISD that speaks SCP10. */
      isdKeyReference: KeyReference,
      isdPublicKey: RsaPublicKey,
      casdAid: Type.Optional(Aid),
    },
    closed,
  ),
  /** An ISD that is the card maker's own, with SCP02 or SCP03. */
  Type.Object({ cardId: CardId, isdAid: Aid, isdKeySet: IsdKeySet }, closed),
]);
export type CardRegistration = Static<typeof CardRegistration>;

/** GET /v1/cards/{kind}/{value}/applications on `issuer`. */
export const ApplicationList = Type.Array(Type.Object({ aid: Aid, providerId: Name, state: Name }, closed));

/** POST /v1/security-domain-certificates on `issuer`: for the ISD of a card that is being made. */
export const IsdCertificateRequest = Type.Object({ holderReference: HolderReference, publicKey: RsaPublicKey }, closed);
export type IsdCertificateRequest = Static<typeof IsdCertificateRequest>;

/** GET /v1/off-card-entity-certificate on `issuer`. */
export const OffCardEntityCertificate = Type.Object({ certificate: Hex }, closed);

/** GET /v1/authentication-failures on both platforms. */
export const AuthenticationFailureList = Type.Array(
  Type.Object({ cardId: CardId, keySet: Name, failures: Type.Integer({ minimum: 0 }) }, closed),
);

/** GET /v1/audit-records on both platforms. */
export const AuditRecords = Type.Array(
  Type.Object(
    {
      number: Type.Integer(),
      at: Type.String(),
      phase: Type.Union([Type.Literal('before'), Type.Literal('after'), Type.Literal('failed')]),
      act: Type.String(),
      subject: Type.String(),
      workflowId: Type.String(),
      numeral: Type.String(),
      details: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
      previousHash: Type.String(),
      hash: Type.String(),
    },
    closed,
  ),
);

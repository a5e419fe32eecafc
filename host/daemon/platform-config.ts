// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import { HolderReference } from '../wire/message/common.ts';
import { daemonFields, databaseFields, nodeFields, PeerEndpoint } from './config.ts';

/** Fields that issuer and provider share. */
export const platformFields = {
  ...daemonFields,
  ...databaseFields,
  ...nodeFields,
  /** Flows at work on this node at a time; the others wait in the database. Default 32. */
  flowWindow: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
  /** What is older is forgotten, once an hour; a field that is absent keeps all. */
  retention: Type.Optional(
    Type.Object(
      {
        /** Days after the end of a flow; its idempotency key goes with it. */
        flowDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 36_500 })),
        /** Age of audit records in days. */
        auditDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 36_500 })),
      },
      { additionalProperties: false },
    ),
  ),
  /** The KMS that has its keys. */
  kms: PeerEndpoint,
  /** CHR of CERT.OCE.AUT, 16 bytes: the cards know the platform by it. */
  holderReference: HolderReference,
  /** RSA size of the platform's own pair; default 2048. */
  offCardEntityKeySizeBits: Type.Optional(Type.Union([Type.Literal(1024), Type.Literal(2048), Type.Literal(3072)])),
  /** Failed authentications after which cards block a key set; we stop two before. Default 10. */
  authenticationLimit: Type.Optional(Type.Integer({ minimum: 3, maximum: 255 })),
  /** How long a flow waits for cards, links and peers that are away; default 120,000. */
  resumeWindowMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 86_400_000 })),
};

export const DEFAULTS = {
  offCardEntityKeySizeBits: 2048,
  authenticationLimit: 10,
  resumeWindowMs: 120_000,
} as const;

/** Label of the platform's own pair in its KMS. */
export const OFF_CARD_ENTITY_LABEL = 'off-card-entity';

/**
 * Raise it when a flow in progress could not go on by the new rows: it then starts again, looking at the card first.
 */
export const WORKFLOW_VERSION = '3';

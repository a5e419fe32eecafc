import type { Logger } from 'pino';
import { Type } from 'typebox';
import { TsmError } from '../errors.ts';
import { HolderReference } from '../wire/message/common.ts';
import { daemonFields, databaseFields, nodeFields, PeerEndpoint } from './config.ts';

/** Fields that issuer and provider share. */
export const platformFields = {
  ...daemonFields,
  ...databaseFields,
  ...nodeFields,
  /** Flows at work on this node at a time; the others wait in the database. Default 32. */
  flowWindow: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
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

/** Raise it when a flow in progress could not go on by the new rows: it then starts again, looking at the card first. */
export const WORKFLOW_VERSION = '2';

/** Logs what the workflows try again and what they give up. */
export const watchOf = (logger: Logger) => ({
  onRetry: (error: TsmError, attempt: number) =>
    logger.warn({ code: error.code, numeral: error.context.numeral, attempt }, 'step is tried again'),
  onFailure: (error: unknown) => {
    if (!(error instanceof TsmError)) return logger.error({ err: error }, 'step gave up');
    const { code, message, context } = error;
    return logger.warn({ code, numeral: context.numeral, reason: message }, 'step gave up');
  },
});

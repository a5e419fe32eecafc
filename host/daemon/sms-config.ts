// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { type Static, Type } from 'typebox';
import { UsageError } from '../errors.ts';
import { readPrivate } from '../kms/durable-file.ts';
import { ISSUER_TAR } from '../service/ota/packet-rules.ts';
import { CardGroup, DayHours, SendingRules } from '../wire/message/sending-rules.ts';
import { FilePath, PeerEndpoint } from './config.ts';

/** What the config says of short messages: SMSCs, packets, and rules by which they leave. */

const closed = { additionalProperties: false } as const;

/** An SMSC, and how to bind to it. */
export const SmscConfig = Type.Object(
  {
    host: Type.String({ minLength: 1, maxLength: 253 }),
    port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    /** At most 8 characters in a file of mode 0600. */
    passwordFile: FilePath,
    /** Of the bind, as the SMSC's operator says; default empty. */
    systemType: Type.Optional(Type.String({ maxLength: 12 })),
    /** TLS, with the authority that the SMSC's certificate comes from; default none. */
    tls: Type.Optional(Type.Object({ authorityFile: FilePath }, closed)),
  },
  closed,
);

const BoundSmsc = Type.Object(
  { ...SmscConfig.properties, systemId: Type.String({ pattern: '^[!-~]{1,15}$' }) },
  closed,
);

const linkFields = {
  smsc: BoundSmsc,
  /** One connection both ways, or one each; default `transceiver`. */
  bind: Type.Optional(Type.Union([Type.Literal('transceiver'), Type.Literal('transmitter-and-receiver')])),
  /** Messages without their answer; default 10. */
  window: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
  /** In the mean, by all nodes together, each an equal part; default as many as the window allows. */
  messagesPerSecond: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
  /** How cards prove receipt: `submit` where the SMSC does not hand on deliver reports; default `deliver-report`. */
  proof: Type.Optional(Type.Union([Type.Literal('deliver-report'), Type.Literal('submit')])),
};
const Source = Type.String({ pattern: '^[0-9]{3,15}$' });

const GroupConfig = Type.Object(
  {
    ...SendingRules.properties,
    /** One of `smscs`, by name; default by the number. */
    smsc: Type.Optional(CardGroup),
  },
  closed,
);

/** `sms` of `ota`'s config. */
export const SmsConfig = Type.Object(
  {
    ...linkFields,
    /** Number from which messages come and to which cards answer. */
    source: Source,
    /**
     * Other SMSCs, for cards whose number begins so or whose group names them. `source` and `proof` that are absent are
     * as above, all else is each one's own.
     */
    smscs: Type.Optional(
      Type.Array(
        Type.Object(
          {
            ...linkFields,
            /** By which groups name it. */
            name: CardGroup,
            /** As `source` above, by this SMSC. */
            source: Type.Optional(Source),
            /** Beginnings of numbers, international, without `+`. */
            prefixes: Type.Optional(Type.Array(Type.String({ pattern: '^[1-9][0-9]{0,14}$' }), { maxItems: 256 })),
          },
          closed,
        ),
        { maxItems: 16 },
      ),
    ),
    /** Of cards, by the name in their subscription: rules, and one of `smscs`. */
    groups: Type.Optional(
      Type.Record(CardGroup, GroupConfig, {
        maxProperties: 256,
      }),
    ),
    /** The KMS that has the cards' keys. */
    kms: PeerEndpoint,
    /** Key version number of the cards' SCP80 keys; default 1. */
    keySet: Type.Optional(Type.Integer({ minimum: 1, maximum: 15 })),
    /** Of card sessions' scripts; default expanded. */
    format: Type.Optional(Type.Union([Type.Literal('expanded'), Type.Literal('compact')])),
    /** Of the issuer's domain; default B20100, for compact scripts 000000. */
    tar: Type.Optional(Type.String({ pattern: '^[0-9A-F]{6}$' })),
    /** Short messages that a card joins to one packet; default 16. */
    maxParts: Type.Optional(Type.Integer({ minimum: 1, maximum: 30 })),
    /** How long the SMSC may take its time before the next bearer is tried; default 30,000. */
    reachMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 600_000 })),
    /** Before the same packet goes again, doubled each time; default 60,000. */
    resendMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 86_400_000 })),
    /** How many times a packet is sent that the card does not answer; default 4. */
    sendings: Type.Optional(Type.Integer({ minimum: 1, maximum: 10 })),
    /** How long an answer is waited for of which the card has said that it follows; default 15. */
    answerMinutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 44_640 })),
    /** Hours in which nothing leaves that can wait; default none. */
    quietHours: Type.Optional(DayHours),
  },
  closed,
);
export type SmsConfig = Static<typeof SmsConfig>;

export const SMS_DEFAULTS = {
  keySet: 1,
  tar: ISSUER_TAR.expanded,
  maxParts: 16,
  format: 'expanded',
  proof: 'deliver-report',
} as const;

/** Address and password. @throws UsageError `config-field` */
export async function smscOf(
  { host, port, passwordFile, systemType, tls }: Static<typeof SmscConfig>,
  systemId: string,
) {
  const password = (await readPrivate(passwordFile))?.trim();
  if (password === undefined || password.length > 8)
    throw new UsageError('config-field', `${passwordFile}: want a file with at most 8 characters`, {
      field: '/smsc/passwordFile',
    });
  return {
    host,
    port,
    systemId,
    password,
    ...(systemType === undefined ? {} : { systemType }),
    ...(tls === undefined ? {} : { tls: { ca: await readFile(tls.authorityFile, 'utf8') } }),
  };
}

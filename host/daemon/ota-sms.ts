// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { Gauge } from 'prom-client';
import { type Static, Type } from 'typebox';
import { CardAnswers } from '../bearer/sms/card-answers.ts';
import { SmsOutbox } from '../bearer/sms/outbox.ts';
import type { SmppConnectionOptions } from '../bearer/sms/smpp-connection.ts';
import { SmppLink } from '../bearer/sms/smpp-link.ts';
import { SmsBearer } from '../bearer/sms/sms-bearer.ts';
import { UsageError } from '../errors.ts';
import { readPrivate } from '../kms/durable-file.ts';
import { RestClient } from '../rest/client.ts';
import { packetClient } from '../rest/clients/packets.ts';
import { Campaigns } from '../service/ota/campaigns.ts';
import { ISSUER_TAR } from '../service/ota/packet-rules.ts';
import { quietHours } from '../service/ota/quiet-hours.ts';
import type { Bells } from '../store/bells.ts';
import type { CampaignTable } from '../store/ota/campaign-table.ts';
import type { PacketTable } from '../store/ota/packet-table.ts';
import type { SubscriptionTable } from '../store/ota/subscription-table.ts';
import { fromHex } from '../wire/hex.ts';
import { FilePath, PeerEndpoint } from './config.ts';
import type { DaemonContext } from './daemon.ts';

const closed = { additionalProperties: false } as const;
const Time = Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' });

/** An SMSC, and how to bind to it. */
export const SmscConfig = Type.Object(
  {
    host: Type.String({ minLength: 1, maxLength: 253 }),
    port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    /** At most 8 characters in a file of mode 0600. */
    passwordFile: FilePath,
    systemType: Type.Optional(Type.String({ maxLength: 12 })),
    /** TLS, with the authority that the SMSC's certificate comes from; default none. */
    tls: Type.Optional(Type.Object({ authorityFile: FilePath }, closed)),
  },
  closed,
);

/** `sms` of `ota`'s config. */
export const SmsConfig = Type.Object(
  {
    smsc: Type.Object({ ...SmscConfig.properties, systemId: Type.String({ pattern: '^[!-~]{1,15}$' }) }, closed),
    /** One connection both ways, or one each; default `transceiver`. */
    bind: Type.Optional(Type.Union([Type.Literal('transceiver'), Type.Literal('transmitter-and-receiver')])),
    /** Number from which messages come and to which cards answer. */
    source: Type.String({ pattern: '^[0-9]{3,15}$' }),
    /** The KMS that has the cards' keys. */
    kms: PeerEndpoint,
    /** Messages without their answer; default 10. */
    window: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    /** In the mean, by each node; default as many as the window allows. */
    messagesPerSecond: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
    /** Key version number of the cards' SCP80 keys; default 1. */
    keySet: Type.Optional(Type.Integer({ minimum: 1, maximum: 15 })),
    /** Of card sessions' scripts; default expanded. */
    format: Type.Optional(Type.Union([Type.Literal('expanded'), Type.Literal('compact')])),
    /** How cards prove receipt: `submit` where the SMSC does not hand on deliver reports; default `deliver-report`. */
    proof: Type.Optional(Type.Union([Type.Literal('deliver-report'), Type.Literal('submit')])),
    /** Of the issuer's domain; default B20100, for compact scripts 000000. */
    tar: Type.Optional(Type.String({ pattern: '^[0-9A-F]{6}$' })),
    /** Short messages that a card joins to one packet; default 16. */
    maxParts: Type.Optional(Type.Integer({ minimum: 1, maximum: 30 })),
    /** How long the SMSC may take its time before the next bearer is tried; default 30,000. */
    reachMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 600_000 })),
    /** Before the same packet goes again, doubled each time; default 60,000. */
    resendMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 86_400_000 })),
    /** Hours in which nothing leaves that can wait; default none. */
    quietHours: Type.Optional(
      Type.Object({ from: Time, until: Time, timeZone: Type.Optional(Type.String({ maxLength: 64 })) }, closed),
    ),
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
    ...{ host, port, systemId, password },
    ...(systemType === undefined ? {} : { systemType }),
    ...(tls === undefined ? {} : { tls: { ca: await readFile(tls.authorityFile, 'utf8') } }),
  };
}

interface SmsStore {
  readonly table: PacketTable;
  readonly subscriptions: SubscriptionTable;
  readonly campaigns: CampaignTable;
  readonly bells: Bells;
}

/** The bearer by short message, and what works behind it. */
export async function startSms(config: SmsConfig, store: SmsStore, context: DaemonContext<unknown>) {
  const { tls, logger } = context;
  const onError = (error: Error) => logger.warn({ reason: error.message }, 'a short message waits');
  const client = new RestClient({ baseUrl: config.kms.url, tls, expectedPeer: config.kms });
  const packets = packetClient(client);
  const onStray = (stray: { readonly source: string; readonly reason: string }) =>
    logger.info(stray, 'a short message answers nothing');
  const answers = new CardAnswers({ table: store.table, packets, onStray });
  const links = await openLinks(config, (message) => answers.received(message), context);
  const { resendMs, quietHours: quiet } = config;
  const outbox = new SmsOutbox({
    ...{ ...store, packets, network: links.sends, source: config.source, onError },
    ...(resendMs === undefined ? {} : { resendMs }),
    ...(quiet === undefined ? {} : { quietUntil: quietHours(withZone(quiet)) }),
  });
  outbox.start();
  const { keySet, maxParts, format, proof } = { ...SMS_DEFAULTS, ...config };
  const tar = config.tar ?? ISSUER_TAR[format];
  const reach = config.reachMs === undefined ? {} : { reachMs: config.reachMs };
  return {
    outbox,
    bearer: new SmsBearer({
      outbox,
      ...store,
      keySet,
      tar: fromHex(tar, 3),
      maxParts,
      format,
      proof,
      ...reach,
      onError,
    }),
    campaigns: new Campaigns({
      ...{ table: store.campaigns, packets: store.table, keySet, tar: fromHex(tar, 3), maxParts, proof },
    }),
    prune: async () => {
      await store.table.prune(new Date());
      await store.campaigns.prune(new Date());
    },
    close: async () => {
      await outbox[Symbol.asyncDispose]();
      for (const link of links.all) await link[Symbol.asyncDispose]();
      await client.close();
    },
  };
}

const withZone = ({ from, until, timeZone }: NonNullable<SmsConfig['quietHours']>) => ({
  ...{ from, until },
  ...(timeZone === undefined ? {} : { timeZone }),
});

async function openLinks(
  config: SmsConfig,
  onMessage: SmppConnectionOptions['onMessage'],
  { logger, metrics }: DaemonContext<unknown>,
) {
  const { window, messagesPerSecond, bind = 'transceiver' } = config;
  const smsc = await smscOf(config.smsc, config.smsc.systemId);
  const link = (mode: SmppConnectionOptions['mode']) =>
    new SmppLink({
      ...{ smsc, mode, onMessage },
      ...(window === undefined ? {} : { window }),
      ...(messagesPerSecond === undefined ? {} : { messagesPerSecond }),
      onState: (state) => {
        if (state.kind === 'bound') logger.info({ mode, smsc: smsc.host }, 'bound to the SMSC');
        else
          logger[state.kind === 'refused' ? 'error' : 'warn']({ mode, reason: state.reason }, 'not bound to the SMSC');
      },
    });
  const all = bind === 'transceiver' ? [link('transceiver')] : [link('transmitter'), link('receiver')];
  new Gauge({
    name: 'opentsm_ota_smsc_links',
    help: 'connections that are bound to the SMSC',
    registers: [metrics],
    collect() {
      this.set(all.filter(({ state }) => state.kind === 'bound').length);
    },
  });
  const [sends] = all;
  return { all, sends: sends ?? link('transceiver') };
}

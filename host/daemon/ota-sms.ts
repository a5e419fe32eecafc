// SPDX-License-Identifier: Apache-2.0
import { CardAnswers } from '../bearer/sms/card-answers.ts';
import { SmsOutbox } from '../bearer/sms/outbox.ts';
import { SmsBearer } from '../bearer/sms/sms-bearer.ts';
import { RestClient } from '../rest/client.ts';
import { packetClient } from '../rest/clients/packets.ts';
import { Campaigns } from '../service/ota/campaigns.ts';
import { ISSUER_TAR } from '../service/ota/packet-rules.ts';
import { quietHoursOf } from '../service/ota/sending-policy.ts';
import type { Bells } from '../store/bells.ts';
import type { CampaignTable } from '../store/ota/campaign-table.ts';
import type { PacketTable } from '../store/ota/packet-table.ts';
import type { SubscriptionTable } from '../store/ota/subscription-table.ts';
import { fromHex } from '../wire/hex.ts';
import type { SendingRules } from '../wire/message/sending-rules.ts';
import type { DaemonContext } from './daemon.ts';
import { SMS_DEFAULTS, type SmsConfig } from './sms-config.ts';
import { openLinks } from './smsc-links.ts';

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
  const { answerMinutes } = config;
  const answerMs = answerMinutes === undefined ? {} : { answerMs: answerMinutes * 60_000 };
  const answers = new CardAnswers({ table: store.table, packets, onStray, ...answerMs });
  const links = await openLinks(config, (message) => answers.received(message), context);
  const { resendMs, sendings, quietHours: quiet } = config;
  const outbox = new SmsOutbox({
    ...store,
    packets,
    network: links.own.network,
    source: config.source,
    routes: links.routes,
    onError,
    ...(resendMs === undefined ? {} : { resendMs }),
    ...(sendings === undefined ? {} : { maxSendings: sendings }),
    ...(quiet === undefined ? {} : { quietUntil: quietHoursOf(quiet) }),
    groups: groupRules(config),
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
      table: store.campaigns,
      packets: store.table,
      keySet,
      tar: fromHex(tar, 3),
      maxParts,
      proof,
    }),
    prune: async () => {
      await store.table.prune(new Date());
      await store.campaigns.prune(new Date());
    },
    /** Each node takes its part of the rate of each SMSC. */
    shareRates: (nodes: number) => {
      for (const link of links.all) link.shareRate(nodes);
    },
    close: async () => {
      await outbox[Symbol.asyncDispose]();
      for (const link of links.all) await link[Symbol.asyncDispose]();
      await client.close();
    },
  };
}

/** @throws UsageError `config-field` for quiet hours that are none */
function groupRules({ groups = {} }: SmsConfig): ReadonlyMap<string, SendingRules> {
  return new Map(
    Object.entries(groups).map(([name, { smsc: _smsc, ...rules }]) => {
      if (rules.quietHours !== undefined) quietHoursOf(rules.quietHours);
      return [name, rules];
    }),
  );
}

// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { CardCaller } from '../bearer/bip/card-caller.ts';
import type { SmsOutbox } from '../bearer/sms/outbox.ts';
import type { SubscriptionTable } from '../store/ota/subscription-table.ts';
import { keyReference } from '../wire/gp/key-reference.ts';
import { fromHex } from '../wire/hex.ts';
import { SMS_DEFAULTS, type SmsConfig } from './sms-config.ts';

/** `administration.cards` of `ota`'s config: cards with an agent of their own. */
export const CardCalls = Type.Object(
  {
    /** Where cards find this server, IPv4. */
    address: Type.String({ pattern: '^((25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})([.](?!$)|$)){4}$' }),
    /** Default: the port of `listen`. */
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
    /** KVN and KID of the pre-shared key in the issuer's domain; default 4001. */
    key: Type.Optional(Type.String({ pattern: '^4[0-9A-F][0-9A-F]{2}$' })),
    /** Tries of a card after its channel broke; default 3. */
    retries: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
    /** Before each of them; default 60. */
    pauseSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_599 })),
  },
  { additionalProperties: false },
);

interface Configs {
  readonly administration?: { readonly listen: { readonly port: number }; readonly cards?: Static<typeof CardCalls> };
  readonly sms?: SmsConfig;
}

/** What makes cards call, where the config says that they can. */
export function cardCaller(
  { administration, sms: config }: Configs,
  {
    sms,
    subscriptions,
  }: { readonly sms: { readonly outbox: SmsOutbox } | undefined; readonly subscriptions: SubscriptionTable },
): { readonly cards?: CardCaller } {
  const cards = administration?.cards;
  if (administration === undefined || cards === undefined || config === undefined || sms === undefined) return {};
  const { keySet, tar, proof } = { ...SMS_DEFAULTS, ...config };
  const { address, port = administration.listen.port, key = '4001', retries = 3, pauseSeconds = 60 } = cards;
  const [kvn = 0, kid = 0] = fromHex(key, 2);
  const caller = new CardCaller({
    outbox: sms.outbox,
    subscriptions,
    keySet,
    tar: fromHex(tar, 3),
    proof,
    retries,
    port,
    address: Uint8Array.from(address.split('.'), Number),
    key: keyReference(kvn, kid),
    pause: { hours: 0, minutes: Math.floor(pauseSeconds / 60), seconds: pauseSeconds % 60 },
  });
  return { cards: caller };
}

// SPDX-License-Identifier: Apache-2.0
import { parseArgs } from 'node:util';
import { UsageError } from '../errors.ts';
import type { LabLinkOptions } from '../lab/link.ts';
import { BEARERS, type BearerKind } from '../lab/multi-provider-lab.ts';
import { NATIVE_CARDS, type NativeCardKind } from '../lab/native-cards.ts';
import type { KeySizeBits } from '../wire/gp/generate-key-pair.ts';

/** What `--only` picks. */
export const PARTS = ['key-distribution', 'top-up', 'loss-report'] as const;
export type Part = (typeof PARTS)[number];

/** Flags of `npm run demo`. */
export interface DemoOptions extends LabLinkOptions {
  readonly report?: string;
  readonly keySizeBits: KeySizeBits;
  /** Plays this part only, with what it needs before it. */
  readonly only?: Part;
  /** Cards of the field of this kind; absent: cards with our issuer's domain. */
  readonly nativeCard?: NativeCardKind;
  /** How scripts go from `ota` to the card; default over the reader link. */
  readonly bearer?: BearerKind;
  /** Added to each round trip to the card. */
  readonly delayMs?: number;
  /** Processes of each daemon but the terminal. */
  readonly nodes?: number;
  /** Keeps databases, logs and cards in this folder. */
  readonly state?: string;
}

const MAX_DELAY_MS = 10_000;

export const USAGE = `npm run demo -- [flags]
  --report FILE          write the report as JSON
  --link pcsc|direct     how the terminal reaches the card (default pcsc)
  --reader NAME          use the card in this PC/SC reader
  --card KIND            opentsm (default): our issuer's domain; jcop, uicc, ese: a card maker's (docs/cards.md)
  --key-size BITS        RSA size of the SSD's pairs: 1024, 2048 (default) or 3072
  --bearer KIND          reader (default), bip, bip-card or sms: how scripts go from ota to the card (docs/ota.md)
  --delay MS             a network that takes so much longer for each round trip, up to 10000
  --only PART            key-distribution, top-up or loss-report
  --nodes N              processes of each daemon but the terminal, 1 (default) to 8
  --state DIR            keep databases, logs and cards in DIR`;

/** @throws UsageError that says what is wrong and what is possible */
export function parseOptions(args: readonly string[]): DemoOptions {
  const { values } = parse(args);
  const { link = 'pcsc', report, reader, state } = values;
  const only = PARTS.find((part) => part === values.only);
  if (values.only !== undefined && only === undefined)
    throw new UsageError('usage', `--only ${values.only}: want ${PARTS.join(', ')}\n${USAGE}`);
  if (link !== 'pcsc' && link !== 'direct')
    throw new UsageError('usage', `--link ${link}: want pcsc or direct\n${USAGE}`);
  const size = Number(values['key-size'] ?? 2048);
  if (size !== 1024 && size !== 2048 && size !== 3072) {
    throw new UsageError('usage', `--key-size ${values['key-size']}: want 1024, 2048 or 3072\n${USAGE}`);
  }
  if (reader !== undefined && link === 'direct') {
    throw new UsageError('usage', `--reader names a PC/SC reader: leave out --link direct\n${USAGE}`);
  }
  const kind = values.card ?? 'opentsm';
  const nativeCard = NATIVE_CARDS.find((name) => name === kind);
  if (nativeCard === undefined && kind !== 'opentsm') {
    throw new UsageError('usage', `--card ${kind}: want opentsm, ${NATIVE_CARDS.join(', ')}\n${USAGE}`);
  }
  // The purse is put under the provider's domain, which is no parent there.
  if (nativeCard !== undefined && only !== undefined && only !== 'key-distribution') {
    throw new UsageError('usage', `--card ${kind}: only the key distribution runs on it\n${USAGE}`);
  }
  const bearer = bearerOf(values.bearer ?? 'reader', only);
  // The card must have the server's keys and our OTA package, as its maker delivers it.
  if ((bearer === 'sms' || bearer === 'bip-card') && (nativeCard !== undefined || reader !== undefined))
    throw new UsageError('usage', `--bearer ${bearer}: on simulated cards of ours alone\n${USAGE}`);
  return {
    link,
    keySizeBits: size,
    ...delayOf(values.delay),
    ...nodesOf(values.nodes),
    ...(bearer !== 'reader' ? { bearer, only: 'key-distribution' as const } : {}),
    ...(nativeCard === undefined ? {} : { nativeCard, only: 'key-distribution' as const }),
    ...(report === undefined ? {} : { report }),
    ...(reader === undefined ? {} : { reader }),
    ...(state === undefined ? {} : { state }),
    ...(only === undefined || nativeCard !== undefined || bearer !== 'reader' ? {} : { only }),
  };
}

function bearerOf(name: string, only: Part | undefined): BearerKind {
  const bearer = BEARERS.find((known) => known === name);
  if (bearer === undefined) throw new UsageError('usage', `--bearer ${name}: want ${BEARERS.join(', ')}\n${USAGE}`);
  // A top-up's credit must not wait at a bearer.
  if (bearer !== 'reader' && only !== undefined && only !== 'key-distribution')
    throw new UsageError('usage', `--bearer ${bearer}: only the key distribution goes over it\n${USAGE}`);
  return bearer;
}

function nodesOf(text: string | undefined): { readonly nodes?: number } {
  if (text === undefined) return {};
  if (!/^[1-8]$/.test(text)) throw new UsageError('usage', `--nodes ${text}: want 1 to 8\n${USAGE}`);
  return { nodes: Number(text) };
}

function delayOf(text: string | undefined): { readonly delayMs?: number } {
  if (text === undefined) return {};
  const delayMs = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(delayMs <= MAX_DELAY_MS)) throw new UsageError('usage', `--delay ${text}: want 0 to ${MAX_DELAY_MS}\n${USAGE}`);
  return { delayMs };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        report: text,
        link: text,
        reader: text,
        card: text,
        'key-size': text,
        state: text,
        only: text,
        bearer: text,
        delay: text,
        nodes: text,
      },
    });
  } catch (error) {
    throw new UsageError('usage', `${(error as Error).message}\n${USAGE}`, {}, error);
  }
}

// SPDX-License-Identifier: Apache-2.0
import { join, resolve } from 'node:path';
import { errorLine } from '../errors.ts';
import { type CardInReader, MultiProviderLab } from '../lab/multi-provider-lab.ts';
import { ProductDesk } from '../lab/product-desk.ts';
import { attemptProperties } from '../lab/properties/properties.ts';
import { buildPurseCap } from '../lab/purse-cap.ts';
import {
  costOf,
  type FieldCost,
  fieldCostOf,
  type PropertyReport,
  type Run,
  type RunCost,
  roundTripsOf,
} from '../lab/run-report.ts';
import type { SmsCost } from '../lab/sms.ts';
import { Ladder } from './ladder.ts';
import { type DemoOptions, parseOptions } from './options.ts';
import { type PlatformReport, playPlatform } from './platform.ts';
import { type DemoReport, saveReport } from './report.ts';
import { playRun, playRuns } from './runs.ts';

/**
 * `npm run demo`: the key distribution 41 to 60 between separate processes, on simulated cards through PC/SC, and
 * then the attacks that must fail, and then a purse on the same card: top-up and loss report. Exit status 0 only when
 * everything is as expected.
 */

const DEFAULT_STATE = resolve(import.meta.dirname, '../../build/demo');
/** The first distributed run must not need more exchanges between `ota` and terminal. */
const MOST_ROUND_TRIPS = 8;
const MOST_ROUND_TRIPS_BIP = 6;
/** LOAD of our package comes in some trips of its own. */
const MOST_ROUND_TRIPS_WITH_LOAD = 20;
/** What a card without power took is sent again in vain, with longer and longer pauses, before it is given up. */
const SMS_RESUME_WINDOW_MS = 240_000;
/** Files and domains are asked in packets of their own. */
const MOST_PACKETS = 10;

async function main(options: DemoOptions): Promise<boolean> {
  const ladder = new Ladder();
  const stateDir = options.state === undefined ? DEFAULT_STATE : resolve(options.state);
  await using lab = await MultiProviderLab.open({
    ...options,
    stateDir,
    providers: ['a', 'b', 'c'],
    permitted: ['a', 'b'],
    platform: { resumeWindowMs: options.bearer === 'sms' ? SMS_RESUME_WINDOW_MS : 60_000 },
    ...(options.delayMs === undefined ? {} : { ota: { addedDelayMs: options.delayMs } }),
    ...(wantsPlatform(options) ? { front: true, provider: { a: ProductDesk.config(await buildPurseCap()) } } : {}),
    onLink: ({ link, notice }) =>
      ladder.line(notice ?? `Link: ${link === 'pcsc' ? 'PC/SC' : 'direct, without PC/SC'}; starting the daemons`),
  });
  const { link } = lab.link;
  ladder.line(`Daemons: ${lab.platforms.topology.names.join(', ')}; logs in ${join(stateDir, 'log')}`);
  // Awaited here: the lab ends with this function.
  return options.reader === undefined || link === 'direct'
    ? await playSimulated(lab, ladder, options)
    : await playPhysical(lab, ladder, options, options.reader);
}

async function playSimulated(lab: MultiProviderLab, ladder: Ladder, options: DemoOptions): Promise<boolean> {
  const first = await lab.insertCard(0, { known: true });
  if (options.only === 'top-up' || options.only === 'loss-report') return playProduct(lab, ladder, options, first);
  const second = await lab.insertCard(1, { known: false });
  ladder.line(`Cards: ${first.cardId.value} in ${first.readerName}; ${second.cardId.value}, unknown to the issuer`);
  const runs = await playRuns(lab, ladder, first, second);
  ladder.title('What must hold (key-distribution.md section 5)');
  ladder.rest();
  const properties = await attemptProperties(lab, { runs, first, second }, (property) =>
    ladder.line(propertyLine(property)),
  );
  const played = wantsPlatform(options) ? await playPlatform(lab, ladder, first, options.only) : undefined;
  return conclude(lab, ladder, options, { runs, properties, card: first, ...(played === undefined ? {} : { played }) });
}

/** For whoever compares bearers. */
const costLine = ({ bearer = 'reader', delayMs = 0 }: DemoOptions, cost: RunCost): string =>
  `\nFirst run, bearer ${bearer}, ${delayMs} ms more a round trip: ${cost.roundTrips} exchanges, ` +
  `${cost.apdus} APDUs, ${cost.bytesOut} B out, ${cost.bytesIn} B in, ${(cost.ms / 1_000).toFixed(1)} s`;

const fieldLine = ({ exchanges, networkSeconds, seconds }: FieldCost): string =>
  `At a network of 300 ms: ${exchanges} exchanges, ${networkSeconds} s of the network, ${seconds} s in all`;

const radioLine = ({ messages, bytes, seconds, packets }: SmsCost): string =>
  [
    `${messages} short messages both ways, ${bytes} B: ${seconds} s of a network of 300 ms and 9.6 kbit/s`,
    ...packets.map((packet) => `  ${packet}`),
  ].join('\n');

const atField = ({ bearer, delayMs = 0 }: DemoOptions, run: Run): FieldCost =>
  fieldCostOf(run, { bySms: bearer === 'sms', delayMs });

function mostRoundTrips({ nativeCard, bearer }: DemoOptions): number {
  if (bearer === 'sms') return MOST_PACKETS;
  if (nativeCard === undefined && bearer?.startsWith('bip') === true) return MOST_ROUND_TRIPS_BIP;
  return nativeCard === undefined ? MOST_ROUND_TRIPS : MOST_ROUND_TRIPS_WITH_LOAD;
}

const wantsPlatform = ({ only, reader }: DemoOptions): boolean => only !== 'key-distribution' && reader === undefined;

/** The purse alone, after the one run that gives it a domain. */
async function playProduct(lab: MultiProviderLab, ladder: Ladder, options: DemoOptions, first: CardInReader) {
  const expected = { outcome: 'distributed' };
  const run = await playRun({ lab, ladder, title: '1. Provider A', provider: 'a', card: first, expected });
  const played = await playPlatform(lab, ladder, first, options.only);
  return conclude(lab, ladder, options, { runs: [run], properties: [], card: first, played });
}

function propertyLine({ holds, name, attempts, detail }: PropertyReport): string {
  return `  ${holds ? 'holds ' : 'BROKEN'}  ${name} (${attempts} attempts)${detail === undefined ? '' : `: ${detail}`}`;
}

async function conclude(
  lab: MultiProviderLab,
  ladder: Ladder,
  options: DemoOptions,
  result: {
    readonly runs: readonly Run[];
    readonly properties: readonly PropertyReport[];
    readonly card: Pick<CardInReader, 'cardId' | 'readerName'>;
    readonly played?: { readonly report: PlatformReport; readonly ok: boolean };
  },
): Promise<boolean> {
  const { runs, properties, card, played } = result;
  const distributed = runs.find((run) => run.outcome === 'distributed');
  const otaRoundTrips = distributed === undefined ? 0 : roundTripsOf(distributed);
  const ok =
    runs.every((run) => run.unexpected === undefined) &&
    properties.every((property) => property.holds) &&
    played?.ok !== false &&
    distributed !== undefined &&
    otaRoundTrips <= mostRoundTrips(options);
  const report: DemoReport = {
    link: lab.link.link,
    reader: card.readerName,
    iccid: card.cardId.value,
    runs: runs.map(({ unexpected: _unexpected, cardId: _cardId, ...run }) => run),
    properties,
    otaRoundTrips,
    bearer: options.bearer ?? 'reader',
    ok,
    ...(distributed === undefined ? {} : { cost: costOf(distributed), at300Ms: atField(options, distributed) }),
    ...(played === undefined ? {} : { platform: played.report }),
  };
  if (options.report !== undefined) await saveReport(options.report, report);
  if (distributed !== undefined) {
    ladder.line(costLine(options, costOf(distributed)));
    ladder.line(fieldLine(atField(options, distributed)));
  }
  if (distributed?.radio !== undefined) ladder.line(radioLine(distributed.radio));
  const saved = options.report === undefined ? '' : `, report in ${options.report}`;
  ladder.line(
    `\n${ok ? 'Everything is as expected' : 'NOT as expected'}: ${otaRoundTrips} round trips for 41 to 60${saved}`,
  );
  return ok;
}

/** A card of yours: one run of provider A; its issuer must have been entered into the card database before. */
async function playPhysical(
  lab: MultiProviderLab,
  ladder: Ladder,
  options: DemoOptions,
  readerName: string,
): Promise<boolean> {
  await lab.platforms.cardPresent(readerName);
  const expected = { outcome: 'distributed' };
  const run = await playRun({
    lab,
    ladder,
    title: `Provider A on ${readerName}`,
    provider: 'a',
    card: { readerName },
    expected,
  });
  if (run.refusedAt === '44') {
    ladder.line(
      '  The issuer of this demo does not know your card: enter it with PUT /v1/cards (docs/key-distribution.md)',
    );
  }
  const card = { readerName, cardId: run.cardId ?? { kind: 'iccid', value: '' } };
  return conclude(lab, ladder, options, { runs: [run], properties: [], card });
}

try {
  process.exitCode = (await main(parseOptions(process.argv.slice(2)))) ? 0 : 1;
} catch (error) {
  console.error(errorLine(error));
  process.exitCode = (error as { code?: unknown }).code === 'usage' ? 2 : 1;
}

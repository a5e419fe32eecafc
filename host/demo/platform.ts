// SPDX-License-Identifier: Apache-2.0

import { openCard } from '../cli/card/readers.ts';
import { PeerError } from '../errors.ts';
import { cardInPhone } from '../lab/card-in-phone.ts';
import type { CardInReader, MultiProviderLab } from '../lab/multi-provider-lab.ts';
import type { Phone } from '../lab/phone.ts';
import { PRODUCT_ID, ProductDesk } from '../lab/product-desk.ts';
import type { CardChannel } from '../transport/card-channel.ts';
import type { ActionState } from '../wire/message/front.ts';
import type { DeploymentState, Ledger } from '../wire/message/platform.ts';
import type { Ladder } from './ladder.ts';
import type { Part } from './options.ts';

/**
 * After 60, on the same card: the purse is deployed by the operator, and topped up, reported lost, found and topped up
 * again by its user's phone, through the front.
 */

export interface TopUpReport {
  readonly outcome: string;
  readonly balanceBefore?: number;
  readonly balanceAfter?: number;
  readonly tacVerified?: boolean;
  readonly roundTrips: number;
  readonly ms: number;
}

export interface PlatformReport {
  readonly deploy: { readonly instance: string; readonly state: number; readonly roundTrips: number };
  readonly topUps: readonly TopUpReport[];
  readonly lossReport?: { readonly answeredMs: number; readonly refusedAfter: boolean; readonly synchronised: boolean };
  readonly ledger: { readonly platform: number; readonly card: number; readonly equal: boolean };
}

const FIRST = 5_000;
const SECOND = 1_500;

/** What is played with. */
interface Play {
  readonly desk: ProductDesk;
  readonly phone: Phone;
  readonly ladder: Ladder;
  readonly card: CardInReader;
}

const USER = 'alice';

export async function playPlatform(
  lab: MultiProviderLab,
  ladder: Ladder,
  card: CardInReader,
  part: Part | undefined,
): Promise<{ readonly report: PlatformReport; readonly ok: boolean }> {
  const desk = new ProductDesk(lab.platforms, 'a');
  await desk.register();
  ladder.heading('7. The purse of provider A: deployment');
  const deployment = await desk.deploy(card);
  for (const step of deployment.steps) ladder.step(step);
  const { instance } = deployment;
  const deployed = await desk.instance(card.cardId);
  ladder.line(
    `  => ${instance === undefined ? `NOT deployed: ${deployment.problem?.detail}` : `instance ${instance.instanceId}`}`,
  );
  await using phone = await lab.platforms.phone(USER, [card.cardId], inPhone(lab, card));
  const playing = { desk, phone, ladder, card };
  const topUps: TopUpReport[] = [];
  const topUp = async (title: string, amount: number): Promise<TopUpReport> => {
    const result = await play(playing, title, amount);
    topUps.push(result);
    return result;
  };
  const credited = [await topUp(`8. Top-up of ${FIRST} cents, by the user's phone through the front`, FIRST)];
  let lossReport: PlatformReport['lossReport'];
  if (part !== 'top-up') {
    lossReport = await playLoss(playing, topUp);
    credited.push(await topUp(`10. Found: top-up of ${SECOND} cents`, SECOND));
  }
  const ledger = await desk.ledger(card, deployed?.serial ?? '');
  ladder.line(ledgerLine(ledger));
  const report = {
    deploy: { instance: deployed?.instanceId ?? '', state: deployed?.state ?? 0, roundTrips: tripsOf(deployment) },
    topUps,
    ...(lossReport === undefined ? {} : { lossReport }),
    ledger: { platform: ledger.platform, card: ledger.card?.balance ?? 0, equal: ledger.equal },
  };
  const lost = lossReport === undefined || (lossReport.refusedAfter && lossReport.synchronised);
  return {
    report,
    ok: lost && ledger.equal && credited.every((one) => one.outcome === 'credited' && one.tacVerified === true),
  };
}

async function playLoss(
  { phone, ladder, card }: Play,
  topUp: (title: string, amount: number) => Promise<TopUpReport>,
): Promise<NonNullable<PlatformReport['lossReport']>> {
  const element = elementOf(card);
  const start = performance.now();
  const report = await phone.perform({ actionCode: 'LOSS', ...element });
  const answeredMs = Math.round(performance.now() - start);
  const refused = await topUp(`9. Reported lost (answered after ${answeredMs} ms): top-up of 1 cent`, 1);
  await synchronised(phone, report);
  ladder.line('  => the provider knows of it');
  await phone.perform({ actionCode: 'FOUND', ...element });
  await synchronised(phone, report);
  return { answeredMs, refusedAfter: refused.outcome === 'refused', synchronised: true };
}

async function synchronised(phone: Phone, { processId }: ActionState): Promise<void> {
  for (let state = await phone.state(processId); state.synchronised !== true; state = await phone.state(processId))
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}

const LOOK_MS = 50;

async function play({ desk, phone, ladder, card }: Play, title: string, amount: number): Promise<TopUpReport> {
  ladder.heading(title);
  const start = performance.now();
  const state: Told = await phone
    .perform({ actionCode: 'TOPUP', productId: PRODUCT_ID, amount, ...elementOf(card) })
    .catch(refusal);
  const ms = Math.round(performance.now() - start);
  for (const step of state.processId === undefined ? [] : await desk.stepsOf(state.processId)) ladder.step(step);
  const { outcome = 'failed', balanceBefore, balanceAfter, tacVerified, problem, roundTrips = 0 } = state;
  const why = state.why ?? problem?.detail;
  const balance = balanceAfter === undefined ? '' : `, balance ${balanceBefore} -> ${balanceAfter}`;
  ladder.line(`  => ${outcome}${balance}, ${roundTrips} round trips, ${ms} ms${why === undefined ? '' : `: ${why}`}`);
  return {
    outcome,
    roundTrips,
    ms,
    ...(balanceBefore === undefined ? {} : { balanceBefore }),
    ...(balanceAfter === undefined ? {} : { balanceAfter }),
    ...(tacVerified === undefined ? {} : { tacVerified }),
  };
}

/** What the phone was told: an action, or that there is none. */
type Told = Partial<ActionState> & { readonly why?: string };

/** The provider refuses at once when it knows of the loss already. */
function refusal(error: unknown): Told {
  if (error instanceof PeerError && error.context.status === 409) return { outcome: 'refused', why: error.message };
  throw error;
}

const elementOf = ({ cardId }: CardInReader) => ({ seType: 'uicc', seId: cardId.value }) as const;

/** The card in the user's phone: by PC/SC as the terminal has it, or by a link of its own. */
function inPhone({ link }: MultiProviderLab, { card, readerName }: CardInReader): () => Promise<CardChannel> {
  return link.link === 'direct' ? cardInPhone(card) : () => inReader(readerName);
}

/** Closing gives the reader back too. */
async function inReader(readerName: string): Promise<CardChannel> {
  const held = await openCard(readerName);
  const close = async () => {
    await held[Symbol.asyncDispose]();
  };
  return {
    atr: held.card.atr,
    transmit: (command, options) => held.card.transmit(command, options),
    reset: () => held.card.reset(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

const tripsOf = ({ steps }: Pick<DeploymentState, 'steps'>): number =>
  steps.reduce((sum, step) => sum + step.roundTrips, 0);

const ledgerLine = ({ platform, card, equal }: Ledger): string =>
  `  Ledger: platform ${platform}, card ${card?.balance ?? 'not read'}: ${equal ? 'equal' : 'NOT equal'}`;

// SPDX-License-Identifier: Apache-2.0
import type { CardInReader, MultiProviderLab } from '../lab/multi-provider-lab.ts';
import { ProductDesk } from '../lab/product-desk.ts';
import type { DeploymentState, Ledger, TopUpState } from '../wire/message/platform.ts';
import type { Ladder } from './ladder.ts';
import type { Part } from './options.ts';

/** After 60, on the same card: the purse is deployed, topped up, reported lost, found and topped up again. */

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

export async function playPlatform(
  lab: MultiProviderLab,
  ladder: Ladder,
  card: CardInReader,
  part: Part | undefined,
): Promise<{ readonly report: PlatformReport; readonly ok: boolean }> {
  const desk = new ProductDesk(lab.platforms, 'a');
  await desk.register();
  ladder.heading('7. The purse of provider A: deployment (there is no public front yet: the demo calls the daemons)');
  const deployment = await desk.deploy(card);
  for (const step of deployment.steps) ladder.step(step);
  const { instance } = deployment;
  const deployed = await desk.instance(card.cardId);
  ladder.line(
    `  => ${instance === undefined ? `NOT deployed: ${deployment.problem?.detail}` : `instance ${instance.instanceId}`}`,
  );
  const topUps: TopUpReport[] = [];
  const topUp = async (title: string, amount: number): Promise<TopUpReport> => {
    const result = await play(desk, ladder, card, title, amount);
    topUps.push(result);
    return result;
  };
  const credited = [await topUp(`8. Top-up of ${FIRST} cents`, FIRST)];
  let lossReport: PlatformReport['lossReport'];
  if (part !== 'top-up') {
    lossReport = await playLoss(desk, ladder, card, topUp);
    credited.push(await topUp(`10. Found: top-up of ${SECOND} cents`, SECOND));
  }
  const ledger = await desk.ledger(card, deployed?.serial ?? '');
  ladder.line(ledgerLine(ledger));
  const report = {
    deploy: { instance: deployed?.instanceId ?? '', state: deployed?.state ?? 0, roundTrips: tripsOf(deployment) },
    ...{ topUps, ...(lossReport === undefined ? {} : { lossReport }) },
    ledger: { platform: ledger.platform, card: ledger.card?.balance ?? 0, equal: ledger.equal },
  };
  const lost = lossReport === undefined || (lossReport.refusedAfter && lossReport.synchronised);
  return {
    report,
    ok: lost && ledger.equal && credited.every((one) => one.outcome === 'credited' && one.tacVerified === true),
  };
}

async function playLoss(
  desk: ProductDesk,
  ladder: Ladder,
  card: CardInReader,
  topUp: (title: string, amount: number) => Promise<TopUpReport>,
): Promise<NonNullable<PlatformReport['lossReport']>> {
  const start = performance.now();
  const report = await desk.reportLoss(card.cardId);
  const answeredMs = Math.round(performance.now() - start);
  const refused = await topUp(`9. Reported lost (answered after ${answeredMs} ms): top-up of 1 cent`, 1);
  await desk.synchronised(report.id);
  ladder.line('  => the provider knows of it');
  await desk.found(report.id);
  await desk.synchronised(report.id);
  return { answeredMs, refusedAfter: refused.outcome === 'refused', synchronised: true };
}

async function play(
  desk: ProductDesk,
  ladder: Ladder,
  card: CardInReader,
  title: string,
  amount: number,
): Promise<TopUpReport> {
  ladder.heading(title);
  const start = performance.now();
  const state = await desk.topUp(card, amount);
  const ms = Math.round(performance.now() - start);
  for (const step of state.steps) ladder.step(step);
  const { outcome = state.state, balanceBefore, balanceAfter, tacVerified, problem } = state;
  const balance = balanceAfter === undefined ? '' : `, balance ${balanceBefore} -> ${balanceAfter}`;
  const why = problem?.detail === undefined ? '' : `: ${problem.detail}`;
  ladder.line(`  => ${outcome}${balance}, ${tripsOf(state)} round trips, ${ms} ms${why}`);
  return {
    ...{ outcome, roundTrips: tripsOf(state), ms },
    ...(balanceBefore === undefined ? {} : { balanceBefore }),
    ...(balanceAfter === undefined ? {} : { balanceAfter }),
    ...(tacVerified === undefined ? {} : { tacVerified }),
  };
}

const tripsOf = ({ steps }: Pick<DeploymentState | TopUpState, 'steps'>): number =>
  steps.reduce((sum, step) => sum + step.roundTrips, 0);

const ledgerLine = ({ platform, card, equal }: Ledger): string =>
  `  Ledger: platform ${platform}, card ${card?.balance ?? 'not read'}: ${equal ? 'equal' : 'NOT equal'}`;

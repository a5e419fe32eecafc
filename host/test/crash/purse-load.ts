// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { draws } from '../../../setup/soak/runs.ts';
import { NotFoundError, PeerError, TransportError } from '../../errors.ts';
import { cardInPhone } from '../../lab/card-in-phone.ts';
import type { Phone } from '../../lab/phone.ts';
import { PRODUCT_ID, ProductDesk } from '../../lab/product-desk.ts';
import type { InsertedCard, SingleProviderLab } from '../../lab/single-provider-lab.ts';

interface Purse {
  readonly inserted: InsertedCard;
  readonly serial: string;
  /** Cents that the platform has said are on the card, and cents that were asked for. */
  least: number;
  most: number;
}

/** Purses in the readers of a lab, and top-ups of all of them at once whose sum is compared with the cards. */
export class PurseLoad {
  readonly #lab: SingleProviderLab;
  readonly #desk: ProductDesk;
  readonly purses: readonly Purse[];
  readonly #random = draws();
  /** How the top-ups ended, and how many of each. */
  readonly outcomes: Record<string, number> = {};

  private constructor(lab: SingleProviderLab, desk: ProductDesk, purses: readonly Purse[]) {
    this.#lab = lab;
    this.#desk = desk;
    this.purses = purses;
  }

  /** Deploys a purse to each of these cards, which have their provider's domain. */
  static async deploy(lab: SingleProviderLab, cards: readonly InsertedCard[]): Promise<PurseLoad> {
    const desk = new ProductDesk(lab.platforms, lab.provider);
    await desk.register();
    const purses = cards.map(async (inserted) => {
      const { instance, problem } = await desk.deploy(inserted);
      expect(JSON.stringify(problem)).to.equal(undefined);
      return { inserted, serial: instance?.serial ?? '', least: 0, most: 0 };
    });
    return new PurseLoad(lab, desk, await Promise.all(purses));
  }

  /** So many top-ups of each card, by an operator at its reader: `atOnce` of them side by side. */
  async atReaders(topUps: number, atOnce: number): Promise<void> {
    await this.#each(topUps, atOnce, async ({ inserted }, amount, key) => {
      return (await this.#desk.topUp(inserted, amount, key)).outcome;
    });
  }

  /** A phone for each card, with the card in it. */
  phones(): Promise<Phone[]> {
    const { platforms } = this.#lab;
    return Promise.all(
      this.purses.map(({ inserted }) => platforms.phone('alice', [inserted.cardId], cardInPhone(inserted.card))),
    );
  }

  /** So many of each card, one after the other, by these phones through the front. */
  async byPhones(phones: readonly Phone[], topUps: number): Promise<void> {
    const phoneOf = new Map(this.purses.map((purse, index) => [purse, phones[index]]));
    await this.#each(topUps, 1, async (purse, amount, key) => {
      const seId = purse.inserted.cardId.value;
      const action = { actionCode: 'TOPUP', productId: PRODUCT_ID, amount, seType: 'uicc', seId } as const;
      return (await phoneOf.get(purse)?.perform(action, key))?.outcome;
    });
  }

  async #each(
    topUps: number,
    atOnce: number,
    topUp: (purse: Purse, amount: number, key: string) => Promise<string | undefined>,
  ): Promise<void> {
    const lane = async (purse: Purse, amounts: readonly number[]) => {
      for (const amount of amounts) {
        purse.most += amount;
        // One that failed may have reached the card: the next contact says so.
        const outcome = (await persistently((key) => topUp(purse, amount, key))) ?? 'none';
        this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
        if (outcome === 'credited') purse.least += amount;
      }
    };
    // All amounts are drawn before any lane starts: which of them is ahead changes none.
    const amounts = () => Array.from({ length: Math.ceil(topUps / atOnce) }, () => 1 + this.#random(50));
    const lanes = this.purses.flatMap((purse) => Array.from({ length: atOnce }, () => [purse, amounts()] as const));
    await Promise.all(lanes.map(([purse, drawn]) => lane(purse, drawn)));
  }

  /** Nothing is open, and each card has what the platform says, which is what was paid. @returns top-ups' sums */
  async expectBooks(): Promise<{ readonly least: number; readonly most: number; readonly platform: number }> {
    const sums = { least: 0, most: 0, platform: 0 };
    const compared = this.purses.map(async ({ inserted, serial, least, most }) => {
      const ledger = await this.#desk.ledger(inserted, serial);
      expect(ledger, JSON.stringify(ledger)).to.include({ open: 0, equal: true });
      expect(ledger.platform, serial).to.be.within(least, most);
      sums.least += least;
      sums.most += most;
      sums.platform += ledger.platform;
    });
    await Promise.all(compared);
    return sums;
  }
}

const PAUSE_MS = 200;

/** The same key until somebody answers: a node that was killed takes its time to come back. */
async function persistently<T>(act: (key: string) => Promise<T>): Promise<T> {
  const key = randomUUID();
  for (;;) {
    try {
      return await act(key);
    } catch (error) {
      const away = error instanceof PeerError && error.context.status === 503;
      // The session of a phone may end with its action.
      if (!(error instanceof TransportError || error instanceof NotFoundError || away)) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import { TransportError } from '../../errors.ts';
import type { CardBearer, CardScript, CarriedScript, PassedOver } from './card-bearer.ts';
import type { ReachedCard } from './terminal-directory.ts';

/** Which way a script goes to its card: by what reaches the card, what it costs, its size, and how long it may take. */

export type BearerName = 'reader' | 'bip' | 'sms';

/** What the operator says of a bearer; a unit is one script (`reader`), 1,000 bytes (`bip`) or one message (`sms`). */
export interface BearerRate {
  /** Of one unit, in whatever money. */
  readonly price: number;
  /** That one unit takes. */
  readonly ms: number;
  /** Most units of one script; default any number. */
  readonly most?: number;
}

export interface NamedBearer {
  readonly name: BearerName;
  readonly bearer: CardBearer;
  readonly rate?: BearerRate;
}

/** `order` as they are listed, or the least of what a script takes first; the list decides between equals. */
export type BearerPreference = 'order' | 'price' | 'time';

/** What is known of one bearer before a script leaves. */
export interface Offer {
  readonly name: BearerName;
  /** Why it surely does not reach the card. */
  readonly refusal?: string | undefined;
  readonly units: number;
  readonly rate: BearerRate;
  /** It did not reach this card a moment ago. */
  readonly resting?: boolean;
}

export interface Ranked {
  /** In the order in which they are tried. */
  readonly tried: readonly BearerName[];
  /** Those that do not go, or go after others that they stand before otherwise. */
  readonly passedOver: readonly PassedOver[];
}

export interface BearerChoiceOptions {
  readonly prefer?: BearerPreference;
  /** How long a bearer that did not reach a card comes after the others for it; default 300,000. */
  readonly restMs?: number;
  /** Told of what could not be used, and why. */
  readonly onFallback?: (from: string, to: string, reason: string) => void;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

export const BEARER_RATES: Readonly<Record<BearerName, BearerRate>> = {
  reader: { price: 0, ms: 200 },
  bip: { price: 1, ms: 1_000 },
  sms: { price: 10, ms: 3_000 },
};
const REST_MS = 300_000;
/** Cards whose bearers rest, or are in doubt; the oldest are forgotten. */
const MOST_RESTING = 10_000;

/**
 * The decision alone. A bearer that does not reach the card, or whose script is too large, does not go; one that would
 * be late, or has just failed, goes when nothing better is left, since both may be wrong.
 */
export function rankBearers(
  offers: readonly Offer[],
  { prefer, timeoutMs }: { readonly prefer: BearerPreference; readonly timeoutMs: number },
): Ranked {
  const passedOver: PassedOver[] = [];
  const ranks = offers.flatMap((offer, index) => {
    const { name, refusal, units, rate, resting = false } = offer;
    const tooLarge = units > (rate.most ?? units) ? `the script takes ${units} of at most ${rate.most}` : undefined;
    const never = refusal ?? tooLarge;
    if (never !== undefined) {
      passedOver.push({ bearer: name, reason: never });
      return [];
    }
    const late = units * rate.ms > timeoutMs;
    const cost = { order: 0, price: units * rate.price, time: units * rate.ms }[prefer];
    return [{ name, late, resting, worse: Number(late) + Number(resting), cost, index }];
  });
  const tried = ranks.toSorted((a, b) => a.worse - b.worse || a.cost - b.cost || a.index - b.index);
  const best = tried[0]?.worse ?? 0;
  for (const { name, late, worse } of tried)
    if (worse > best) passedOver.push({ bearer: name, reason: late ? 'it would take too long' : 'it failed just now' });
  return { tried: tried.map(({ name }) => name), passedOver };
}

/** Sends each script by the bearer that is best for it, and by the next one when surely nothing came to the card. */
export class BearerChoice implements CardBearer {
  readonly #named: readonly NamedBearer[];
  readonly #options: BearerChoiceOptions;
  /** When each of them may go before others again. */
  readonly #resting = new Map<string, number>();
  /** Those that rest, too, if a script that begins before this ends as the last one did. */
  readonly #doubted = new Map<string, number>();

  constructor(named: readonly NamedBearer[], options: BearerChoiceOptions = {}) {
    this.#named = named;
    this.#options = options;
  }

  #now(): number {
    return (this.#options.now ?? performance.now.bind(performance))();
  }

  async exchange(card: ReachedCard, script: CardScript, timeoutMs: number): Promise<CarriedScript> {
    const deadline = this.#now() + timeoutMs;
    const { tried, passedOver } = this.#rank(card, script, timeoutMs);
    const insteadOf = new Map(passedOver.map((one) => [one.bearer, one]));
    let before: PassedOver | undefined;
    for (const name of tried) {
      const { bearer, rate = BEARER_RATES[name] } = this.#bearer(name);
      const began = this.#now();
      // A script that breaks off halfway is worse than one that did not leave.
      if (before !== undefined && deadline - began < Math.min(rate.ms, timeoutMs / 2)) {
        insteadOf.set(name, { bearer: name, reason: 'no time is left for it' });
        continue;
      }
      if (before !== undefined) this.#options.onFallback?.(before.bearer, name, before.reason);
      try {
        const carried = await bearer.exchange(card, script, Math.max(1, Math.ceil(deadline - began)));
        insteadOf.delete(name);
        this.#resting.delete(restKey(card, name));
        this.#doubted.delete(restKey(card, name));
        if (this.#named.length < 2) return carried;
        return { ...carried, bearer: name, insteadOf: [...insteadOf.values(), ...(carried.insteadOf ?? [])] };
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        const surely = error.code === 'bearer-unreachable';
        this.#failed(restKey(card, name), surely || error.context.rests, began);
        if (!surely) throw error;
        before = { bearer: name, reason: error.message };
        insteadOf.set(name, before);
      }
    }
    throw unreachable([...insteadOf.values()]);
  }

  release(card: ReachedCard, fence: number): void {
    for (const { bearer } of this.#named) bearer.release(card, fence);
  }

  #rank(card: ReachedCard, script: CardScript, timeoutMs: number): Ranked {
    const { prefer = 'order', onFallback } = this.#options;
    const offers = this.#named.map(({ name, bearer, rate = BEARER_RATES[name] }) => ({
      name,
      rate,
      refusal: bearer.refusal?.(card, script),
      units: bearer.units?.(script) ?? 1,
      resting: (this.#resting.get(restKey(card, name)) ?? 0) > this.#now(),
    }));
    const ranked = rankBearers(offers, { prefer, timeoutMs });
    const [first] = ranked.tried;
    if (first !== undefined) for (const { bearer, reason } of ranked.passedOver) onFallback?.(bearer, first, reason);
    return ranked;
  }

  #bearer(name: BearerName): NamedBearer {
    const found = this.#named.find((one) => one.name === name);
    if (found === undefined) throw unreachable([]);
    return found;
  }

  /** @param began when its script did */
  #failed(key: string, rests: unknown, began: number): void {
    const again = rests === 'again' && (this.#doubted.get(key) ?? Number.NEGATIVE_INFINITY) > began;
    const until = this.#now() + (this.#options.restMs ?? REST_MS);
    if (rests === true || again) keep(this.#resting, key, until);
    else if (rests === 'again') keep(this.#doubted, key, until);
  }
}

function keep<T>(cards: Map<string, T>, key: string, value: T): void {
  cards.delete(key);
  cards.set(key, value);
  const [oldest] = cards.keys();
  if (cards.size > MOST_RESTING && oldest !== undefined) cards.delete(oldest);
}

/** Another card in the reader has all its bearers again. */
const restKey = ({ link, reader }: ReachedCard, name: BearerName): string =>
  `${link.terminalId}\n${reader.readerName}\n${reader.insertion}\n${name}`;

function unreachable(reasons: readonly PassedOver[]): TransportError {
  const why = reasons.map(({ bearer, reason }) => `${bearer}: ${reason}`).join('; ');
  return new TransportError('bearer-unreachable', why === '' ? 'no bearer is configured: name one in bearers' : why);
}

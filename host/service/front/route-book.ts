// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { ConflictError, NotFoundError, UnacceptableError } from '../../errors.ts';
import { appendRecords } from '../../store/audit-log.ts';
import type { Bells } from '../../store/bells.ts';
import { addRouteVersion, changingRoutes, lastRoutes, ROUTES_BELL } from '../../store/front/routes.ts';
import type { FrontTables } from '../../store/front/schema.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { PutRoute, Route, RouteExplanation, Rule, StartAction } from '../../wire/message/front.ts';
import { nameOf, noCard } from './card-of-element.ts';
import { chooseRule, explain, requireNoConflict } from './routes.ts';

/** The routes of a front: those of its config and those that operators enter; every node follows the database. */

export interface RouteBookOptions {
  readonly database: Kysely<FrontTables>;
  readonly bells: Bells;
  /** Static routes. */
  readonly fixed: readonly Rule[];
  readonly pools: readonly string[];
  readonly onError: (error: Error) => void;
}

/** A ring that was missed is made up for after this time. */
const LOOK_MS = 10_000;
const PAUSE_MS = 1_000;

export class RouteBook implements AsyncDisposable {
  readonly #options: RouteBookOptions;
  readonly #stop = new AbortController();
  readonly #following: Promise<void>;
  #entered: readonly Route[];

  private constructor(options: RouteBookOptions, entered: readonly Route[]) {
    this.#options = options;
    this.#entered = entered;
    this.#following = this.#follow();
  }

  /** @throws ConflictError `rules-conflict` among those of the config @throws UnacceptableError: a pool that is none */
  static async open(options: RouteBookOptions): Promise<RouteBook> {
    requireNoConflict(options.fixed);
    for (const rule of options.fixed) requirePool(rule, options.pools);
    return new RouteBook(options, await currentRoutes(options.database));
  }

  async #follow(): Promise<void> {
    const { bells, database, onError } = this.#options;
    const { signal } = this.#stop;
    let waitMs = 0;
    while (!signal.aborted) {
      const rung = bells.heard(ROUTES_BELL, LOOK_MS, signal);
      if (waitMs === 0) await rung;
      else await bells.heard(ROUTES_BELL, waitMs, signal);
      try {
        if (!signal.aborted) this.#entered = await currentRoutes(database);
        waitMs = 0;
      } catch (error) {
        onError(error as Error);
        waitMs = PAUSE_MS;
      }
    }
  }

  #valid(now = Date.now()): readonly Rule[] {
    const entered = this.#entered.filter(({ validFrom, validTo }) => {
      const begun = validFrom === undefined || Date.parse(validFrom) <= now;
      return begun && (validTo === undefined || now < Date.parse(validTo));
    });
    return [...this.#options.fixed, ...entered.map(({ rule }) => rule)];
  }

  /** @throws NotFoundError `no-route` */
  choose(request: StartAction, card: CardId): Rule {
    return chooseRule(this.#valid(), request, card);
  }

  explain(request: StartAction): RouteExplanation {
    const name = nameOf(request);
    if (name === undefined) throw noCard();
    const { taken, considered } = explain(this.#valid(), request, name);
    return { ...(taken === undefined ? {} : { taken }), considered: [...considered] };
  }

  async list(): Promise<Route[]> {
    const fixed = this.#options.fixed.map((rule) => ({ rule, version: 0 }));
    return [...fixed, ...(await currentRoutes(this.#options.database))];
  }

  /**
   * Enters a route, or another version of it.
   *
   * @throws ConflictError `rules-conflict`, `route-changed` (another version came between), `route-fixed` (of the
   *     config)
   * @throws UnacceptableError `no-such-pool`, `route-validity`
   */
  async put(name: string, request: PutRoute, operator: string): Promise<Route> {
    const { follows, validFrom, validTo, ...rest } = request;
    const rule: Rule = { name, ...rest };
    const validity = {
      ...(validFrom === undefined ? {} : { validFrom }),
      ...(validTo === undefined ? {} : { validTo }),
    };
    requirePool(rule, this.#options.pools);
    for (const instant of [validFrom, validTo])
      if (instant !== undefined && Number.isNaN(Date.parse(instant)))
        throw new UnacceptableError('route-validity', `${instant} is no point of time`);
    if (validFrom !== undefined && validTo !== undefined && Date.parse(validFrom) >= Date.parse(validTo))
      throw new UnacceptableError('route-validity', 'validTo must be later than validFrom');
    return this.#change(name, operator, follows, (version, others) => {
      requireNoConflict([rule, ...this.#options.fixed]);
      for (const other of others) if (meet(validity, other)) requireNoConflict([rule, other.rule]);
      return { rule, version, ...validity };
    });
  }

  /** @throws NotFoundError `no-such-route-entry` @throws ConflictError `route-fixed` */
  async remove(name: string, operator: string): Promise<void> {
    if (!(await currentRoutes(this.#options.database)).some(({ rule }) => rule.name === name))
      throw new NotFoundError('no-such-route-entry', `No route is named ${name}`);
    await this.#change(name, operator, undefined, () => undefined);
  }

  async #change<R extends Route | undefined>(
    name: string,
    operator: string,
    follows: number | undefined,
    make: (version: number, others: readonly Route[]) => R,
  ): Promise<R> {
    const { database, fixed } = this.#options;
    if (fixed.some((rule) => rule.name === name))
      throw new ConflictError('route-fixed', `${name} stands in the config of the front: change it there`);
    const route = await changingRoutes(database, async (transaction) => {
      const all = await lastRoutes(transaction);
      const last = all.find((entry) => entry.name === name)?.version ?? 0;
      if (follows !== undefined && follows !== last)
        throw new ConflictError('route-changed', `${name} is at version ${last}: look at it and enter yours again`);
      const others = all.flatMap((entry) => (entry.name === name || entry.route === undefined ? [] : [entry.route]));
      const made = make(last + 1, others);
      await addRouteVersion(transaction, { name, version: last + 1, ...(made === undefined ? {} : { route: made }) });
      const act = made === undefined ? 'remove route' : 'enter route';
      const entry = { phase: 'after', act, subject: name, workflowId: '', numeral: '' } as const;
      await appendRecords(transaction as Parameters<typeof appendRecords>[0], [
        { ...entry, details: { version: last + 1, operator, rule: JSON.stringify(made?.rule ?? null) } },
      ]);
      return made;
    });
    this.#entered = await currentRoutes(database);
    return route;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#following;
  }
}

const currentRoutes = async (database: Kysely<FrontTables>): Promise<Route[]> =>
  (await lastRoutes(database)).flatMap(({ route }) => (route === undefined ? [] : [route]));

/** Two times of validity have a moment in common. */
function meet(one: Pick<Route, 'validFrom' | 'validTo'>, other: Pick<Route, 'validFrom' | 'validTo'>): boolean {
  const from = (text: string | undefined) => (text === undefined ? Number.NEGATIVE_INFINITY : Date.parse(text));
  const to = (text: string | undefined) => (text === undefined ? Number.POSITIVE_INFINITY : Date.parse(text));
  return from(one.validFrom) < to(other.validTo) && from(other.validFrom) < to(one.validTo);
}

function requirePool({ name, pool }: Rule, pools: readonly string[]): void {
  if (!pools.includes(pool))
    throw new UnacceptableError('no-such-pool', `${name}: there is no pool ${pool}, there are ${pools.join(', ')}`);
}

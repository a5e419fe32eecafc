// SPDX-License-Identifier: Apache-2.0
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import type { PlainCommand } from '../../wire/message/kms.ts';

/**
 * A flow is a list of rows, each one named function. A row declares the facts it needs and returns new
 * ones; `Flow<C, F>` knows the facts so far, so a row that is listed before the one that feeds it does
 * not compile.
 */

/** Ends the flow before its last row, with this result. */
export class Stop<R = unknown> {
  readonly result: R;

  constructor(result: R) {
    this.result = result;
  }
}

/** A row whose work is done without the card. */
export type HostStep<F, N, C> = (facts: F, context: C) => Promise<N>;
/**
 * A row that takes part in a card trip: it yields its commands at most once and gets their responses.
 * It sees only facts from before the trip: what travels together needs no earlier answer.
 */
export type CardStep<F, N, C, Command> = (
  facts: F,
  context: C,
) => AsyncGenerator<readonly Command[], N, readonly CardResponse[]>;

/**
 * A command that may be the last one of its trip: after one of `endsAt` the script stops, and its row gets the
 * responses so far. No row with commands stands behind it in the trip, or its row throws where the trip has ended.
 */
export type EndingCommand<Command extends CardCommand | PlainCommand = CardCommand> = Command & {
  readonly endsAt: readonly string[];
};

/** What may be done again after a break. */
export type Repeat = 'repeatable' | 'check-first' | 'once-only';
export type Party = 'issuer' | 'provider' | 'card';

export interface RowHead {
  readonly numeral: string;
  readonly name: string;
  readonly from: Party;
  readonly to: Party;
  readonly repeat: Repeat;
}

/** Facts with their types erased: the builder has checked them. */
export type AnyFacts = Readonly<Record<string, unknown>>;
export interface HostRow extends RowHead {
  readonly step: HostStep<AnyFacts, AnyFacts | Stop, never>;
}
export interface CardRow<Command> extends RowHead {
  readonly step: CardStep<AnyFacts, AnyFacts | Stop, never, Command>;
}

export type Segment =
  | { readonly kind: 'host'; readonly row: HostRow }
  | { readonly kind: 'trip'; readonly rows: readonly CardRow<CardCommand>[] }
  | { readonly kind: 'reopen'; readonly rows: readonly CardRow<CardCommand>[] }
  | { readonly kind: 'protected'; readonly rows: readonly CardRow<PlainCommand>[] };

/** One durable step: recorded as a whole, done again as a whole. */
export interface Unit {
  readonly name: string;
  readonly segments: readonly Segment[];
}

type Facts<N> = Exclude<N, Stop>;
type Step = (...args: never[]) => unknown;

const head = (numeral: string, from: Party, to: Party, repeat: Repeat, step: Step): RowHead => ({
  numeral,
  name: step.name,
  from,
  to,
  repeat,
});

/** Rows that travel in one round trip. `F` are the facts before it, `N` what its rows add. */
export class Trip<C, F, N, Command> {
  readonly rows: readonly CardRow<Command>[];

  constructor(rows: readonly CardRow<Command>[]) {
    this.rows = rows;
  }

  row<M>(
    numeral: string,
    [from, to]: readonly [Party, Party],
    repeat: Repeat,
    step: CardStep<F, M, C, Command>,
  ): Trip<C, F, N & Facts<M>, Command> {
    const row = { ...head(numeral, from, to, repeat, step), step: step as unknown as CardRow<Command>['step'] };
    return new Trip([...this.rows, row]);
  }
}

type PlainTrip<C, F, N> = Trip<C, F, N, CardCommand>;
type ProtectedTrip<C, F, N> = Trip<C, F, N, PlainCommand>;

/** One visit to the card: a durable step of one or more trips. */
export class Visit<C, F> {
  readonly segments: readonly Segment[];

  constructor(segments: readonly Segment[] = []) {
    this.segments = segments;
  }

  /** Commands in clear; a row of it may open a secure channel up to GET CHALLENGE. */
  trip<N>(build: (trip: PlainTrip<C, F, unknown>) => PlainTrip<C, F, N>): Visit<C, F & N> {
    return new Visit([...this.segments, { kind: 'trip', rows: build(new Trip([])).rows }]);
  }

  /** The same rows as an earlier trip, done only when the channel of the visit before is gone. */
  reopen<N>(build: (trip: PlainTrip<C, F, unknown>) => PlainTrip<C, F, N>): Visit<C, F> {
    return new Visit([...this.segments, { kind: 'reopen', rows: build(new Trip([])).rows }]);
  }

  /** Commands under the secure channel, EXTERNAL and INTERNAL AUTHENTICATE before them when it is new. */
  protected<N>(build: (trip: ProtectedTrip<C, F, unknown>) => ProtectedTrip<C, F, N>): Visit<C, F & N> {
    return new Visit([...this.segments, { kind: 'protected', rows: build(new Trip([])).rows }]);
  }

  host<N>(numeral: string, parties: readonly [Party, Party], repeat: Repeat, step: HostStep<F, N, C>) {
    return new Visit<C, F & Facts<N>>([...this.segments, hostSegment(numeral, parties, repeat, step)]);
  }
}

function hostSegment<F, N, C>(
  numeral: string,
  [from, to]: readonly [Party, Party],
  repeat: Repeat,
  step: HostStep<F, N, C>,
): Segment {
  const row = { ...head(numeral, from, to, repeat, step), step: step as unknown as HostRow['step'] };
  return { kind: 'host', row };
}

/** A row of the numbered list whose work stands in another flow. */
export interface ElsewhereRow {
  readonly numeral: string;
  readonly where: string;
}

/** A platform's part of the numbered list, in order. `C` is its context, `F` the facts so far. */
export class Flow<C, F> {
  /** Rows that are done while the request waits: a refusal is its answer. */
  readonly admission: readonly Unit[];
  readonly units: readonly Unit[];
  readonly elsewhereRows: readonly ElsewhereRow[];

  constructor(admission: readonly Unit[] = [], units: readonly Unit[] = [], elsewhere: readonly ElsewhereRow[] = []) {
    this.admission = admission;
    this.units = units;
    this.elsewhereRows = elsewhere;
  }

  admit<N>(numeral: string, parties: readonly [Party, Party], repeat: Repeat, step: HostStep<F, N, C>) {
    const unit = { name: step.name, segments: [hostSegment(numeral, parties, repeat, step)] };
    return new Flow<C, F & Facts<N>>([...this.admission, unit], this.units, this.elsewhereRows);
  }

  host<N>(numeral: string, parties: readonly [Party, Party], repeat: Repeat, step: HostStep<F, N, C>) {
    const unit = { name: step.name, segments: [hostSegment(numeral, parties, repeat, step)] };
    return new Flow<C, F & Facts<N>>(this.admission, [...this.units, unit], this.elsewhereRows);
  }

  visit<G>(name: string, build: (visit: Visit<C, F>) => Visit<C, G>) {
    const unit = { name, segments: build(new Visit()).segments };
    return new Flow<C, G>(this.admission, [...this.units, unit], this.elsewhereRows);
  }

  elsewhere(where: string, ...numerals: readonly string[]) {
    const rows = numerals.map((numeral) => ({ numeral, where }));
    return new Flow<C, F>(this.admission, this.units, [...this.elsewhereRows, ...rows]);
  }

  /** Every row once, in the order of the list. */
  rows(): RowHead[] {
    const heads = new Map<string, RowHead>();
    for (const unit of [...this.admission, ...this.units]) {
      for (const segment of unit.segments) {
        for (const row of segment.kind === 'host' ? [segment.row] : segment.rows) {
          if (!heads.has(row.numeral)) heads.set(row.numeral, row);
        }
      }
    }
    return [...heads.values()];
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { CardCommand, CardResponse, ExchangeResult } from '../../wire/message/card-script.ts';
import type { StepRecord } from '../../wire/message/key-distribution.ts';
import type { PlainCommand } from '../../wire/message/kms.ts';
import type { RowHead } from './flow.ts';

/** What the rows of a trip cost: the report and the live ladder show it. */

/** Characters of what is told of a trip's bearer. */
const MAX_WAY = 300;

/** A row and the commands that it put into the trip. */
export interface RowCommands {
  readonly row: RowHead;
  readonly commands: readonly (CardCommand | PlainCommand)[];
}

export interface Cost {
  readonly result: ExchangeResult;
  readonly ms: number;
  /** What an earlier record of the same trip told already, its round trip too. */
  readonly without?: StepRecord;
}

/** How a trip went, where there was a choice. */
export function wayOf({ bearer, insteadOf = [] }: ExchangeResult): Pick<StepRecord, 'bearer'> {
  if (bearer === undefined) return {};
  const others = insteadOf.map((one) => `${one.bearer}: ${one.reason}`);
  return { bearer: [bearer, ...others].join('; ').slice(0, MAX_WAY) };
}

export const tripCost = (result: ExchangeResult, start: number): Cost => ({ result, ms: elapsed(start) });

/** What these commands of one row cost, without what the terminal added. */
export function costOf(
  head: RowHead,
  { commands, responses }: { readonly commands: readonly CardCommand[]; readonly responses: readonly CardResponse[] },
): StepRecord {
  const ran = commands.slice(0, responses.length);
  return {
    ...emptyRecord(head),
    commands: ran.map(({ label }, index) => `${label} ${responses[index]?.sw ?? ''}`.slice(0, 120)),
    apdus: ran.reduce((sum, command) => sum + command.apdus.length, 0),
    bytesOut: ran.reduce((sum, command) => sum + command.apdus.join('').length / 2, 0),
    bytesIn: responses.reduce((sum, response) => sum + response.data.length / 2 + 2, 0),
  };
}

/**
 * What each row of a trip cost. The trip's round trip counts for its first row and what the terminal added
 * (GET RESPONSE) too; its time for the row whose command may take longest.
 */
export function costOfRows(
  started: readonly RowCommands[],
  sent: readonly CardCommand[],
  responses: readonly CardResponse[],
  cost: Cost | undefined,
): StepRecord[] {
  let offset = 0;
  const records = started.map((part) => {
    const end = offset + part.commands.length;
    const own = { commands: sent.slice(offset, end), responses: responses.slice(offset, end) };
    offset = end;
    return costOf(part.row, own);
  });
  if (cost === undefined) return records;
  const { result, ms, without } = cost;
  const slowest = indexOfSlowest(started);
  const first = Math.max(
    0,
    records.findIndex((record) => record.commands.length > 0),
  );
  const added = (key: 'apdus' | 'bytesOut' | 'bytesIn') => {
    const told = records.reduce((total, record) => total + record[key], without?.[key] ?? 0);
    return Math.max(0, result.cost[key] - told);
  };
  return records.map((record, index) => {
    const timed = { ...record, ms: index === slowest ? ms : 0 };
    if (index !== first) return timed;
    return {
      ...timed,
      ...(without === undefined ? wayOf(result) : {}),
      roundTrips: without === undefined ? result.cost.roundTrips : 0,
      apdus: record.apdus + added('apdus'),
      bytesOut: record.bytesOut + added('bytesOut'),
      bytesIn: record.bytesIn + added('bytesIn'),
    };
  });
}

function indexOfSlowest(started: readonly RowCommands[]): number {
  const longest = started.map((part) => Math.max(0, ...part.commands.map((command) => command.timeoutMs ?? 0)));
  return Math.max(0, longest.indexOf(Math.max(...longest)));
}

export function emptyRecord({ numeral, name, from, to }: RowHead): StepRecord {
  return { numeral, name, from, to, commands: [], apdus: 0, roundTrips: 0, bytesOut: 0, bytesIn: 0, ms: 0 };
}

export const elapsed = (start: number): number => Math.round((performance.now() - start) * 100) / 100;

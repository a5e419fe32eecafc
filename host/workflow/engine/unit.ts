// SPDX-License-Identifier: Apache-2.0
import { StatusWordError, TransportError, TsmError, WireError } from '../../errors.ts';
import { noteWork } from '../../trace.ts';
import type { CardCommand, CardResponse, ExchangeResult } from '../../wire/message/card-script.ts';
import type { StepRecord } from '../../wire/message/key-distribution.ts';
import type { PlainCommand } from '../../wire/message/kms.ts';
import { statusWordMeaning } from '../../wire/status-word.ts';
import type { CardLink } from '../ports.ts';
import {
  type AnyFacts,
  type CardRow,
  type EndingCommand,
  type HostRow,
  type RowHead,
  type Segment,
  Stop,
  type Unit,
} from './flow.ts';
import type { AuthenticationAttempt, SecureChannelSlot } from './secure-channel-slot.ts';
import { type Cost, costOf, costOfRows, elapsed, emptyRecord, tripCost, wayOf } from './trip-cost.ts';

/** Runs the rows of a unit against the card and the KMS, and reports what each row cost. */

export interface VisitContext {
  readonly card: CardLink;
  readonly channel: SecureChannelSlot;
  /** Card and key set of the authentication that is about to be tried. */
  authentication(facts: AnyFacts): AuthenticationAttempt;
  /** The card that these facts are about, once it is known. */
  cardName?(facts: AnyFacts): string | undefined;
  report(step: StepRecord): Promise<void>;
  readonly journal?: Announcements;
}

/** Audit records that must stand before what they announce is done. */
export interface Announcements {
  /** While the rows of a trip are prepared their records wait for the one write before the trip. */
  gathering: boolean;
  /** Writes what waits. */
  flush(): Promise<void>;
}

/**
 * New facts of the unit, or the end of the flow.
 *
 * @param final nothing of the flow follows: the card is given back with the last trip
 */
export async function runUnit(
  unit: Unit,
  before: AnyFacts,
  context: VisitContext,
  final = false,
): Promise<AnyFacts | Stop> {
  const card = context.cardName?.(before);
  if (card !== undefined) noteWork({ card });
  let facts = before;
  for (const [index, segment] of unit.segments.entries()) {
    const later = unit.segments.slice(index + 1).some(({ kind }) => kind === 'protected');
    const last = final && index === unit.segments.length - 1;
    const added = await runSegment(segment, facts, context, { later, last });
    if (added instanceof Stop) return added;
    facts = { ...facts, ...added };
  }
  return Object.fromEntries(Object.entries(facts).filter(([name, value]) => before[name] !== value));
}

interface Place {
  /** There is another trip under the channel in this visit. */
  readonly later: boolean;
  /** There is no other trip to the card. */
  readonly last: boolean;
}

async function runSegment(
  segment: Segment,
  facts: AnyFacts,
  context: VisitContext,
  place: Place,
): Promise<AnyFacts | Stop> {
  switch (segment.kind) {
    case 'host':
      return runHostRow(segment.row, facts, context);
    case 'trip':
      return runTrip(segment.rows, facts, context);
    case 'reopen': {
      if (context.channel.kind !== 'none') return {};
      const added = await runTrip(segment.rows, facts, context);
      return added instanceof Stop ? added : {};
    }
    case 'protected':
      return runProtectedTrip(segment.rows, facts, context, place);
  }
}

async function runHostRow(row: HostRow, facts: AnyFacts, context: VisitContext): Promise<AnyFacts | Stop> {
  const start = performance.now();
  // First an empty record: the row has its place in the list while it waits for others.
  await context.report(emptyRecord(row));
  const added = await at(row, () => row.step(facts, context as never));
  await context.report({ ...emptyRecord(row), ms: elapsed(start) });
  return added;
}

/** A row between its commands and their responses. */
interface Started<Command> {
  readonly row: CardRow<Command>;
  readonly commands: readonly Command[];
  /** It opens a secure channel. */
  readonly opens: boolean;
  finish(responses: readonly CardResponse[]): Promise<AnyFacts | Stop>;
}

async function startRow<Command>(
  row: CardRow<Command>,
  facts: AnyFacts,
  context: VisitContext,
): Promise<Started<Command>> {
  return at(row, async () => {
    const generator = row.step(facts, context as never);
    const isOpening = () => context.channel.kind === 'opening';
    const before = isOpening();
    const first = await generator.next();
    const opens = !before && isOpening();
    if (first.done === true) return { row, commands: [], opens, finish: async () => first.value };
    const finish = async (responses: readonly CardResponse[]) => {
      const last = await generator.next(responses);
      if (last.done !== true) throw new WireError('row-yield', `${row.name} yields more than once`);
      return last.value;
    };
    return { row, commands: first.value, opens, finish };
  });
}

async function startRows<Command>(rows: readonly CardRow<Command>[], facts: AnyFacts, context: VisitContext) {
  const { journal } = context;
  if (journal !== undefined) journal.gathering = true;
  try {
    const started = [];
    for (const row of rows) started.push(await startRow(row, facts, context));
    return started;
  } finally {
    if (journal !== undefined) journal.gathering = false;
  }
}

async function runTrip(rows: readonly CardRow<CardCommand>[], facts: AnyFacts, context: VisitContext) {
  const start = performance.now();
  const started = await startRows(rows, facts, context);
  const commands = started.flatMap((part) => part.commands);
  const opener = context.channel.kind === 'opening' ? started.find((part) => part.opens) : undefined;
  if (opener !== undefined) await context.channel.beginAttempt(context.authentication(facts));
  const result = await exchange(commands.map(toSend), context);
  if (opener !== undefined && isRefused(opener, started, result.responses)) await context.channel.endAttempt('refused');
  return finishRows(started, commands, commands, result.responses, tripCost(result, start), context);
}

/** True when the card took a command of this row and refused it: certificate, sealed keys or key reference. */
function isRefused(
  part: Started<CardCommand>,
  started: readonly Started<CardCommand>[],
  responses: readonly CardResponse[],
): boolean {
  const before = started.slice(0, started.indexOf(part)).reduce((sum, { commands }) => sum + commands.length, 0);
  return responses.slice(before).some(({ sw }, index) => {
    const command = part.commands[index];
    return command !== undefined && !accepts(command, sw);
  });
}

async function runProtectedTrip(
  rows: readonly CardRow<PlainCommand>[],
  facts: AnyFacts,
  context: VisitContext,
  { later, last }: Place,
) {
  const start = performance.now();
  const started = await startRows(rows, facts, context);
  const plain = started.flatMap((part) => part.commands);
  // With nothing to say the authentication waits for the next trip; the last one of a visit makes it.
  if (plain.length === 0 && (context.channel.kind !== 'opened' || later)) {
    return finishRows(started, [], [], [], undefined, context);
  }
  const authenticating = context.channel.kind === 'opened';
  const script = await context.channel.script(plain.map(toSend));
  const result = await exchange(script.commands, context, last);
  const judged = result.responses[0]?.sw;
  if (authenticating && judged !== undefined) {
    await context.channel.endAttempt(judged === '9000' ? 'succeeded' : 'refused');
  }
  // EXTERNAL and INTERNAL AUTHENTICATE come before the wrapped commands.
  const lead = script.commands.length - plain.length;
  const wrapped = script.commands.slice(lead);
  const authentication = { commands: script.commands.slice(0, lead), responses: result.responses.slice(0, lead) };
  requireAccepted(authentication.commands, authentication.responses);
  const responses = await context.channel.unwrap(result.responses);
  const opener = context.channel.openedBy;
  const cost = tripCost(result, start);
  if (lead === 0 || opener === undefined) return finishRows(started, plain, wrapped, responses, cost, context);
  // The authentication belongs to the row that opened the channel; so does the trip.
  const { roundTrips } = result.cost;
  await context.report({ ...costOf(opener, authentication), ...wayOf(result), roundTrips });
  const rest = { ...cost, without: costOf(opener, authentication) };
  return finishRows(started, plain, wrapped, responses, rest, context);
}

async function exchange(
  commands: readonly CardCommand[],
  context: VisitContext,
  last = false,
): Promise<ExchangeResult> {
  if (commands.length === 0) {
    const cost = { roundTrips: 0, apdus: 0, bytesOut: 0, bytesIn: 0, ms: 0 };
    return { responses: [], stopped: false, cost };
  }
  await context.journal?.flush();
  const result = await context.card.exchange(commands, last);
  if (result.responses.length > commands.length || (result.responses.length < commands.length && !result.stopped)) {
    throw new WireError('script-responses', 'The terminal answered another number of responses than commands', {
      expected: commands.length,
      got: result.responses.length,
    });
  }
  return result;
}

function requireAccepted(commands: readonly CardCommand[], responses: readonly CardResponse[]): void {
  for (const [index, command] of commands.entries()) {
    const response = responses[index];
    if (response !== undefined && !accepts(command, response.sw)) throw refused(command.label, response.sw);
  }
}

const accepts = (command: CardCommand | PlainCommand, sw: string): boolean =>
  ('anyStatus' in command && command.anyStatus === true) || (command.expect ?? ['9000']).includes(sw);

function isEnding<Command extends CardCommand | PlainCommand>(command: Command): command is EndingCommand<Command> {
  return 'endsAt' in command;
}

/** As terminal and KMS take it: that the trip may end there is between row and engine. */
function toSend<Command extends CardCommand | PlainCommand>(command: Command): Command {
  if (!isEnding(command)) return command;
  const { endsAt: _endsAt, ...sent } = command;
  return sent as unknown as Command;
}

function refused(label: string, sw: string): StatusWordError {
  const meaning = statusWordMeaning(Number.parseInt(sw, 16));
  return new StatusWordError('status-word', `${label}: card answered ${sw}, ${meaning}`, {
    sw,
    command: label,
    meaning,
  });
}

/** Hands each row its responses, in order; the first row that was refused ends the trip. */
async function finishRows<Command extends CardCommand | PlainCommand>(
  started: readonly Started<Command>[],
  commands: readonly Command[],
  sent: readonly CardCommand[],
  responses: readonly CardResponse[],
  cost: Cost | undefined,
  context: VisitContext,
): Promise<AnyFacts | Stop> {
  const records = costOfRows(started, sent, responses, cost);
  let facts: AnyFacts = {};
  let offset = 0;
  for (const [index, part] of started.entries()) {
    const own = responses.slice(offset, offset + part.commands.length);
    const record = records[index];
    if (record !== undefined) await context.report(record);
    const added = await at(part.row, async () => {
      for (const [position, command] of commands.slice(offset, offset + part.commands.length).entries()) {
        const response = own[position];
        if (response === undefined)
          throw new TransportError('script-cut', `${command.label}: the script ended before it`);
        if (isEnding(command) && command.endsAt.includes(response.sw)) break;
        if (!accepts(command, response.sw)) throw refused(command.label, response.sw);
      }
      return part.finish(own);
    });
    if (added instanceof Stop) return added;
    context.channel.noteOpener(part.row);
    facts = { ...facts, ...added };
    offset += part.commands.length;
  }
  return facts;
}

/** Errors of a row carry its numeral. */
async function at<T>(row: RowHead, act: () => Promise<T>): Promise<T> {
  noteWork({ step: row.numeral });
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof TsmError) || error.context.numeral !== undefined) throw error;
    const make = error.constructor as new (...args: ConstructorParameters<typeof TsmError>) => TsmError;
    throw new make(error.code, error.message, { ...error.context, numeral: row.numeral }, error);
  }
}

// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { CardCommand, CardResponse, TerminalResult } from '../../wire/message/card-script.ts';
import type { SeramScript } from '../../wire/message/front.ts';
import {
  type Handshake,
  type HandshakeAnswer,
  type Order,
  type RamCommand,
  type Report,
  SERAM_VERSION,
  type SecureElement,
} from '../../wire/message/seram.ts';
import { namedBy } from './card-of-element.ts';
import { hasNoChannel, listLength, readList } from './seram-script.ts';

/**
 * The remote agent's side of one SERAM session, as functions from state to state: no clock, no database, no network.
 * The state is what the database keeps, so that any node goes on with it. Times are milliseconds of the database's
 * clock.
 */

export type SeramState =
  | 'CREATED'
  | 'NEGOTIATED'
  | 'STARTED'
  | 'WAIT_AGENT'
  | 'WAIT_BACKEND'
  | 'STOPPED'
  | 'LOST'
  | 'FAILED'
  | 'EXPIRED';

/** A result without the frame of the terminal link. */
export type ScriptResult = Omit<TerminalResult, 'type' | 'id'>;

export interface RunningScript {
  readonly id: string;
  readonly fence: number;
  readonly commands: readonly CardCommand[];
  readonly responses: readonly CardResponse[];
  /** Commands of the list that is with the phone; absent while none is. */
  readonly out?: number;
  /** What the phone has not fetched by then is never handed out. */
  readonly fetchBefore: number;
  /** Whoever waits for the result gives up then. */
  readonly answerBefore: number;
  readonly apdus: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
}

export interface SeramSession {
  readonly state: SeramState;
  readonly element: Pick<SecureElement, 'seType' | 'seId'>;
  /** Further names of the element: the phone may know it by one of them. */
  readonly names?: readonly string[];
  readonly createdAt: number;
  /** When the agent was last heard. */
  readonly seenAt: number;
  /** When the last script came, or before that the agent. */
  readonly workedAt?: number;
  /** Number of the last order with commands. */
  readonly seq: number;
  /** That order, while its report has not come. */
  readonly order?: Order;
  /** SHA-256 of the cookie that binds the session to one agent. */
  readonly binding?: string;
  /** The agent sends cookies back; unknown before its first report. */
  readonly cookies?: boolean;
  /** Of an agent without cookies: the connection that its last order went out on, and SHA-256 of its last report. */
  readonly link?: string;
  readonly reported?: string;
  /** Number of an order that two reports of one agent were answered with. */
  readonly twice?: number;
  /** Highest fence seen. */
  readonly fence: number;
  readonly script?: RunningScript;
  readonly result?: { readonly id: string; readonly result: ScriptResult };
  /** The operation is over: what the app is told with the stop. */
  readonly ending?: string;
  /** What the agent said when it failed. */
  readonly reason?: string;
}

/** An agent that is silent for so long is lost, and a session that nobody took up by then expires. */
export const LOST_MS = 300_000;
const FINAL: readonly SeramState[] = ['STOPPED', 'LOST', 'FAILED', 'EXPIRED'];

export const isOver = ({ state }: SeramSession): boolean => FINAL.includes(state);
/** The phone is there and may be sent commands. */
export const isPresent = (session: SeramSession): boolean => !isOver(session) && session.state !== 'CREATED';

/** An agent without work is answered after 25 s and asks again: one that was not heard for so long is away. */
const AWAY_MS = 60_000;
/** The phone has been heard lately, or is busy with its card. */
export const isHeard = ({ state, seenAt }: SeramSession, now: number): boolean =>
  state === 'WAIT_AGENT' || now - seenAt < AWAY_MS;

export function newSession(element: SeramSession['element'], now: number, names: readonly string[] = []): SeramSession {
  return { state: 'CREATED', element, names, createdAt: now, seenAt: now, seq: 0, fence: 0 };
}

/** Its id is given anew: whoever gets it has as long to take it up as the first had. */
export const givenAgain = (session: SeramSession, now: number): SeramSession =>
  session.state === 'CREATED' ? { ...session, seenAt: now } : session;

/** Time has passed: sessions that were not taken up expire, agents that are silent are lost. */
export function aged(session: SeramSession, now: number): SeramSession {
  if (isOver(session) || now - session.seenAt < LOST_MS) return session;
  return over(session, session.state === 'CREATED' ? 'EXPIRED' : 'LOST', 'the phone was not heard for five minutes');
}

function over(session: SeramSession, state: SeramState, reason: string): SeramSession {
  const { order: _order, ...rest } = withoutScript(session, 'link-lost', reason);
  return { ...rest, state, reason };
}

/** The script that runs ends as a link that failed. */
function withoutScript(session: SeramSession, code: string, message: string): SeramSession {
  const { script, ...rest } = session;
  if (script === undefined) return session;
  return { ...rest, result: { id: script.id, result: failedResult(code, message, script) } };
}

export function failedResult(code: string, message: string, script?: RunningScript): ScriptResult {
  const { responses = [], apdus = 0, bytesOut = 0, bytesIn = 0 } = script ?? {};
  return { responses: [...responses], stopped: false, failure: { code, message }, apdus, bytesOut, bytesIn };
}

export type Negotiated =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'chosen'; readonly session: SeramSession; readonly answer: HandshakeAnswer };

const HAS = { protocol: 'HTTPS', format: 'application/json', version: SERAM_VERSION } as const;

/**
 * The handshake. Until the first report the same agent may repeat it, its answer may have been lost; the cookie of the
 * last one counts.
 */
export function negotiate(session: SeramSession, offer: Handshake, binding: string, now: number): Negotiated {
  if (session.state !== 'CREATED' && session.state !== 'NEGOTIATED') return { kind: 'unknown' };
  const same = offer.secureElements.filter(namedBy([session.element.seId, ...(session.names ?? [])]));
  const offered = same.find(({ seType }) => seType === session.element.seType) ?? same[0];
  if (offered === undefined)
    return { kind: 'refused', reason: 'the secure element of this session is not among those offered' };
  // Orders name it as this phone does.
  const element = { seType: offered.seType, seId: offered.seId };
  for (const [supported, name] of [
    [offer.supportedTransportProtocols, HAS.protocol],
    [offer.supportedDataFormats, HAS.format],
    [offer.supportedVersions, HAS.version],
  ] as const) {
    // Clients that are generated from the schema send an empty list for one that is not provided.
    if (supported !== undefined && supported.length > 0 && !supported.includes(name))
      return { kind: 'refused', reason: `this server speaks ${name} only` };
  }
  const answer: HandshakeAnswer = {
    chosenTransportProtocol: HAS.protocol,
    chosenDataFormat: HAS.format,
    chosenDataProtocol: HAS.format,
    chosenVersion: HAS.version,
  };
  const times = { seenAt: now, workedAt: now };
  return { kind: 'chosen', session: { ...session, ...times, state: 'NEGOTIATED', element, binding }, answer };
}

export interface ReportCookies {
  readonly seq?: number;
  /** SHA-256 of the cookie of the handshake. */
  readonly binding?: string;
  /** The connection that the report came on; absent where nobody can tell. */
  readonly link?: string;
}

export type Heard =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused'; readonly reason: string }
  /** The order was lost on its way: the same one again, nothing was consumed. */
  | { readonly kind: 'again'; readonly session: SeramSession; readonly order: Order; readonly seq: number }
  | { readonly kind: 'heard'; readonly session: SeramSession };

/** A report came in. Its `seq` cookie tells to which order it belongs; one without cookies belongs to the last. */
export function hear(session: SeramSession, report: Report, cookies: ReportCookies, now: number): Heard {
  if (session.state === 'STOPPED') return stopAgain(session, cookies, now);
  if (isOver(session) || session.state === 'CREATED') return { kind: 'unknown' };
  const bound = cookies.binding !== undefined;
  if (bound ? cookies.binding !== session.binding : session.cookies === true) return { kind: 'unknown' };
  const keeps = session.cookies ?? bound;
  const seq = cookies.seq ?? (keeps ? 0 : session.seq);
  if (seq > session.seq) return { kind: 'refused', reason: 'this report belongs to an order that was not given' };
  const seen: SeramSession = { ...session, cookies: keeps, seenAt: now };
  if (seq < session.seq) return lost(seen, now);
  if (!keeps && isDoubtful(session, report, cookies)) return { kind: 'heard', session: missed(seen) };
  const { localAgentStatusEnum: status, errorMsg } = report.localAgentStatus;
  if (status === 'POLLING' || status === 'PROCESSED')
    return { kind: 'heard', session: consume(keeps ? seen : noted(seen, report, cookies), report) };
  return { kind: 'heard', session: over(seen, 'FAILED', `${status}: ${shown(errorMsg ?? 'no reason given')}`) };
}

const digestOf = (report: Report): string => createHash('sha256').update(JSON.stringify(report)).digest('hex');

function noted({ link: _link, ...session }: SeramSession, report: Report, { link }: ReportCookies): SeramSession {
  return { ...session, reported: digestOf(report), ...(link === undefined ? {} : { link }) };
}

/**
 * Without cookies a report that is the same as the last one may be that one sent again: the order behind it was lost.
 * It answers that order for sure where it comes on the connection that the order went out on.
 */
function isDoubtful({ script, reported, link }: SeramSession, report: Report, cookies: ReportCookies): boolean {
  if (script?.out === undefined || reported !== digestOf(report)) return false;
  return link === undefined || link !== cookies.link;
}

const NO_COOKIES =
  'the phone may not have its last order: its agent sends no cookies, which it needs behind a proxy and where it ' +
  'keeps no connection';

/** An agent without cookies may not have its last order: what it did with the APDUs nobody knows. */
function missed(session: SeramSession): SeramSession {
  const { order, ...rest } = session;
  if (order === undefined || session.state !== 'WAIT_AGENT') return session;
  const without: SeramSession = { ...rest, state: withoutOrder(order) };
  return withoutScript(without, 'link-lost', NO_COOKIES);
}

/**
 * The answer with this order was not written to its end: an agent without cookies cannot say whether it has it, unless
 * another of its reports was answered with it too.
 */
export function cut(session: SeramSession, seq: number): SeramSession {
  const isOut = session.seq === seq && session.twice !== seq && session.script?.out !== undefined;
  return session.cookies === false && isOut ? missed(session) : session;
}

/** What an agent says goes to logs and operators' terminals: no control characters, and not without end. */
const shown = (text: string): string => text.slice(0, 400).replaceAll(/\p{C}/gu, ' ');

/**
 * The order to stop was lost on its way: the same again, to the agent that it was for. One that keeps no cookies hears
 * it once more, whatever became of the first: whoever has stopped reports no more.
 */
function stopAgain(session: SeramSession, cookies: ReportCookies, now: number): Heard {
  const { order, ...stopped } = session;
  if (order === undefined || now - session.seenAt > LOST_MS) return { kind: 'unknown' };
  if (session.cookies !== true) return { kind: 'again', session: stopped, order, seq: session.seq };
  const missed = cookies.binding === session.binding && (cookies.seq ?? 0) < session.seq;
  return missed ? { kind: 'again', session, order, seq: session.seq } : { kind: 'unknown' };
}

/**
 * The agent has not got the last order: it gets the same one again, unless its time is over. A credit that nobody
 * fetched in time must not reach the card later.
 */
function lost(session: SeramSession, now: number): Heard {
  const { order, script, ...rest } = session;
  if (order === undefined) return { kind: 'heard', session };
  const carriesApdus = order.ramCommands?.some(({ ramCommandType }) => ramCommandType === 'seRamCommand') === true;
  const inTime = script?.out !== undefined && script.fetchBefore >= now;
  if (!carriesApdus || inTime) return { kind: 'again', session, order, seq: session.seq };
  const without: SeramSession = { ...rest, state: withoutOrder(order) };
  if (script === undefined) return { kind: 'heard', session: without };
  const kept = { ...without, script };
  return {
    kind: 'heard',
    session: script.out === undefined ? kept : withoutScript(kept, 'card-timeout', 'the phone fetched nothing in time'),
  };
}

/** Behind an order that the agent has not got and does not get again: the start that it held is still to be said. */
const withoutOrder = ({ ramCommands = [] }: Order): 'STARTED' | 'WAIT_BACKEND' =>
  ramCommands.some(({ ramCommandType }) => ramCommandType === 'ramStartCommand') ? 'STARTED' : 'WAIT_BACKEND';

/** For a report that is held while the order goes out to another one of the same agent. */
export function givenSince(session: SeramSession, seq: number, now: number): Heard | undefined {
  return session.seq > seq && session.order !== undefined ? lost(session, now) : undefined;
}

function consume(session: SeramSession, report: Report): SeramSession {
  if (session.state === 'NEGOTIATED') return { ...session, state: 'STARTED' };
  if (session.state !== 'WAIT_AGENT') return session;
  const { order, script, ...rest } = session;
  // Whoever has an order with APDUs has executed something: an agent without cookies that polls has not got it.
  const missed = report.localAgentStatus.localAgentStatusEnum === 'POLLING' && script?.out !== undefined;
  const state = missed && order !== undefined ? withoutOrder(order) : 'WAIT_BACKEND';
  const next: SeramSession = { ...rest, state };
  if (script?.out === undefined) return script === undefined ? next : { ...next, script };
  const answers = report.ramResponses?.[0]?.listOfRAPDU ?? [];
  const sent = script.commands.slice(script.responses.length, script.responses.length + script.out);
  // A count is not asked for; one that says less than the order had tells of a failure. Our orders have one command.
  const { executedSeRamCommands = 1 } = report.localAgentStatus;
  const { responses, stopped, failed } = readList(sent, answers, {
    noChannel: hasNoChannel(script.commands, script.responses),
    failed: executedSeRamCommands < 1,
  });
  const { out: _out, ...done } = script;
  const after: RunningScript = {
    ...done,
    responses: [...script.responses, ...responses],
    bytesIn: script.bytesIn + answers.reduce((sum, answer) => sum + answer.length / 2, 0),
  };
  if (failed) {
    const { errorMsg } = report.localAgentStatus;
    const said = errorMsg === undefined ? '' : `: ${shown(errorMsg)}`;
    const message = `the phone had no answer of the card for a command${said}`;
    return withoutScript({ ...next, script: after }, 'link-lost', message);
  }
  if (!stopped && after.responses.length < after.commands.length) return { ...next, script: after };
  const { apdus, bytesOut, bytesIn } = after;
  const result = { responses: [...after.responses], stopped, apdus, bytesOut, bytesIn };
  return { ...next, result: { id: after.id, result } };
}

export interface Given {
  readonly session: SeramSession;
  readonly order: Order;
  readonly seq: number;
}

/** The next order, when there is something to send. @param delayMs pause that the agent makes before its next report */
export function give(session: SeramSession, now: number, delayMs: number): Given | undefined {
  if (isOver(session) || !['STARTED', 'WAIT_BACKEND'].includes(session.state)) return undefined;
  const start: RamCommand[] = session.state === 'STARTED' ? [{ ramCommandType: 'ramStartCommand' }] : [];
  const { script, ending } = session;
  if (script !== undefined && script.fetchBefore >= now) return handOut(session, script, start, delayMs);
  if (ending === undefined) return undefined;
  const commands: RamCommand[] = [
    ...start,
    { ramCommandType: 'notificationCommand', deviceAppNotification: ending },
    { ramCommandType: 'ramStopCommand' },
  ];
  const seq = session.seq + 1;
  const order: Order = { delay: 0, ramCommands: commands };
  return { session: { ...session, state: 'STOPPED', seq, order }, order, seq };
}

function handOut(session: SeramSession, script: RunningScript, start: readonly RamCommand[], delay: number): Given {
  const at = script.responses.length;
  const out = listLength(script.commands, at);
  const list = script.commands.slice(at, at + out).flatMap(({ apdus }) => apdus);
  const seq = session.seq + 1;
  const order: Order = {
    delay,
    chosenSecureElement: session.element,
    ramCommands: [...start, { ramCommandType: 'seRamCommand', listOfCAPDU: list }],
  };
  const running: RunningScript = {
    ...script,
    out,
    apdus: script.apdus + list.length,
    bytesOut: script.bytesOut + list.reduce((sum, apdu) => sum + apdu.length / 2, 0),
  };
  return { session: { ...session, state: 'WAIT_AGENT', seq, order, script: running }, order, seq };
}

/** The start alone, when no script has come for as long as an answer may be held. */
export function giveStart(session: SeramSession, delay: number): Given | undefined {
  if (session.state !== 'STARTED') return undefined;
  const seq = session.seq + 1;
  const order: Order = { delay, ramCommands: [{ ramCommandType: 'ramStartCommand' }] };
  return { session: { ...session, state: 'WAIT_AGENT', seq, order }, order, seq };
}

/** An operation wants a script run. The same id again changes nothing; a higher fence takes the place of what ran. */
export function submit(
  session: SeramSession,
  wanted: SeramScript,
  now: number,
): { readonly session: SeramSession; readonly refused?: ScriptResult } {
  if (session.script?.id === wanted.id || session.result?.id === wanted.id) return { session };
  if (!isPresent(session)) return { session, refused: failedResult('card-removed', 'the phone has left') };
  if (wanted.fence < session.fence) {
    return { session, refused: failedResult('stale-fence', 'a newer session holds the card') };
  }
  if (session.script !== undefined && wanted.fence === session.fence) {
    return { session, refused: failedResult('card-busy', 'another script of this session is under way') };
  }
  const cardMs = wanted.commands.reduce((sum, { timeoutMs }) => sum + (timeoutMs ?? COMMAND_MS), 0);
  const script: RunningScript = {
    id: wanted.id,
    fence: wanted.fence,
    commands: wanted.commands,
    responses: [],
    apdus: 0,
    bytesOut: 0,
    bytesIn: 0,
    fetchBefore: now + Math.min(cardMs, wanted.timeoutMs) / 2,
    answerBefore: now + wanted.timeoutMs,
  };
  const free = withoutScript(session, 'stale-fence', 'replaced');
  return { session: { ...free, fence: wanted.fence, script, workedAt: now } };
}

/** For how long nobody has had work for this phone, in milliseconds: 0 before it comes, and while a script runs. */
export const idleMs = ({ state, script, workedAt, createdAt }: SeramSession, now: number): number =>
  script === undefined && state !== 'CREATED' ? now - (workedAt ?? createdAt) : 0;

/** Longest time of a command that names none, as at a terminal. */
const COMMAND_MS = 30_000;

/** Whoever waited for this script has given up. @returns the session without it, and what is known of it */
export function giveUp(session: SeramSession, id: string): SeramSession {
  if (session.script?.id !== id) return session;
  const fetched = session.script.out !== undefined || session.script.responses.length > 0;
  const message = fetched ? 'the phone did not answer in time' : 'the phone did not fetch the script in time';
  return withoutScript(session, 'card-timeout', message);
}

/** The operation is over: the agent is told to stop when it asks next. */
export const end = (session: SeramSession, ending: string): SeramSession =>
  isOver(session) || session.ending !== undefined ? session : { ...session, ending };

// SPDX-License-Identifier: Apache-2.0
import { TransportError, WireError } from '../../errors.ts';
import type { CardBearer, CardScript, CarriedScript } from '../../service/ota/card-bearer.ts';
import {
  FILES_TAR,
  messagesOf,
  PRIORITY,
  type ProofWay,
  packetMessages,
  packetSecurity,
  scriptRoom,
} from '../../service/ota/packet-rules.ts';
import type { ReachedCard } from '../../service/ota/terminal-directory.ts';
import type { PacketRow, PacketSession, PacketTable } from '../../store/ota/packet-table.ts';
import type { SubscriptionTable } from '../../store/ota/subscription-table.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import { answerFollows, RESPONSE_STATUS, responseStatusMeaning } from '../../wire/uicc/response-status.ts';
import { encodeSecurityParameters } from '../../wire/uicc/security-parameters-indicator.ts';
import { type AdminOutcome, decodeAdminResult, encodeAdminBody } from '../bip/admin-script.ts';
import { decodeCompactResult, encodeCompactPacket } from './compact-packet.ts';
import { isOpen, type SmsOrder, type SmsOutbox } from './outbox.ts';
import { maybeAskedAgain, maySelectNothing, type PacketTarget, sameTarget } from './packet-target.ts';

/** Scripts go to the card as secured packets in short messages (SCP80), one packet and one answer for each script. */

export interface SmsBearerOptions {
  readonly outbox: SmsOutbox;
  readonly table: PacketTable;
  readonly subscriptions: SubscriptionTable;
  readonly keySet: number;
  /** Of the issuer's domain, 3 bytes. */
  readonly tar: Uint8Array;
  /** Short messages that the card joins to one packet. */
  readonly maxParts: number;
  /** Of the scripts; default expanded. */
  readonly format?: 'expanded' | 'compact';
  /** Default `deliver-report`; `submit` where the SMSC does not hand on what a deliver report brings. */
  readonly proof?: ProofWay;
  /** How long the SMSC may take its time with the first message before the next bearer is tried; default 30,000. */
  readonly reachMs?: number;
  readonly now?: () => Date;
  readonly onError: (error: Error) => void;
}

const REACH_MS = 30_000;
/** As over the other bearer that can hold a command back (docs/adr/011-permits-to-load.md). */
const SHORTEST_MS = 30_000;
/** Tag and length around all commands. */
const TEMPLATE_BYTES = 4;
const TRUNCATED = '62F1';

export class SmsBearer implements CardBearer {
  readonly #options: SmsBearerOptions;
  readonly #room: number;

  constructor(options: SmsBearerOptions) {
    this.#options = options;
    this.#room = scriptRoom(options.maxParts);
  }

  refusal({ reader: { msisdn, readerName } }: ReachedCard, { commands }: CardScript): string | undefined {
    const longest = Math.max(...commands.map(({ apdus }) => apdus.join('').length / 2 + 4 * apdus.length));
    if (longest > this.#room - TEMPLATE_BYTES) return 'a command is longer than a packet may be';
    if (msisdn === undefined) return `${readerName} has no number`;
    if (commands.some((command) => (command.timeoutMs ?? SHORTEST_MS) < SHORTEST_MS))
      return 'a command with a short time limit does not go over this bearer';
    return undefined;
  }

  /** Messages to the card; what it answers is not known before. */
  units({ commands }: CardScript): number {
    let messages = 0;
    let target: PacketTarget = 'domain';
    for (let left: readonly CardCommand[] = commands; left.length > 0; ) {
      const { body, run, packet } = this.#packet(left, target);
      target = packet;
      messages += messagesOf(body.length);
      left = left.slice(run.length);
    }
    return messages;
  }

  get #isCompact(): boolean {
    return this.#options.format === 'compact';
  }

  /** What the next packet has: commands for one target, as many as it has room for, or as are not sent in vain. */
  #packet(left: readonly CardCommand[], before: PacketTarget) {
    const next = sameTarget(left, before);
    const whole = this.#encode(next.run);
    const run = next.run.slice(0, whole.commands);
    const lead = this.#lead(run, whole.body);
    if (lead === undefined) return { body: whole.body, run, packet: next.target };
    return { body: lead.body, run: run.slice(0, lead.commands), packet: next.target };
  }

  #encode(commands: readonly CardCommand[]) {
    return this.#isCompact
      ? encodeCompactPacket(commands, this.#room)
      : encodeAdminBody(commands, { form: 'definite', maxBytes: this.#room });
  }

  /**
   * The card stops at a SELECT of what it does not have, and all that stands behind would be sent again: the SELECT
   * goes ahead in one message, where the two packets take no more than one message more.
   */
  #lead(run: readonly CardCommand[], body: Uint8Array) {
    const last = run.findLastIndex(maySelectNothing);
    const behind = run.slice(last + 1);
    const inOne = packetMessages(body.length);
    if (last < 0 || behind.length === 0 || inOne === 1) return undefined;
    const lead = this.#encode(run.slice(0, last + 1));
    const both = packetMessages(lead.body.length) + packetMessages(this.#encode(behind).body.length);
    return packetMessages(lead.body.length) === 1 && both <= inOne + 1 ? lead : undefined;
  }

  async exchange(card: ReachedCard, script: CardScript, timeoutMs: number): Promise<CarriedScript> {
    const refusal = this.refusal(card, script);
    if (refusal !== undefined) throw unreachable(refusal);
    const cardId = await this.#cardOf(card);
    const session = sessionOf(card, script.fence);
    const deadline = this.#now() + timeoutMs;
    const responses: CardResponse[] = [];
    const cost = { apdus: 0, bytesOut: 0, bytesIn: 0, roundTrips: 0 };
    let target: PacketTarget = 'domain';
    // More than once where the card stops at an answer that the script goes on after, a packet or its answer is full,
    // or files and domains come in turn.
    for (let left: readonly CardCommand[] = script.commands; ; left = script.commands.slice(responses.length)) {
      const { body, run, packet: next } = this.#packet(left, target);
      target = next;
      const tar = target === 'files' ? FILES_TAR : this.#options.tar;
      const packet = await this.#run({ card: cardId, tar, data: body, session }, deadline).catch((error: unknown) => {
        throw responses.length === 0 ? error : unknownOutcome(error as Error);
      });
      cost.roundTrips += 1;
      cost.bytesOut += body.length;
      cost.bytesIn += packet.bytesIn;
      const outcome = outcomeOf(run, packet, this.#isCompact ? decodeCompactResult : decodeAdminResult);
      cost.apdus += outcome.responses.length;
      responses.push(...outcome.responses);
      if (outcome.stopped || responses.length === script.commands.length)
        return { ...cost, responses, stopped: outcome.stopped };
    }
  }

  #now(): number {
    return (this.#options.now?.() ?? new Date()).getTime();
  }

  /** Whose number the reader has. @throws TransportError `bearer-unreachable` */
  async #cardOf({ link, reader: { msisdn, readerName } }: ReachedCard): Promise<string> {
    const { subscriptions } = this.#options;
    const card = msisdn === undefined ? undefined : (await subscriptions.at(link.terminalId, msisdn))?.card;
    if (card !== undefined) return card;
    // Providers read this: the number is none of their business, nor whether it is anybody's.
    throw unreachable(`no card is entered for the number of ${readerName} at ${link.terminalId}`);
  }

  async #run(parts: Pick<SmsOrder, 'card' | 'tar' | 'data' | 'session'>, deadline: number): Promise<PacketRow> {
    const { outbox, table, keySet, reachMs = REACH_MS } = this.#options;
    const spi = encodeSecurityParameters(packetSecurity(this.#options.proof));
    const id = await outbox.add({ ...parts, keySet, spi, priority: PRIORITY.SESSION, expiresAt: new Date(deadline) });
    const waitMs = deadline - this.#now();
    const began = await outbox.until(id, ({ state }) => state !== 'queued', Math.min(reachMs, waitMs));
    if (began?.state === 'queued' && (await table.withdraw(id))) throw unreachable('the SMSC did not take the message');
    await outbox.until(id, (packet) => !isOpen(packet), deadline - this.#now());
    await table.giveUp(id);
    const packet = await table.find(id);
    if (packet?.state === 'answered') return packet;
    throw failureOf(packet);
  }

  release(card: ReachedCard, fence: number): void {
    const { link, reader } = card;
    const giveUp = async () => this.#options.table.giveUpSession(await this.#cardOf(card), sessionOf(card, fence));
    if (reader.msisdn !== undefined)
      giveUp().catch((error: Error) => {
        const unknown = error instanceof TransportError && error.code === 'bearer-unreachable';
        if (!unknown) this.#options.onError(error);
      });
    link.release(reader.readerName, fence);
  }
}

const sessionOf = ({ link, reader }: ReachedCard, fence: number): PacketSession => ({
  terminalId: link.terminalId,
  readerName: reader.readerName,
  fence,
});

function failureOf(packet: PacketRow | undefined): TransportError {
  const { state = 'lost', status, authenticated } = packet ?? {};
  if (state === 'withdrawn' || state === 'expired') return unreachable('the message was never sent');
  if (status == null) return new TransportError('outcome-unknown', 'the message was sent and no answer came');
  const behind = status === RESPONSE_STATUS.COUNTER_LOW ? ', or is behind the card for good (packet-counters)' : '';
  // Anybody may send a refusal that no key vouches for.
  const unproved = authenticated === false ? ', unproved' : '';
  const said = `the card says: ${responseStatusMeaning(status)}${behind}${unproved}`;
  // A node of a release before writes the unproved one so too.
  if (state === 'refused' && authenticated === true) return unreachable(said);
  return new TransportError('outcome-unknown', said, restsBehind(status, authenticated));
}

/** Whether the next script would fare no better, by what was said of this one. */
function restsBehind(status: number, authenticated: boolean | null | undefined) {
  // An answer that never came may come the next time.
  if (answerFollows(status)) return {};
  // What anybody may have said, or a copy of the packet behind an answer that was lost, is not this card's way: it is
  // for a card that has other keys or another counter, which says so every time.
  return { rests: authenticated === true ? true : 'again' };
}

function outcomeOf(
  commands: readonly CardCommand[],
  { response }: PacketRow,
  decode: (commands: readonly CardCommand[], body: Uint8Array) => AdminOutcome,
) {
  try {
    const outcome = decode(commands, response ?? new Uint8Array());
    if (outcome.responses.length === 0) throw new WireError('script-responses', 'The card ran nothing of the script');
    const { responses } = outcome;
    if (responses.at(-1)?.sw !== TRUNCATED) return outcome;
    const cut = commands[responses.length - 1];
    if (responses.length > 1 && cut !== undefined && maybeAskedAgain(cut))
      return { responses: responses.slice(0, -1), stopped: false };
    throw new WireError('script-truncated', 'The card had no room for an answer');
  } catch (error) {
    throw unknownOutcome(error as Error);
  }
}

const unreachable = (message: string): TransportError => new TransportError('bearer-unreachable', message);

const unknownOutcome = (error: Error): TransportError =>
  new TransportError('outcome-unknown', `the card may have run the script: ${error.message}`, restsOf(error), error);

const restsOf = (error: Error) =>
  error instanceof TransportError && error.context.rests !== undefined ? { rests: error.context.rests } : {};

// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { SecureChannelError, TransportError, TsmError } from '../../errors.ts';
import type { PacketClient } from '../../rest/clients/packets.ts';
import { type ServerRules, sendingOf } from '../../service/ota/sending-policy.ts';
import { type Bells, readUntil } from '../../store/bells.ts';
import { cardIdOfText } from '../../store/card-id.ts';
import {
  type Lane,
  type NewPacket,
  OUTBOX_BELL,
  type PacketRow,
  type PacketState,
  type PacketTable,
  packetBell,
} from '../../store/ota/packet-table.ts';
import type { SubscriptionTable } from '../../store/ota/subscription-table.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { splitPacket } from '../../wire/uicc/concatenation.ts';
import { MAX_COUNTER } from '../../wire/uicc/secured-packet.ts';
import { ELEMENT } from '../../wire/uicc/user-data-header.ts';
import { ESM, relativeTime, type SmppMessage } from './smpp-pdu.ts';
import { type MessageNetwork, type SmscRoute, type SmscRoutes, withProof } from './smsc-routes.ts';

/**
 * Packets for cards, durably: the counter is raised before a packet is made, its messages are stored before the first
 * one leaves, and the same bytes go again until the card has answered or the packet's time is over.
 */

export interface SmsOutboxOptions {
  readonly table: PacketTable;
  readonly subscriptions: SubscriptionTable;
  /** Wraps packets under keys that stay in the KMS. */
  readonly packets: PacketClient;
  readonly network: MessageNetwork;
  readonly bells: Bells;
  /** The server's number, to which cards answer. */
  readonly source: string;
  /** Where other cards' messages go; default all by `network`. */
  readonly routes?: SmscRoutes;
  /** Rules of card groups. */
  readonly groups?: ServerRules['groups'];
  /** Pause after the SMSC could not take a message; default 1,000. */
  readonly retryMs?: number;
  /** Pause before the same packet is sent again, doubled each time; default 60,000. */
  readonly resendMs?: number;
  /** How many times a packet is sent; default 4. */
  readonly maxSendings?: number;
  /** When to go on with what may wait; default at once. */
  readonly quietUntil?: (at: Date) => Date;
  /** How often the claims of what is at work are renewed; default 10,000. */
  readonly holdMs?: number;
  readonly now?: () => Date;
  readonly onError: (error: Error) => void;
}

export type SmsOrder = Omit<NewPacket, 'id' | 'nextAt'> & {
  /** Not before this. */
  readonly notBefore?: Date;
};

const RETRY_MS = 1_000;
const RESEND_MS = 60_000;
const MAX_SENDINGS = 4;
/** How long the other nodes leave a packet to the one that has taken it, and how often that one says so anew. */
const CLAIM_MS = 30_000;
const HOLD_MS = 10_000;
/** Packets at work: by one SMSC, by all, and by each one also where the others have taken all that there are. */
const PLACES_OF_SESSIONS = { one: 64, all: 256, kept: 8 };
const PLACES_OF_CAMPAIGNS = { one: 8, all: 32, kept: 2 };
const LONGEST_SLEEP_MS = 60_000;
const PID_DOWNLOAD = 0x7f;
/** 8-bit data of class 2, for the card. */
const DCS_CARD = 0xf6;
const RECEIPT = 1;

/** A packet that is at work: of a campaign, and by which SMSC where there are several. */
interface Work {
  readonly id: string;
  readonly campaign: boolean;
  readonly laneName: string | undefined;
}

const OPEN: readonly PacketState[] = ['queued', 'sent'];

export class SmsOutbox implements AsyncDisposable {
  readonly #options: SmsOutboxOptions;
  readonly #closing = new AbortController();
  #run: Promise<void> | undefined;
  readonly #working = new Map<Promise<void>, Work>();
  #holding: NodeJS.Timeout | undefined;
  readonly #lanes: readonly (Lane | undefined)[];
  #awake: AbortController | undefined;

  constructor(options: SmsOutboxOptions) {
    this.#options = options;
    const { lanes = [] } = options.routes ?? {};
    this.#lanes = lanes.length === 0 ? [undefined] : lanes;
    for (const lane of this.#lanes) this.#networkOf(lane).onBack?.(() => this.#awake?.abort('back'));
  }

  #networkOf(lane: Lane | undefined): MessageNetwork {
    const { network, routes } = this.#options;
    return (lane === undefined ? undefined : routes?.networkOf(lane.name)) ?? network;
  }

  #now(): Date {
    return this.#options.now?.() ?? new Date();
  }

  #after(ms: number): Date {
    return new Date(this.#now().getTime() + ms);
  }

  /** Takes a packet's content. @returns its id */
  async add({ notBefore, ...order }: SmsOrder): Promise<string> {
    const id = randomBytes(16).toString('hex');
    const now = this.#now();
    await this.#options.table.add({ ...order, id, nextAt: notBefore ?? now }, now);
    return id;
  }

  /** The packet when it is `done`, or as it is after `waitMs`. */
  async until(id: string, done: (packet: PacketRow) => boolean, waitMs: number): Promise<PacketRow | undefined> {
    const { table, bells } = this.#options;
    const wait = { done: (found: PacketRow | undefined) => found === undefined || done(found), waitMs };
    return readUntil(bells, packetBell(id), () => table.find(id), wait);
  }

  /** Takes a packet back that has not left. False when it has, or is over. */
  withdraw(id: string): Promise<boolean> {
    return this.#options.table.withdraw(id);
  }

  /** Works until it is disposed of. */
  start(): void {
    this.#run ??= this.#work();
  }

  async #work(): Promise<void> {
    const { bells, table, onError } = this.#options;
    while (!this.#closing.signal.aborted) {
      const awake = new AbortController();
      this.#awake = awake;
      const signal = AbortSignal.any([awake.signal, this.#closing.signal]);
      // The bell is heard from before the look on: what comes meanwhile is not missed.
      const rung = bells.heard(OUTBOX_BELL, LONGEST_SLEEP_MS, signal);
      let timer: NodeJS.Timeout | undefined;
      try {
        // What comes due between the look and here is due at once, not when something else wakes this.
        const since = this.#now();
        await this.#begin();
        const due = await table.nextDue(since);
        const sleepMs = due === undefined ? LONGEST_SLEEP_MS : due.getTime() - this.#now().getTime();
        timer = setTimeout(() => awake.abort('due'), Math.min(LONGEST_SLEEP_MS, Math.max(0, sleepMs)));
      } catch (error) {
        if (!(error instanceof TsmError)) throw error;
        onError(error);
        timer = setTimeout(() => awake.abort('again'), this.#options.retryMs ?? RETRY_MS);
      }
      await rung;
      clearTimeout(timer);
    }
    await Promise.all(this.#working.keys());
  }

  /** Does what is due now. @returns how many packets were looked after */
  async tick(): Promise<number> {
    const begun = await this.#begin();
    await Promise.all(begun);
    return begun.length;
  }

  /**
   * Begins what is due now. Of each SMSC card sessions have places of their own and campaigns have others, so that
   * neither people wait for a campaign nor anybody for an SMSC that is not his. What is for one that is away is left
   * alone: its link says when it is back.
   */
  async #begin(): Promise<readonly Promise<void>[]> {
    await this.#options.table.expire(this.#now());
    const begun: Promise<void>[] = [];
    for (const campaigns of [false, true])
      for (const lane of this.#lanes.filter((one) => this.#networkOf(one).isAway !== true))
        begun.push(...(await this.#claim(this.#places(campaigns, lane), { campaigns, lane })));
    return begun;
  }

  /** How many more may be at work by this SMSC. */
  #places(campaigns: boolean, lane: Lane | undefined): number {
    const busy = [...this.#working.values()].filter(({ campaign }) => campaign === campaigns);
    const ofLane = busy.filter(({ laneName }) => laneName === lane?.name).length;
    const { one, all, kept } = campaigns ? PLACES_OF_CAMPAIGNS : PLACES_OF_SESSIONS;
    return Math.max(kept - ofLane, Math.min(one - ofLane, all - busy.length));
  }

  async #claim(
    most: number,
    { campaigns, lane }: { readonly campaigns: boolean; readonly lane: Lane | undefined },
  ): Promise<Promise<void>[]> {
    if (most <= 0) return [];
    const except = this.#ids;
    const claim = { until: this.#after(CLAIM_MS), most, campaigns, except, ...(lane === undefined ? {} : { lane }) };
    const packets = await this.#options.table.claim(this.#now(), claim);
    return packets.map((packet) => this.#track(packet, { id: packet.id, campaign: campaigns, laneName: lane?.name }));
  }

  #track(packet: PacketRow, kind: Work): Promise<void> {
    const work = this.#advance(packet).finally(() => {
      this.#working.delete(work);
      if (this.#working.size === 0) this.#holding = void clearInterval(this.#holding);
      this.#awake?.abort('done');
    });
    this.#working.set(work, kind);
    // A packet may wait for its turn at the SMSC far longer than the others leave it alone at first.
    this.#holding ??= setInterval(() => void this.#hold(), this.#options.holdMs ?? HOLD_MS);
    return work;
  }

  get #ids(): readonly string[] {
    return [...this.#working.values()].map(({ id }) => id);
  }

  async #hold(): Promise<void> {
    try {
      await this.#options.table.hold(this.#ids, this.#after(CLAIM_MS));
    } catch (error) {
      if (!(error instanceof TsmError)) throw error;
      this.#options.onError(error);
    }
  }

  async #advance(packet: PacketRow): Promise<void> {
    const { table, onError, retryMs = RETRY_MS } = this.#options;
    try {
      await this.#send(packet);
    } catch (error) {
      if (!(error instanceof TsmError)) throw error;
      onError(error);
      if (error.code === 'counter-exhausted') await table.giveUp(packet.id);
      else await table.later(packet.id, this.#after(retryMs));
    }
  }

  async #send(packet: PacketRow): Promise<void> {
    const { table, retryMs = RETRY_MS } = this.#options;
    const now = this.#now();
    const { sendings, resendMs, notBefore } = sendingOf(packet, this.#rules, now);
    if (notBefore > now) return table.later(packet.id, notBefore);
    if (packet.sendings >= sendings) return table.later(packet.id, packet.expiresAt);
    const msisdn = packet.msisdn ?? (await this.#wrap(packet));
    // Its card has just lost its number.
    if (msisdn === undefined) return table.later(packet.id, this.#after(retryMs));
    const outcome = await this.#submitAll(packet, msisdn);
    if (outcome === 'not-taken') return;
    // The rest of it goes soon: a sending is over when every part has left once.
    if (outcome === 'in-part') return table.later(packet.id, this.#after(retryMs));
    const waitMs = outcome === 'cut-off' ? retryMs : resendMs * 2 ** packet.sendings;
    await table.sendingOver(packet.id, this.#after(waitMs));
  }

  get #rules(): ServerRules {
    const { resendMs = RESEND_MS, maxSendings: sendings = MAX_SENDINGS, quietUntil, groups } = this.#options;
    return {
      sendings,
      resendMs,
      ...(quietUntil === undefined ? {} : { quietUntil }),
      ...(groups === undefined ? {} : { groups }),
    };
  }

  #route(msisdn: string, { subscriber }: PacketRow): SmscRoute {
    const { network, source, routes } = this.#options;
    return routes?.of(msisdn, subscriber?.group) ?? { network, source };
  }

  /** Gives the packet its counter and its messages. @returns the number that it goes to */
  async #wrap(row: PacketRow): Promise<string | undefined> {
    const { id, card, keySet, tar, data } = row;
    const { table, subscriptions, packets } = this.#options;
    const subscription = await subscriptions.ofCard(card);
    if (subscription === undefined || data === null) return undefined;
    const { msisdn } = subscription;
    const spi = withProof(row.spi, this.#route(msisdn, row).proof);
    const header = { card: cardIdOfText(card), keySet, spi: toHex(spi), tar: toHex(tar) };
    const wrap = async () => {
      const counter = await this.#nextCounter(row);
      return { counter, ...(await packets.wrap({ ...header, counter, data: toHex(data) })) };
    };
    let secured = await wrap();
    if ('usedBefore' in secured) {
      await table.skipTo(card, keySet, { counter: secured.usedBefore, step: MAX_COUNTER });
      secured = await wrap();
    }
    // The list of the KMS has changed meanwhile.
    if ('usedBefore' in secured) return undefined;
    const { counter, packet } = secured;
    const userDatas = splitPacket(ELEMENT.COMMAND_PACKET, fromHex(packet, packet.length / 2), counter & 0xff);
    return (await table.wrapped(id, { counter, msisdn, spi, userDatas })) ? msisdn : undefined;
  }

  /** @throws SecureChannelError `counter-exhausted` */
  async #nextCounter({ card, keySet }: PacketRow): Promise<number> {
    const counter = await this.#options.table.raiseCounter(card, keySet, MAX_COUNTER);
    if (counter !== undefined) return counter;
    throw new SecureChannelError('counter-exhausted', `The counter of ${card} is used up: put new keys on the card`);
  }

  /**
   * Gives the SMSC what this sending has still to bring.
   *
   * @returns what became of this sending: one whose last part the SMSC may have counts as any other; `in-part` where
   *   there are parts behind that one which it has not had
   */
  async #submitAll(
    packet: PacketRow,
    msisdn: string,
  ): Promise<'sent' | 'silence' | 'cut-off' | 'in-part' | 'not-taken'> {
    const { table } = this.#options;
    const todo = await table.toSend(packet.id);
    // While it waits for its turn nothing has left, and whoever wants it back gets it.
    let leaving = () => table.leaves(packet.id);
    const { network, source } = this.#route(msisdn, packet);
    let untouched = packet.state === 'queued';
    for (const [index, { sequence, userData }] of todo.entries()) {
      try {
        const messageId = await network.submit(this.#message(packet, { source, msisdn, userData }), leaving);
        if (messageId === undefined) return 'not-taken';
        await table.partSent(packet.id, { sequence, messageId, until: this.#after(CLAIM_MS) });
        untouched = false;
        leaving = async () => true;
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        if (error.code !== 'smsc-unknown') {
          await this.#notTaken(packet, error, untouched);
          return 'not-taken';
        }
        this.#options.onError(error);
        await table.partMayBeSent(packet.id, sequence);
        if (index < todo.length - 1) return 'in-part';
        return error.context.silent === true ? 'silence' : 'cut-off';
      }
    }
    return 'sent';
  }

  async #notTaken({ id }: PacketRow, error: TransportError, untouched: boolean): Promise<void> {
    const { table, onError, retryMs = RETRY_MS } = this.#options;
    onError(error);
    const { retryMs: wanted } = error.context;
    const waitMs = typeof wanted === 'number' ? Math.max(wanted, retryMs) : retryMs;
    if (untouched) await table.stays(id);
    await table.later(id, this.#after(waitMs));
    if (error.code === 'smsc-refused') await table.giveUp(id);
  }

  #message(
    { expiresAt, priority }: PacketRow,
    to: { readonly source: string; readonly msisdn: string; readonly userData: Uint8Array },
  ): SmppMessage {
    const { source, msisdn: destination, userData } = to;
    return {
      source,
      destination,
      userData,
      priority,
      esmClass: ESM.HEADER,
      pid: PID_DOWNLOAD,
      dcs: DCS_CARD,
      registeredDelivery: RECEIPT,
      validityPeriod: relativeTime(expiresAt.getTime() - this.#now().getTime()),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort('closed');
    await this.#run;
    clearInterval(this.#holding);
  }
}

export const isOpen = ({ state }: PacketRow): boolean => OPEN.includes(state);

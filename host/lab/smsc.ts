// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import type { Server } from 'node:net';
import { createServer, PDU, type Pdu, type Session } from 'smpp';
import {
  ESM,
  fieldsOf,
  MESSAGE_STATE,
  messageOf,
  relativeMs,
  SMPP_STATUS,
  type SmppMessage,
} from '../bearer/sms/smpp-pdu.ts';
import { TransportError, WireError } from '../errors.ts';

/**
 * A short message service centre for demo, tests and bench: stores messages and forwards them to whoever is bound
 * under the number, a server as its short code or a handset as its MSISDN. For the laboratory only: it keeps nothing
 * when it ends.
 */

export interface SmscOptions {
  readonly host?: string;
  /** 0 for any. */
  readonly port: number;
  /** Takes connections over TLS alone, with this key and certificate in PEM. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** By system id; a number's holder binds under that number. */
  readonly passwords?: ReadonlyMap<string, string>;
  /** Messages that wait for one number; more are refused. Default 1,000. */
  readonly queue?: number;
  /** What the radio network takes for a message; default nothing. */
  readonly network?: NetworkSpeed;
  /** How long a message waits that its receiver cannot take; default 250. */
  readonly retryMs?: number;
  /** What becomes of a message: tests lose, double and hold them here. */
  readonly fate?: (message: SmppMessage) => Fate;
}

export interface NetworkSpeed {
  readonly latencyMs: number;
  readonly bitsPerSecond: number;
}

/** How many times a message arrives, and after which other event. */
export interface Fate {
  readonly copies: number;
  readonly after?: Promise<void>;
  /** Told each time that the receiver has answered for it: a card that takes messages has done what it does then. */
  readonly arrived?: () => void;
}

/** What went over the radio network. */
export interface SmscTraffic {
  readonly messages: number;
  readonly bytes: number;
}

interface Stored {
  readonly id: string;
  readonly at: Date;
  readonly message: SmppMessage;
  readonly expiresAt: number;
  readonly arrived: (() => void) | undefined;
}

interface Subscriber {
  readonly queue: Stored[];
  /** Forwards one message after the other. */
  working: boolean;
}

const QUEUE = 1_000;
const RETRY_MS = 250;
const ANSWER_MS = 60_000;
const DEFAULT_VALIDITY_MS = 86_400_000;
/** Bytes of TPDU and relay layers around user data. */
const OVERHEAD = 30;

/** How long one message takes, with what the layers below add. */
export const secondsOf = ({ messages, bytes }: SmscTraffic, { latencyMs, bitsPerSecond }: NetworkSpeed): number =>
  (messages * latencyMs) / 1_000 + ((bytes + messages * OVERHEAD) * 8) / bitsPerSecond;

/** `YYMMDDhhmm`. */
const minuteOf = (at: Date): string => at.toISOString().replaceAll(/[-T:]/g, '').slice(2, 12);

/** Libraries of others read a receipt by its text, and want each field of it. @see SMPP 3.4, appendix B */
function receiptText(id: string, { at, done, delivered }: { at: Date; done: Date; delivered: boolean }): string {
  const [count, word, error] = delivered ? ['001', 'DELIVRD', '000'] : ['000', 'UNDELIV', '001'];
  const dates = `submit date:${minuteOf(at)} done date:${minuteOf(done)}`;
  return `id:${id} sub:001 dlvrd:${count} ${dates} stat:${word} err:${error} text:`;
}

const idOf = (count: number): string => count.toString(16).toUpperCase().padStart(8, '0');

export class Smsc implements AsyncDisposable {
  readonly #options: SmscOptions;
  readonly #server: Server;
  readonly #sessions = new Set<Session>();
  readonly #bound = new Map<string, Set<Session>>();
  readonly #subscribers = new Map<string, Subscriber>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #ids = 0;
  #traffic = { messages: 0, bytes: 0 };

  private constructor(options: SmscOptions) {
    this.#options = options;
    this.#server = createServer({ ...options.tls }, (session) => this.#serve(session));
  }

  static async start(options: SmscOptions): Promise<Smsc> {
    const smsc = new Smsc(options);
    smsc.#server.listen(options.port, options.host ?? '127.0.0.1');
    await once(smsc.#server, 'listening');
    return smsc;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Id that was given last. */
  get lastId(): string {
    return idOf(this.#ids);
  }

  /** Messages to and from handsets so far; receipts and deliver reports are none. */
  get traffic(): SmscTraffic {
    return this.#traffic;
  }

  #serve(session: Session): void {
    this.#sessions.add(session);
    let systemId: string | undefined;
    session.on('error', () => session.destroy());
    session.on('close', () => {
      this.#sessions.delete(session);
      if (systemId !== undefined) this.#bound.get(systemId)?.delete(session);
    });
    session.on('pdu', (pdu: Pdu) => {
      const bind = /^bind_(transceiver|transmitter|receiver)$/.exec(pdu.command)?.[1];
      if (bind !== undefined) systemId = this.#bind(session, pdu, bind) ?? systemId;
      else if (pdu.command === 'enquire_link' || pdu.command === 'unbind') session.send(pdu.response());
      else if (!pdu.isResponse()) session.send(this.#answer(pdu, systemId));
    });
  }

  #bind(session: Session, pdu: Pdu, mode: string): string | undefined {
    const systemId = String(pdu.system_id);
    const wanted = this.#options.passwords?.get(systemId);
    if (this.#options.passwords !== undefined && wanted !== pdu.password) {
      session.send(pdu.response({ command_status: SMPP_STATUS.BIND_FAILED }));
      return undefined;
    }
    session.send(pdu.response({ system_id: 'smsc' }));
    const sessions = this.#bound.get(systemId) ?? new Set();
    this.#bound.set(systemId, sessions);
    if (mode !== 'transmitter') sessions.add(session);
    void this.#forward(systemId);
    return systemId;
  }

  #answer(pdu: Pdu, systemId: string | undefined) {
    if (systemId === undefined) return pdu.response({ command_status: SMPP_STATUS.INVALID_BIND_STATUS });
    if (pdu.command !== 'submit_sm' && pdu.command !== 'data_sm')
      return pdu.response({ command_status: SMPP_STATUS.INVALID_COMMAND });
    try {
      return pdu.response({ message_id: this.#accept(messageOf(pdu)) });
    } catch (error) {
      if (error instanceof TransportError) return pdu.response({ command_status: SMPP_STATUS.QUEUE_FULL });
      if (error instanceof WireError) return pdu.response({ command_status: SMPP_STATUS.SYSTEM_ERROR });
      throw error;
    }
  }

  /** @throws TransportError when the receiver's queue is full */
  #accept(message: SmppMessage): string {
    this.#ids += 1;
    const id = idOf(this.#ids);
    const { copies, after, arrived } = this.#options.fate?.(message) ?? { copies: 1 };
    const validMs = relativeMs(message.validityPeriod ?? '') ?? DEFAULT_VALIDITY_MS;
    const stored = { id, at: new Date(), message, expiresAt: performance.now() + validMs, arrived };
    const { queue } = this.#subscriber(message.destination);
    if (queue.length >= (this.#options.queue ?? QUEUE)) throw new TransportError('smsc-full', 'The queue is full');
    const put = () => {
      for (let copy = 0; copy < copies; copy += 1) queue.push(stored);
      void this.#forward(message.destination);
    };
    if (after === undefined) put();
    else void after.then(put);
    return id;
  }

  #subscriber(number: string): Subscriber {
    const subscriber = this.#subscribers.get(number) ?? { queue: [], working: false };
    this.#subscribers.set(number, subscriber);
    return subscriber;
  }

  async #forward(number: string): Promise<void> {
    const subscriber = this.#subscriber(number);
    if (subscriber.working) return;
    subscriber.working = true;
    for (let next = subscriber.queue[0]; next !== undefined; next = subscriber.queue[0]) {
      const [session] = this.#bound.get(number) ?? [];
      if (session === undefined) break;
      const status = await this.#deliver(session, next);
      if (status === SMPP_STATUS.TEMPORARY && next.expiresAt > performance.now()) {
        this.#later(() => void this.#forward(number), this.#options.retryMs ?? RETRY_MS);
        break;
      }
      // The connection ended: the message is for whoever binds next, or has bound meanwhile.
      if (status === undefined) {
        this.#later(() => void this.#forward(number), this.#options.retryMs ?? RETRY_MS);
        break;
      }
      subscriber.queue.shift();
      next.arrived?.();
      this.#report(next, status === SMPP_STATUS.OK ? MESSAGE_STATE.DELIVERED : MESSAGE_STATE.UNDELIVERABLE);
    }
    subscriber.working = false;
  }

  #later(work: () => void, ms: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
  }

  /** @returns the receiver's status; undefined when its connection ended first */
  async #deliver(session: Session, { id, message }: Stored): Promise<number | undefined> {
    const about = message.esmClass & ESM.TYPE_MASK;
    if (about === 0) {
      this.#traffic = { messages: this.#traffic.messages + 1, bytes: this.#traffic.bytes + message.userData.length };
      const { network } = this.#options;
      const one = { messages: 1, bytes: message.userData.length };
      if (network !== undefined) await new Promise<void>((go) => this.#later(go, secondsOf(one, network) * 1_000));
    }
    // The one who is told what the card said knows its message by the id.
    const named = about === 0 ? { ...message, messageId: id } : message;
    return new Promise((resolve) => {
      const timer = setTimeout(() => session.destroy(), ANSWER_MS);
      const over = (status: number | undefined) => {
        clearTimeout(timer);
        session.off('close', gone);
        resolve(status);
      };
      const gone = () => over(undefined);
      session.once('close', gone);
      const pdu = new PDU('deliver_sm', fieldsOf(named));
      if (!session.send(pdu, (answer) => over(answer.command_status))) gone();
    });
  }

  /** Tells the sender what became of its message, where it asked for that. */
  #report({ id, at, message }: Stored, messageState: number): void {
    if (((message.registeredDelivery ?? 0) & 1) === 0 || (message.esmClass & ESM.TYPE_MASK) !== 0) return;
    const delivered = messageState === MESSAGE_STATE.DELIVERED;
    this.#accept({
      source: message.destination,
      destination: message.source,
      esmClass: ESM.DELIVERY_RECEIPT,
      pid: 0,
      dcs: 0,
      userData: new Uint8Array(Buffer.from(receiptText(id, { at, done: new Date(), delivered }), 'latin1')),
      messageId: id,
      messageState,
    });
  }

  /** Cuts every connection; what is stored stays. */
  cut(): void {
    for (const session of this.#sessions) session.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    for (const timer of this.#timers) clearTimeout(timer);
    await closed;
  }
}

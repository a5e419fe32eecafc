// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import type { ConnectionOptions } from 'node:tls';
import { connect, PDU, type Pdu, type Session } from 'smpp';
import { TransportError, TsmError } from '../../errors.ts';
import { fieldsOf, messageIdOf, messageOf, SMPP_STATUS, type SmppMessage } from './smpp-pdu.ts';

/** One bound connection to an SMSC. Whoever wants it kept up uses `SmppLink`. */

export const BIND_MODES = ['transceiver', 'transmitter', 'receiver'] as const;
export type BindMode = (typeof BIND_MODES)[number];

export interface SmscAddress {
  readonly host: string;
  readonly port: number;
  readonly systemId: string;
  /** At most 8 characters. */
  readonly password: string;
  readonly systemType?: string;
  /** TLS to the SMSC; default none, as SMPP 3.4 has none. */
  readonly tls?: ConnectionOptions;
}

export interface SmppConnectionOptions {
  readonly smsc: SmscAddress;
  readonly mode: BindMode;
  /** Takes a message or a receipt. What it returns is the status that the SMSC gets; it throws for a later try. */
  readonly onMessage: (message: SmppMessage) => Promise<number>;
  /** The SMSC must answer within this; default 30,000. */
  readonly answerMs?: number;
  readonly enquireMs?: number;
  readonly connectMs?: number;
}

const ANSWER_MS = 30_000;
/** It has no room for anything now. */
const FULL: readonly number[] = [SMPP_STATUS.THROTTLED, SMPP_STATUS.QUEUE_FULL];
/** It, or the receiver, has a trouble that may pass and that other messages need not have. */
const TROUBLED: readonly number[] = [SMPP_STATUS.SYSTEM_ERROR, SMPP_STATUS.TEMPORARY];
/** Before a message that met with such a trouble goes again. */
const TROUBLE_MS = 5_000;
const ENQUIRE_MS = 30_000;
const CONNECT_MS = 10_000;
const FORGOTTEN = 'the SMSC takes nobody for bound here';
const INTERFACE_VERSION = 0x34;
/** Messages of the SMSC that may be at work at once; more wait in the socket. */
const MAX_INCOMING = 32;

export class SmppConnection implements AsyncDisposable {
  readonly #options: SmppConnectionOptions;
  readonly #session: Session;
  readonly #waiting = new Set<(error: TransportError) => void>();
  readonly #ended = new AbortController();
  #incoming = 0;
  #isForgotten = false;
  #enquiry: NodeJS.Timeout | undefined;

  private constructor(options: SmppConnectionOptions) {
    this.#options = options;
    const { host, port, tls } = options.smsc;
    this.#session = connect({ ...(tls === undefined ? {} : { ...tls, tls: true }), host, port });
    this.#session.on('close', () => this.#end('the SMSC has ended the connection'));
    // The package goes on after bytes that it cannot read; nothing after them can be trusted.
    this.#session.on('error', (error: Error) => this.#end(`the connection failed: ${error.message}`));
    this.#session.on('pdu', (pdu: Pdu) => this.#received(pdu));
  }

  /** @throws TransportError `smsc-away`, or `smsc-bind-refused` with the status of the SMSC */
  static async bind(options: SmppConnectionOptions): Promise<SmppConnection> {
    const connection = new SmppConnection(options);
    try {
      await connection.#connect();
      return connection;
    } catch (error) {
      connection.#end('the bind failed');
      throw error;
    }
  }

  /** True where the SMSC refused a message because it takes nobody for bound here. */
  get isForgotten(): boolean {
    return this.#isForgotten;
  }

  /** Fires when the connection is over. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  async #connect(): Promise<void> {
    const { smsc, mode, connectMs = CONNECT_MS } = this.#options;
    const opened = smsc.tls === undefined ? 'connect' : 'secureConnect';
    const limit = AbortSignal.any([AbortSignal.timeout(connectMs), this.#ended.signal]);
    await once(this.#session, opened, { signal: limit }).catch((cause: unknown) => {
      throw away(`${smsc.host}:${smsc.port} does not answer`, cause);
    });
    const { systemId, password, systemType = '' } = smsc;
    const fields = { system_id: systemId, password, system_type: systemType, interface_version: INTERFACE_VERSION };
    const { command_status: status } = await this.#ask(`bind_${mode}`, fields);
    if (status !== SMPP_STATUS.OK)
      throw new TransportError('smsc-bind-refused', `the SMSC refuses ${systemId} as ${mode}: status ${hex(status)}`, {
        status,
        systemId,
      });
    this.#enquiry = setInterval(() => void this.#enquire(), this.#options.enquireMs ?? ENQUIRE_MS);
    this.#enquiry.unref();
  }

  async #enquire(): Promise<void> {
    await this.#ask('enquire_link', {}).catch((error: Error) => this.#end(error.message));
  }

  /**
   * Gives a message to the SMSC.
   *
   * @returns the id that the SMSC gave it
   * @throws TransportError `smsc-busy` (later, with `retryMs` where it is this message alone), `smsc-refused` (never),
   *   `smsc-away` when surely nothing was sent, `smsc-unknown` when the SMSC may have it (`silent` where it answered
   *   nothing, and the connection was there)
   */
  async submit(message: SmppMessage): Promise<string> {
    const answer = await this.#ask('submit_sm', fieldsOf(message));
    const { command_status: status } = answer;
    if (status === SMPP_STATUS.OK) return messageIdOf(answer);
    const said = `status ${hex(status)}`;
    // One that has lost what it knew of this connection: a new one may do.
    if (status === SMPP_STATUS.INVALID_BIND_STATUS) {
      this.#isForgotten = true;
      this.#endForgotten();
      throw new TransportError('smsc-busy', `the SMSC has forgotten the bind: ${said}`, {
        status,
        retryMs: TROUBLE_MS,
      });
    }
    if (FULL.includes(status)) throw new TransportError('smsc-busy', `the SMSC has no room now: ${said}`, { status });
    if (TROUBLED.includes(status))
      throw new TransportError('smsc-busy', `the SMSC cannot now: ${said}`, { status, retryMs: TROUBLE_MS });
    throw new TransportError('smsc-refused', `the SMSC refuses the message: ${said}`, { status });
  }

  /** What was sent before has answers of its own, which say more than the end of the connection would. */
  #endForgotten(): void {
    if (this.#isForgotten && this.#waiting.size === 0) this.#end(FORGOTTEN);
  }

  #ask(command: string, fields: Readonly<Record<string, unknown>>): Promise<Pdu> {
    const answered = Promise.withResolvers<Pdu>();
    const overdue = setTimeout(() => {
      this.#end(`the SMSC does not answer ${command}`, true);
    }, this.#options.answerMs ?? ANSWER_MS);
    const lost = (error: TransportError) => answered.reject(error);
    const open = !this.#ended.signal.aborted && !this.#isForgotten;
    const sent = open && this.#session.send(new PDU(command, fields), answered.resolve);
    if (sent) this.#waiting.add(lost);
    else answered.reject(away('the connection to the SMSC is not there'));
    return answered.promise.finally(() => {
      clearTimeout(overdue);
      this.#waiting.delete(lost);
      this.#endForgotten();
    });
  }

  #received(pdu: Pdu): void {
    switch (pdu.command) {
      case 'deliver_sm':
      case 'data_sm':
        void this.#deliver(pdu);
        return;
      case 'enquire_link':
        this.#session.send(pdu.response());
        return;
      case 'unbind':
        this.#session.send(pdu.response());
        this.#end('the SMSC unbinds');
        return;
      case 'alert_notification':
      case 'outbind':
        // These have no response.
        return;
      default:
        if (!pdu.isResponse()) this.#session.send(pdu.response({ command_status: SMPP_STATUS.INVALID_COMMAND }));
    }
  }

  async #deliver(pdu: Pdu): Promise<void> {
    this.#incoming += 1;
    if (this.#incoming >= MAX_INCOMING) this.#session.pause();
    const status = await this.#statusFor(pdu);
    this.#incoming -= 1;
    if (this.#ended.signal.aborted) return;
    this.#session.send(pdu.response({ command_status: status, message_id: '' }));
    this.#session.resume();
  }

  async #statusFor(pdu: Pdu): Promise<number> {
    try {
      return await this.#options.onMessage(messageOf(pdu));
    } catch (error) {
      if (!(error instanceof TsmError)) throw error;
      return error instanceof TransportError ? SMPP_STATUS.TEMPORARY : SMPP_STATUS.PERMANENT;
    }
  }

  #end(reason: string, silent = false): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort(reason);
    clearInterval(this.#enquiry);
    this.#session.destroy();
    for (const lost of this.#waiting) lost(new TransportError('smsc-unknown', reason, { silent }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended.signal.aborted) return;
    await this.#ask('unbind', {}).catch(() => {});
    this.#end('the link is closed');
  }
}

const hex = (status: number): string => status.toString(16).padStart(8, '0');

const away = (message: string, cause?: unknown): TransportError => new TransportError('smsc-away', message, {}, cause);

// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import type { Static, TSchema } from 'typebox';
import { Agent, request } from 'undici';
import { NotFoundError, PeerError, TransportError, TsmError, WireError } from '../../errors.ts';
import { checkerOf } from '../../rest/validation.ts';
import { AnyHandshakeAnswer, AnyOrder, type Report, type SecureElement } from '../../wire/message/seram.ts';
import { CookieJar } from './cookie-jar.ts';
import type { ListAnswer, SeramCard } from './seram-card.ts';

/**
 * A local agent of GlobalPlatform SERAM 2.0.0: what an app with OMAPI does. It fetches orders, hands their APDUs to the
 * card and reports the answers; it builds no APDU and reads none but to see whether a SELECT has opened a channel.
 */

export interface SeramAgentOptions {
  /** `https://host/gp/seram` of one node of the front, or of several: one that answers is kept to. */
  readonly endpoints: readonly string[];
  readonly sessionId: string;
  /** In order of preference. */
  readonly secureElements: readonly SecureElement[];
  readonly card: SeramCard;
  /** Certificates that the front's may come from, PEM; default those of the web. */
  readonly authority?: string;
  /** Texts for the app. */
  readonly onNotification?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** How it ended: the front said stop, or knows the session no more. */
export type AgentEnd = 'stopped' | 'session-over';

/** No answer for so long: connect again. */
const ANSWER_MS = 40_000;
/** No connection for so long: give up. */
const GIVE_UP_MS = 300_000;
const PAUSE_MS = { first: 100, longest: 5_000 };
const MAX_ANSWER_BYTES = 1_048_576;
/** A server counts an agent as lost that is silent for longer. */
const LONGEST_DELAY_MS = 290_000;
/** Of an order without a delay: that of the schema, and that of the text where there is nothing to do. */
const DEFAULT_DELAY_MS = { busy: 100, idle: 1_000 } as const;

export class SeramAgent implements AsyncDisposable {
  readonly #options: SeramAgentOptions;
  readonly #cookies = new CookieJar();
  readonly #dispatcher: Agent;
  #at = 0;
  #started = false;

  constructor(options: SeramAgentOptions) {
    this.#options = options;
    const ca = options.authority === undefined ? {} : { ca: options.authority };
    this.#dispatcher = new Agent({
      connect: { ...ca, minVersion: 'TLSv1.2', timeout: 5_000 },
      headersTimeout: ANSWER_MS,
      bodyTimeout: ANSWER_MS,
      maxResponseSize: MAX_ANSWER_BYTES,
    });
  }

  /**
   * Shakes hands and does what the front orders until it says stop.
   *
   * @throws NotFoundError `session-unknown` @throws PeerError `not-acceptable` @throws TransportError after five
   * minutes
   */
  async run(): Promise<AgentEnd> {
    const { secureElements } = this.#options;
    const hello = { secureElements, supportedVersions: ['2.0.0'] };
    if ((await this.#post('handshake', hello, checkerOf(AnyHandshakeAnswer))) === undefined)
      throw new NotFoundError('session-unknown', 'The front knows no session of this id: ask it for a new one');
    let report: Report = { localAgentStatus: { localAgentStatusEnum: 'POLLING', executedSeRamCommands: 0 } };
    for (;;) {
      const order = await this.#post('remoteManagement', report, checkerOf(AnyOrder));
      if (order === undefined) return 'session-over';
      const { stop, report: next } = await this.#obey(order);
      if (stop) return 'stopped';
      report = next;
      await delay(Math.min(delayOf(order), LONGEST_DELAY_MS), undefined, this.#cancel);
    }
  }

  /** Commands of one order, one by one; what was not answered before a stop is dropped. */
  async #obey({
    ramCommands = [],
    chosenSecureElement,
  }: AnyOrder): Promise<{ readonly stop: boolean; readonly report: Report }> {
    const responses: NonNullable<Report['ramResponses']> = [];
    let executed = 0;
    let failure: string | undefined;
    let status: NonNullable<ListAnswer['status']> | 'PROCESSED' = 'PROCESSED';
    for (const command of ramCommands) {
      if (command.ramCommandType === 'ramStopCommand') return { stop: true, report: polling };
      if (command.ramCommandType === 'ramStartCommand') this.#started = true;
      else if (command.ramCommandType === 'notificationCommand')
        this.#options.onNotification?.(command.deviceAppNotification);
      else if (failure === undefined) {
        const done = this.#offers(chosenSecureElement) ? await this.#send(command) : NOT_OFFERED;
        responses.push({ ramResponseType: 'seRamResponse', listOfRAPDU: [...done.responses] });
        if (done.failure === undefined) executed += 1;
        failure = done.failure;
        status = done.status ?? status;
      }
    }
    if (ramCommands.length === 0) return { stop: false, report: polling };
    const localAgentStatus = {
      localAgentStatusEnum: status,
      executedSeRamCommands: executed,
      ...(failure === undefined ? {} : { errorMsg: failure.slice(0, 500) }),
    };
    return {
      stop: false,
      report: { localAgentStatus, ...(responses.length === 0 ? {} : { ramResponses: responses }) },
    };
  }

  /** There is one card here, and it has the names that were offered. */
  #offers(chosen: AnyOrder['chosenSecureElement']): boolean {
    return chosen === undefined || this.#options.secureElements.some(({ seId }) => seId === chosen.seId);
  }

  async #send({ listOfCAPDU }: { readonly listOfCAPDU: readonly string[] }): Promise<ListAnswer> {
    if (!this.#started) throw new WireError('seram-order', 'The front sent APDUs before it said start');
    return this.#options.card.transmit(listOfCAPDU.map((apdu) => apdu.toUpperCase()));
  }

  /** Until there is an answer, at whichever node. Undefined when the session is not known (any more). */
  async #post<S extends TSchema>(path: string, body: object, checker: ReturnType<typeof checkerOf<S>>) {
    const deadline = performance.now() + GIVE_UP_MS;
    for (let pauseMs: number = PAUSE_MS.first; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS.longest)) {
      try {
        return await this.#once(path, body, checker);
      } catch (error) {
        if (!(error instanceof TransportError) || performance.now() > deadline) throw error;
        this.#at = (this.#at + 1) % this.#options.endpoints.length;
        await delay(pauseMs, undefined, this.#cancel);
      }
    }
  }

  async #once<S extends TSchema>(
    path: string,
    body: object,
    checker: ReturnType<typeof checkerOf<S>>,
  ): Promise<Static<S> | undefined> {
    const { endpoints, sessionId, signal } = this.#options;
    const endpoint = endpoints[this.#at] ?? '';
    const { status, cookies, text } = await this.#exchange(
      `${endpoint}/${path}?sessionId=${encodeURIComponent(sessionId)}`,
      JSON.stringify(body),
    );
    signal?.throwIfAborted();
    if (status === 404) return undefined;
    if (status >= 500 || status === 429) throw new TransportError('front-busy', `The front answered ${status}`);
    if (status !== 200)
      throw new PeerError('not-acceptable', `The front refused (${status}): ${text.slice(0, 300)}`, { status });
    const answer = parse(text);
    if (!checker.is(answer)) throw new PeerError('peer-answer', 'The front answered against SERAM 2.0.0', { status });
    // Not before the whole answer is there: the number tells the front which order this agent has.
    this.#cookies.keep(cookies);
    return answer;
  }

  async #exchange(url: string, body: string) {
    const { signal } = this.#options;
    const cookie = this.#cookies.header;
    try {
      const answer = await request(url, {
        method: 'POST',
        dispatcher: this.#dispatcher,
        body,
        ...(signal === undefined ? {} : { signal }),
        headers: { 'content-type': 'application/json', ...(cookie === '' ? {} : { cookie }) },
      });
      const text = await answer.body.text();
      return { status: answer.statusCode, cookies: [answer.headers['set-cookie'] ?? []].flat(), text };
    } catch (error) {
      if (error instanceof TsmError) throw error;
      if (signal?.aborted === true) throw new PeerError('aborted', 'The agent was told to end', {}, error);
      throw new TransportError('front-away', `The front does not answer: ${(error as Error).message}`, {}, error);
    }
  }

  get #cancel() {
    const { signal } = this.#options;
    return signal === undefined ? {} : { signal };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatcher.destroy();
  }
}

const NOT_OFFERED: ListAnswer = {
  responses: [],
  failure: 'the chosen secure element is none that was offered',
  status: 'UNAVAILABLE_SE',
};

const polling: Report = { localAgentStatus: { localAgentStatusEnum: 'POLLING', executedSeRamCommands: 0 } };

const delayOf = ({ delay: wanted, ramCommands = [] }: AnyOrder): number =>
  wanted ?? (ramCommands.length === 0 ? DEFAULT_DELAY_MS.idle : DEFAULT_DELAY_MS.busy);

/**
 * Names of start and stop as the published examples have them are as good as those of the schema. What generated
 * servers leave empty is null, and not there.
 */
function parse(text: string): unknown {
  try {
    return JSON.parse(text, (key, value) => {
      if (key === 'ramCommandType' && (value === 'startCommand' || value === 'stopCommand'))
        return `ram${value.charAt(0).toUpperCase()}${value.slice(1)}`;
      return value === null ? undefined : value;
    });
  } catch {
    return undefined;
  }
}

// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import type { Static, TSchema } from 'typebox';
import { Agent, request } from 'undici';
import { SeramAgent } from '../bearer/seram/seram-agent.ts';
import { SeramCard } from '../bearer/seram/seram-card.ts';
import { PeerError, TransportError } from '../errors.ts';
import { problemCode } from '../rest/problem.ts';
import { checkerOf } from '../rest/validation.ts';
import type { CardChannel } from '../transport/card-channel.ts';
import { Problem } from '../wire/message/common.ts';
import { ActionState, type StartAction } from '../wire/message/front.ts';

/** A user's phone: the app, which talks to the app side of the front, and the agent beside it, which has the card. */

export interface PhoneOptions {
  /** Nodes of the app side, `https://host:port`. */
  readonly addresses: readonly string[];
  /** Authority of the front's certificate, PEM. */
  readonly authority: string;
  /** Bearer token of the user. */
  readonly token: string;
  /** The card in the phone; absent for one from which a loss is reported. */
  readonly openCard?: () => Promise<CardChannel>;
  readonly onNotification?: (text: string) => void;
}

const WAIT_MS = 20_000;
const TRIES = 10;
const PAUSE_MS = 200;

export class Phone implements AsyncDisposable {
  readonly #options: PhoneOptions;
  readonly #dispatcher: Agent;
  #at = 0;

  constructor(options: PhoneOptions) {
    this.#options = options;
    this.#dispatcher = new Agent({ connect: { ca: options.authority } });
  }

  /** Asks for an action and does what it takes, to its end; a node that dies costs a question. */
  async perform(action: StartAction, key: string = randomUUID()): Promise<ActionState> {
    let state = await this.start(action, key);
    if (state.sessionId !== undefined) await this.obey(state.sessionId, action);
    while (state.state === 'running') state = await this.state(state.processId, WAIT_MS);
    return state;
  }

  start(action: StartAction, key: string = randomUUID()): Promise<ActionState> {
    return this.call('POST', '/ext/1/actions', { schema: ActionState, body: action, key });
  }

  state(processId: string, waitMs = 0): Promise<ActionState> {
    return this.call('GET', `/ext/1/actions/${processId}?waitMs=${waitMs}`, { schema: ActionState });
  }

  /** The agent's part. @param signal the user takes the phone away @returns how the session ended */
  async obey(sessionId: string, { seType, seId }: Pick<StartAction, 'seType' | 'seId'>, signal?: AbortSignal) {
    const { addresses, authority, openCard, onNotification } = this.#options;
    if (openCard === undefined) throw new TransportError('no-card', 'There is no card in this phone');
    const card = new SeramCard(openCard);
    await using agent = new SeramAgent({
      endpoints: addresses.map((address) => `${address}/gp/seram`),
      sessionId,
      card,
      authority,
      secureElements: [{ seType, seId }],
      ...(onNotification === undefined ? {} : { onNotification }),
      ...(signal === undefined ? {} : { signal }),
    });
    try {
      return await agent.run();
    } finally {
      await card.close();
    }
  }

  /** One request of the app. @throws PeerError with the code of the problem that the front answered */
  async call<S extends TSchema>(
    method: 'GET' | 'POST',
    path: string,
    what: { readonly schema: S; readonly body?: object; readonly key?: string },
  ): Promise<Static<S>> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#once(method, path, what);
      } catch (error) {
        if (!(error instanceof TransportError) || tries >= TRIES) throw error;
        this.#at = (this.#at + 1) % this.#options.addresses.length;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  }

  async #once<S extends TSchema>(
    method: 'GET' | 'POST',
    path: string,
    { schema, body, key }: { readonly schema: S; readonly body?: object; readonly key?: string },
  ): Promise<Static<S>> {
    const { addresses, token } = this.#options;
    const answer = await request(`${addresses[this.#at] ?? ''}${path}`, {
      method,
      dispatcher: this.#dispatcher,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
      .then(async ({ statusCode, body: stream }) => ({ status: statusCode, value: await stream.json() }))
      .catch((error: unknown) => {
        throw new TransportError('front-away', `The front does not answer: ${(error as Error).message}`, {}, error);
      });
    if (checkerOf(schema).is(answer.value)) return answer.value;
    if (answer.status === 503) throw new TransportError('front-busy', 'The front cannot answer now');
    const problem = checkerOf(Problem);
    if (!problem.is(answer.value)) throw new PeerError('peer-answer', 'The front answered against its contract');
    const { type, detail = '', status } = answer.value;
    throw new PeerError(problemCode(type), detail, { status });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatcher.destroy();
  }
}

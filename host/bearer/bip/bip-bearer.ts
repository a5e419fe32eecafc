// SPDX-License-Identifier: Apache-2.0
import { TransportError, WireError } from '../../errors.ts';
import type { Administration, ScriptResult } from '../../service/ota/administration.ts';
import type { CardBearer, CardScript, CarriedScript } from '../../service/ota/card-bearer.ts';
import type { ReachedCard } from '../../service/ota/terminal-directory.ts';
import { toHex } from '../../wire/hex.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import { encodeAdminTrigger } from '../../wire/uicc/admin-trigger.ts';
import { decodeAdminResult, encodeAdminBody } from './admin-script.ts';
import { administrationUri } from './administration-uri.ts';

export interface BipBearerOptions {
  readonly administration: Administration;
  readonly onError: (error: Error) => void;
}

/** Shortest time limit of a command that may go over a bearer which can hold it back. */
const SHORTEST_MS = 30_000;
/** X-Admin-Script-Status of a result with a body. */
const OK = 'ok';

/** Scripts go to the card by remote administration: a trigger makes it open a channel, then it fetches them. */
export class BipBearer implements CardBearer {
  readonly #options: BipBearerOptions;

  constructor(options: BipBearerOptions) {
    this.#options = options;
  }

  refusal(card: ReachedCard, script: CardScript): string | undefined {
    if (card.reader.bip !== true) return `there is no administration agent for ${script.readerName}`;
    // An agent keeps no time: what must not come late does not go this way (docs/adr/011-permits-to-load.md).
    if (script.commands.some((command) => (command.timeoutMs ?? SHORTEST_MS) < SHORTEST_MS))
      return 'a command with a short time limit does not go over this bearer';
    return undefined;
  }

  /** Thousands of bytes. */
  units({ commands }: CardScript): number {
    const bytes = commands.flatMap(({ apdus }) => apdus).reduce((sum, hex) => sum + hex.length / 2, 0);
    return Math.ceil(bytes / 1_000);
  }

  async exchange(card: ReachedCard, script: CardScript, timeoutMs: number): Promise<CarriedScript> {
    const refusal = this.refusal(card, script);
    if (refusal !== undefined) throw new TransportError('bearer-unreachable', refusal);
    const deadline = performance.now() + timeoutMs;
    const responses: CardResponse[] = [];
    const cost = { apdus: 0, bytesOut: 0, bytesIn: 0, roundTrips: 0 };
    // More than once where an agent stops at an answer that the script goes on after, or a body is full.
    for (let left: readonly CardCommand[] = script.commands; ; left = script.commands.slice(responses.length)) {
      const { body, goesOn, commands } = encodeAdminBody(left);
      const offered = goesOn === undefined ? { body } : { body, goesOn };
      const result = await this.#run(card, script, offered, deadline).catch((error: unknown) => {
        throw responses.length === 0 ? error : unknownOutcome(error as Error);
      });
      cost.roundTrips += 1;
      cost.bytesOut += result.bytesOut;
      cost.bytesIn += result.bytesIn;
      if (result.status !== OK) return { ...cost, responses, stopped: false, failure: failureOf(result.status) };
      const outcome = outcomeOf(left.slice(0, commands), result);
      cost.apdus += outcome.responses.length;
      responses.push(...outcome.responses);
      if (outcome.stopped || responses.length === script.commands.length)
        return { ...cost, responses, stopped: outcome.stopped };
    }
  }

  #run(card: ReachedCard, script: CardScript, offered: Parameters<Administration['run']>[1], deadline: number) {
    const { readerName, insertion, fence } = script;
    const { terminalId } = card.link;
    // The agent is the terminal's; one on the card has an identity of its own.
    const key = { terminalId, readerName, fence, pskIdentity: terminalId };
    const trigger = async (sessionId: string): Promise<void> => {
      const http = { uri: administrationUri(sessionId, 0) };
      const parameters = toHex(encodeAdminTrigger({ session: { http } }));
      await card.link.trigger({ readerName, insertion, fence, parameters });
    };
    return this.#options.administration.run(key, offered, { trigger, timeoutMs: deadline - performance.now() });
  }

  release({ link, reader: { readerName } }: ReachedCard, fence: number): void {
    const { administration, onError } = this.#options;
    administration.end({ terminalId: link.terminalId, readerName, fence }).catch(onError);
    // The card itself is the terminal's to give back.
    link.release(readerName, fence);
  }
}

function outcomeOf(commands: readonly CardCommand[], { body }: ScriptResult) {
  try {
    const outcome = decodeAdminResult(commands, body);
    if (outcome.responses.length === 0) throw new WireError('script-responses', 'The agent ran nothing of the script');
    return outcome;
  } catch (error) {
    throw unknownOutcome(error as Error);
  }
}

const unknownOutcome = (error: Error): TransportError =>
  new TransportError('outcome-unknown', `the card may have run the script: ${error.message}`, {}, error);

const failureOf = (status: string) => ({ code: 'link-lost', message: `the agent says ${status}`.slice(0, 500) });

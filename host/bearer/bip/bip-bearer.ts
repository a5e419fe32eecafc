// SPDX-License-Identifier: Apache-2.0
import { TransportError, WireError } from '../../errors.ts';
import type { Administration, OfferedScript, ScriptResult, Triggered } from '../../service/ota/administration.ts';
import type { CardBearer, CardScript, CarriedScript } from '../../service/ota/card-bearer.ts';
import type { ReachedCard } from '../../service/ota/terminal-directory.ts';
import type { AdminSessionKey } from '../../store/ota/admin-session-table.ts';
import { toHex } from '../../wire/hex.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import type { CardAgent } from '../../wire/message/subscription.ts';
import { encodeAdminTrigger } from '../../wire/uicc/admin-trigger.ts';
import { mayRunTwice, type PacketTarget, sameTarget } from '../sms/packet-target.ts';
import { type AdminBodyOptions, decodeAdminResult, encodeAdminBody } from './admin-script.ts';
import { administrationUri } from './administration-uri.ts';
import type { CardCaller } from './card-caller.ts';

export interface BipBearerOptions {
  readonly administration: Administration;
  /** Calls cards that have an agent of their own; absent: only terminals have one. */
  readonly cards?: CardCaller;
  readonly onError: (error: Error) => void;
}

/** `terminal` and `opentsm` know our field beside a body; `amendment-b` stops where the standard says. */
type AgentKind = 'terminal' | CardAgent;

interface Agent {
  readonly key: AdminSessionKey & { readonly pskIdentity: string };
  readonly kind: AgentKind;
  readonly trigger: (sessionId: string, timeoutMs: number) => Promise<Triggered>;
}

/** What an agent on a card takes (applet/README.md 13.1); another's may take no more. */
const CARD_BODY_BYTES = 2_048;
const CARD_FIELD_CHARACTERS = 200;
const BODIES: Readonly<Record<AgentKind, AdminBodyOptions | undefined>> = {
  terminal: undefined,
  'amendment-b': { form: 'definite', maxBytes: CARD_BODY_BYTES },
  opentsm: { form: 'indefinite', maxBytes: CARD_BODY_BYTES, maxGoesOn: CARD_FIELD_CHARACTERS, filesToo: true },
};
/** Shortest time limit of a command that may go over a bearer which can hold it back. */
const SHORTEST_MS = 30_000;
/** X-Admin-Script-Status of a result with a body. */
const OK = 'ok';
const OWN_AGENT = "the card's agent";

/** Scripts go to the card by remote administration: a trigger makes it open a channel, then it fetches them. */
export class BipBearer implements CardBearer {
  readonly #options: BipBearerOptions;
  /** Cards of sessions whose own agent was called, until they are released: no more than there are numbers. */
  readonly #calling = new Set<string>();
  /** Why the card's own agent is passed over in a session, until it is released. */
  readonly #passedOver = new Map<string, string>();

  constructor(options: BipBearerOptions) {
    this.#options = options;
  }

  refusal(card: ReachedCard, script: CardScript): string | undefined {
    const callable = this.#options.cards !== undefined && card.reader.msisdn !== undefined;
    if (card.reader.bip !== true && !callable) return `there is no administration agent for ${script.readerName}`;
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

  /** By the card's agent where it has one and that calls, else by its terminal's. */
  async exchange(card: ReachedCard, script: CardScript, timeoutMs: number): Promise<CarriedScript> {
    const refusal = this.refusal(card, script);
    if (refusal !== undefined) throw new TransportError('bearer-unreachable', refusal);
    const deadline = performance.now() + timeoutMs;
    const session = sessionKey(card, script.fence);
    const own = this.#passedOver.has(session) ? undefined : await this.#ownAgent(card, script);
    if (own !== undefined) {
      try {
        return await this.#carry(own, script, deadline);
      } catch (error) {
        const nothingCame = error instanceof TransportError && error.code === 'bearer-unreachable';
        if (!nothingCame || card.reader.bip !== true) throw error;
        this.#passedOver.set(session, error.message);
        this.#calling.delete(session);
      }
    }
    const carried = await this.#carry(this.#terminalAgent(card, script), script, deadline);
    const reason = this.#passedOver.get(session);
    return reason === undefined ? carried : { ...carried, bearer: 'bip', insteadOf: [{ bearer: OWN_AGENT, reason }] };
  }

  async #carry(agent: Agent, script: CardScript, deadline: number): Promise<CarriedScript> {
    const responses: CardResponse[] = [];
    const cost = { apdus: 0, bytesOut: 0, bytesIn: 0, roundTrips: 0 };
    let target: PacketTarget = 'domain';
    // More than once where an agent stops at an answer that the script goes on after, or a body is full, or an agent
    // that knows nothing else has files and domains in turn.
    for (let left: readonly CardCommand[] = script.commands; ; left = script.commands.slice(responses.length)) {
      const next: ReturnType<typeof sameTarget> =
        agent.kind === 'amendment-b' ? sameTarget(left, target) : { target, run: left };
      target = next.target;
      const { body, goesOn, commands } = encodeAdminBody(next.run, BODIES[agent.kind]);
      const rules = goesOn === undefined || agent.kind === 'amendment-b' ? {} : { goesOn };
      // The others post to Next-URI from before the first command on.
      const once = agent.kind === 'amendment-b' && !next.run.slice(0, commands).every(mayRunTwice);
      const offered = { body, once, ...(target === 'files' ? { files: true as const } : rules) };
      const result = await this.#run(agent, offered, deadline).catch((error: unknown) => {
        throw responses.length === 0 ? error : unknownOutcome(error as Error);
      });
      cost.roundTrips += 1;
      cost.bytesOut += result.bytesOut;
      cost.bytesIn += result.bytesIn;
      if (result.status !== OK) return { ...cost, responses, stopped: false, failure: failureOf(result.status) };
      const outcome = outcomeOf(next.run.slice(0, commands), result);
      cost.apdus += outcome.responses.length;
      responses.push(...outcome.responses);
      if (outcome.stopped || responses.length === script.commands.length)
        return { ...cost, responses, stopped: outcome.stopped };
    }
  }

  async #ownAgent(card: ReachedCard, script: CardScript): Promise<Agent | undefined> {
    const own = await this.#options.cards?.find(card);
    if (own === undefined) return undefined;
    const { readerName, fence } = script;
    this.#calling.add(sessionKey(card, fence));
    const { pskIdentity, agent } = own;
    const key = { terminalId: card.link.terminalId, readerName, fence, pskIdentity };
    return { key, kind: agent, trigger: (id, ms) => own.trigger(id, key, ms) };
  }

  #terminalAgent({ link, reader }: ReachedCard, { readerName, insertion, fence }: CardScript): Agent {
    if (reader.bip !== true)
      throw new TransportError('bearer-unreachable', `there is no administration agent for ${readerName}`);
    const { terminalId } = link;
    const trigger = async (sessionId: string): Promise<Triggered> => {
      const http = { uri: administrationUri(sessionId, 0) };
      const parameters = toHex(encodeAdminTrigger({ session: { http } }));
      await link.trigger({ readerName, insertion, fence, parameters });
      return {};
    };
    return { key: { terminalId, readerName, fence, pskIdentity: terminalId }, kind: 'terminal', trigger };
  }

  #run({ key, trigger }: Agent, offered: OfferedScript, deadline: number) {
    const timeoutMs = deadline - performance.now();
    const call = (sessionId: string) => trigger(sessionId, timeoutMs);
    return this.#options.administration.run(key, offered, { trigger: call, timeoutMs });
  }

  release(card: ReachedCard, fence: number): void {
    const { administration, onError } = this.#options;
    const { link, reader } = card;
    const { readerName } = reader;
    administration.end({ terminalId: link.terminalId, readerName, fence }).catch(onError);
    this.#passedOver.delete(sessionKey(card, fence));
    // A card whose own agent is connected hears of the end by itself; any other is the terminal's to give back.
    if (!this.#calling.delete(sessionKey(card, fence))) link.release(readerName, fence);
  }
}

const sessionKey = ({ link, reader }: ReachedCard, fence: number): string =>
  `${link.terminalId}\n${reader.readerName}\n${fence}`;

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

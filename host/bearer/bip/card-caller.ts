// SPDX-License-Identifier: Apache-2.0
import { TransportError } from '../../errors.ts';
import type { Triggered } from '../../service/ota/administration.ts';
import { PRIORITY, type ProofWay, packetSecurity } from '../../service/ota/packet-rules.ts';
import type { ReachedCard } from '../../service/ota/terminal-directory.ts';
import type { PacketSession } from '../../store/ota/packet-table.ts';
import type { SubscriptionTable } from '../../store/ota/subscription-table.ts';
import type { KeyReference } from '../../wire/gp/key-reference.ts';
import type { CardAgent } from '../../wire/message/subscription.ts';
import { encodeAdminTrigger } from '../../wire/uicc/admin-trigger.ts';
import { BEARER, TRANSPORT } from '../../wire/uicc/cat-channel-values.ts';
import { catObject } from '../../wire/uicc/cat-object.ts';
import type { TimerValue } from '../../wire/uicc/cat-values.ts';
import { responseStatusMeaning } from '../../wire/uicc/response-status.ts';
import { encodeSecurityParameters } from '../../wire/uicc/security-parameters-indicator.ts';
import type { SmsOutbox } from '../sms/outbox.ts';
import { administrationUri } from './administration-uri.ts';

/**
 * Makes cards call that have an administration agent of their own: a secured packet says where to, in short messages.
 * The identity of such a card is what is entered with its number, else its card id, `iccid:8986...`.
 */

export interface CardCallerOptions {
  readonly outbox: SmsOutbox;
  readonly subscriptions: SubscriptionTable;
  /** Of the packet's keys, and the TAR of the domain that has the pre-shared key. */
  readonly keySet: number;
  readonly tar: Uint8Array;
  /** Default `deliver-report`; `submit` where the SMSC does not hand on what a deliver report brings. */
  readonly proof?: ProofWay;
  /** Where cards call, as they see it: four bytes of IPv4. */
  readonly address: Uint8Array;
  readonly port: number;
  /** Of the pre-shared key in the domain. */
  readonly key: KeyReference;
  /** Tries after the first, and the pause before each. */
  readonly retries: number;
  readonly pause: TimerValue;
}

/** A card that can be called. */
export interface CallableCard {
  readonly pskIdentity: string;
  readonly agent: CardAgent;
  /** Has it call for this session. @throws TransportError `bearer-unreachable` when the message did not come to it */
  readonly trigger: (sessionId: string, session: PacketSession, timeoutMs: number) => Promise<Triggered>;
}

interface Call {
  readonly card: string;
  readonly pskIdentity: string;
  readonly sessionId: string;
}

/** Bytes that the terminal may keep for the channel. */
const BUFFER = 1_500;
/** How long the SMSC may take its time with the message before the card counts as not called. */
const REACH_MS = 30_000;

export class CardCaller {
  readonly #options: CardCallerOptions;

  constructor(options: CardCallerOptions) {
    this.#options = options;
  }

  /**
   * The card in this reader, by its number; undefined when it has none that is entered with its terminal, or no agent
   * of its own.
   */
  async find({ link, reader: { msisdn } }: ReachedCard): Promise<CallableCard | undefined> {
    return msisdn === undefined ? undefined : this.callable(link.terminalId, msisdn);
  }

  /** The card of this number, which is entered with this terminal. */
  async callable(terminalId: string, msisdn: string): Promise<CallableCard | undefined> {
    const found = await this.#options.subscriptions.at(terminalId, msisdn);
    if (found === undefined || found.agent === null) return undefined;
    const { card, agent } = found;
    const pskIdentity = found.pskIdentity ?? card;
    return {
      pskIdentity,
      agent,
      trigger: (sessionId, session, timeoutMs) => this.#call({ card, pskIdentity, sessionId, session }, timeoutMs),
    };
  }

  async #call({ session, ...call }: Call & { readonly session: PacketSession }, timeoutMs: number): Promise<Triggered> {
    const { outbox, keySet, tar } = this.#options;
    const spi = encodeSecurityParameters(packetSecurity(this.#options.proof));
    const expiresAt = new Date(Date.now() + timeoutMs);
    const { card } = call;
    const data = this.#parameters(call);
    const id = await outbox.add({ card, tar, data, session, keySet, spi, priority: PRIORITY.SESSION, expiresAt });
    // Whether it came, its call says; a refusal may be anybody's.
    const packet = await outbox.until(id, ({ state }) => state !== 'queued', Math.min(REACH_MS, timeoutMs));
    // One that leaves after all would make the card call for a session that is over.
    const tookBack = packet?.state === 'queued' && (await outbox.withdraw(id));
    if (packet === undefined || tookBack || packet.state === 'expired' || packet.state === 'withdrawn')
      throw new TransportError('bearer-unreachable', 'the message that makes the card call was not sent');
    return { refused: this.#refusal(id, timeoutMs) };
  }

  /** What the card says when it will not call; a refusal that no key vouches for may be anybody's. */
  async #refusal(id: string, timeoutMs: number): Promise<TransportError | undefined> {
    const packet = await this.#options.outbox.until(
      id,
      ({ state }) => state !== 'queued' && state !== 'sent',
      timeoutMs,
    );
    // One without memory (07) may call all the same: what it has fetched by then is not taken back.
    if (packet?.state === 'answered' || packet?.authenticated !== true) return undefined;
    const said = responseStatusMeaning(packet.status ?? 0);
    return new TransportError('bearer-unreachable', `the card does not call: ${said}`);
  }

  #parameters({ card, pskIdentity, sessionId }: Call): Uint8Array {
    const { address, port, key, retries, pause } = this.#options;
    return encodeAdminTrigger({
      session: {
        connection: [
          catObject('bearer', { type: BEARER.DEFAULT, parameters: new Uint8Array() }),
          catObject('bufferSize', BUFFER),
          catObject('transport', { protocol: TRANSPORT.TCP_CLIENT, port }),
          catObject('dataAddress', { family: 'ipv4', address }),
        ],
        security: [{ pskIdentity: Buffer.from(pskIdentity, 'latin1'), key }],
        retry: { count: retries, wait: pause, failureReport: new Uint8Array() },
        http: { host: 'administration', agentId: card, uri: administrationUri(sessionId, 0) },
      },
    });
  }
}

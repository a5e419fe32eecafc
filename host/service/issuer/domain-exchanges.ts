// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { decodeIdentity, identityCommands } from '../../card/identity.ts';
import { ConflictError, NotFoundError, PeerError, PolicyError, TransportError } from '../../errors.ts';
import type { AuditLog, AuditPhase } from '../../store/audit-log.ts';
import { cardIdOfText, cardIdText } from '../../store/card-id.ts';
import { findProvider } from '../../store/issuer/providers.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import { type DomainWay, keepSession, type ResourceRow } from '../../store/issuer/security-domain-resources.ts';
import { aid } from '../../wire/gp/aid.ts';
import { ifPresent } from '../../wire/gp/command.ts';
import { select } from '../../wire/gp/select.ts';
import type { ApduExchange, ApduExchangeResult, IssuersReader } from '../../wire/message/security-domain-resource.ts';
import { isAway } from '../../workflow/engine/retry.ts';
import type { SharedOtaServer } from '../../workflow/ports.ts';
import { CARD_WAIT_MS, type CardWays, ownOta, placeOf, readerOf } from './card-ways.ts';
import { requireDomainScript } from './domain-script.ts';

/** What a session at the OTA server is known by. */
type Session = NonNullable<ResourceRow['session']>;

/** Scripts of foreign TSMs to their domains, over the issuer's way to the card, under a lease and with its fence. */
export class DomainExchanges {
  readonly #database: Kysely<IssuerTables>;
  readonly #ways: CardWays;
  readonly #auditLog: Pick<AuditLog, 'append'>;

  constructor(database: Kysely<IssuerTables>, ways: CardWays, auditLog: Pick<AuditLog, 'append'>) {
    this.#database = database;
    this.#ways = ways;
    this.#auditLog = auditLog;
  }

  /**
   * One script, one round trip; what begins a session takes one more, which finds the card and selects the domain.
   *
   * @param domain of this id, of this caller, on its card
   * @throws ConflictError `own-relay`, `stale-fence`, `card-busy` @throws PolicyError as `requireDomainScript`
   * @throws TransportError `outcome-unknown` and others of the card session: a new one is begun without a fence
   */
  async exchange(id: string, caller: string, domain: ResourceRow, body: ApduExchange): Promise<ApduExchangeResult> {
    const { way } = domain;
    if (way?.transport.kind !== 'ota')
      throw new ConflictError('own-relay', 'The card of this domain is in your hand: exchange APDUs with it yourself');
    const provider = await findProvider(this.#database, caller);
    if (provider === undefined) throw new PolicyError('provider-not-permitted', 'You are not registered any more');
    requireDomainScript(body.commands, { domain: way.ssdAid, registered: provider.aids });
    if (body.fence !== undefined && body.fence !== domain.session?.fence) throw staleFence();
    const ota = ownOta(this.#ways);
    try {
      const session =
        body.fence === undefined || domain.session === undefined
          ? await this.#begin(id, ota, way, await placeOf(this.#ways, way.transport, cardIdOfText(way.card), id))
          : domain.session;
      const commands = body.commands.length;
      await this.#record(id, caller, 'before', { commands });
      const { responses, stopped, cost } = await ota.exchange(session, body.commands);
      await this.#record(id, caller, 'after', { commands, answered: responses.length, stopped });
      if (body.last === true) await this.#end(id, ota, session);
      return { fence: session.fence, responses, stopped, cost };
    } catch (error) {
      throw exchangeError(error);
    }
  }

  /** A session on the domain's card, with the domain selected. */
  async #begin(id: string, ota: SharedOtaServer, { card, ssdAid }: DomainWay, reader: IssuersReader) {
    const session = await ota.openCardSession({ ...reader, owner: id, waitMs: CARD_WAIT_MS });
    try {
      const chosen = ifPresent(select(aid(ssdAid)));
      const { responses } = await ota.exchange(session, [...identityCommands, chosen]);
      const { cardId } = decodeIdentity(responses);
      if (cardIdText(cardId) !== card)
        throw new TransportError('other-card', `Another card is in ${reader.readerName}`);
      if (responses.at(-1)?.sw !== '9000')
        throw new ConflictError('domain-not-selected', `The card does not select ${ssdAid}`, {
          sw: responses.at(-1)?.sw,
        });
    } catch (error) {
      await ota.closeCardSession(session.sessionId).catch(() => {});
      throw error;
    }
    await keepSession(this.#database, id, session);
    return session;
  }

  async #end(id: string, ota: SharedOtaServer, session: Session): Promise<void> {
    // The answers are the caller's in any case; the lease ends by itself.
    await ota.closeCardSession(session.sessionId).catch(() => {});
    await keepSession(this.#database, id, undefined);
  }

  /** Ends the session of the exchanges, if there is one. */
  async giveBack(id: string, { transport }: DomainWay, session: ResourceRow['session']): Promise<void> {
    if (transport.kind !== 'ota') return;
    const ota = ownOta(this.#ways);
    const reader = readerOf(transport);
    // A lease that is not given back ends by itself.
    if (reader !== undefined) await ota.giveBackCard({ ...reader, owner: id }).catch(() => {});
    else if (session !== undefined) await ota.closeCardSession(session.sessionId).catch(() => {});
    await keepSession(this.#database, id, undefined);
  }

  /** How much, and never what: it is the owner's. */
  async #record(
    subject: string,
    provider: string,
    phase: AuditPhase,
    details: Readonly<Record<string, number | boolean>>,
  ): Promise<void> {
    await this.#auditLog.append({
      act: 'exchange APDUs',
      subject,
      workflowId: subject,
      numeral: '',
      phase,
      details: { provider, ...details },
    });
  }
}

const staleFence = (cause?: unknown) =>
  new ConflictError(
    'stale-fence',
    'This session is over, and the card has forgotten what it held: begin another one, without a fence',
    {},
    cause,
  );

/** What the OTA server says, in the caller's terms. */
function exchangeError(error: unknown): unknown {
  if (!(error instanceof PeerError)) return error;
  if (['stale-fence', 'no-such-card-session', 'session-lost'].includes(error.code)) return staleFence(error);
  if (isAway(error)) return new TransportError(error.code, error.message, {}, error);
  if (error.context.status === 404) return new NotFoundError(error.code, error.message, {}, error);
  if (error.context.status === 409) return new ConflictError(error.code, error.message, {}, error);
  return error;
}

// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { ConflictError, NotFoundError, UnacceptableError, WireError } from '../../errors.ts';
import { cardIdOfText, cardIdText } from '../../store/card-id.ts';
import type { CampaignRow, CampaignTable } from '../../store/ota/campaign-table.ts';
import type { PacketRow, PacketTable } from '../../store/ota/packet-table.ts';
import { canonical } from '../../store/request-log.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { Campaign, QueuedPacket, StartCampaign } from '../../wire/message/campaign.ts';
import type { CardId } from '../../wire/message/common.ts';
import { statusWordToHex } from '../../wire/status-word.ts';
import { decodeCompactResponse, encodeCompactScript, forCompactScript } from '../../wire/uicc/compact-script.ts';
import { encodeExpandedScript } from '../../wire/uicc/expanded-script.ts';
import { encodeSecurityParameters } from '../../wire/uicc/security-parameters-indicator.ts';
import { commandOf, fromCaller } from './callers-command.ts';
import { FILES_TAR, ISSUER_TAR, PRIORITY, type ProofWay, packetSecurity, scriptRoom } from './packet-rules.ts';
import { quietHours } from './quiet-hours.ts';

export interface CampaignsOptions {
  readonly table: CampaignTable;
  readonly packets: PacketTable;
  /** Key version number of the cards' SCP80 keys. */
  readonly keySet: number;
  /** Of the issuer's domain, 3 bytes, for expanded scripts. */
  readonly tar: Uint8Array;
  /** Short messages that a card joins to one packet. */
  readonly maxParts: number;
  /** Default `deliver-report`; `submit` where the SMSC does not hand on what a deliver report brings. */
  readonly proof?: ProofWay;
  readonly now?: () => Date;
}

const MINUTE_MS = 60_000;
const MAX_DATA = 2_100;
const TAR_BYTES = 3;

/** What an operator has sent to many cards, and what waits for one. */
export class Campaigns {
  readonly #options: CampaignsOptions;

  constructor(options: CampaignsOptions) {
    this.#options = options;
  }

  /**
   * Puts one packet for each card into its queue, behind all else; the same id and body start nothing again.
   *
   * @throws ConflictError `idempotency-key-reused`
   * @throws UnacceptableError `campaign-content`, `script-too-long`, `quiet-hours`
   * @throws UnacceptableError `apdu-malformed` when a command is none, or its script cannot have it
   */
  async start(id: string, body: StartCampaign): Promise<Campaign> {
    const { name, cards, hours, sendings, resendMinutes, format } = body;
    if (hours !== undefined) quietHours({ ...hours });
    const at = this.#options.now?.() ?? new Date();
    const nextAt = new Date(at.getTime() + (body.startInMinutes ?? 0) * MINUTE_MS);
    const digest = createHash('sha256').update(canonical(body)).digest('hex');
    const known = await this.#options.table.add({
      id,
      name,
      at,
      nextAt,
      bodySha256: digest,
      expiresAt: new Date(nextAt.getTime() + body.validMinutes * MINUTE_MS),
      rules: {
        ...(hours === undefined ? {} : { hours }),
        ...(sendings === undefined ? {} : { sendings }),
        ...(resendMinutes === undefined ? {} : { resendMs: resendMinutes * MINUTE_MS }),
        ...(format === 'compact' ? { compact: true as const } : {}),
      },
      packet: {
        spi: encodeSecurityParameters(packetSecurity(this.#options.proof)),
        priority: PRIORITY.CAMPAIGN,
        ...this.#content(body),
      },
      cards: [...new Set(cards.map(cardIdText))].map((card) => ({ packetId: packetIdOf(id, card), card })),
    });
    if (known !== undefined && known !== digest)
      throw new ConflictError('idempotency-key-reused', 'This key started another campaign: take a new key', { id });
    return this.find(id);
  }

  /** Whom the packet is for, under which keys, and what it brings. */
  #content(body: StartCampaign) {
    const { commands, application, target = 'domain', format = 'expanded' } = body;
    if ((commands === undefined) === (application === undefined))
      throw new UnacceptableError('campaign-content', 'A campaign has either commands or data for an application');
    if (application !== undefined && (body.target !== undefined || body.format !== undefined))
      throw new UnacceptableError('campaign-content', 'target and format are of commands: leave them out');
    const { keySet } = this.#options;
    const data =
      application === undefined
        ? fromCaller(() => scriptOf(commands ?? [], format, target))
        : fromHex(application.data, MAX_DATA);
    const most = scriptRoom(this.#options.maxParts);
    if (data.length > most)
      throw new UnacceptableError('script-too-long', `It takes ${data.length} bytes, a packet has room for ${most}`);
    if (application !== undefined)
      return { tar: fromHex(application.tar, TAR_BYTES), data, keySet: application.keySet ?? keySet };
    return { tar: target === 'files' ? FILES_TAR : this.#domainTar(format), data, keySet };
  }

  /** Cards that tell formats by the domain's reference have one for each. */
  #domainTar(format: 'expanded' | 'compact'): Uint8Array {
    const { tar } = this.#options;
    return format === 'compact' && toHex(tar) === ISSUER_TAR.expanded ? fromHex(ISSUER_TAR.compact, TAR_BYTES) : tar;
  }

  /** @throws NotFoundError `no-such-campaign` */
  async find(id: string): Promise<Campaign> {
    const row = await this.#options.table.find(id);
    if (row === undefined) throw noCampaign();
    return told(row);
  }

  /** The newest first, at most 100. */
  async list(): Promise<Campaign[]> {
    return (await this.#options.table.list()).map(told);
  }

  /** @throws NotFoundError `no-such-campaign` @throws ConflictError `campaign-cancelled` */
  async setPaused(id: string, paused: boolean): Promise<Campaign> {
    if (await this.#options.table.setPaused(id, paused)) return this.find(id);
    await this.find(id);
    throw new ConflictError('campaign-cancelled', 'this campaign was cancelled: start another one', { id });
  }

  /** @throws NotFoundError `no-such-campaign` */
  async cancel(id: string): Promise<Campaign> {
    if (!(await this.#options.table.cancel(id))) throw noCampaign();
    return this.find(id);
  }

  /** Its packets by their ids, after this one. @throws NotFoundError `no-such-campaign` */
  async packets(id: string, page: { readonly after: string; readonly limit: number }): Promise<QueuedPacket[]> {
    await this.find(id);
    return (await this.#options.packets.ofCampaign(id, page)).map(toldPacket);
  }

  /** What is under way to a card: what has left already, then what goes first. */
  async queueOf(card: CardId): Promise<QueuedPacket[]> {
    return (await this.#options.packets.open(cardIdText(card))).map(toldPacket);
  }

  /**
   * Takes a packet out of its card's queue.
   *
   * @throws NotFoundError `no-such-packet`
   * @throws ConflictError `packet-left` when the card may have it
   */
  async withdraw(id: string): Promise<void> {
    const { packets } = this.#options;
    if (await packets.withdraw(id)) return;
    const found = await packets.find(id);
    if (found === undefined) throw noPacket();
    if (found.state !== 'withdrawn')
      throw new ConflictError('packet-left', `this packet is ${found.state}: the card may have it`, { id });
  }

  /**
   * Waits for no answer to a packet that has left, so that the next one of its card goes: it ends `lost`, since the
   * card may have run it. One that has not left is `withdrawn`.
   *
   * @throws NotFoundError `no-such-packet`
   * @throws ConflictError `packet-ended` when it is at another end by then
   */
  async giveUp(id: string): Promise<void> {
    const { packets } = this.#options;
    await packets.giveUp(id);
    const found = await packets.find(id);
    if (found === undefined) throw noPacket();
    if (found.state !== 'lost' && found.state !== 'withdrawn')
      throw new ConflictError('packet-ended', `this packet is ${found.state}: no other one waits for it`, { id });
  }
}

/** @throws WireError when a command is none, or one that answers data is not the last of a compact script */
function scriptOf(commands: readonly string[], format: 'expanded' | 'compact', target: 'domain' | 'files'): Uint8Array {
  const apdus = commands.map(commandOf);
  if (format === 'compact') return encodeCompactScript(forCompactScript(apdus, target), target);
  return encodeExpandedScript({ form: 'definite', items: apdus.map((apdu) => ({ kind: 'command', apdu })) });
}

const noPacket = () => new NotFoundError('no-such-packet', 'there is no such packet');
const noCampaign = () => new NotFoundError('no-such-campaign', 'there is no such campaign');

/** Of 16 bytes in hex, so that starting again makes no second packet. */
const packetIdOf = (campaign: string, card: string): string =>
  createHash('sha256').update(`${campaign}\n${card}`).digest('hex').slice(0, 32);

const NONE = { queued: 0, sent: 0, answered: 0, refused: 0, lost: 0, expired: 0, withdrawn: 0 } as const;

function told({ id, name, state, at, expiresAt, packets }: CampaignRow): Campaign {
  const counts = { ...NONE, ...packets };
  const done = state !== 'cancelled' && counts.queued + counts.sent === 0;
  return {
    id,
    name,
    state: done ? 'done' : state,
    at: at.toISOString(),
    expiresAt: expiresAt.toISOString(),
    packets: counts,
  };
}

function toldPacket(row: PacketRow): QueuedPacket {
  const { id, card, state, priority, campaign, expiresAt, sendings, status, response, rules } = row;
  return {
    id,
    cardId: cardIdOfText(card),
    state,
    priority,
    expiresAt: expiresAt.toISOString(),
    sendings,
    ...(campaign === null ? {} : { campaignId: campaign }),
    ...(status === null ? {} : { status }),
    // What a card session got is its provider's.
    ...(campaign === null || response === null ? {} : { response: toHex(response) }),
    ...(response === null || rules?.compact !== true || state !== 'answered' ? {} : resultOf(response)),
  };
}

/** Nothing where the card answered in another form. */
function resultOf(response: Uint8Array): Pick<QueuedPacket, 'result'> {
  try {
    const { executed, sw, data } = decodeCompactResponse(response);
    return { result: { executed, sw: statusWordToHex(sw), data: toHex(data) } };
  } catch (error) {
    if (error instanceof WireError) return {};
    throw error;
  }
}

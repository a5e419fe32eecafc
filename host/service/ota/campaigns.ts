// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { ConflictError, NotFoundError, UsageError } from '../../errors.ts';
import { cardIdOfText, cardIdText } from '../../store/card-id.ts';
import type { CampaignRow, CampaignTable } from '../../store/ota/campaign-table.ts';
import type { PacketRow, PacketTable } from '../../store/ota/packet-table.ts';
import { canonical } from '../../store/request-log.ts';
import { decodeCommand } from '../../wire/apdu.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { Campaign, QueuedPacket, StartCampaign } from '../../wire/message/campaign.ts';
import type { CardId } from '../../wire/message/common.ts';
import { encodeExpandedScript } from '../../wire/uicc/expanded-script.ts';
import { encodeSecurityParameters } from '../../wire/uicc/security-parameters-indicator.ts';
import { FILES_TAR, PACKET_SECURITY, PRIORITY, scriptRoom } from './packet-rules.ts';
import { quietHours } from './quiet-hours.ts';

export interface CampaignsOptions {
  readonly table: CampaignTable;
  readonly packets: PacketTable;
  /** Key version number of the cards' SCP80 keys. */
  readonly keySet: number;
  /** Of the issuer's domain, 3 bytes. */
  readonly tar: Uint8Array;
  /** Short messages that a card joins to one packet. */
  readonly maxParts: number;
  readonly now?: () => Date;
}

const MINUTE_MS = 60_000;
const MAX_APDU = 261;

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
   * @throws UsageError `script-too-long`, `quiet-hours`
   * @throws WireError when a command is none
   */
  async start(id: string, body: StartCampaign): Promise<Campaign> {
    const { name, cards, target = 'domain', hours, sendings, resendMinutes } = body;
    if (hours !== undefined) quietHours({ ...hours });
    const at = this.#options.now?.() ?? new Date();
    const nextAt = new Date(at.getTime() + (body.startInMinutes ?? 0) * MINUTE_MS);
    const digest = createHash('sha256').update(canonical(body)).digest('hex');
    const known = await this.#options.table.add({
      ...{ id, name, at, nextAt, bodySha256: digest },
      expiresAt: new Date(nextAt.getTime() + body.validMinutes * MINUTE_MS),
      rules: {
        ...(hours === undefined ? {} : { hours }),
        ...(sendings === undefined ? {} : { sendings }),
        ...(resendMinutes === undefined ? {} : { resendMs: resendMinutes * MINUTE_MS }),
      },
      packet: {
        ...{ keySet: this.#options.keySet, spi: encodeSecurityParameters(PACKET_SECURITY) },
        ...{ tar: target === 'files' ? FILES_TAR : this.#options.tar, data: this.#script(body) },
        priority: PRIORITY.CAMPAIGN,
      },
      cards: [...new Set(cards.map(cardIdText))].map((card) => ({ packetId: packetIdOf(id, card), card })),
    });
    if (known !== undefined && known !== digest)
      throw new ConflictError('idempotency-key-reused', 'This key started another campaign: take a new key', { id });
    return this.find(id);
  }

  #script({ commands }: StartCampaign): Uint8Array {
    const items = commands.map((hex) => ({ kind: 'command' as const, apdu: decodeCommand(fromHex(hex, MAX_APDU)) }));
    const script = encodeExpandedScript({ form: 'definite', items });
    const most = scriptRoom(this.#options.maxParts);
    if (script.length <= most) return script;
    throw new UsageError('script-too-long', `The commands take ${script.length} bytes, a packet has room for ${most}`);
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
    if (found === undefined) throw new NotFoundError('no-such-packet', 'there is no such packet');
    if (found.state !== 'withdrawn')
      throw new ConflictError('packet-left', `this packet is ${found.state}: the card may have it`, { id });
  }
}

const noCampaign = () => new NotFoundError('no-such-campaign', 'there is no such campaign');

/** Of 16 bytes in hex, so that starting again makes no second packet. */
const packetIdOf = (campaign: string, card: string): string =>
  createHash('sha256').update(`${campaign}\n${card}`).digest('hex').slice(0, 32);

const NONE = { queued: 0, sent: 0, answered: 0, refused: 0, lost: 0, expired: 0, withdrawn: 0 } as const;

function told({ id, name, state, at, expiresAt, packets }: CampaignRow): Campaign {
  const counts = { ...NONE, ...packets };
  const done = state !== 'cancelled' && counts.queued + counts.sent === 0;
  return {
    ...{ id, name, state: done ? 'done' : state, at: at.toISOString(), expiresAt: expiresAt.toISOString() },
    packets: counts,
  };
}

function toldPacket(row: PacketRow): QueuedPacket {
  const { id, card, state, priority, campaign, expiresAt, sendings, status, response } = row;
  return {
    ...{ id, cardId: cardIdOfText(card), state, priority, expiresAt: expiresAt.toISOString(), sendings },
    ...(campaign === null ? {} : { campaignId: campaign }),
    ...(status === null ? {} : { status }),
    // What a card session got is its provider's.
    ...(campaign === null || response === null ? {} : { response: toHex(response) }),
  };
}

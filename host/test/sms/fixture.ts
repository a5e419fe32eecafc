// SPDX-License-Identifier: Apache-2.0
import { CardAnswers } from '../../bearer/sms/card-answers.ts';
import { SmsOutbox, type SmsOutboxOptions } from '../../bearer/sms/outbox.ts';
import { SmppLink } from '../../bearer/sms/smpp-link.ts';
import { ESM, SMPP_STATUS, type SmppMessage } from '../../bearer/sms/smpp-pdu.ts';
import { SmsBearer } from '../../bearer/sms/sms-bearer.ts';
import { Secret } from '../../crypto/secret.ts';
import type { PacketKeyList } from '../../kms/key-list.ts';
import { PacketKeyMaster } from '../../kms/packet-keys.ts';
import { Smsc, type SmscOptions } from '../../lab/smsc.ts';
import { keyIndication, type PacketKeys } from '../../secure-channel/scp80/algorithms.ts';
import { unprotectCommand } from '../../secure-channel/scp80/command-packet.ts';
import { judgeCounter } from '../../secure-channel/scp80/counter.ts';
import { plainRefusal, protectResponse } from '../../secure-channel/scp80/response-packet.ts';
import { PacketService } from '../../service/kms/packet-service.ts';
import { Campaigns, type CampaignsOptions } from '../../service/ota/campaigns.ts';
import { BellsByDatabase } from '../../store/bells.ts';
import { openDatabase } from '../../store/database.ts';
import { CampaignTable } from '../../store/ota/campaign-table.ts';
import { OTA_MIGRATIONS } from '../../store/ota/lease-table.ts';
import { PacketTable } from '../../store/ota/packet-table.ts';
import { SubscriptionTable } from '../../store/ota/subscription-table.ts';
import { fromHex } from '../../wire/hex.ts';
import { SW, statusWord } from '../../wire/status-word.ts';
import { Joiner, splitPacket } from '../../wire/uicc/concatenation.ts';
import { encodeExpandedResponse, type ResponseItem } from '../../wire/uicc/expanded-response.ts';
import { decodeExpandedScript } from '../../wire/uicc/expanded-script.ts';
import { RESPONSE_STATUS } from '../../wire/uicc/response-status.ts';
import { ELEMENT } from '../../wire/uicc/user-data-header.ts';
import { TestDatabase } from '../ota/fixture.ts';

export const SERVER = '1000';
export const CARD = 'iccid:8949000000000000001';
export const MSISDN = '491700000001';
export const TAR = fromHex('B20100');
export const MASTER = '00112233445566778899AABBCCDDEEFF';
export const onError = () => {};
/** What a deliver report carries. */
const REPORT = 128;

export const packetService = (listed?: PacketKeyList) =>
  new PacketService(new PacketKeyMaster(new Secret(fromHex(MASTER, 16)), false, listed), undefined);

/** Database, SMSC and one clock for the nodes and cards of a test file. */
export class SmsWorld implements AsyncDisposable {
  readonly database: TestDatabase;
  smsc: Smsc;
  /** What the SMSC does with a message. */
  fate: SmscOptions['fate'];
  /** Added to the clock. */
  aheadMs = 0;
  readonly now = () => new Date(Date.now() + this.aheadMs);

  private constructor(database: TestDatabase, smsc: Smsc) {
    this.database = database;
    this.smsc = smsc;
  }

  static async start(): Promise<SmsWorld> {
    const world = new SmsWorld(await TestDatabase.start(), await Smsc.start({ port: 0 }));
    await world.newSmsc();
    return world;
  }

  /** An SMSC that knows nothing, in place of the one before; at its port where that is said. */
  async newSmsc(port = 0): Promise<void> {
    await this.smsc[Symbol.asyncDispose]();
    this.smsc = await Smsc.start({ port, retryMs: 5, fate: (message) => this.fate?.(message) ?? { copies: 1 } });
  }

  /** A new database of its own, for as many nodes as one likes. */
  url(name: string): Promise<string> {
    return this.database.server.createDatabase(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.smsc[Symbol.asyncDispose]();
    await this.database[Symbol.asyncDispose]();
  }
}

/** One node of the server: its outbox over a real link. */
export class SmsNode implements AsyncDisposable {
  readonly table: PacketTable;
  readonly subscriptions: SubscriptionTable;
  readonly campaigns: Campaigns;
  readonly campaignsWith: (options: Pick<CampaignsOptions, 'proof'>) => Campaigns;
  readonly outbox: SmsOutbox;
  readonly link: SmppLink;
  /** Why messages were no answer. */
  readonly stray: readonly string[];
  onStray: () => void = () => {};
  /** Resolves when its link is not bound. */
  readonly away: () => Promise<void>;
  readonly bearer: SmsBearer;
  readonly #parts: AsyncDisposableStack;

  private constructor(
    parts: AsyncDisposableStack,
    made: Pick<
      SmsNode,
      'table' | 'subscriptions' | 'campaigns' | 'campaignsWith' | 'outbox' | 'link' | 'bearer' | 'stray' | 'away'
    >,
  ) {
    this.#parts = parts;
    this.stray = made.stray;
    this.away = made.away;
    this.table = made.table;
    this.subscriptions = made.subscriptions;
    this.campaigns = made.campaigns;
    this.campaignsWith = made.campaignsWith;
    this.outbox = made.outbox;
    this.link = made.link;
    this.bearer = made.bearer;
  }

  static async open(
    world: SmsWorld,
    url: string,
    more: Partial<SmsOutboxOptions> & {
      readonly name?: string;
      readonly graceMs?: number;
      readonly reachMs?: number;
    } = {},
  ): Promise<SmsNode> {
    await using parts = new AsyncDisposableStack();
    const database = await openDatabase<unknown>({ url, migrations: OTA_MIGRATIONS, connections: 6, onError });
    parts.defer(() => database.destroy());
    const { bells } = parts.use(await BellsByDatabase.listen({ url, onError }));
    const table = new PacketTable(database, more.name ?? 'node');
    const subscriptions = new SubscriptionTable(database);
    const packets = more.packets ?? packetService();
    const stray: string[] = [];
    const hearers: (() => void)[] = [];
    const told = ({ reason }: { readonly reason: string }) => {
      stray.push(reason);
      for (const hear of hearers) hear();
    };
    const { graceMs = 300 } = more;
    const { now } = world;
    const answers = new CardAnswers({ table, packets, graceMs, now, onStray: told });
    const bound = Promise.withResolvers<void>();
    const lost: (() => void)[] = [];
    const link = parts.use(
      new SmppLink({
        smsc: { host: '127.0.0.1', port: world.smsc.port, systemId: SERVER, password: 'secret' },
        mode: 'transceiver',
        retryMs: 5,
        onMessage: (message) => answers.received(message),
        onState: ({ kind }) => {
          if (kind === 'bound') bound.resolve();
          else for (const hear of lost.splice(0)) hear();
        },
      }),
    );
    await bound.promise;
    const away = () => new Promise<void>((hear) => (link.isAway ? hear() : lost.push(hear)));
    const outbox = parts.use(
      new SmsOutbox({
        table,
        subscriptions,
        packets,
        network: link,
        bells,
        source: SERVER,
        now,
        onError,
        retryMs: 20,
        resendMs: 200,
        ...more,
      }),
    );
    const { reachMs = 2_000 } = more;
    const bearer = new SmsBearer({
      outbox,
      table,
      subscriptions,
      keySet: 1,
      tar: TAR,
      maxParts: 16,
      reachMs,
      now,
      onError,
    });
    const campaignsWith: SmsNode['campaignsWith'] = (options) =>
      new Campaigns({
        table: new CampaignTable(database),
        packets: table,
        keySet: 1,
        tar: TAR,
        maxParts: 16,
        now,
        ...options,
      });
    const made = {
      table,
      subscriptions,
      campaigns: campaignsWith({}),
      campaignsWith,
      outbox,
      link,
      bearer,
      stray,
      away,
    };
    const node = new SmsNode(parts.move(), made);
    hearers.push(() => node.onStray());
    return node;
  }

  /** Starts the outbox; resolves when it sleeps until what is due next. */
  async startAsleep(): Promise<void> {
    const asleep = Promise.withResolvers<void>();
    const nextDue = this.table.nextDue.bind(this.table);
    this.table.nextDue = async (now) => {
      const due = await nextDue(now);
      asleep.resolve();
      return due;
    };
    this.outbox.start();
    await asleep.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts[Symbol.asyncDispose]();
  }
}

export interface ScriptedCardOptions {
  readonly card?: string;
  readonly msisdn?: string;
  /** Response data of a command, by its place in the script. */
  readonly data?: (index: number) => Uint8Array;
  /** Status words by place; 9000 where absent. The card stops after another one. */
  readonly statusWords?: readonly (number | undefined)[];
  /** What it says in place of OK of a packet that it has run, with nothing behind it. */
  readonly says?: number;
  /** It says that without a proof, as whoever has its number may. */
  readonly unproved?: boolean;
  /** Of the last packet that it has taken; default 0. */
  readonly counter?: number;
  /** Takes a packet whatever its counter. */
  readonly forgetful?: boolean;
}

/** A handset with a card that takes packets as ETSI TS 102 225 has it, and says what it ran. */
export class ScriptedCard implements AsyncDisposable {
  readonly #options: ScriptedCardOptions;
  readonly #link: SmppLink;
  readonly #keys: PacketKeys;
  readonly #joiner = new Joiner();
  #counter: number;
  #reference = 0;
  /** Commands that ran. */
  readonly ran: Uint8Array[] = [];
  /** Messages that came. */
  received = 0;
  /** Whether it takes messages. */
  reachable = true;

  constructor(world: SmsWorld, options: ScriptedCardOptions = {}) {
    this.#options = options;
    this.#counter = options.counter ?? 0;
    const set = { card: options.card ?? CARD, keySet: 1 };
    const master = new PacketKeyMaster(new Secret(fromHex(MASTER, 16)));
    this.#keys = {
      keySet: 1,
      kic: { algorithm: 'aes', key: master.derive('KIc', set) },
      kid: { algorithm: 'aes', key: master.derive('KID', set) },
    };
    this.#link = new SmppLink({
      smsc: { host: '127.0.0.1', port: world.smsc.port, systemId: options.msisdn ?? MSISDN, password: 'secret' },
      mode: 'transceiver',
      retryMs: 5,
      onMessage: (message) => this.#take(message),
    });
  }

  async #take(message: SmppMessage): Promise<number> {
    if (!this.reachable) return SMPP_STATUS.TEMPORARY;
    this.received += 1;
    const whole = this.#joiner.add(message.source, message.userData);
    if (whole?.kind === ELEMENT.COMMAND_PACKET) await this.#answer(message, whole.body);
    return SMPP_STATUS.OK;
  }

  async #answer(message: SmppMessage, packet: Uint8Array): Promise<void> {
    const command = unprotectCommand(packet, this.#keys);
    const verdict = judgeCounter(command.spi.counter, this.#counter, command.counter);
    const indication = keyIndication(1, 'aes');
    const header = { spi: command.spi, kic: indication, kid: indication, tar: command.tar };
    const respond = (status: number, data: Uint8Array) =>
      protectResponse({ tar: command.tar, counter: command.counter, status, data }, header, this.#keys);
    if (!verdict.accepted && this.#options.forgetful !== true)
      return this.#report(message, respond(verdict.status, new Uint8Array()));
    this.#counter = command.counter;
    const answered = this.#execute(command.data);
    const { says, unproved = false } = this.#options;
    if (says !== undefined)
      return this.#report(message, unproved ? plainRefusal(command.tar, says) : respond(says, new Uint8Array()));
    const response = respond(RESPONSE_STATUS.OK, answered);
    if (response.length <= REPORT) return this.#report(message, response);
    await this.#report(message, respond(RESPONSE_STATUS.RESPONSE_BY_SUBMIT, new Uint8Array()));
    this.#reference = (this.#reference + 1) & 0xff;
    const parts = splitPacket(ELEMENT.RESPONSE_PACKET, response.slice(3), this.#reference);
    for (const userData of parts) await this.#submit(message, userData, 0);
  }

  #execute(script: Uint8Array): Uint8Array {
    const items: ResponseItem[] = [];
    for (const [index, item] of decodeExpandedScript(script).items.entries()) {
      if (item.kind !== 'command') continue;
      this.ran.push(item.apdu.data);
      const sw = statusWord(this.#options.statusWords?.[this.ran.length - 1] ?? 0x9000);
      const data = this.#options.data?.(index) ?? Uint8Array.of(index);
      items.push({ kind: 'response', data: sw === SW.NO_ERROR ? data : new Uint8Array(), sw });
      if (sw !== SW.NO_ERROR) break;
    }
    return encodeExpandedResponse({ form: 'definite', executed: items.length, items });
  }

  #report(message: SmppMessage, userData: Uint8Array): Promise<void> {
    return this.#submit(message, userData, ESM.ACKNOWLEDGEMENT);
  }

  async #submit({ source, destination, messageId }: SmppMessage, userData: Uint8Array, type: number): Promise<void> {
    const about = messageId === undefined ? {} : { messageId };
    const fields = { source: destination, destination: source, pid: 0x7f, dcs: 0xf6, ...about };
    await this.#link.submit({ ...fields, esmClass: ESM.HEADER | type, userData });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#link[Symbol.asyncDispose]();
  }
}

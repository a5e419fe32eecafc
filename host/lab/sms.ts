// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { CardImage } from '../../simulator/src/index.ts';
import { SmppConnection, type SmppConnectionOptions } from '../bearer/sms/smpp-connection.ts';
import { ESM, type SmppMessage } from '../bearer/sms/smpp-pdu.ts';
import { Secret } from '../crypto/secret.ts';
import { PACKET_KEY_NAMES, PacketKeyMaster } from '../kms/packet-keys.ts';
import { sealedFile } from '../kms/secret-file.ts';
import { cardIdText } from '../store/card-id.ts';
import { toHex } from '../wire/hex.ts';
import type { CardId } from '../wire/message/common.ts';
import { packetLines } from './sms-packets.ts';
import { type Fate, type NetworkSpeed, Smsc, type SmscOptions, type SmscTraffic, secondsOf } from './smsc.ts';

/** What a lab's daemons and cards need so that scripts go by short message. */

type Fields = Readonly<Record<string, unknown>>;

/** The server's number, and what its key set is called on the cards. */
const SERVER = '1000';
/** Whoever else sends short messages to the cards. */
const STRANGER = '6666';
/** Messages that are remembered; a flow takes fewer. */
const MOST_HEARD = 1_000;
const KEY_SET = 1;
/** The laboratory's network is quick: what has no answer by now has been lost. */
const RESEND_MS = 5_000;
const OTA_PACKAGE = 'F06F70656E74736D03';
const OTA_MODULE = 'F06F70656E74736D0301';
const OTA_CLASSES = resolve(import.meta.dirname, '../../applet/ota/target/classes');
const AGENT_PACKAGE = 'F06F70656E74736D04';
const AGENT_MODULE = 'F06F70656E74736D0401';
const AGENT_CLASSES = resolve(import.meta.dirname, '../../applet/agent/target/classes');
/** Of the key with which a card calls; its identifiers 01 to 03 are one key here. */
const PSK_VERSION = '40';
/** A network of the field: GSM's signalling channel. */
export const RADIO: NetworkSpeed = { latencyMs: 300, bitsPerSecond: 9_600 };

/** Messages, their bytes, and how long a network of `RADIO` has them. */
export interface SmsCost extends SmscTraffic {
  readonly seconds: number;
  /** A line for each packet: its bytes, its messages, and how many it takes at least. */
  readonly packets: readonly string[];
}

/** Of one message on its way, its answers and receipts aside or not; undefined: it comes. */
export type MessageFate = (message: SmppMessage) => Fate | undefined;

/** The number from which the lab's server writes. */
export const isFromServer = ({ source }: SmppMessage): boolean => source === SERVER;

export class SmsLab implements AsyncDisposable {
  readonly ota: Fields;
  readonly otaKms: Fields;
  /** Handset of the terminal's config. */
  readonly terminal: { readonly handset: Fields };
  readonly #numbers: ReadonlyMap<string, string>;
  /** Messages to and from cards, as whoever listens to the radio network has them. */
  readonly heard: readonly SmppMessage[];
  readonly #fates: Map<string, MessageFate>;
  readonly #smscOptions: SmscOptions;
  #smsc: Smsc;
  readonly #password: string;
  readonly #master: PacketKeyMaster;
  /** The master key in hex: what no file may hold once the KMS has sealed it. */
  readonly masterKey: string;

  private constructor(parts: {
    readonly configs: { readonly ota: Fields; readonly otaKms: Fields; readonly terminal: SmsLab['terminal'] };
    readonly numbers: ReadonlyMap<string, string>;
    readonly heard: readonly SmppMessage[];
    readonly fates: Map<string, MessageFate>;
    readonly smscOptions: SmscOptions;
    readonly smsc: Smsc;
    readonly password: string;
    readonly master: PacketKeyMaster;
    readonly masterKey: string;
  }) {
    this.masterKey = parts.masterKey;
    this.heard = parts.heard;
    this.#password = parts.password;
    this.ota = parts.configs.ota;
    this.otaKms = parts.configs.otaKms;
    this.terminal = parts.configs.terminal;
    this.#numbers = parts.numbers;
    this.#fates = parts.fates;
    this.#smscOptions = parts.smscOptions;
    this.#smsc = parts.smsc;
    this.#master = parts.master;
  }

  /** An SMSC of its own, a new master key in `folder`, and a number for the card in each reader. */
  static async open(
    folder: string,
    readerNames: readonly string[],
    { resendMs = RESEND_MS }: { readonly resendMs?: number } = {},
  ): Promise<SmsLab> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const [packetKeyFile, passwordFile] = [join(folder, 'packet.key'), join(folder, 'smsc.password')];
    const master = new Uint8Array(randomBytes(32));
    const password = randomBytes(4).toString('hex');
    // An earlier run's.
    await rm(sealedFile(packetKeyFile), { force: true });
    const masterKey = toHex(master);
    await writeFile(packetKeyFile, masterKey, { mode: 0o600 });
    await writeFile(passwordFile, password, { mode: 0o600 });
    const numbers = new Map(readerNames.map((name, slot) => [name, `4917000000${String(slot + 1).padStart(2, '0')}`]));
    const passwords = new Map([SERVER, STRANGER, ...numbers.values()].map((systemId) => [systemId, password]));
    const heard: SmppMessage[] = [];
    const fates = new Map<string, MessageFate>();
    const fate = (message: SmppMessage) => {
      if ((message.esmClass & ESM.TYPE_MASK) === 0 && heard.length < MOST_HEARD) heard.push(message);
      const number = message.source === SERVER ? message.destination : message.source;
      return fates.get(number)?.(message) ?? { copies: 1 };
    };
    const smscOptions = { port: 0, passwords, fate };
    const smsc = await Smsc.start(smscOptions);
    const place = { host: '127.0.0.1', port: smsc.port, passwordFile };
    const configs = {
      ota: {
        bearers: ['sms'],
        sms: { smsc: { ...place, systemId: SERVER }, source: SERVER, keySet: KEY_SET, resendMs },
      },
      otaKms: { packetKeyFile },
      terminal: {
        handset: {
          network: { smsc: place, numbers: Array.from(numbers, ([reader, msisdn]) => ({ reader, msisdn })) },
        },
      },
    };
    const held = { master: new PacketKeyMaster(new Secret(master)), masterKey };
    return new SmsLab({ configs, numbers, heard, fates, smscOptions, smsc, password, ...held });
  }

  /** Number of the card in this reader. */
  msisdnOf(readerName: string): string {
    return this.#numbers.get(readerName) ?? '';
  }

  /** What becomes from now on of the messages to and from this number; undefined: they come. */
  strike(msisdn: string, fate: MessageFate | undefined): void {
    if (fate === undefined) this.#fates.delete(msisdn);
    else this.#fates.set(msisdn, fate);
  }

  /** The SMSC ends with all that it had stored, and another one comes up in its place. */
  async restart(): Promise<void> {
    const { port } = this.#smsc;
    await this.#smsc[Symbol.asyncDispose]();
    this.#smsc = await Smsc.start({ ...this.#smscOptions, port });
  }

  /** Binds as one who is neither server nor handset. */
  stranger(onMessage: SmppConnectionOptions['onMessage']): Promise<SmppConnection> {
    const smsc = { host: '127.0.0.1', port: this.#smsc.port, systemId: STRANGER, password: this.#password };
    return SmppConnection.bind({ smsc, mode: 'transceiver', onMessage });
  }

  /** The card with remote management and the keys of its packets, as its maker would deliver it. */
  managed(image: CardImage, cardId: CardId): CardImage {
    const set = { card: cardIdText(cardId), keySet: KEY_SET };
    const [enc = '', mac = '', dek = ''] = PACKET_KEY_NAMES.map((name) => {
      using key = this.#master.derive(name, set);
      return toHex(key.expose());
    });
    const keySets = [{ keyVersion: `0${KEY_SET}`, type: 'AES' as const, enc, mac, dek }];
    return {
      ...image,
      toolkit: true,
      ...(image.isd === null || image.isd === undefined ? {} : { isd: { ...image.isd, keySets } }),
      loadFiles: [
        ...(image.loadFiles ?? []),
        {
          aid: OTA_PACKAGE,
          path: OTA_CLASSES,
          modules: [{ aid: OTA_MODULE, class: 'org.opentsm.ota.RemoteManagement' }],
        },
      ],
      applications: [...(image.applications ?? []), { module: OTA_MODULE, aid: OTA_MODULE }],
      remoteManagement: [OTA_MODULE],
    };
  }

  /** A managed card that has an agent of its own as well, which calls with this key. */
  withAgent(image: CardImage, psk: Uint8Array): CardImage {
    const key = toHex(psk);
    const keys = { keyVersion: PSK_VERSION, type: 'PSK' as const, enc: key, mac: key, dek: key };
    const { isd } = image;
    return {
      ...image,
      ...(isd === null || isd === undefined ? {} : { isd: { ...isd, keySets: [...(isd.keySets ?? []), keys] } }),
      loadFiles: [
        ...(image.loadFiles ?? []),
        {
          aid: AGENT_PACKAGE,
          path: AGENT_CLASSES,
          modules: [{ aid: AGENT_MODULE, class: 'org.opentsm.agent.AdministrationAgent' }],
        },
      ],
      applications: [...(image.applications ?? []), { module: AGENT_MODULE, aid: AGENT_MODULE }],
      remoteManagement: [...(image.remoteManagement ?? []), AGENT_MODULE],
    };
  }

  /** What has gone over the radio network so far. */
  get cost(): SmsCost {
    const { traffic } = this.#smsc;
    return { ...traffic, seconds: secondsOf(traffic, RADIO), packets: packetLines(this.heard, SERVER) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#smsc[Symbol.asyncDispose]();
    this.#master[Symbol.dispose]();
  }
}

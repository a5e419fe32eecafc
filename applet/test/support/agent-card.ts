// SPDX-License-Identifier: Apache-2.0
/** A UICC with remote management and the administration agent, and what sends it to a server of the test's. */
import { createCipheriv } from 'node:crypto';
import { resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import { expect } from 'chai';
import type { CardImage } from '../../../simulator/src/index.ts';
import { BipTerminal } from './bip-terminal.ts';
import { type Answer, apdu, type TestCard } from './card.ts';
import { OTA, type OtaCardOptions, PacketCard, randomKeys } from './ota-card.ts';
import { commandPacket, envelopes, openResponse, type PacketKeys } from './packet-host.ts';
import { type Seal, type SymmetricKey, symmetricField } from './stored-keys.ts';
import { hex, lv, tlv } from './tlv.ts';

export const AGENT = 'F06F70656E74736D0401';
const AGENT_PACKAGE = 'F06F70656E74736D04';
export const IDENTITY = 'card-1';
export const PSK = Buffer.from('000102030405060708090A0B0C0D0E0F', 'hex');
export const PACKETS: PacketKeys = randomKeys(1, 'AES');
const SPI = '1619';

/** Adds the agent to a card with remote management. @param parameters its C9, hex */
export const withAgent =
  (parameters = '') =>
  (image: CardImage): CardImage => ({
    ...image,
    loadFiles: [
      ...(image.loadFiles ?? []),
      {
        aid: AGENT_PACKAGE,
        path: resolve(import.meta.dirname, '../../agent/target/classes'),
        modules: [{ aid: AGENT, class: 'org.opentsm.agent.AdministrationAgent' }],
      },
    ],
    applications: [
      ...(image.applications ?? []),
      { module: AGENT, aid: AGENT, ...(parameters === '' ? {} : { parameters }) },
    ],
    remoteManagement: [OTA, AGENT],
  });

export const agentCard = (parameters = ''): OtaCardOptions => ({ keys: [PACKETS], change: withAgent(parameters) });

/** Whole blocks under a key, `aes-128-cbc` and others of node's. */
export function enciphered(cipher: string, key: Buffer, data: Buffer): Buffer {
  const made = createCipheriv(
    cipher,
    key,
    Buffer.alloc(cipher.startsWith('aes') ? 16 : cipher.endsWith('cbc') ? 8 : 0),
  );
  made.setAutoPadding(false);
  return Buffer.concat([made.update(data), made.final()]);
}

/** PUT KEY of one key, under the key of the packets where nothing else is said. */
export function keyCommand(
  [version, identifier]: readonly [version: number, identifier: number],
  key: SymmetricKey,
  seal: Seal = (data) => enciphered('aes-128-cbc', PACKETS.kik, data),
): Buffer {
  const field = Buffer.concat([Buffer.of(version), symmetricField(key, seal, 16, true)]);
  return apdu(`80D800${hex(Buffer.of(identifier))}`, field, true);
}

/** Puts the pre-shared key 40 01 into the issuer's domain, in the first packet. */
export async function putPsk(card: TestCard, psk = PSK): Promise<void> {
  await new PacketCard(card, PACKETS).ok(keyCommand([0x40, 1], { type: '85', value: psk }));
}

export interface TriggerFields {
  readonly uri?: string;
  readonly identity?: string;
  /** KVN and KID. */
  readonly key?: string;
  /** `86` and what is in it, hex; no retries when absent. */
  readonly retry?: string;
  /** Name of the agent; null for a trigger without one. */
  readonly agent?: string | null;
}

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');

/** `81 L { 83 L { .. } }`: the connection is not looked at by a terminal of the tests. */
export function trigger({
  uri = '/adm?n=0',
  identity = IDENTITY,
  key = '4001',
  retry = '',
  agent = '//se-id/iccid/89',
}: TriggerFields = {}) {
  const connection = tlv('84', 'B50103', 'B90205DC', 'BC030201BB', 'BE05217F000001');
  const security = tlv('85', lv(ascii(identity)), '02', key);
  const name = agent === null ? '' : tlv('8B', ascii(agent));
  const http = tlv('89', tlv('8A', ascii('adm.example')), name, tlv('8C', ascii(uri)));
  return tlv('81', tlv('83', connection, security, retry, http));
}

/** Tells the agent to call, by a secured packet. @returns the status of the packet */
export async function sendTrigger(terminal: BipTerminal, fields: TriggerFields, counter: bigint): Promise<string> {
  const packet = commandPacket({ spi: SPI, tar: 'B20100', counter, data: trigger(fields) }, PACKETS);
  let answer: Answer = { data: Buffer.alloc(0), sw: '' };
  for (const envelope of envelopes(packet)) answer = await terminal.send(envelope);
  expect(hex(answer.data)).match(/^027100/);
  return openResponse(answer.data, SPI, PACKETS).status;
}

/** One card for many sessions: whoever sends to it counts on. */
export class AgentWorld {
  readonly card: TestCard;
  #counter = 0n;
  terminal: BipTerminal;

  private constructor(card: TestCard) {
    this.card = card;
    this.terminal = new BipTerminal(card, () => undefined);
  }

  static async open(card: TestCard): Promise<AgentWorld> {
    await putPsk(card);
    const world = new AgentWorld(card);
    world.#counter = 1n;
    return world;
  }

  /** Has the card call a server. @returns the status of the packet */
  async call(connect: () => Duplex | undefined, fields: TriggerFields = {}): Promise<string> {
    await this.restart(connect);
    return this.trigger(fields);
  }

  /** After a reset: another terminal. */
  async restart(connect: () => Duplex | undefined): Promise<void> {
    this.terminal = new BipTerminal(this.card, connect);
    await this.terminal.profile();
  }

  /** Puts an AES key with identifier 01. */
  putKey(version: number, value: Buffer): Promise<Answer> {
    return this.manage(keyCommand([version, 1], { type: '88', value }));
  }

  trigger(fields: TriggerFields = {}): Promise<string> {
    this.#counter += 1n;
    return sendTrigger(this.terminal, fields, this.#counter);
  }

  /** The next packet. */
  packet(fields: Omit<Parameters<typeof commandPacket>[0], 'counter'>): Buffer {
    this.#counter += 1n;
    return commandPacket({ ...fields, counter: this.#counter }, PACKETS);
  }

  /** A command for the issuer's domain in a packet of its own. */
  async manage(command: Buffer | string): Promise<Answer> {
    const packets = new PacketCard(this.card, PACKETS, 'B20100', this.#counter);
    this.#counter += 1n;
    return packets.exchange(command);
  }
}

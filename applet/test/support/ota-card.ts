// SPDX-License-Identifier: Apache-2.0
/** A UICC whose maker has put remote management on it. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { expect } from 'chai';
import { type CardImage, type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { type Answer, issuerImage, TestCard } from './card.ts';
import {
  commandPacket,
  expandedAnswers,
  expandedScript,
  fetchMessages,
  joinMessages,
  openResponse,
  type PacketKeys,
  sendPacket,
} from './packet-host.ts';
import { bytes, hex } from './tlv.ts';

export const OTA_PACKAGE = 'F06F70656E74736D03';
export const OTA = 'F06F70656E74736D0301';

export interface OtaCardOptions {
  /** Sets of the issuer's domain; keys of 24 bytes of DES come by PUT KEY alone. */
  readonly keys?: readonly PacketKeys[];
  /** The least SPI 1 in hex, and behind it the least length of a checksum; the applet's own when absent. */
  readonly level?: string;
  readonly bits?: number;
  readonly change?: (image: CardImage) => CardImage;
}

export const keySetImage = ({ kvn, type, kic, kid, kik }: PacketKeys) => ({
  keyVersion: hex(Buffer.of(kvn)),
  type,
  enc: hex(kic),
  mac: hex(kid),
  dek: hex(kik),
});

const tlv8E = (value: string): string => `8E0${value.length / 2}${value}`;

export function otaImage({ keys = [], level, bits, change = (image) => image }: OtaCardOptions): CardImage {
  const image = issuerImage(bits === undefined ? {} : { bits });
  return change({
    ...image,
    lifeCycle: 'SECURED',
    toolkit: true,
    iccid: '8986001234567890123F',
    ...(image.isd === null ? {} : { isd: { ...image.isd, keySets: keys.map(keySetImage) } }),
    loadFiles: [
      {
        aid: OTA_PACKAGE,
        path: resolve(import.meta.dirname, '../../ota/target/classes'),
        modules: [{ aid: OTA, class: 'org.opentsm.ota.RemoteManagement' }],
      },
    ],
    applications: [{ module: OTA, aid: OTA, ...(level === undefined ? {} : { parameters: tlv8E(level) }) }],
    remoteManagement: [OTA],
  });
}

/** TERMINAL PROFILE of a terminal that can do everything, and what the card sets up then. */
export async function profile(card: TestCard): Promise<void> {
  let { sw } = await card.exchange(`8010000014${'FF'.repeat(20)}`);
  while (sw.startsWith('91')) {
    const { data } = await card.exchange('8012000000');
    const details = hex(data.subarray(2, 7));
    ({ sw } = await card.exchange(`801400000C${details}82028281830100`));
  }
}

/** Runs a test on a card of its own, behind its TERMINAL PROFILE. */
export async function onOtaCard(
  options: OtaCardOptions,
  test: (card: TestCard, simulated: SimulatedCard) => Promise<void>,
): Promise<void> {
  const simulator = await sharedSimulator();
  await using simulated = await simulator.insert(otaImage(options));
  const card = new TestCard(simulated);
  await profile(card);
  await test(card, simulated);
}

export function randomKeys(kvn: number, type: 'AES' | 'DES', length = 16): PacketKeys {
  return { kvn, type, kic: randomBytes(length), kid: randomBytes(length), kik: randomBytes(length) };
}

/** The card as somebody far away has it: each command is a script of its own, in a packet for the TAR. */
export class PacketCard extends TestCard {
  readonly #keys: PacketKeys;
  readonly #tar: string;
  readonly #local: TestCard;
  #counter: bigint;

  constructor(local: TestCard, keys: PacketKeys, tar = 'B20100', counter = 0n) {
    super(local.simulated);
    this.#local = local;
    this.#keys = keys;
    this.#tar = tar;
    this.#counter = counter;
  }

  /** Runs a script; answers the status of the packet and the R-APDUs. */
  async script(commands: readonly (string | Buffer)[], spi = '1639'): Promise<{ status: string; answers: string[] }> {
    this.#counter += 1n;
    const fields = { spi, tar: this.#tar, counter: this.#counter, data: expandedScript(commands) };
    const { data, sw } = await sendPacket(this.#local, commandPacket(fields, this.#keys));
    if (!sw.startsWith('91')) return { status: openPlainStatus(data, spi, this.#keys), answers: [] };
    expect(openResponse(data, spi, this.#keys).status).equal('0B');
    const response = openResponse(joinMessages(await fetchMessages(this.#local, sw)), spi, this.#keys);
    return { status: response.status, answers: expandedAnswers(response.data) };
  }

  override async exchange(command: string | Uint8Array): Promise<Answer> {
    const { status, answers } = await this.script([typeof command === 'string' ? command : Buffer.from(command)]);
    expect(status, 'status of the packet').equal('00');
    const answer = bytes(answers[0] ?? '');
    return { data: answer.subarray(0, -2), sw: hex(answer.subarray(-2)) };
  }
}

/** Status of a refusal: in clear, unless the packet was authentic. */
export function openPlainStatus(data: Buffer, spi: string, keys: PacketKeys): string {
  if (data[5] === 0x0a) return openResponse(data, spi, keys, true).status;
  return openResponse(data, spi, keys).status;
}

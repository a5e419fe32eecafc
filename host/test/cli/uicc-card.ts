// SPDX-License-Identifier: Apache-2.0
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import { FramedCard } from '../transport/framed-card.ts';

const RIGHT_PIN = '31323334FFFFFFFF';
const RIGHT_PUK = '3837363534333231';
const USIM_AID = 'A0000000871002FF49FF0589';

interface File {
  readonly records?: number;
  /** Data objects by their tags, in a file that holds such. */
  readonly objects?: Readonly<Record<string, string>>;
  content: Uint8Array;
}

/** Content of the directory record of the USIM. */
const DIRECTORY = `611B4F0C${USIM_AID}500B5553494D204170706C6574`;

/** A UICC as small as the commands of TS 102 221 that are tried: a few files, PIN1 of three tries. */
export class UiccCard {
  readonly files: Record<string, File> = {
    '2FE2': { content: fromHex('98680021436587090011') },
    '2F00': { records: 1, content: concat(fromHex(DIRECTORY), new Uint8Array(9).fill(0xff)) },
    '6F07': { content: fromHex('080910101032547698') },
    '6F46': { content: new Uint8Array(17).fill(0xff) },
    '6F70': { objects: { '80': '800201FF', '5F2D': `5F2D8182${'AB'.repeat(130)}` }, content: new Uint8Array() },
    '6F40': { records: 2, content: new Uint8Array(40).fill(0xff) },
  };
  tries = 3;
  verifications = 0;
  #selected = '3F00';
  #verified = false;
  #waiting = '';

  static async start(): Promise<{ uicc: UiccCard; link: FramedCard }> {
    const uicc = new UiccCard();
    return { uicc, link: await FramedCard.start((command) => uicc.#answer(command)) };
  }

  #answer(command: Uint8Array): Uint8Array {
    const [, ins = 0, p1 = 0, p2 = 0, lc = 0] = command;
    const data = command.slice(5, 5 + lc);
    if (ins === 0xa4) return this.#select(p1, toHex(data));
    if (ins === 0xb0) return this.#read(0, lc === 0 ? 256 : lc);
    if (ins === 0xb2) return this.#record(p1);
    if (ins === 0xcb) return this.#retrieve(toHex(data), p2);
    if (ins === 0xd6) return this.#update(data, 0);
    if (ins === 0xdc) return this.#update(data, p1 - 1);
    if (ins === 0x20) return this.#verify(toHex(data), p2);
    if (ins === 0x2c) return this.#unblock(toHex(data));
    return fromHex('6D00');
  }

  #select(p1: number, name: string): Uint8Array {
    if (p1 === 0x04) return fromHex(name === USIM_AID ? '9000' : '6A82');
    const file = this.files[name];
    if (file === undefined && name !== '3F00') return fromHex('6A82');
    this.#selected = name;
    return file === undefined ? fromHex('62009000') : concat(control(file), fromHex('9000'));
  }

  #read(start: number, length: number): Uint8Array {
    const content = this.files[this.#selected]?.content;
    if (content === undefined) return fromHex('6986');
    if (length !== 256 && length > content.length) return fromHex(`6C${content.length.toString(16).padStart(2, '0')}`);
    return concat(content.slice(start, start + length), fromHex('9000'));
  }

  #record(number: number): Uint8Array {
    const { content, records = 0 } = this.files[this.#selected] ?? { content: new Uint8Array() };
    if (number > records) return fromHex('6A83');
    const length = content.length / records;
    return concat(content.slice((number - 1) * length, number * length), fromHex('9000'));
  }

  /** Objects in blocks of 100 bytes, so that one comes in two. */
  #retrieve(tag: string, p2: number): Uint8Array {
    const { objects = {} } = this.files[this.#selected] ?? { content: new Uint8Array() };
    const tags = Object.keys(objects).join('');
    const list = `5C${(tags.length / 2).toString(16).padStart(2, '0')}${tags}`;
    if (p2 === 0x80) this.#waiting = tag === '5C' ? list : (objects[tag] ?? '');
    if (this.#waiting === '') return fromHex('6A88');
    const block = this.#waiting.slice(0, 200);
    this.#waiting = this.#waiting.slice(200);
    return fromHex(`${block}${this.#waiting === '' ? '9000' : '62F1'}`.toUpperCase());
  }

  #update(data: Uint8Array, record: number): Uint8Array {
    if (!this.#verified) return fromHex('6982');
    this.files[this.#selected]?.content.set(data, record * data.length);
    return fromHex('9000');
  }

  #verify(pin: string, key: number): Uint8Array {
    if (key !== 0x01) return fromHex('6A88');
    if (this.tries === 0) return fromHex('6983');
    if (pin === '') return fromHex(`63C${this.tries}`);
    this.verifications += 1;
    this.#verified = pin === RIGHT_PIN;
    this.tries = this.#verified ? 3 : this.tries - 1;
    return fromHex(this.#verified ? '9000' : `63C${this.tries}`);
  }

  #unblock(data: string): Uint8Array {
    if (data === '') return fromHex('63CA');
    if (!data.startsWith(RIGHT_PUK)) return fromHex('63C9');
    this.tries = 3;
    return fromHex('9000');
  }
}

/** `62 { 82 descriptor ‖ 80 size }` */
function control({ content, records, objects }: File): Uint8Array {
  if (objects !== undefined) return fromHex('620482027921');
  const size = content.length.toString(16).padStart(4, '0');
  if (records === undefined) return fromHex(`6208820241218002${size}`.toUpperCase());
  const length = (content.length / records).toString(16).padStart(4, '0');
  const count = records.toString(16).padStart(2, '0');
  return fromHex(`620B82054221${length}${count}8002${size}`.toUpperCase());
}

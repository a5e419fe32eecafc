// SPDX-License-Identifier: Apache-2.0
import { NotFoundError, StatusWordError, UsageError, WireError } from '../errors.ts';
import { decodeTlvs, TlvReader } from '../wire/ber-tlv.ts';
import { type GpCommand, gpCommand, INS, responseData } from '../wire/gp/command.ts';
import { fromHex } from '../wire/hex.ts';
import type { ElementaryFile } from '../wire/uicc/elementary-file.ts';
import type { CardSession } from './card-session.ts';

/** First bytes of the AID of every USIM. @see TS 101 220 annex E */
const USIM = fromHex('A0000000871002');
const MAX_RECORDS = 254;
const BLOCK = 255;
const TAG_LIST = 0x5c;
const FIRST_BLOCK = 0x80;
const MAX_OBJECT = 0x10000;
/** Of the object; the second one where the card also has a command for the terminal. @see TS 102 221 10.2.1.3 */
const MORE_AVAILABLE: readonly string[] = ['62F1', '62F2'];

/** Size and records of the selected file, from its control parameters. @see TS 102 221 11.1.1.3 */
export interface FileControl {
  readonly sizeBytes?: number;
  readonly recordLength?: number;
  readonly recordCount?: number;
  readonly structure?: FileStructure;
}

/** How a file is built: one row of bytes, records of one length, or data objects. */
export type FileStructure = 'transparent' | 'linear' | 'ber-tlv';

/** What a file holds, in one part, in records, or in data objects with their tags. */
export interface FileContent {
  readonly structure: FileStructure;
  readonly parts: readonly Uint8Array[];
}

const command = (label: string, ins: number, p1: number, p2: number, data: Uint8Array, le: boolean): GpCommand =>
  gpCommand({ label, cla: 0x00, ins, p1, p2, data, le });

const number = (bytes: Uint8Array): number => bytes.reduce((value, byte) => value * 256 + byte, 0);

/** `62 L { 80 size, 82 descriptor }`; cards of before the UICC tell other things: then nothing is known. */
export function decodeFileControl(answer: Uint8Array): FileControl {
  if (answer[0] !== 0x62) return {};
  const objects = decodeTlvs(new TlvReader(answer).expect(0x62));
  const value = (tag: number) => objects.find((object) => object.tag === tag)?.value;
  const [size, descriptor] = [value(0x80), value(0x82)];
  const records =
    descriptor !== undefined && descriptor.length >= 5
      ? { recordLength: number(descriptor.slice(2, 4)), recordCount: descriptor[4] ?? 0 }
      : {};
  const structure = structureOf(descriptor?.[0] ?? 0);
  return {
    ...(size === undefined ? {} : { sizeBytes: number(size) }),
    ...records,
    ...(structure === undefined ? {} : { structure }),
  };
}

/** @see TS 102 221 table 11.5 */
function structureOf(descriptor: number): FileStructure | undefined {
  const form = descriptor & 0x3f;
  if (form === 0x39) return 'ber-tlv';
  if ((form & 0x38) === 0x38) return undefined;
  return { 1: 'transparent' as const, 2: 'linear' as const, 6: 'linear' as const }[form & 0x07];
}

/** The file system of a UICC, in clear. @see TS 102 221 11.1 */
export class UiccFiles {
  readonly #session: CardSession;

  constructor(session: CardSession) {
    this.#session = session;
  }

  /** @throws NotFoundError when the card has no such file */
  async select(file: ElementaryFile): Promise<FileControl> {
    await this.#selectRoot(file);
    let control: FileControl = {};
    for (const id of file.path) control = await this.#selectId(id, file.name);
    return control;
  }

  /** Content of a transparent file, or its records. @throws NotFoundError, StatusWordError */
  async read(file: ElementaryFile): Promise<readonly Uint8Array[]> {
    return (await this.content(file)).parts;
  }

  /** The same, with how the card says that the file is built. @throws NotFoundError, StatusWordError */
  async content(file: ElementaryFile): Promise<FileContent> {
    const control = await this.select(file);
    const structure = control.structure ?? file.structure;
    if (structure === 'ber-tlv') return { structure, parts: await this.#objects(file) };
    if (structure === 'linear') return { structure, parts: await this.#records(control, file) };
    return { structure, parts: [await this.#binary(control, file)] };
  }

  /**
   * @param record number of a linear file's record, from 1 @throws UsageError when the content is not as long as the
   *     place
   */
  async update(file: ElementaryFile, content: (length: number) => Uint8Array, record = 1): Promise<GpCommand> {
    const { sizeBytes, recordLength } = await this.select(file);
    const length = file.structure === 'linear' ? recordLength : sizeBytes;
    if (length === undefined || length > BLOCK)
      throw new UsageError('file-size', `EF.${file.name}: the card does not tell a size of up to ${BLOCK} bytes`);
    const data = content(length);
    if (data.length > length)
      throw new UsageError('file-size', `EF.${file.name} has ${length} bytes`, { got: data.length });
    return file.structure === 'linear'
      ? command(`UPDATE RECORD EF.${file.name}`, INS.UPDATE_RECORD, record, 0x04, data, false)
      : command(`UPDATE BINARY EF.${file.name}`, INS.UPDATE_BINARY, 0x00, 0x00, data, false);
  }

  /** Whether the file can be selected. */
  async has(file: ElementaryFile): Promise<boolean> {
    try {
      await this.select(file);
      return true;
    } catch (error) {
      if (error instanceof NotFoundError) return false;
      throw error;
    }
  }

  async #selectRoot({ root }: ElementaryFile): Promise<void> {
    await this.#selectId(MASTER_FILE, 'MF');
    if (root === 'MF') return;
    const name = await this.#usim();
    await this.#session.send(command('SELECT ADF.USIM', INS.SELECT, 0x04, 0x04, name, true));
  }

  /** The first USIM of EF.DIR. @throws NotFoundError */
  async #usim(): Promise<Uint8Array> {
    const records = await this.read(DIRECTORY);
    for (const record of records) {
      if (record[0] !== 0x61) continue;
      const template = new TlvReader(record).expect(0x61);
      const name = decodeTlvs(template).find(({ tag }) => tag === 0x4f)?.value;
      if (name !== undefined && USIM.every((byte, index) => name[index] === byte)) return name;
    }
    throw new NotFoundError('usim', 'This card has no USIM in EF.DIR');
  }

  async #selectId(id: string, name: string): Promise<FileControl> {
    const selection = command(`SELECT ${id}`, INS.SELECT, 0x00, 0x04, fromHex(id), true);
    const response = await this.#session.transmit(selection);
    if (response.sw === '6A82')
      throw new NotFoundError(
        'file',
        id === MASTER_FILE ? 'This card has no files: it is no UICC or SIM' : `This card has no EF.${name}`,
      );
    return decodeFileControl(responseData(selection, response));
  }

  async #binary({ sizeBytes }: FileControl, { name }: ElementaryFile): Promise<Uint8Array> {
    const parts: number[] = [];
    do {
      const offset = parts.length;
      const want = sizeBytes === undefined ? 256 : Math.min(sizeBytes - offset, BLOCK);
      const read = {
        ...command(`READ BINARY EF.${name}`, INS.READ_BINARY, offset >> 8, offset & 0xff, new Uint8Array(), true),
        leBytes: want,
      };
      const answer = await this.#session.send(read);
      if (answer.length === 0) break;
      parts.push(...answer);
    } while (sizeBytes !== undefined && parts.length < sizeBytes);
    return Uint8Array.from(parts);
  }

  /** Data objects of a BER-TLV file, by the list of their tags. @see TS 102 221 11.3.1 */
  async #objects({ name }: ElementaryFile): Promise<Uint8Array[]> {
    const list = new TlvReader(await this.#retrieve(name, Uint8Array.of(TAG_LIST))).expect(TAG_LIST);
    const objects: Uint8Array[] = [];
    for (const tag of tagsIn(list)) objects.push(await this.#retrieve(name, tag));
    return objects;
  }

  async #retrieve(name: string, tag: Uint8Array): Promise<Uint8Array> {
    const parts: number[] = [];
    for (let first = true; ; first = false) {
      const data = first ? tag : new Uint8Array();
      const bare = command(`RETRIEVE DATA EF.${name}`, INS.GET_DATA_FILE, 0x00, first ? FIRST_BLOCK : 0x00, data, true);
      const retrieve = { ...bare, cla: 0x80 };
      const response = await this.#session.transmit(retrieve);
      const more = MORE_AVAILABLE.includes(response.sw);
      parts.push(...responseData(retrieve, more ? { ...response, sw: '9000' } : response));
      if (!more) return Uint8Array.from(parts);
      if (parts.length > MAX_OBJECT)
        throw new WireError('file-object', `EF.${name}: the card’s data object has no end`, { got: parts.length });
    }
  }

  async #records({ recordCount, recordLength }: FileControl, { name }: ElementaryFile): Promise<Uint8Array[]> {
    const records: Uint8Array[] = [];
    for (let record = 1; record <= Math.min(recordCount ?? MAX_RECORDS, MAX_RECORDS); record += 1) {
      const bare = command(`READ RECORD EF.${name}`, INS.READ_RECORD, record, 0x04, new Uint8Array(), true);
      const read = recordLength === undefined ? bare : { ...bare, leBytes: Math.min(recordLength, 256) };
      const response = await this.#session.transmit(read);
      if (response.sw === '6A83') break;
      records.push(responseData(read, response));
    }
    return records;
  }
}

/** Tags of one to three bytes each. @throws WireError for half a tag, or more than a file of objects has */
function tagsIn(list: Uint8Array): Uint8Array[] {
  const tags: Uint8Array[] = [];
  for (let at = 0; at < list.length; ) {
    let end = at + 1;
    if (((list[at] ?? 0) & 0x1f) === 0x1f) {
      while (((list[end] ?? 0) & 0x80) !== 0) end += 1;
      end += 1;
    }
    if (end > list.length || end - at > 3 || tags.length === MAX_RECORDS)
      throw new WireError('file-tags', 'The card’s list of tags is not one', { offset: at });
    tags.push(list.slice(at, end));
    at = end;
  }
  return tags;
}

const MASTER_FILE = '3F00';
const DIRECTORY: ElementaryFile = { name: 'DIR', root: 'MF', path: ['2F00'], structure: 'linear', about: '' };

/** What is left of a PIN. */
export interface PinState {
  /** Undefined when the PIN is verified or disabled, or the card does not say. */
  readonly triesLeft?: number;
  readonly verified: boolean;
  /** Nobody asks for it, and so there is nothing to verify. */
  readonly disabled?: boolean;
}

/** Of a card that knows no PIN commands, or no class of theirs. */
const UNKNOWN: readonly string[] = ['6D00', '6E00'];

/** Keys of PINs. @see TS 102 221 9.5.1 */
export const PIN_KEYS: Readonly<Record<string, number>> = { pin1: 0x01, pin2: 0x81, adm1: 0x0a };

/** PIN commands of a UICC: VERIFY, CHANGE PIN and UNBLOCK PIN. @see TS 102 221 11.1.9 to 11.1.13 */
export class Pin {
  readonly #session: CardSession;
  readonly #key: number;

  constructor(session: CardSession, key: number) {
    this.#session = session;
    this.#key = key;
  }

  /** Asks without trying. @see TS 102 221 11.1.9.1: an empty VERIFY */
  async state(unblocking = false): Promise<PinState> {
    const label = 'VERIFY [tries left]';
    const ins = unblocking ? INS.UNBLOCK_PIN : INS.VERIFY;
    const { sw } = await this.#session.transmit(command(label, ins, 0x00, this.#key, new Uint8Array(), false));
    if (sw === '9000') return { verified: true };
    if (/^63C[0-9A-F]$/.test(sw)) return { verified: false, triesLeft: Number.parseInt(sw.slice(3), 16) };
    if (sw === '6983') return { verified: false, triesLeft: 0 };
    if (sw === '6984') return { verified: false, disabled: true };
    if (sw === '6A88') throw new NotFoundError('pin', 'This card has no such PIN');
    if (UNKNOWN.includes(sw))
      throw new StatusWordError('pin', `This card has no PINs: it answers ${sw} to ${label}`, { sw });
    return { verified: false };
  }

  verify(pin: string): GpCommand {
    return command('VERIFY', INS.VERIFY, 0x00, this.#key, padded(pin), false);
  }

  change(old: string, next: string): GpCommand {
    return command(
      'CHANGE PIN',
      INS.CHANGE_PIN,
      0x00,
      this.#key,
      Uint8Array.of(...padded(old), ...padded(next)),
      false,
    );
  }

  unblock(puk: string, next: string): GpCommand {
    const data = Uint8Array.of(...padded(puk), ...padded(next));
    return command('UNBLOCK PIN', INS.UNBLOCK_PIN, 0x00, this.#key, data, false);
  }
}

/** Eight bytes, digits as letters, filled with FF. @throws UsageError that never repeats what was given */
function padded(digits: string): Uint8Array {
  if (!/^[0-9]{4,8}$/.test(digits)) throw new UsageError('pin-format', 'A PIN has 4 to 8 digits');
  return Uint8Array.from({ length: 8 }, (_, index) => (index < digits.length ? digits.charCodeAt(index) : 0xff));
}

/** @see TS 102 221 table 10.9 */
const REFUSALS: Readonly<Record<string, string>> = {
  6983: 'blocked',
  6984: 'not tried, for this PIN is disabled',
};

/** What the card says to a wrong PIN. @throws StatusWordError */
export function requirePinAccepted(label: string, sw: string): void {
  if (sw === '9000') return;
  const left = /^63C([0-9A-F])$/.exec(sw)?.[1];
  const words =
    left !== undefined ? `wrong, ${Number.parseInt(left, 16)} tries left` : (REFUSALS[sw] ?? `refused with ${sw}`);
  throw new StatusWordError('pin', `${label}: ${words}`, { sw });
}

// SPDX-License-Identifier: Apache-2.0
import { aesCmac } from '../crypto/aes.ts';
import { Secret } from '../crypto/secret.ts';
import { KeyError, SecureChannelError, WireError } from '../errors.ts';
import { keyIndication } from '../secure-channel/scp80/algorithms.ts';
import { protectCommand } from '../secure-channel/scp80/command-packet.ts';
import { type ReceivedResponse, unprotectResponse } from '../secure-channel/scp80/response-packet.ts';
import { fromHex } from '../wire/hex.ts';
import type { SecurityParameters } from '../wire/uicc/security-parameters-indicator.ts';
import type { PacketKeyList, RequiredKeys } from './key-list.ts';
import type { Sealer } from './sealing.ts';
import { masterKeyFile, openMasterKey } from './secret-file.ts';

const KEY_BITS = 128;
const KEY_SETS = 15;

/** The three keys of a set that SCP80 uses. @see GPCS 11.1.9; TS 102 225 */
export const PACKET_KEY_NAMES = ['KIc', 'KID', 'KIK'] as const;
export type PacketKeyName = (typeof PACKET_KEY_NAMES)[number];

/** A set of keys by its handle: the card and the key version number, 1 to 15. */
export interface PacketKeySet {
  /** `iccid:8986…` */
  readonly card: string;
  readonly keySet: number;
}

/** What a packet says in clear, but for KIc and KID, which follow from the key set. */
export interface PacketTarget extends PacketKeySet {
  readonly spi: SecurityParameters;
  /** 3 bytes. */
  readonly tar: Uint8Array;
  /** 0 to MAX_COUNTER. */
  readonly counter: number;
}

/** What an answer turned out to be: none of ours for `reason`, or a response. */
export type OpenedAnswer =
  | { readonly taken: false; readonly reason: string }
  | ({ readonly taken: true } & Pick<ReceivedResponse, 'status' | 'data' | 'authenticated'>);

/** Keys of secured packets: those that a card came with, else AES-128, three for each card and set, from one master. */
export class PacketKeyMaster implements Disposable {
  readonly #master: Secret;
  readonly #listed: PacketKeyList | undefined;

  /** True: its file lies in clear still, because nothing may be written there. */
  readonly inClear: boolean;

  /** @param master 16, 24 or 32 bytes */
  constructor(master: Secret, inClear = false, listed?: PacketKeyList) {
    this.#master = master;
    this.inClear = inClear;
    this.#listed = listed;
  }

  /**
   * The master key in hex in a file that is private to its owner; with a sealer it is replaced by `<file>.sealed`,
   * which opens in this KMS alone and for nothing else.
   *
   * @throws UsageError `packet-key`; KeyError `key-unreadable`
   */
  static async open(file: string, sealer?: Sealer, listed?: PacketKeyList): Promise<PacketKeyMaster> {
    const { hex, inClear } = await openMasterKey(masterKeyFile(file, 'packet-key', 'packet master key'), sealer);
    return new PacketKeyMaster(new Secret(fromHex(hex, 32)), inClear, listed);
  }

  /**
   * `AES-CMAC(master, 01 ‖ "opentsm SCP80 " name ‖ 00 ‖ card ‖ key set ‖ 0080)`, 16 bytes.
   *
   * @throws KeyError for a key set that is none of SCP80
   * @see NIST SP 800-108 4.1, counter mode
   */
  derive(name: PacketKeyName, { card, keySet }: PacketKeySet): Secret {
    if (!Number.isInteger(keySet) || keySet < 1 || keySet > KEY_SETS)
      throw new KeyError('packet-key-set', 'Key sets of SCP80 are 1 to 15', { got: keySet });
    const purpose = Buffer.from(`opentsm SCP80 ${name}\0${card}`, 'latin1');
    const length = Uint8Array.of(KEY_BITS >> 8, KEY_BITS & 0xff);
    return new Secret(aesCmac(this.#master.expose(), Uint8Array.of(1), purpose, Uint8Array.of(keySet), length));
  }

  /** Up to this one the card may have had every counter, before it came here. */
  usedBefore(set: PacketKeySet): number {
    return this.#listed?.counterOf(set) ?? 0;
  }

  #keysOf(set: PacketKeySet): RequiredKeys {
    const listed = this.#listed?.find(set);
    if (listed !== undefined) return listed;
    const [kic, kid] = [this.derive('KIc', set), this.derive('KID', set)];
    return { keySet: set.keySet, kic: { algorithm: 'aes', key: kic }, kid: { algorithm: 'aes', key: kid } };
  }

  /**
   * A command packet, enciphered and with its checksum.
   *
   * @throws SecureChannelError `packet-security` when it would leave without one of the two
   * @see TS 102 225 5.1
   */
  wrap(target: PacketTarget, data: Uint8Array): Uint8Array {
    const { integrity, ciphered, counter, proofIntegrity } = target.spi;
    if (integrity !== 'cc' || !ciphered || counter === 'ignored' || counter === 'unchecked' || proofIntegrity !== 'cc')
      throw new SecureChannelError('packet-security', 'A packet leaves enciphered, with CC, a counter that is checked');
    return this.#using(target, (keys) => protectCommand({ ...headerOf(target, keys), data }, keys));
  }

  /** An answer, with UDH, if it is one to this command. Whatever bytes come, it is no error. */
  unwrap(target: PacketTarget, answer: Uint8Array): OpenedAnswer {
    try {
      const { status, data, authenticated } = this.#using(target, (keys) =>
        unprotectResponse(answer, headerOf(target, keys), keys),
      );
      return { taken: true, status, data, authenticated };
    } catch (error) {
      if (error instanceof SecureChannelError || error instanceof WireError)
        return { taken: false, reason: error.code };
      throw error;
    }
  }

  #using<T>(set: PacketKeySet, work: (keys: RequiredKeys) => T): T {
    const keys = this.#keysOf(set);
    try {
      return work(keys);
    } finally {
      keys.kic.key.wipe();
      keys.kid.key.wipe();
    }
  }

  [Symbol.dispose](): void {
    this.#master.wipe();
    this.#listed?.[Symbol.dispose]();
  }
}

function headerOf({ spi, tar, counter, keySet }: PacketTarget, { kic, kid }: RequiredKeys) {
  const indications = { kic: keyIndication(keySet, kic.algorithm), kid: keyIndication(keySet, kid.algorithm) };
  return { spi, tar, counter, ...indications };
}

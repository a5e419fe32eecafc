// SPDX-License-Identifier: Apache-2.0
import { BLOCK, pad80, SessionRetailMac, sessionDes } from '../../crypto/des.ts';
import { constantTimeEqual } from '../../crypto/equal.ts';
import type { KeyedCipher } from '../../crypto/keyed-cipher.ts';
import { SecureChannelError } from '../../errors.ts';
import { encodeParts, type GpCommand } from '../../wire/gp/command.ts';
import { concat } from '../../wire/hex.ts';
import { isSuccessOrWarning, type StatusWord } from '../../wire/status-word.ts';
import { basicClass, macClass, macLength, protectedClass } from '../gp-class.ts';
import type { Messaging, Wrapped } from '../scripted-channel.ts';
import { LEVEL } from '../security-level.ts';
import type { Scp02SessionKeys } from './session-keys.ts';

/** Bits of "i". @see GPCS E.1.1, Table E-1 */
export const SCP02_OPTION = {
  THREE_KEYS: 0x01,
  UNMODIFIED_APDU: 0x02,
  EXPLICIT: 0x04,
  ICV_ENCRYPTION: 0x10,
  R_MAC: 0x20,
  PSEUDO_RANDOM: 0x40,
} as const;

export interface Scp02State {
  /** The C-MAC before, 8 bytes; undefined before EXTERNAL AUTHENTICATE. */
  readonly cMac: Uint8Array | undefined;
  /** The R-MAC before, first the C-MAC of EXTERNAL AUTHENTICATE. */
  readonly rMac: Uint8Array;
  /** The command as the R-MAC sees it: without secure messaging. */
  readonly command: Uint8Array;
}

const MAC_LENGTH = BLOCK;
const ZERO: Uint8Array = new Uint8Array(BLOCK);

/**
 * C-MAC of one command, modified, over its plain data: `CLA INS P1 P2 Lc data`.
 *
 * @see GPCS E.4.4
 */
export function scp02CommandMac(
  key: SessionRetailMac,
  option: number,
  before: Uint8Array | undefined,
  { cla, ins, p1, p2, data }: Pick<GpCommand, 'cla' | 'ins' | 'p1' | 'p2' | 'data'>,
): Uint8Array {
  const lead = Uint8Array.of(macClass(cla), ins, p1, p2);
  const encrypt = before !== undefined && (option & SCP02_OPTION.ICV_ENCRYPTION) !== 0;
  const icv = encrypt ? key.icvOf(before) : (before ?? ZERO);
  return key.mac(icv, concat(lead, macLength(data.length + MAC_LENGTH), data));
}

/**
 * Secure messaging of SCP02: MAC over the plain text, then encryption; R-MACs in a chain of their own. @see GPCS E.4
 */
export class Scp02Messaging implements Messaging<Scp02State> {
  // The R-MAC chain goes on with each answer that is read, whatever it is.
  readonly stateDependsOnOutcome = false;
  readonly blockCapacity: number;
  readonly #keys: Scp02SessionKeys;
  readonly #level: number;
  readonly #option: number;
  #enc: KeyedCipher | undefined;
  readonly #macs: { mac?: SessionRetailMac; rMac?: SessionRetailMac } = {};

  constructor(keys: Scp02SessionKeys, level: number, option: number) {
    this.#keys = keys;
    this.#level = level;
    this.#option = option;
    this.blockCapacity = (level & LEVEL.C_DECRYPTION) === 0 ? 247 : 239;
  }

  wrap(state: Scp02State, command: GpCommand) {
    const { cla, ins, p1, p2, data } = command;
    const cMac = scp02CommandMac(this.#macUnder('mac'), this.#option, state.cMac, command);
    const encrypt = (this.#level & LEVEL.C_DECRYPTION) !== 0 && data.length > 0;
    const sent = encrypt ? this.#cipher().encrypt(pad80(data)) : data;
    const header = { ...command, cla: protectedClass(cla) };
    const apdus = encodeParts(header, concat(sent, cMac), command.le || this.#protectsResponses ? 256 : undefined);
    const plain = concat(Uint8Array.of(basicClass(cla), ins, p1, p2), macLength(data.length), data);
    return { apdus, next: { cMac, rMac: state.rMac, command: plain } };
  }

  unwrap({ next }: Wrapped<Scp02State>, current: Scp02State, data: Uint8Array, sw: StatusWord) {
    if (!this.#protectsResponses) return { data, next };
    // A card that refuses before its secure messaging is at work answers a bare error.
    if (data.length === 0 && !isSuccessOrWarning(sw)) return { data, next: { ...next, rMac: current.rMac } };
    const end = data.length - MAC_LENGTH;
    if (end < 0 || (end > 0 && !isSuccessOrWarning(sw)))
      throw new SecureChannelError('response-format', 'The response is not data and R-MAC');
    const body = data.slice(0, end);
    const input = concat(next.command, Uint8Array.of(body.length & 0xff), body, Uint8Array.of(sw >> 8, sw & 0xff));
    const rMac = this.#macUnder('rMac').mac(current.rMac, input);
    if (!constantTimeEqual(rMac, data.slice(end)))
      throw new SecureChannelError('r-mac', 'R-MAC of the response is wrong');
    return { data: body, next: { ...next, rMac } };
  }

  /** Made at the first use. @throws InvariantError where the session's keys were wiped */
  #macUnder(name: 'mac' | 'rMac'): SessionRetailMac {
    const key = this.#keys[name].expose();
    this.#macs[name] ??= new SessionRetailMac(key);
    return this.#macs[name];
  }

  #cipher(): KeyedCipher {
    const key = this.#keys.enc.expose();
    this.#enc ??= sessionDes(key);
    return this.#enc;
  }

  get #protectsResponses(): boolean {
    return (this.#level & LEVEL.R_MAC) !== 0;
  }
}

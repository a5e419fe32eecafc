// SPDX-License-Identifier: Apache-2.0
import { AES_BLOCK, SessionAes } from '../../crypto/aes.ts';
import { pad80, unpad80 } from '../../crypto/des.ts';
import { constantTimeEqual } from '../../crypto/equal.ts';
import { SecureChannelError, TsmError } from '../../errors.ts';
import { encodeParts, type GpCommand } from '../../wire/gp/command.ts';
import { concat } from '../../wire/hex.ts';
import { isSuccessOrWarning, type StatusWord } from '../../wire/status-word.ts';
import { macClass, macLength, protectedClass } from '../gp-class.ts';
import type { Messaging, Wrapped } from '../scripted-channel.ts';
import { LEVEL, type SecurityLevel } from '../security-level.ts';
import type { Scp03SessionKeys } from './session-keys.ts';

export interface Scp03State {
  /** MAC chaining value, 16 bytes. */
  readonly chaining: Uint8Array;
  /** Of commands since EXTERNAL AUTHENTICATE: each one counts, also without data. */
  readonly counter: number;
}

export const FIRST_CHAINING: Uint8Array = new Uint8Array(AES_BLOCK);

/** First block of a counter's ICV; responses set the top bit. @see Amendment D 6.2.6, 6.2.7 */
const ICV_OF_RESPONSE = 0x80;

/**
 * The MAC over one command: `CMAC(S-MAC, chaining ‖ CLA' INS P1 P2 Lc' ‖ data)`; all 16 bytes chain.
 *
 * @see Amendment D 6.2.4
 */
export function commandMac(
  key: SessionAes,
  chaining: Uint8Array,
  header: Pick<GpCommand, 'cla' | 'ins' | 'p1' | 'p2'>,
  data: Uint8Array,
  macLengthBytes: number,
): Uint8Array {
  const { cla, ins, p1, p2 } = header;
  const lead = Uint8Array.of(macClass(cla), ins, p1, p2);
  return key.cmac(chaining, lead, macLength(data.length + macLengthBytes), data);
}

/** Secure messaging of SCP03; MACs have 8 bytes, 16 in S16. @see Amendment D 6.2.4 to 6.2.7 */
export class Scp03Messaging implements Messaging<Scp03State> {
  readonly stateDependsOnOutcome = false;
  readonly blockCapacity: number;
  readonly #keys: Scp03SessionKeys;
  readonly #ciphers: Partial<Record<keyof Scp03SessionKeys, SessionAes>> = {};
  readonly #level: SecurityLevel;
  readonly #macLength: 8 | 16;

  constructor(keys: Scp03SessionKeys, level: SecurityLevel, macLengthBytes: 8 | 16) {
    this.#keys = keys;
    this.#level = level;
    this.#macLength = macLengthBytes;
    const room = 255 - macLengthBytes;
    // padding takes at least one byte of the last block
    this.blockCapacity = (level & LEVEL.C_DECRYPTION) === 0 ? room : room - (room % AES_BLOCK) - 1;
  }

  wrap({ chaining, counter }: Scp03State, command: GpCommand) {
    const next = counter + 1;
    const encrypt = (this.#level & LEVEL.C_DECRYPTION) !== 0 && command.data.length > 0;
    const data = encrypt ? this.#encrypt(next, command.data) : command.data;
    const mac = commandMac(this.#under('mac'), chaining, command, data, this.#macLength);
    const header = { ...command, cla: protectedClass(command.cla) };
    const field = concat(data, mac.slice(0, this.#macLength));
    const apdus = encodeParts(header, field, command.le || this.#protectsResponses ? 256 : undefined);
    return { apdus, next: { chaining: mac, counter: next } };
  }

  unwrap({ next }: Wrapped<Scp03State>, _current: Scp03State, data: Uint8Array, sw: StatusWord) {
    if (!this.#protectsResponses) return { data, next };
    if (!isSuccessOrWarning(sw)) {
      if (data.length === 0) return { data, next };
      throw refuse('error-with-data', 'An error status word came with data that nothing protects');
    }
    const end = data.length - this.#macLength;
    if (end < 0) throw refuse('response-format', 'The response has no R-MAC');
    const body = data.slice(0, end);
    const status = Uint8Array.of(sw >> 8, sw & 0xff);
    const expected = this.#under('rMac').cmac(next.chaining, body, status).slice(0, this.#macLength);
    if (!constantTimeEqual(expected, data.slice(end))) throw refuse('r-mac', 'R-MAC of the response is wrong');
    const encrypted = (this.#level & LEVEL.R_ENCRYPTION) !== 0 && body.length > 0;
    return { data: encrypted ? this.#decrypt(next.counter, body) : body, next };
  }

  get #protectsResponses(): boolean {
    return (this.#level & LEVEL.R_MAC) !== 0;
  }

  /** Made at the first use. @throws InvariantError where the session's keys were wiped */
  #under(name: keyof Scp03SessionKeys): SessionAes {
    const key = this.#keys[name].expose();
    this.#ciphers[name] ??= new SessionAes(key);
    return this.#ciphers[name];
  }

  #encrypt(counter: number, data: Uint8Array): Uint8Array {
    return this.#under('enc').encrypt(pad80(data, AES_BLOCK), this.#icv(counter, 0));
  }

  #decrypt(counter: number, body: Uint8Array): Uint8Array {
    try {
      const padded = this.#under('enc').decrypt(body, this.#icv(counter, ICV_OF_RESPONSE));
      // Some cards fill up with blocks more: the R-MAC over them was right.
      return unpad80(padded, padded.length);
    } catch (error) {
      if (!(error instanceof TsmError)) throw error;
      throw refuse('r-enc', 'Cryptogram of the response is malformed', error);
    }
  }

  #icv(counter: number, first: number): Uint8Array {
    const block = new Uint8Array(AES_BLOCK);
    new DataView(block.buffer).setUint32(AES_BLOCK - 4, counter);
    block[0] = first;
    return this.#under('enc').encrypt(block);
  }
}

function refuse(code: string, message: string, cause?: unknown): SecureChannelError {
  return new SecureChannelError(code, message, {}, cause);
}

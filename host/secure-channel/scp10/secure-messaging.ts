// SPDX-License-Identifier: Apache-2.0
import { BLOCK, pad80, SessionRetailMac, sessionDes, unpad80 } from '../../crypto/des.ts';
import { constantTimeEqual } from '../../crypto/equal.ts';
import type { KeyedCipher } from '../../crypto/keyed-cipher.ts';
import { InvariantError, SecureChannelError, TsmError } from '../../errors.ts';
import { encodeTlv, TlvReader } from '../../wire/ber-tlv.ts';
import { encodeParts, type GpCommand } from '../../wire/gp/command.ts';
import { concat } from '../../wire/hex.ts';
import { isSuccessOrWarning, type StatusWord } from '../../wire/status-word.ts';
import { basicClass } from '../gp-class.ts';
import { LEVEL, type SecurityLevel } from '../security-level.ts';
import { encodeCounter } from './control-reference-template.ts';
import type { SessionKeys } from './session-keys.ts';

const TAG = { PLAIN: 0x81, CRYPTOGRAM: 0x87, LE: 0x97, STATUS: 0x99, MAC: 0x8e } as const;
const PADDING_INDICATOR = 0x01;
const EMPTY: Uint8Array = new Uint8Array();

/** Plain data that fits one wrapped APDU, so the size of STORE DATA blocks (scp10.md section 6). */
export const blockCapacity = (level: SecurityLevel): number => ((level & LEVEL.C_DECRYPTION) === 0 ? 239 : 231);

/** The MAC's first chaining value: the counter under the left half of the MAC key. @see GPCS F.2.3 */
export const macInitialVector = (key: SessionRetailMac, counter: bigint): Uint8Array =>
  key.icvOf(encodeCounter(counter));

/** CLA with the ISO secure messaging bits. @see GPCS 11.1.4 */
const protectedClass = (cla: number): number => ((cla & 0x40) === 0 ? cla | 0x0c : cla | 0x20);

/** What wrapping and unwrapping need; counters are passed in, so a script can be made ahead of its answers. */
export interface MessagingContext {
  readonly level: SecurityLevel;
  readonly keys: SessionKeys;
}

/** Made at the first use of each key, for the whole session; they go with its keys. */
const ciphers = new WeakMap<SessionKeys, { mac?: SessionRetailMac; enc?: KeyedCipher }>();

function ciphersOf(keys: SessionKeys): { mac?: SessionRetailMac; enc?: KeyedCipher } {
  const made = ciphers.get(keys) ?? {};
  ciphers.set(keys, made);
  return made;
}

/** @throws InvariantError where the session's keys were wiped */
function mac({ keys }: MessagingContext, counter: bigint, input: Uint8Array): Uint8Array {
  const key = keys.mac.expose();
  const own = ciphersOf(keys);
  own.mac ??= new SessionRetailMac(key);
  return own.mac.mac(macInitialVector(own.mac, counter), input);
}

/** @throws InvariantError where the session's keys were wiped, or its level has none */
function encryption({ keys }: MessagingContext): KeyedCipher {
  if (keys.enc === undefined) throw new InvariantError('no-encryption-key', 'This level has no encryption key');
  const key = keys.enc.expose();
  const own = ciphersOf(keys);
  own.enc ??= sessionDes(key);
  return own.enc;
}

/**
 * Wraps one command under C-MAC or C-MAC and C-ENC; the wrapped field as a whole is cut where it is too long:
 * `[81 L data | 87 L 01 ct] [97 01 Le] 8E 08 mac`.
 *
 * @param counter sequence counter of this command's MAC
 * @returns its APDUs
 * @throws WireError when the command is too long and has no chaining
 * @see GPCS F.3.2.1, F.3.2.3; applet README 4.1
 */
export function wrapCommand(context: MessagingContext, counter: bigint, command: GpCommand): Uint8Array[] {
  const { level } = context;
  const { cla, ins, p1, p2, data } = command;
  let dataObject = EMPTY;
  if (data.length > 0) {
    dataObject =
      (level & LEVEL.C_DECRYPTION) === 0
        ? encodeTlv(TAG.PLAIN, data)
        : encodeTlv(TAG.CRYPTOGRAM, Uint8Array.of(PADDING_INDICATOR), encryption(context).encrypt(pad80(data)));
  }
  const leObject = command.le ? encodeTlv(TAG.LE, Uint8Array.of(0)) : EMPTY;
  const header = Uint8Array.of(basicClass(cla), ins, p1, p2, 0x80, 0, 0, 0);
  const macObject = encodeTlv(TAG.MAC, mac(context, counter, concat(header, dataObject, leObject)));
  const wantsResponse = command.le || (level & LEVEL.R_MAC) !== 0;
  const field = concat(dataObject, leObject, macObject);
  return encodeParts({ ...command, cla: protectedClass(cla) }, field, wantsResponse ? 256 : undefined);
}

/** True when a response with this status word carries an R-MAC, and so takes a counter value. */
export const isResponseProtected = (level: SecurityLevel, sw: StatusWord): boolean =>
  (level & LEVEL.R_MAC) !== 0 && isSuccessOrWarning(sw);

function refuse(code: string, message: string, cause?: unknown): SecureChannelError {
  return new SecureChannelError(code, message, {}, cause);
}

/**
 * Verifies and unwraps one response; what carries no protection is passed on as it is:
 * `[81 L data | 87 L 01 ct] 99 02 SW 8E 08 mac`, then SW.
 *
 * @param counter sequence counter of this response's MAC
 * @returns plain data
 * @throws SecureChannelError for anything that is not exactly this
 * @see GPCS F.3.2.4 to F.3.2.6
 */
export function unwrapResponse(
  context: MessagingContext,
  counter: bigint,
  data: Uint8Array,
  sw: StatusWord,
): Uint8Array {
  const { level } = context;
  if ((level & LEVEL.R_MAC) === 0) return data;
  if (!isSuccessOrWarning(sw)) {
    if (data.length === 0) return data;
    throw refuse('error-with-data', 'An error status word came with data that nothing protects');
  }
  const encrypted = (level & LEVEL.R_ENCRYPTION) !== 0;
  try {
    const reader = new TlvReader(data);
    const value = reader.optional(encrypted ? TAG.CRYPTOGRAM : TAG.PLAIN);
    const status = reader.expect(TAG.STATUS, { min: 2, max: 2 });
    const macInput = data.slice(0, reader.offset);
    const received = reader.expect(TAG.MAC, { min: 8, max: 8 });
    reader.end();
    if (!constantTimeEqual(mac(context, counter, macInput), received))
      throw refuse('r-mac', 'R-MAC of the response is wrong');
    if ((((status[0] ?? 0) << 8) | (status[1] ?? 0)) !== sw)
      throw refuse('status-word-mismatch', 'Status word differs from the one under the R-MAC');
    if (value === undefined || !encrypted) return value ?? EMPTY;
    if (value[0] !== PADDING_INDICATOR || value.length < 1 + BLOCK)
      throw refuse('r-enc', 'Cryptogram of the response is malformed');
    return unpad80(encryption(context).decrypt(value.slice(1)));
  } catch (error) {
    if (error instanceof SecureChannelError || !(error instanceof TsmError)) throw error;
    throw refuse('response-format', 'Response is not in the secure messaging format', error);
  }
}

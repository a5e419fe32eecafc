// SPDX-License-Identifier: Apache-2.0
import { AES_BLOCK, aesCbcEncrypt, SessionAes } from '../../crypto/aes.ts';
import { constantTimeEqual } from '../../crypto/equal.ts';
import type { RandomSource } from '../../crypto/random.ts';
import { SecureChannelError, UsageError } from '../../errors.ts';
import type { GpCommand } from '../../wire/gp/command.ts';
import { decodeScp03Update, externalAuthenticateSymmetric, initializeUpdate } from '../../wire/gp/initialize-update.ts';
import { concat } from '../../wire/hex.ts';
import { type ChannelProtocol, ScriptedChannel, type Session } from '../scripted-channel.ts';
import type { SecurityLevel } from '../security-level.ts';
import { type StaticKeyLookup, type StaticKeys, wipeStaticKeys } from '../symmetric-keys.ts';
import { commandMac, FIRST_CHAINING, Scp03Messaging, type Scp03State } from './secure-messaging.ts';
import { DERIVATION, deriveData, deriveSessionKeys, type Scp03SessionKeys, wipeScp03Keys } from './session-keys.ts';

export interface Scp03Options {
  readonly level: SecurityLevel;
  readonly keys: StaticKeyLookup;
  /** KVN; 0 is the card's first set. */
  readonly keyVersion?: number;
  /** The S16 mode of Amendment D 1.2: challenges, cryptograms and MACs of 16 bytes. */
  readonly s16?: boolean;
  /** AID of the selected domain; where it is given, a pseudo-random card challenge is judged too. */
  readonly aid?: Uint8Array;
  /** Somebody who looks on, and is told of a challenge that does not follow; without one it is refused. */
  readonly warn?: (message: string) => void;
  readonly random: RandomSource;
}

/** SCP03 from the host's side. @see Amendment D 5, 6; docs/scp02-scp03.md */
export class Scp03Channel extends ScriptedChannel<Scp03State> {
  constructor(options: Scp03Options) {
    super(new Scp03(options));
  }
}

class Scp03 implements ChannelProtocol<Scp03State> {
  readonly wrapsWithAuthentication = true;
  readonly #options: Scp03Options;
  readonly #size: 8 | 16;
  readonly #hostChallenge: Uint8Array;
  #static: StaticKeys | undefined;
  #keys: Scp03SessionKeys | undefined;
  #chaining: Uint8Array = FIRST_CHAINING;

  constructor(options: Scp03Options) {
    this.#options = options;
    this.#size = options.s16 === true ? 16 : 8;
    this.#hostChallenge = options.random(this.#size, 'host-challenge');
  }

  opening(): GpCommand[] {
    return [initializeUpdate(this.#hostChallenge, this.#options.keyVersion)];
  }

  authentication([answer = new Uint8Array()]: readonly Uint8Array[]): GpCommand[] {
    const update = decodeScp03Update(answer);
    if (update.cardChallenge.length !== this.#size)
      throw new SecureChannelError('scp03-mode', 'The card answered in the other of S8 and S16: choose that one', {
        option: update.option,
      });
    this.#requireKeyVersion(update.keyVersion);
    this.#static = this.#options.keys(update.diversification);
    const context = concat(this.#hostChallenge, update.cardChallenge);
    this.#keys = deriveSessionKeys(this.#static, context);
    const mac = this.#keys.mac.expose();
    const expected = deriveData(mac, DERIVATION.CARD_CRYPTOGRAM, this.#size, context);
    if (!constantTimeEqual(expected, update.cardCryptogram))
      throw new SecureChannelError(
        'card-cryptogram',
        'The card does not hold these keys, or they are diversified in another way; nothing was tried against it',
        { keyVersion: update.keyVersion },
      );
    this.#judgeChallenge(update.sequenceCounter, update.cardChallenge);
    const cryptogram = deriveData(mac, DERIVATION.HOST_CRYPTOGRAM, this.#size, context);
    const command = externalAuthenticateSymmetric(this.#options.level, cryptogram);
    this.#chaining = commandMac(new SessionAes(mac), FIRST_CHAINING, command, cryptogram, this.#size);
    return [{ ...command, data: concat(cryptogram, this.#chaining.slice(0, this.#size)) }];
  }

  earlySession(): Session<Scp03State> | undefined {
    if (this.#keys === undefined) return undefined;
    const messaging = new Scp03Messaging(this.#keys, this.#options.level, this.#size);
    return { messaging, state: { chaining: this.#chaining, counter: 0 } };
  }

  established(): Session<Scp03State> {
    const session = this.earlySession();
    if (session === undefined) throw new SecureChannelError('channel-state', 'There are no session keys');
    return session;
  }

  /** AES-CBC, IV 0, under Key-DEK; a short last block is filled with random bytes. @see Amendment D 6.2.8, 7.2 */
  encryptSensitive(data: Uint8Array): Uint8Array {
    if (this.#static === undefined) throw new UsageError('channel-state', 'There are no keys yet');
    const missing = (AES_BLOCK - (data.length % AES_BLOCK)) % AES_BLOCK;
    const padded = concat(data, this.#options.random(missing, 'key-padding'));
    const encrypted = aesCbcEncrypt(this.#static.dek.expose(), padded);
    padded.fill(0);
    return encrypted;
  }

  wipe(): void {
    wipeStaticKeys(this.#static);
    wipeScp03Keys(this.#keys);
  }

  #requireKeyVersion(got: number): void {
    const { keyVersion = 0 } = this.#options;
    if (keyVersion !== 0 && keyVersion !== got)
      throw new SecureChannelError('key-version', 'The card answered with another key set', {
        expected: keyVersion,
        got,
      });
  }

  /**
   * A pseudo-random challenge follows from Key-ENC, the counter and the AID. The cryptogram has proved Key-MAC alone:
   * this alone tells another Key-ENC before anything is sent. Some cards go by another AID than that of their FCI, so
   * that whoever looks on is told, and the card takes the command or does not.
   *
   * @throws SecureChannelError `card-challenge` where nobody looks on
   * @see Amendment D 6.2.2.1
   */
  #judgeChallenge(counter: Uint8Array | undefined, challenge: Uint8Array): void {
    const { aid, warn } = this.#options;
    if (counter === undefined || aid === undefined || this.#static === undefined) return;
    const context = concat(counter, aid);
    const expected = deriveData(this.#static.enc.expose(), DERIVATION.CARD_CHALLENGE, this.#size, context);
    if (constantTimeEqual(expected, challenge)) return;
    const what =
      'The card challenge does not follow from Key-ENC, the counter and the AID of the card’s FCI, though the ' +
      'cryptogram is right: the card goes by another AID, or its Key-ENC is another one';
    if (warn === undefined) throw new SecureChannelError('card-challenge', `${what}; nothing was tried against it`);
    warn(what);
  }
}

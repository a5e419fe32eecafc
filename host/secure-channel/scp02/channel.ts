// SPDX-License-Identifier: Apache-2.0
import { desEcbEncrypt, fullTripleDesMac, SessionRetailMac } from '../../crypto/des.ts';
import { constantTimeEqual } from '../../crypto/equal.ts';
import type { RandomSource } from '../../crypto/random.ts';
import { SecureChannelError, UsageError } from '../../errors.ts';
import type { GpCommand } from '../../wire/gp/command.ts';
import { decodeScp02Update, externalAuthenticateSymmetric, initializeUpdate } from '../../wire/gp/initialize-update.ts';
import { concat } from '../../wire/hex.ts';
import { type ChannelProtocol, ScriptedChannel, type Session } from '../scripted-channel.ts';
import { LEVEL, type SecurityLevel } from '../security-level.ts';
import { type StaticKeyLookup, type StaticKeys, wipeStaticKeys } from '../symmetric-keys.ts';
import { SCP02_OPTION, Scp02Messaging, type Scp02State, scp02CommandMac } from './secure-messaging.ts';
import { deriveScp02Keys, type Scp02SessionKeys, wipeScp02Keys } from './session-keys.ts';

export interface Scp02Options {
  /** Encryption of responses is not in SCP02: 33 is refused. */
  readonly level: SecurityLevel;
  /** "i" of the card, from its recognition data: 15, 55 and so on. */
  readonly option: number;
  readonly keys: StaticKeyLookup;
  /** KVN; 0 is the card's first set. */
  readonly keyVersion?: number;
  readonly random: RandomSource;
}

const CHALLENGE_LENGTH = 8;

/** SCP02 with explicit initiation, from the host's side. @see GPCS Appendix E; docs/scp02-scp03.md */
export class Scp02Channel extends ScriptedChannel<Scp02State> {
  /** @throws UsageError for options or a level that this channel does not speak */
  constructor(options: Scp02Options) {
    super(new Scp02(options));
  }
}

class Scp02 implements ChannelProtocol<Scp02State> {
  readonly wrapsWithAuthentication = true;
  readonly #options: Scp02Options;
  readonly #hostChallenge: Uint8Array;
  #static: StaticKeys | undefined;
  #keys: Scp02SessionKeys | undefined;
  #cMac: Uint8Array = new Uint8Array(CHALLENGE_LENGTH);

  constructor(options: Scp02Options) {
    const { level, option } = options;
    if ((option & SCP02_OPTION.EXPLICIT) === 0)
      throw new UsageError('scp02-option', 'Implicit initiation of SCP02 is not offered: use a key set with i = x5', {
        option,
      });
    // Only implicit initiation has it (Table E-1): what the MAC of EXTERNAL AUTHENTICATE is over, nobody says.
    if ((option & SCP02_OPTION.UNMODIFIED_APDU) !== 0)
      throw new UsageError(
        'scp02-option',
        'A MAC over the unmodified APDU goes with implicit initiation of SCP02 alone: use a key set with i = x5',
        { option },
      );
    if ((level & LEVEL.R_ENCRYPTION) !== 0)
      throw new UsageError('security-level', 'SCP02 does not encrypt responses: use level 13', { level });
    if ((level & LEVEL.R_MAC) !== 0 && (option & SCP02_OPTION.R_MAC) === 0)
      throw new UsageError('security-level', 'This card has no R-MAC under SCP02: use level 03', { level, option });
    this.#options = options;
    this.#hostChallenge = options.random(CHALLENGE_LENGTH, 'host-challenge');
  }

  opening(): GpCommand[] {
    return [initializeUpdate(this.#hostChallenge, this.#options.keyVersion)];
  }

  authentication([answer = new Uint8Array()]: readonly Uint8Array[]): GpCommand[] {
    const update = decodeScp02Update(answer);
    const { keyVersion = 0, level, option } = this.#options;
    if (keyVersion !== 0 && keyVersion !== update.keyVersion)
      throw new SecureChannelError('key-version', 'The card answered with another key set', {
        expected: keyVersion,
        got: update.keyVersion,
      });
    this.#static = this.#options.keys(update.diversification);
    this.#keys = deriveScp02Keys(this.#static, update.sequenceCounter);
    const enc = this.#keys.enc.expose();
    const card = concat(update.sequenceCounter, update.cardChallenge);
    if (!constantTimeEqual(fullTripleDesMac(enc, concat(this.#hostChallenge, card)), update.cardCryptogram))
      throw new SecureChannelError(
        'card-cryptogram',
        'The card does not hold these keys, or they are diversified in another way; nothing was tried against it',
        { keyVersion: update.keyVersion },
      );
    const cryptogram = fullTripleDesMac(enc, concat(card, this.#hostChallenge));
    const command = externalAuthenticateSymmetric(level, cryptogram);
    const mac = new SessionRetailMac(this.#keys.mac.expose());
    this.#cMac = scp02CommandMac(mac, option, undefined, command);
    return [{ ...command, data: concat(cryptogram, this.#cMac) }];
  }

  earlySession(): Session<Scp02State> | undefined {
    if (this.#keys === undefined) return undefined;
    const messaging = new Scp02Messaging(this.#keys, this.#options.level, this.#options.option);
    return { messaging, state: { cMac: this.#cMac, rMac: this.#cMac, command: new Uint8Array() } };
  }

  established(): Session<Scp02State> {
    const session = this.earlySession();
    if (session === undefined) throw new SecureChannelError('channel-state', 'There are no session keys');
    return session;
  }

  /** Triple DES in ECB under the session's DEK; data is a multiple of 8. @see GPCS E.4.7 */
  encryptSensitive(data: Uint8Array): Uint8Array {
    if (this.#keys === undefined) throw new UsageError('channel-state', 'There are no keys yet');
    return desEcbEncrypt(this.#keys.dek.expose(), data);
  }

  wipe(): void {
    wipeStaticKeys(this.#static);
    wipeScp02Keys(this.#keys);
  }
}

// SPDX-License-Identifier: Apache-2.0
import { nonZeroRandom } from '../../crypto/random.ts';
import { rsaEncryptPkcs1, rsaVerify } from '../../crypto/rsa.ts';
import { Secret } from '../../crypto/secret.ts';
import { SecureChannelError } from '../../errors.ts';
import { concat } from '../../wire/hex.ts';
import { encodeKeyTemplates } from './control-reference-template.ts';
import type { EstablishedSession, Establishment, Scp10Options } from './establishment.ts';
import { drawSessionKeys, orderedKeys, type SessionKeys, wipeSessionKeys } from './session-keys.ts';

/** The MAC counter of a fresh key may start anywhere. */
const INITIAL_COUNTER = 1n;

/**
 * Key transport, i=02: the host draws the keys and sends them under PK.SD.AUT. @see GPCS F.4.6, Tables F-3, F-4, F-7,
 * F-8, F-32
 */
export class KeyTransport implements Establishment {
  readonly challengeLength = 16;
  readonly #options: Scp10Options;
  readonly #keys: SessionKeys;
  /** T: level and templates with keys. */
  readonly #templates: Secret;

  constructor(options: Scp10Options) {
    this.#options = options;
    this.#keys = drawSessionKeys(options.level, options.random);
    const { level, namesReceiver } = options;
    this.#templates = new Secret(encodeKeyTemplates(level, this.#keys, INITIAL_COUNTER, namesReceiver));
  }

  sealKeys(): Uint8Array {
    const { securityDomainKey, random } = this.#options;
    const message = this.#templates.expose();
    const room = securityDomainKey.modulus.length - message.length - 3;
    return rsaEncryptPkcs1(securityDomainKey, message, nonZeroRandom(random, Math.max(room, 0), 'padding'));
  }

  /**
   * Signature over `T ‖ card challenge`, with the modulus of PK.SD.AUT behind them where T says so. Between them it
   * could be one that begins as one more template.
   */
  async sealAuthentication(cardChallenge: Uint8Array): Promise<Uint8Array> {
    const { namesReceiver, securityDomainKey } = this.#options;
    const receiver = namesReceiver === true ? securityDomainKey.modulus : new Uint8Array();
    const signed = concat(this.#templates.expose(), cardChallenge, receiver);
    try {
      return await this.#options.offCardEntity.signSha1(signed);
    } finally {
      signed.fill(0);
      this.#templates.wipe();
    }
  }

  earlySession(): EstablishedSession {
    return { keys: this.#keys, counter: INITIAL_COUNTER };
  }

  /** The card signs `keys ‖ own challenge`. */
  async verifyInternal(response: Uint8Array, ownChallenge: Uint8Array): Promise<EstablishedSession> {
    const signed = concat(...orderedKeys(this.#keys).map((key) => key.expose()), ownChallenge);
    const valid = rsaVerify(this.#options.securityDomainKey, 'sha1', signed, response);
    signed.fill(0);
    if (!valid)
      throw new SecureChannelError('internal-authenticate', 'The card does not hold the key that was expected');
    return this.earlySession();
  }

  wipe(): void {
    this.#templates.wipe();
    wipeSessionKeys(this.#keys);
  }
}

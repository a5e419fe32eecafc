// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { constantTimeEqual } from '../../crypto/equal.ts';
import { complement, rsaRawPublic, smallerOf } from '../../crypto/rsa.ts';
import { Secret } from '../../crypto/secret.ts';
import { SecureChannelError, TsmError, UsageError } from '../../errors.ts';
import { holderIdentity } from '../../wire/gp/internal-authenticate.ts';
import { concat } from '../../wire/hex.ts';
import { encodeTemplates } from './control-reference-template.ts';
import type { EstablishedSession, Establishment, Scp10Options } from './establishment.ts';
import { deriveSessionKeys } from './session-keys.ts';

const SECRET_LENGTH = 32;
const HASH_LENGTH = 20;
const HEADER = 0x6a;
const TRAILER = 0xbc;

const sha1 = (...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(
    createHash('sha1')
      .update(concat(...parts))
      .digest(),
  );

/**
 * Key agreement, i=01: both sides give a secret inside an ISO 9796-2 signature. @see GPCS F.3.1.3, Tables F-5, F-6,
 * F-9, F-10
 */
export class KeyAgreement implements Establishment {
  readonly challengeLength = 8;
  readonly #options: Scp10Options;
  readonly #cardIdentity: Uint8Array;
  /** OES */
  readonly #secret: Secret;

  constructor(options: Scp10Options) {
    const { securityDomainHolder, securityDomainKey, offCardEntity } = options;
    if (securityDomainHolder === undefined)
      throw new UsageError('holder-missing', 'Key agreement needs the CHR of CERT.SD.AUT');
    if (securityDomainKey.modulus.length !== offCardEntity.publicKey.modulus.length) {
      throw new UsageError('modulus-lengths', 'Key agreement needs two moduli of the same length');
    }
    this.#options = options;
    this.#cardIdentity = holderIdentity(securityDomainHolder);
    this.#secret = new Secret(options.random(SECRET_LENGTH, 'oes'));
  }

  sealKeys(): undefined {
    return undefined;
  }

  /**
   * `min(SIG, N - SIG)^e mod N.SD`, SIG over
   * `6A ‖ RPD ‖ D3.. CRTs ‖ OES ‖ SHA-1(M1 ‖ challenge ‖ card id) ‖ BC`.
   */
  async sealAuthentication(cardChallenge: Uint8Array): Promise<Uint8Array> {
    const { offCardEntity, securityDomainKey, level, random } = this.#options;
    const fixed = concat(encodeTemplates(level), this.#secret.expose());
    const room = securityDomainKey.modulus.length - HASH_LENGTH - 2 - fixed.length;
    const message = concat(random(room, 'external-padding'), fixed);
    const digest = sha1(message, cardChallenge, this.#cardIdentity);
    const block = concat(Uint8Array.of(HEADER), message, digest, Uint8Array.of(TRAILER));
    const signature = await offCardEntity.rawPrivate(block).finally(() => {
      for (const secret of [fixed, message, block]) secret.fill(0);
    });
    return rsaRawPublic(securityDomainKey, smallerOf(offCardEntity.publicKey, signature));
  }

  earlySession(): undefined {
    return undefined;
  }

  async verifyInternal(
    response: Uint8Array,
    ownChallenge: Uint8Array,
    ownIdentity: Uint8Array,
  ): Promise<EstablishedSession> {
    const block = await this.#open(response);
    const message = block.slice(1, -HASH_LENGTH - 1);
    const digest = block.slice(-HASH_LENGTH - 1, -1);
    if (!constantTimeEqual(sha1(message, ownChallenge, ownIdentity), digest)) {
      throw new SecureChannelError('internal-authenticate', 'The card does not hold the key that was expected');
    }
    const cs = message.slice(-SECRET_LENGTH);
    const oes = this.#secret.expose();
    const initial = Buffer.from(concat(cs.slice(-4), oes.slice(-4))).readBigUInt64BE();
    const keys = deriveSessionKeys(this.#options.level, oes, cs);
    for (const secret of [block, message, cs]) secret.fill(0);
    this.#secret.wipe();
    return { keys, counter: initial };
  }

  /** The block behind `min(SIG, N - SIG)^e mod N.OCE`. */
  async #open(response: Uint8Array): Promise<Uint8Array> {
    const { offCardEntity, securityDomainKey } = this.#options;
    try {
      const opened = rsaRawPublic(securityDomainKey, await offCardEntity.rawPrivate(response));
      for (const block of [opened, complement(securityDomainKey, opened)]) {
        if (block[0] === HEADER && block[block.length - 1] === TRAILER) return block;
      }
    } catch (error) {
      // OpenSSL throws plain errors for a block above the modulus; both kinds mean the same here.
      throw new SecureChannelError(
        'internal-authenticate',
        'Response is not a signature',
        {},
        error instanceof TsmError ? error : undefined,
      );
    }
    throw new SecureChannelError('internal-authenticate', 'Response is not a signature with message recovery');
  }

  wipe(): void {
    this.#secret.wipe();
  }
}

// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { RandomSource } from '../../crypto/random.ts';
import { CertificateError, NotFoundError, TransportError } from '../../errors.ts';
import { NONCE_LENGTH } from '../../wire/gp/attestation.ts';
import { toHex } from '../../wire/hex.ts';
import type { AttestationChallenge } from '../../wire/message/kms.ts';
import type { Keeper } from './incarnations.ts';

interface Challenge {
  readonly nonce: Uint8Array;
  readonly expiresAt: number;
  /** Digest of the attestation that it was used for. */
  usedFor: string | undefined;
  readonly keeper: Keeper;
}

/** A card that makes a key pair between challenge and answer may need minutes. */
const LIFETIME_MS = 900_000;
const LIMIT = 4_096;

/** Nonces, each good for one attestation; asking again about the same attestation is not a second use. */
export class AttestationChallenges {
  readonly #random: RandomSource;
  readonly #now: () => number;
  readonly #challenges = new Map<string, Challenge>();

  constructor(random: RandomSource, now: () => number) {
    this.#random = random;
    this.#now = now;
  }

  /** @throws TransportError `kms-busy` when too many are open */
  create(keeper: Keeper = {}): AttestationChallenge {
    this.#expire();
    if (this.#challenges.size >= LIMIT)
      throw new TransportError('kms-busy', 'Too many attestation challenges are open: try again later');
    const challengeId = toHex(this.#random(16, 'challenge-id'));
    const nonce = this.#random(NONCE_LENGTH, 'attestation-nonce');
    this.#challenges.set(challengeId, { nonce, expiresAt: this.#now() + LIFETIME_MS, usedFor: undefined, keeper });
    return { challengeId, nonce: toHex(nonce) };
  }

  /**
   * The nonce for this attestation; from now on it is good for no other.
   *
   * @throws NotFoundError when unknown or too old
   * @throws CertificateError `challenge-used` when another attestation was shown for it
   */
  use(challengeId: string, attestation: string): Uint8Array {
    this.#expire();
    const challenge = this.#challenges.get(challengeId);
    if (challenge === undefined) {
      throw new NotFoundError(
        'challenge-unknown',
        'This attestation challenge is unknown or too old: ask for a new one',
      );
    }
    const digest = createHash('sha256').update(attestation).digest('hex');
    if (challenge.usedFor !== undefined && challenge.usedFor !== digest) {
      throw new CertificateError('challenge-used', 'This challenge was answered by another attestation before');
    }
    challenge.usedFor = digest;
    return challenge.nonce;
  }

  /** Frees the challenges of whoever has ended. */
  end(ends: (keeper: Keeper) => boolean): void {
    for (const [id, { keeper }] of this.#challenges) if (ends(keeper)) this.#challenges.delete(id);
  }

  get size(): number {
    return this.#challenges.size;
  }

  /** Oldest first, so the first one that lives on ends the search. */
  #expire(): void {
    for (const [id, { expiresAt }] of this.#challenges) {
      if (expiresAt > this.#now()) return;
      this.#challenges.delete(id);
    }
  }
}

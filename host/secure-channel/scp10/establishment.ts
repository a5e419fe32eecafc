// SPDX-License-Identifier: Apache-2.0
import type { RandomSource } from '../../crypto/random.ts';
import type { RsaSigner } from '../../crypto/rsa.ts';
import type { KeyReference } from '../../wire/gp/key-reference.ts';
import type { PublicKey } from '../../wire/gp/public-key.ts';
import type { SecurityLevel } from '../security-level.ts';
import type { SessionKeys } from './session-keys.ts';

export interface Scp10Options {
  /** "i": 02 key transport, 01 key agreement. */
  readonly option: 0x01 | 0x02;
  readonly level: SecurityLevel;
  /** SK.OCE.AUT */
  readonly offCardEntity: RsaSigner;
  /** CERT.OCE.AUT last; authorities before it, root side first. */
  readonly certificates: readonly Uint8Array[];
  /** PK.SD.AUT, already trusted. */
  readonly securityDomainKey: PublicKey;
  /** CHR of CERT.SD.AUT: key agreement signs over it. */
  readonly securityDomainHolder?: Uint8Array;
  /** '84' of MSE; absent is the SD's default key. */
  readonly keyReference?: KeyReference;
  /**
   * Key transport, ours: T says that EXTERNAL AUTHENTICATE is signed over PK.SD.AUT too, so that whoever has that key's
   * private half cannot use it at another domain (docs/scp10.md 4.3). Default false, as GPCS has it.
   */
  readonly namesReceiver?: boolean;
  readonly random: RandomSource;
}

/** A session's keys and the first value of its MAC counter. */
export interface EstablishedSession {
  readonly keys: SessionKeys;
  readonly counter: bigint;
}

/** What differs between key transport and key agreement. */
export interface Establishment {
  /** Bytes of the card's challenge and of ours. */
  readonly challengeLength: number;
  /** Data of PSO DECIPHER, where there is one. */
  sealKeys(): Uint8Array | undefined;
  /** Data of EXTERNAL AUTHENTICATE. */
  sealAuthentication(cardChallenge: Uint8Array): Promise<Uint8Array>;
  /** Keys before INTERNAL AUTHENTICATE; undefined in key agreement, which has none yet. */
  earlySession(): EstablishedSession | undefined;
  /**
   * Verifies the response to INTERNAL AUTHENTICATE.
   *
   * @throws SecureChannelError
   */
  verifyInternal(response: Uint8Array, ownChallenge: Uint8Array, ownIdentity: Uint8Array): Promise<EstablishedSession>;
  /** Wipes all secrets. */
  wipe(): void;
}

// SPDX-License-Identifier: Apache-2.0
import type { PrivateKeyKind, SignatureScheme } from '../private-keys.ts';

/** What the KMS and the thread that holds the PKCS#11 module say to each other; only these bytes pass. */

export interface TokenSettings {
  /** The vendor's module, a shared library. */
  readonly library: string;
  /** CKA_LABEL of the token: a slot number changes when readers come and go. */
  readonly tokenLabel: string;
  readonly pin: string;
  /** How many operations are in the token at a time. */
  readonly sessions: number;
}

export type TokenCall =
  | { readonly act: 'open'; readonly settings: TokenSettings }
  /** Finds the key that seals, or makes it. */
  | { readonly act: 'sealing-key'; readonly label: string; readonly create: boolean }
  | {
      readonly act: 'seal' | 'unseal';
      readonly nonce: Uint8Array;
      readonly context: Uint8Array;
      readonly data: Uint8Array;
    }
  /** RSA gives modulus and exponent, P-256 the point `04 ‖ X ‖ Y`. */
  | { readonly act: 'generate'; readonly kind: PrivateKeyKind; readonly id: Uint8Array }
  | { readonly act: 'public-key'; readonly id: Uint8Array }
  | { readonly act: 'sign'; readonly id: Uint8Array; readonly scheme: SignatureScheme; readonly data: Uint8Array }
  | { readonly act: 'destroy'; readonly id: Uint8Array }
  | { readonly act: 'check' }
  | { readonly act: 'close' };

export interface TokenRequest {
  readonly number: number;
  readonly call: TokenCall;
}

export interface TokenFailure {
  /**
   * `away`: no token, or its sessions are gone and do not come back; `pin`: refused, and not tried again; `module`: the
   * library does not load; `unreadable`: what was sealed does not open; `missing`: no such key; `label`: two tokens of
   * one name; `refused`: anything else.
   */
  readonly kind: 'away' | 'pin' | 'module' | 'unreadable' | 'missing' | 'label' | 'refused';
  /** CKR_ name of the module's answer, or what it is about. */
  readonly reason: string;
}

export type TokenAnswer =
  | { readonly number: number; readonly result: readonly Uint8Array[] }
  | { readonly number: number; readonly failure: TokenFailure };

// SPDX-License-Identifier: Apache-2.0
/** What the bench says to its node of `ota`, and the other way round. */

/** Every card's pre-shared key. */
export const KEY_OF_ALL = '000102030405060708090A0B0C0D0E0F';
/** One GET DATA. */
export const SCRIPT = 'AE80220580CA0066000000';

export type NodeRequest =
  | { readonly kind: 'open'; readonly from: number; readonly to: number }
  | { readonly kind: 'work'; readonly cards: number; readonly ms: number }
  | { readonly kind: 'weigh' };

export type NodeReport =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'opened'; readonly uris: readonly string[] }
  | { readonly kind: 'worked'; readonly scripts: number }
  | Weight;

export interface Weight {
  readonly kind: 'weighed';
  readonly rss: number;
  readonly heapUsed: number;
  readonly cpuMs: number;
  /** Cards that are connected. */
  readonly connected: number;
}

// SPDX-License-Identifier: Apache-2.0
import type { JavaCardRelease } from '../wire/cap/api-packages.ts';
import type { CardCapabilities } from '../wire/gp/card-capabilities.ts';
import type { RegistryEntry } from '../wire/gp/get-status.ts';

/** What a card shows that bears on whether a CAP file runs on it. */
export interface CardMeans {
  /** The Java Card release, where the card or the user tells it. */
  readonly javaCard?: JavaCardRelease;
  /** The load files of the registry; undefined without a session that may read it. */
  readonly loadFiles?: readonly RegistryEntry[];
  /** Free persistent memory in bytes. @see TS 102 226 8.2.1.7.2 */
  readonly freeMemory?: number;
  /** What tag 67 tells of the card's own cryptography; undefined where there is none. */
  readonly capabilities?: CardCapabilities;
}

/** One thing that the CAP file needs, and what the card says to it. */
export interface Finding {
  readonly need: string;
  readonly verdict: 'fits' | 'does not fit' | 'not told';
  readonly why: string;
}

// SPDX-License-Identifier: Apache-2.0

/**
 * Keys in the order of their last turn. None is forgotten: it would go before those that wait, again and again. There
 * are as many as there are providers.
 */
export class Turns {
  readonly #keys = new Set<string>();

  take(key: string): void {
    this.#keys.delete(key);
    this.#keys.add(key);
  }

  /** Whose turn was last stands last. */
  get order(): readonly string[] {
    return [...this.#keys];
  }
}

// SPDX-License-Identifier: Apache-2.0
/**
 * Cookies of one server, for as long as an agent lives (RFC 6265): names and values only, all of them go to one path.
 */
export class CookieJar {
  readonly #values = new Map<string, string>();

  /** @param fields Set-Cookie header fields */
  keep(fields: readonly string[]): void {
    for (const field of fields) {
      const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64})=([^;\s]{0,512})/.exec(field) ?? [];
      if (name !== undefined && value !== undefined && (this.#values.has(name) || this.#values.size < MOST))
        this.#values.set(name, value);
    }
  }

  /** The Cookie header field; empty when there is none. */
  get header(): string {
    return [...this.#values].map(([name, value]) => `${name}=${value}`).join('; ');
  }
}

const MOST = 16;

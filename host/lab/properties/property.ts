// SPDX-License-Identifier: Apache-2.0
import type { PropertyReport } from '../run-report.ts';

/** Collects attempts at one property; every one must fail. */
export class Property {
  readonly #name: string;
  readonly #broken: string[] = [];
  #attempts = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** One attempt: `broken` says how it succeeded, undefined that it was refused. */
  attempt(what: string, broken: string | undefined): void {
    this.#attempts += 1;
    if (broken !== undefined) this.#broken.push(`${what}: ${broken}`);
  }

  report(): PropertyReport {
    const holds = this.#broken.length === 0 && this.#attempts > 0;
    return {
      name: this.#name,
      attempts: this.#attempts,
      holds,
      ...(holds ? {} : { detail: this.#broken.join('; ').slice(0, 1_000) || 'nothing was attempted' }),
    };
  }
}

import type { Command } from 'commander';
import type { CardWork } from './session.ts';

/** One verb of `tsm card`. What `run` returns is printed, as a table or as JSON. */
export interface Verb {
  readonly usage: string;
  readonly about: string;
  /** Adds the verb's own options. */
  readonly options?: (command: Command) => void;
  readonly run: (
    card: CardWork,
    args: readonly string[],
    options: Readonly<Record<string, unknown>>,
  ) => Promise<unknown>;
}

// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import type { CardWork } from './session.ts';

/** One verb of `tsm card`. What `run` returns is printed, as a table or as JSON. */
export interface Verb {
  readonly usage: string;
  readonly about: string;
  /** What stands behind `tsm card` in its help. */
  readonly examples: readonly string[];
  /** True where `--scp` is the verb's own: the channel's is `--channel-scp` there. */
  readonly ownScp?: boolean;
  /** True for commands that go as they are, nothing before them, unless `--secure` opens a channel. */
  readonly clearUnlessSecure?: boolean;
  /** True for verbs that need no security domain: they go in clear, with or without keys. */
  readonly withoutDomain?: boolean;
  /** True where a security domain is asked in clear, whatever keys the environment has. */
  readonly inClear?: boolean;
  /** True where the same command again could do a thing twice: a broken link's message does not advise it. */
  readonly notRepeatable?: boolean;
  /** Adds the verb's own options. */
  readonly options?: (command: Command) => void;
  readonly run: (
    card: CardWork,
    args: readonly string[],
    options: Readonly<Record<string, unknown>>,
  ) => Promise<unknown>;
}

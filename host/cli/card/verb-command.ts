// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import { explain } from '../../card/explain.ts';
import { StatusWordError, TransportError } from '../../errors.ts';
import { TRANSPORT_CODE } from '../../transport/transport-failure.ts';
import { addExamples } from './examples.ts';
import { interruptible } from './interruption.ts';
import { cardOptions, withCardOptions } from './options.ts';
import { print } from './print.ts';
import { withCard } from './session.ts';
import type { Verb } from './verb.ts';

/** One verb as a command, with the options that all have, and its examples behind its help. */
export function verbCommand(verb: Verb, prefix = 'tsm card'): Command {
  const [name = '', ...places] = verb.usage.split(' ');
  const { ownScp = false, examples } = verb;
  const command = withCardOptions(new Command(name).description(verb.about), ownScp ? '--channel-scp' : '--scp');
  for (const place of places) command.argument(place);
  verb.options?.(command);
  addExamples(command, prefix, examples);
  command.action(async () => {
    const options = cardOptions(command, { ownScp });
    const own = command.opts();
    const raw = verb.clearUnlessSecure === true && own.secure !== true;
    const repeatable = verb.notRepeatable !== true;
    const result = await interruptible(repeatable, () =>
      withCard(
        { ...options, raw, withoutDomain: verb.withoutDomain === true, inClear: verb.inClear === true },
        async (work) => {
          const outcome = await verb.run(work, command.args, own);
          return options.dryRun ? { dryRun: true, wouldSend: work.planned } : outcome;
        },
      ),
    ).catch((error: unknown) => explained(error, repeatable));
    print(result, options.json);
  });
  return command;
}

/** Codes of links that broke while a verb was under way. */
const LOST: readonly string[] = [TRANSPORT_CODE.REMOVED, TRANSPORT_CODE.LINK_LOST, TRANSPORT_CODE.TIMEOUT];

/**
 * Cards say much with few status words: what a refusal usually means goes along. Behind a link that broke, what can be
 * relied on.
 */
function explained(error: unknown, repeatable: boolean): never {
  if (error instanceof TransportError && LOST.includes(error.code)) {
    const way = repeatable
      ? 'Put the card back and run the same command again: what it had got is done, the rest is not'
      : 'The last command may be done or not, so look first: the same again may do it twice';
    throw new TransportError(error.code, `${error.message}. ${way}`, error.context, error);
  }
  if (!(error instanceof StatusWordError)) throw error;
  const { sw, command } = error.context;
  const words = explain(String(sw), String(command ?? ''));
  if (words === undefined) throw error;
  throw new StatusWordError(error.code, `${error.message}. Usually: ${words}`, error.context, error);
}

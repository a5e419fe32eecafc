import { Command } from 'commander';
import { administrationVerbs } from './administration-verbs.ts';
import { contentVerbs } from './content-verbs.ts';
import { cardOptions, withCardOptions } from './options.ts';
import { print } from './print.ts';
import { readVerbs } from './read-verbs.ts';
import { listReaders } from './readers.ts';
import { withCard } from './session.ts';
import type { Verb } from './verb.ts';

const EXAMPLES = `
Examples:
  tsm card info --reader ACR1252
  tsm card list --key test
  tsm card install build/cap/purse-3.0.4.cap --key test --params 0102
  tsm card put-key 31 --new-key 000102.. --key test --dry-run
Environment: TSM_READER, TSM_KEY, TSM_DOMAIN, TSM_TRACE; GP_READER, GP_KEY, GP_AID, GP_TRACE are heeded too.`;

/** `tsm card`: GlobalPlatform card management with a reader on the table. */
export function cardCommand(): Command {
  const card = new Command('card').description('manage the card in a reader').addHelpText('after', EXAMPLES);
  for (const verb of [...readVerbs, ...contentVerbs, ...administrationVerbs]) card.addCommand(verbCommand(verb));
  return card;
}

function verbCommand(verb: Verb): Command {
  const [name = '', ...places] = verb.usage.split(' ');
  const command = withCardOptions(new Command(name).description(verb.about));
  for (const place of places) command.argument(place);
  verb.options?.(command);
  command.action(async () => {
    const options = cardOptions(command);
    const args = command.args;
    await withCard(options, async (work) => {
      const result = await verb.run(work, args, command.opts());
      print(options.dryRun ? { dryRun: true, wouldSend: work.planned } : result, options.json);
    });
  });
  return command;
}

/** `tsm reader`: the readers that PC/SC knows. */
export function readerCommand(): Command {
  const reader = new Command('reader').description('card readers');
  reader
    .command('list')
    .description('readers, and whether a card is in them')
    .option('--json', 'print JSON', false)
    .action(async (options: { json: boolean }) => {
      const readers = await listReaders();
      const rows = readers.map(({ readerName, cardPresent }) => ({
        reader: readerName,
        card: cardPresent ? 'yes' : 'no',
      }));
      print(rows, options.json);
    });
  return reader;
}

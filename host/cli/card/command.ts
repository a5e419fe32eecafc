// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import { administrationVerbs } from './administration-verbs.ts';
import { contentVerbs } from './content-verbs.ts';
import { domainVerbs, stateVerbs } from './domain-verbs.ts';
import { addExamples } from './examples.ts';
import { fileVerbs, pinVerbs } from './file-verbs.ts';
import { fitsVerbs } from './fits-verb.ts';
import { print } from './print.ts';
import { readVerbs } from './read-verbs.ts';
import { listReaders } from './readers.ts';
import type { Verb } from './verb.ts';
import { verbCommand } from './verb-command.ts';

const EXAMPLES = `
Examples:
  tsm card info --reader ACR1252
  tsm card list --key test
  tsm card install build/cap/purse-3.0.4.cap --key test --params 0102
  tsm card put-key 31 --new-key 000102.. --key test --dry-run
Environment: TSM_READER, TSM_KEY, TSM_KDF, TSM_KEY_VERSION, TSM_SCP, TSM_LEVEL, TSM_DOMAIN, TSM_TRACE;
  GP_READER, GP_KEY, GP_AID, GP_TRACE are heeded too.`;

/** `tsm card`: GlobalPlatform card management with a reader on the table. */
export function cardCommand(): Command {
  const card = new Command('card').description('manage the card in a reader').addHelpText('after', EXAMPLES);
  const verbs = [...readVerbs, ...stateVerbs, ...fitsVerbs, ...contentVerbs, ...administrationVerbs, ...fileVerbs];
  for (const verb of verbs) card.addCommand(verbCommand(verb));
  card.addCommand(group('domain', 'security domains', domainVerbs));
  card.addCommand(group('pin', 'PINs of a UICC', pinVerbs));
  return card;
}

function group(name: string, about: string, verbs: readonly Verb[]): Command {
  const command = new Command(name).description(about);
  for (const verb of verbs) command.addCommand(verbCommand(verb));
  return command;
}

/** `tsm reader`: the readers that PC/SC knows. */
export function readerCommand(): Command {
  const reader = new Command('reader').description('card readers');
  const list = reader
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
  addExamples(list, 'tsm reader', ['list --json']);
  return reader;
}

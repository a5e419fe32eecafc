// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import type { SeType } from '../wire/message/seram.ts';

interface AgentOptions {
  readonly endpoint: string;
  readonly session: string;
  readonly seType: SeType;
  readonly seId?: string;
  readonly reader?: string;
  readonly authority?: string;
}

/** `tsm agent`: a phone's local agent (SERAM 2.0.0) with a card in a reader. */
export function agentCommand(): Command {
  return new Command('agent')
    .description("a phone's local agent: hands the front's APDUs to the card in a reader")
    .requiredOption('--endpoint <url>', 'raEndpoint of the action; several, separated by a space')
    .requiredOption('--session <id>', 'sessionId of the action; - reads it from standard input')
    .option('--reader <name>', 'part of the name of a PC/SC reader, or tcp:HOST:PORT')
    .option('--se-type <type>', 'eSE, iSE, uicc, euicc, ieuicc or undefined', 'uicc')
    .option('--se-id <id>', 'name of the secure element; default what the card says')
    .option('--authority <file>', 'PEM file of the authority of the front; default those of the web')
    .action(run);
}

async function run(options: AgentOptions): Promise<void> {
  const [{ SeramAgent }, { SeramCard }, { openCard }] = await Promise.all([
    import('../bearer/seram/seram-agent.ts'),
    import('../bearer/seram/seram-card.ts'),
    import('./card/readers.ts'),
  ]);
  // An argument can be read by everybody on this machine.
  const sessionId = options.session === '-' ? (await text(process.stdin)).trim() : options.session;
  await using held = await openCard(options.reader);
  const card = new SeramCard(async () => held.card);
  const authority = options.authority === undefined ? {} : { authority: await readFile(options.authority, 'utf8') };
  const seId = options.seId ?? (await nameOf(held.card));
  await using agent = new SeramAgent({
    endpoints: options.endpoint.split(' '),
    sessionId,
    card,
    ...authority,
    secureElements: [{ seType: options.seType, seId }],
    onNotification: (notice) => process.stdout.write(`${notice.replaceAll(/[^ -~]/g, '?')}\n`),
  });
  process.stdout.write(`${await agent.run()}\n`);
}

/** What the card names itself. */
async function nameOf(card: import('../transport/card-channel.ts').CardChannel): Promise<string> {
  const [{ decodeIdentity, identityCommands }, { runScript }] = await Promise.all([
    import('../card/identity.ts'),
    import('../transport/script-runner.ts'),
  ]);
  const { responses } = await runScript(card, identityCommands);
  return decodeIdentity(responses).cardId.value;
}

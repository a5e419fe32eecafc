import { Command } from 'commander';
import type { TSchema } from 'typebox';
import { type DaemonDefinition, errorLine } from '../daemon/daemon.ts';
import { runDaemon } from '../daemon/main.ts';
import { capCommand } from './cap.ts';
import { cardCommand, readerCommand } from './card/command.ts';
import { flowCommand } from './flow.ts';
import { addKmsCommands } from './kms/commands.ts';
import { up } from './up.ts';

/** Each daemon is loaded only when it is the one to run. */
const DAEMONS: Readonly<
  Record<string, { readonly about: string; readonly load: () => Promise<DaemonDefinition<TSchema>> }>
> = {
  issuer: {
    about: 'card issuer management platform (SE TSM)',
    load: async () => erased((await import('../daemon/issuer.ts')).issuerDaemon),
  },
  provider: {
    about: 'application provider management platform (SP TSM)',
    load: async () => erased((await import('../daemon/provider.ts')).providerDaemon),
  },
  kms: {
    about: 'keys, certificates and secure channels of one platform',
    load: async () => erased((await import('../daemon/kms.ts')).kmsDaemon),
  },
  ota: {
    about: 'OTA server: card sessions for providers, links for terminals',
    load: async () => erased((await import('../daemon/ota.ts')).otaDaemon),
  },
  terminal: {
    about: 'terminal: card readers, connected out to ota',
    load: async () => erased((await import('../daemon/terminal.ts')).terminalDaemon),
  },
};

/** Runs the command line. Only here is printed and exited. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('tsm').description('open GlobalPlatform Trusted Service Manager').showHelpAfterError();
  for (const [name, { about, load }] of Object.entries(DAEMONS)) {
    const command = program
      .command(name)
      .description(about)
      .requiredOption('--config <file>', 'JSON config file')
      .option('--supervised', 'end when standard input ends', false)
      .action(async (options: { config: string; supervised: boolean }) => runDaemon(await load(), options));
    if (name === 'kms') addKmsCommands(command);
  }
  program
    .command('up')
    .description('all daemons on this machine, each a process of its own')
    .option('--state <folder>', 'where databases, keys, configs and logs are kept', '.opentsm/up')
    .option('--topology <file>', 'JSON file: providers, terminals and what the issuer knows')
    .option('--nodes <number>', 'processes of each daemon but the terminals, 1 to 8')
    .action(up);
  program.addCommand(capCommand());
  program.addCommand(flowCommand());
  program.addCommand(cardCommand());
  program.addCommand(readerCommand());
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.stderr.write(`tsm: ${errorLine(error)}\n`);
    process.exit(1);
  }
}

function erased<S extends TSchema>(definition: DaemonDefinition<S>): DaemonDefinition<TSchema> {
  return definition as unknown as DaemonDefinition<TSchema>;
}

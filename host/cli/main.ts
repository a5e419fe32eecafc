// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import type { TSchema } from 'typebox';
import type { DaemonDefinition } from '../daemon/daemon.ts';
import { errorLine } from '../errors.ts';
import packageDescription from '../package.json' with { type: 'json' };
import { agentCommand } from './agent.ts';
import { auditCommand } from './audit.ts';
import { backupCommand } from './backup.ts';
import { campaignCommand } from './campaign.ts';
import { capCommand } from './cap.ts';
import { apduCommands } from './card/apdu-command.ts';
import { cardCommand, readerCommand } from './card/command.ts';
import { dropReaders } from './card/early-readers.ts';
import { cardBatchCommand } from './card-batch.ts';
import { addCompletion } from './completion.ts';
import { addDoctor } from './doctor.ts';
import { exitCodeOf } from './exit-code.ts';
import { printFailure } from './failure.ts';
import { flowCommand } from './flow.ts';
import { addFrontCommands } from './front.ts';
import { addKmsCommands } from './kms/commands.ts';
import { addManPage } from './man-page.ts';
import { loadCommand, lossReportCommand, productCommand, providerRegisterCommand } from './registers.ts';
import { secureElementCommand } from './secure-element.ts';
import { addTerminalCommands } from './terminal.ts';
import { traceCommand } from './trace-decode.ts';
import type { UpOptions } from './up.ts';

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
  front: {
    about: 'the one entrance for phone apps, and the way to cards in phones (SERAM)',
    load: async () => erased((await import('../daemon/front.ts')).frontDaemon),
  },
  terminal: {
    about: 'terminal: card readers, connected out to ota',
    load: async () => erased((await import('../daemon/terminal.ts')).terminalDaemon),
  },
};

/** All commands. */
export function programOf(): Command {
  const program = new Command('tsm')
    .description('open GlobalPlatform Trusted Service Manager')
    .version(packageDescription.version)
    .showHelpAfterError();
  for (const [name, { about, load }] of Object.entries(DAEMONS)) {
    const command = program
      .command(name)
      .description(about)
      .requiredOption('--config <file>', 'JSON config file')
      .option('--supervised', 'end when standard input ends', false)
      .action(async (options: { config: string; supervised: boolean }) => {
        // Loaded only when one is run: a card command starts in a fraction of the time.
        const { runDaemon } = await import('../daemon/main.ts');
        await runDaemon(await load(), options);
      });
    if (name === 'kms') addKmsCommands(command);
    if (name === 'front') addFrontCommands(command);
    if (name === 'terminal') addTerminalCommands(command);
  }
  program
    .command('up')
    .description('all daemons on this machine, each a process of its own')
    .option('--state <folder>', 'where databases, keys, configs and logs are kept', '.opentsm/up')
    .option('--topology <file>', 'JSON file: providers, terminals and what the issuer knows')
    .option('--nodes <number>', 'processes of each daemon but the terminals, 1 to 8')
    .option('--card-keys <keys>', 'of cards with an ISD of their maker: test, or a file { enc, mac, dek }')
    .option('--package <cap>', 'with --card-keys: our security domains, as npx ant-javacard makes them')
    .option('--card-makers <file>', 'JSON file { cardMakers }: whose CASDs the providers believe (docs/cards.md)')
    .action(async (options: UpOptions) => (await import('./up.ts')).up(options));
  program.addCommand(agentCommand());
  program.addCommand(capCommand());
  program.addCommand(flowCommand());
  program.addCommand(auditCommand());
  program.addCommand(secureElementCommand());
  for (const register of [lossReportCommand, productCommand, providerRegisterCommand, loadCommand])
    program.addCommand(register());
  program.addCommand(backupCommand());
  program.addCommand(cardCommand());
  program.addCommand(cardBatchCommand());
  program.addCommand(campaignCommand());
  program.addCommand(readerCommand());
  for (const command of apduCommands()) program.addCommand(command);
  program.addCommand(traceCommand());
  addDoctor(program);
  addCompletion(program);
  addManPage(program);
  return program;
}

/** Runs the command line. Only here is printed and exited. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = programOf();
  wrongUseExits(program, argv);
  // `tsm man | head`: the reader has seen enough.
  process.stdout.on('error', () => process.exit(0));
  try {
    await program.parseAsync(argv);
    await dropReaders();
  } catch (error) {
    process.stderr.write(`tsm: ${errorLine(error)}\n`);
    printFailure(argv, error, exitCodeOf(error));
    process.exit(exitCodeOf(error));
  }
}

/** Commander ends with 1 for wrong use, which means something else here. */
function wrongUseExits(command: Command, argv: readonly string[]): void {
  command.exitOverride((error) => {
    if (error.exitCode === 0) process.exit(0);
    printFailure(argv, error, 2);
    process.exit(2);
  });
  for (const child of command.commands) wrongUseExits(child, argv);
}

function erased<S extends TSchema>(definition: DaemonDefinition<S>): DaemonDefinition<TSchema> {
  return definition as unknown as DaemonDefinition<TSchema>;
}

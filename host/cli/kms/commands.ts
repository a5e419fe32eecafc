// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import type { AuditHead } from '../../kms/audit-file.ts';
import { addCertifyCommand } from './certify-command.ts';
import { addKeyCommands } from './key-commands.ts';

/** `tsm kms init`, `audit verify`, `keys` and `certify`, under the command that runs the daemon and has `--config`. */
export function addKmsCommands(kms: Command): void {
  const configOf = (command: Command): string => String(command.optsWithGlobals().config);
  kms
    .command('init')
    .description('make the sealing key and the CA of a new KMS; an existing one is refused')
    .action(async (_options: object, command: Command) => {
      const file = configOf(command);
      const { initialiseKms } = await import('../../daemon/kms.ts');
      if (!(await initialiseKms(file))) {
        throw new UsageError('kms-initialised', `The KMS of ${file} has its keys already: nothing was touched`);
      }
      process.stdout.write('made the sealing key and the CA: keep both backed up, in two places\n');
    });
  kms
    .command('audit')
    .description('the hash-chained record of acts with keys')
    .command('verify')
    .description('fails unless every record follows from the one before it')
    .option('--head <records:hash>', 'what an earlier run printed: nothing before it may have been cut off')
    .action(async (options: { head?: string }, command: Command) => {
      // Loaded only here: a card command does without.
      const { auditFileOf, KmsConfig } = await import('../../daemon/kms.ts');
      const { readConfig } = await import('../../daemon/config.ts');
      const { verifyAuditFile } = await import('../../kms/audit-file.ts');
      const config = await readConfig(configOf(command), KmsConfig);
      const head = await verifyAuditFile(auditFileOf(config), notedHead(options.head));
      process.stdout.write(`${head.records}:${head.hash}\n`);
    });
  addKeyCommands(kms);
  addCertifyCommand(kms);
}

function notedHead(text: string | undefined): AuditHead | undefined {
  if (text === undefined) return undefined;
  const [, records, hash] = /^([0-9]{1,12}):([0-9A-F]{64})$/.exec(text) ?? [];
  if (hash === undefined) throw new UsageError('bad-head', '--head takes what `tsm kms audit verify` printed');
  return { records: Number(records), hash };
}

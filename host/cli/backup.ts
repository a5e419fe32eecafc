// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';

/** `tsm backup create|verify|restore`: databases and KMSs of one machine. */
export function backupCommand(): Command {
  const backup = new Command('backup').description('copy of all that tsm up keeps, made while it does not run');
  const state = ['--state <folder>', 'where databases, keys, configs and logs are kept', '.opentsm/up'] as const;
  backup
    .command('create')
    .description('copy the state folder with its PostgreSQL and KMSs to a new folder')
    .argument('<folder>')
    .option(...state)
    .action(async (folder: string, options: { state: string }) => {
      const { createBackup } = await import('../local/backup.ts');
      process.stdout.write(
        `${await createBackup(options.state, folder)} files in ${folder}: keys are among them, keep it as them\n`,
      );
    });
  backup
    .command('verify')
    .description('say whether every file of a backup is there and as it was written')
    .argument('<folder>')
    .action(async (folder: string) => {
      const { verifyBackup } = await import('../local/backup.ts');
      const { createdAt, entries } = await verifyBackup(folder);
      process.stdout.write(`whole: ${entries.length} entries of ${createdAt}\n`);
    });
  backup
    .command('restore')
    .description('put a backup into a state folder that is not there')
    .argument('<folder>')
    .option(...state)
    .action(async (folder: string, options: { state: string }) => {
      const { restoreBackup } = await import('../local/backup.ts');
      process.stdout.write(`${await restoreBackup(folder, options.state)} files in ${options.state}\n`);
    });
  return backup;
}

// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';

/** Examples behind a command's help. @param prefix what stands before each */
export function addExamples(command: Command, prefix: string, examples: readonly string[]): void {
  command.addHelpText('after', `\nExamples:\n${examples.map((text) => `  ${prefix} ${text}`).join('\n')}`);
}

// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';

/** One command of the command line, as completion and the man page need it. */
export interface CommandNode {
  /** Words behind `tsm`. */
  readonly path: readonly string[];
  readonly about: string;
  /** `<file> [target]` */
  readonly places: string;
  readonly options: readonly OptionNode[];
  readonly children: readonly string[];
}

export interface OptionNode {
  readonly flags: string;
  readonly about: string;
  readonly long: string;
  readonly choices: readonly string[];
}

/** All commands, a parent before its children. */
export function commandTree(command: Command, path: readonly string[] = []): CommandNode[] {
  const places = command.registeredArguments.map((argument) => {
    const text = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${text}>` : `[${text}]`;
  });
  const options = command.options
    .filter(({ hidden }) => !hidden)
    .map(({ flags, description, long, argChoices }) => ({
      flags,
      about: description,
      long: long ?? flags,
      choices: argChoices ?? [],
    }));
  const node: CommandNode = {
    path,
    about: command.description(),
    places: places.join(' '),
    options,
    children: command.commands.map((child) => child.name()),
  };
  return [node, ...command.commands.flatMap((child) => commandTree(child, [...path, child.name()]))];
}

import { Command } from 'commander';

interface CapOptions {
  readonly exps?: readonly string[];
}

/** `tsm cap`: the CAP tools of `npx ant-javacard`, by the same program. */
export function capCommand(): Command {
  const cap = new Command('cap').description('look into Java Card CAP files');
  const add = (usage: string, about: string): void => {
    const command = cap.command(usage).description(about);
    command.option('--exps <folder...>', 'export files of imported packages, besides those of the API');
    command.action(async () => {
      const { exps = [] } = command.opts<CapOptions>();
      const { main } = await import('../../toolchain/src/cli.ts');
      const places = exps.flatMap((folder) => ['--exps', folder]);
      process.exitCode = await main([command.name(), ...command.args, ...places], process.env, process.cwd());
    });
  };
  add('verify <files...>', 'structure and bytecode, against the imported packages; exit code 1 with findings');
  add('dump <file>', 'components, disassembly, cross-references');
  add('diff <a> <b>', 'what differs; exit code 1 when something does');
  add('size <file>', 'bytes per component, class and method');
  return cap;
}

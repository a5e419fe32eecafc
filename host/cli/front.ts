// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { TransportError } from '../errors.ts';

/** `tsm front nodes`, under the command that runs the daemon and has `--config`. */
export function addFrontCommands(front: Command): void {
  front
    .command('nodes')
    .description('how the nodes behind are, as each node of the front sees them; --config is an operator’s')
    .action(async (_options: object, command: Command) => {
      const { listPoolNodes } = await import('./flow-client.ts');
      const views = await listPoolNodes(String(command.optsWithGlobals().config));
      for (const { address, nodes, error } of views) {
        say(`${address}${error === undefined ? '' : `  ${error.message}`}`);
        for (const node of nodes) {
          const { pool, state, outstanding, calls, failures, share, ejectedMs } = node;
          const out = ejectedMs > 0 ? `  out for ${Math.ceil(ejectedMs / 1_000)} s` : '';
          const part = `${Math.round(share * 100)} %`.padStart(6);
          const figures = `${part}  ${outstanding} outstanding, ${calls} calls, ${failures} failed${out}`;
          say(`  ${pool.padEnd(20)} ${state.padEnd(8)} ${node.address}${figures}`);
        }
      }
      if (views.every(({ error }) => error !== undefined))
        throw new TransportError('peer-unreachable', 'no node of the front answers: see /platform/url of the config');
    });
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

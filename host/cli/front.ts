// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { TransportError } from '../errors.ts';

/** `tsm front nodes|routes|explain`, under the command that runs the daemon and has `--config`. */
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
  front
    .command('routes')
    .description('which action goes where, of the config (version 0) and entered by operators')
    .action(async (_options: object, command: Command) => {
      const { listRoutes } = await import('./register-client.ts');
      for (const { rule, version, validFrom, validTo } of await listRoutes(configOf(command))) {
        const { name, when, pool, operation, precedence = 0 } = rule;
        const until = [validFrom && `from ${validFrom}`, validTo && `to ${validTo}`].filter(Boolean).join(' ');
        const wanted = Object.entries(when).map(([field, value]) => `${field}=${value}`);
        const takes = `v${version}  ${operation} -> ${pool}`;
        say([name.padEnd(22), takes, wanted.join(' '), precedence, until].join('  ').trimEnd());
      }
    });
  front
    .command('explain <actionCode> <seId>')
    .description('which route an action with this secure element would take, and what keeps it from each other')
    .option('--product <id>', 'product of the action')
    .option('--domain <name>', 'its region or scope')
    .option('--app <id>', 'its application')
    .action(async (actionCode: string, seId: string, _options: object, command: Command) => {
      const { explainRoute } = await import('./register-client.ts');
      const { product: productId, domain, app: appId } = command.opts<Record<string, string | undefined>>();
      const asked = JSON.parse(JSON.stringify({ productId, domain, appId }));
      const { taken, considered } = await explainRoute(configOf(command), {
        actionCode,
        seType: 'undefined',
        seId,
        ...asked,
      });
      say(taken === undefined ? 'no route takes it' : `${taken.name}: ${taken.operation} -> ${taken.pool}`);
      for (const { name, reason } of considered) if (reason !== undefined) say(`  not ${name}: ${reason}`);
    });
}

const configOf = (command: Command): string => String(command.optsWithGlobals().config);

const say = (line: string): void => void process.stdout.write(`${line}\n`);

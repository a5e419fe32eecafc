// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';

interface ListOptions {
  readonly state?: string;
  readonly limit: string;
  readonly after?: string;
  readonly provider?: string;
}

/** `tsm flow list|show|cancel|retry`: the flows of an issuer or provider platform. */
export function flowCommand(): Command {
  const flow = new Command('flow')
    .description('look into the flows of a platform, give them up, try them again')
    .requiredOption('--config <file>', 'JSON file: platform (url, role, id) and tls (key, certificate, authority)');
  const config = () => flow.opts<{ config: string }>().config;
  flow
    .command('list')
    .description('newest first')
    .option('--state <state>', 'queued, running, done or failed')
    .option('--provider <id>', 'those for this provider')
    .option('--limit <n>', 'at most so many', '50')
    .option('--after <id>', 'those before this one')
    .action(async ({ state, provider, limit, after }: ListOptions) => {
      const list = await (await client()).listFlows(config(), { state, provider, limit, after });
      for (const entry of list.flows) {
        const problem = entry.problem === undefined ? '' : `  ${entry.problem.detail ?? entry.problem.title}`;
        const { queuedAt, state: now, providerId, kind, id } = entry;
        say(`${queuedAt}  ${now.padEnd(8)}${providerId.padEnd(12)}${kind.padEnd(24)}${id}${problem}`);
      }
      if (list.next !== undefined) say(`more: --after ${list.next}`);
    });
  const one = (name: string, about: string, method: 'GET' | 'POST', action: string): void => {
    flow
      .command(`${name} <id>`)
      .description(about)
      .action(async (id: string) => {
        const path = `/v1/flows/${encodeURIComponent(id)}${action}`;
        say(JSON.stringify(await (await client()).oneFlow(config(), method, path), undefined, 2));
      });
  };
  one('show', 'one flow with its steps', 'GET', '');
  one('cancel', 'make no further trip to the card', 'POST', '/cancel');
  one('retry', 'begin a flow that failed again', 'POST', '/retry');
  return flow;
}

/** Loaded only when a flow is asked for: a card command does without. */
const client = () => import('./flow-client.ts');

const say = (line: string): void => void process.stdout.write(`${line}\n`);

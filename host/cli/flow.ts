import { Command } from 'commander';
import { type Static, type TSchema, Type } from 'typebox';
import { PeerEndpoint, readConfig, TlsFiles } from '../daemon/config.ts';
import { LiveTls } from '../daemon/live-tls.ts';
import { RestClient } from '../rest/client.ts';
import { FlowDetail, FlowList } from '../wire/message/flow.ts';

/** What an operator's config file says: the platform and the operator's own certificate. */
export const OperatorConfig = Type.Object({ platform: PeerEndpoint, tls: TlsFiles }, { additionalProperties: false });

interface ListOptions {
  readonly state?: string;
  readonly limit: string;
  readonly after?: string;
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
    .option('--limit <n>', 'at most so many', '50')
    .option('--after <id>', 'those before this one')
    .action(async ({ state, limit, after }: ListOptions) => {
      const list = await call(config(), { method: 'GET', path: '/v1/flows', query: { state, limit, after } }, FlowList);
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
        say(JSON.stringify(await call(config(), { method, path }, FlowDetail), undefined, 2));
      });
  };
  one('show', 'one flow with its steps', 'GET', '');
  one('cancel', 'make no further trip to the card', 'POST', '/cancel');
  one('retry', 'begin a flow that failed again', 'POST', '/retry');
  return flow;
}

interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
}

async function call<S extends TSchema>(file: string, question: Question, response: S): Promise<Static<S>> {
  const { platform, tls } = await readConfig(file, OperatorConfig);
  await using client = new RestClient({ baseUrl: platform.url, tls: await LiveTls.open(tls), expectedPeer: platform });
  return await client.call({ ...question, response });
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

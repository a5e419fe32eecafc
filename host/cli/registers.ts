// SPDX-License-Identifier: Apache-2.0
import { Command, Option } from 'commander';

/** `tsm loss-report`, `tsm product`, `tsm provider-register`, `tsm load`: what a clerk does at a platform. */

interface Page {
  readonly limit: string;
  readonly after?: string;
}

/** Loaded only when it is asked for: a card command does without. */
const client = () => import('./register-client.ts');
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const json = (value: unknown): void => say(JSON.stringify(value, undefined, 2));
const collect = (value: string, all: string[] = []): string[] => [...all, value];
const cents = (amount: number): string => (amount / 100).toFixed(2);

function atPlatform(name: string, about: string): readonly [Command, () => string] {
  const command = new Command(name)
    .description(about)
    .requiredOption('--config <file>', 'JSON file: platform (url, role, id) and tls (key, certificate, authority)');
  return [command, () => command.opts<{ config: string }>().config];
}

const paged = (command: Command): Command =>
  command.option('--limit <n>', 'at most so many', '100').option('--after <id>', 'those after this one');

const more = (rows: number, { limit }: Page, last: string | undefined): void => {
  if (rows === Number(limit)) say(`more: --after ${last}`);
};

/** `tsm loss-report open|close|list` */
export function lossReportCommand(): Command {
  const [command, config] = atPlatform('loss-report', 'reports of lost cards at an issuer platform');
  command
    .command('open <card>')
    .description('from its answer on nothing is loaded onto this card; a card is iccid:8986..')
    .option('--product <id>', 'this product alone; may be given again', collect)
    .addOption(new Option('--reason <reason>', 'what became of it').choices(['lost', 'stolen']).default('lost'))
    .option('--request <name>', 'nothing is reported twice under one name')
    .action(async (card: string, options: { product?: string[]; reason: string; request?: string }) => {
      const { product: products, ...rest } = options;
      const report = { ...rest, ...(products === undefined ? {} : { products }) };
      json(await (await client()).openLossReport(config(), card, report));
    });
  command
    .command('close <id>')
    .description('the card was found: what no other report names is valid again')
    .action(async (id: string) => {
      await (await client()).closeLossReport(config(), id);
    });
  paged(command.command('list'))
    .description('newest first')
    .option('--card <card>', 'of this card: iccid:8986..')
    .addOption(new Option('--state <state>', 'open or closed').choices(['open', 'closed']))
    .action(async (query: Page & { card?: string; state?: string }) => {
      const reports = await (await client()).listLossReports(config(), query);
      for (const { id, cardId, state, productIds, reason, reportedBy, at } of reports)
        say(
          [at, state.padEnd(6), `${cardId.kind}:${cardId.value}`, reason, reportedBy, id, productIds.join(' ')].join(
            '  ',
          ),
        );
      more(reports.length, query, reports.at(-1)?.id);
    });
  return command;
}

/** `tsm product list|on-card|put` */
export function productCommand(): Command {
  const [command, config] = atPlatform('product', 'products that an issuer platform knows');
  paged(command.command('list'))
    .description('each with its provider')
    .action(async (query: Page) => {
      const products = await (await client()).listProducts(config(), { ...query });
      for (const { productId, providerId } of products) say(`${productId.padEnd(40)}${providerId}`);
      more(products.length, query, products.at(-1)?.productId);
    });
  command
    .command('on-card <card>')
    .description('products on a card, iccid:8986.., with their state')
    .action(async (card: string) => {
      for (const { productId, providerId, state } of await (await client()).productsOnCard(config(), card))
        say(`${state.padEnd(12)}${productId.padEnd(40)}${providerId}`);
    });
  command
    .command('put <id>')
    .description('registers a product')
    .requiredOption('--provider <id>', 'whose it is')
    .action(async (id: string, { provider }: { provider: string }) => {
      await (await client()).putProduct(config(), id, provider);
    });
  return command;
}

/** `tsm provider-register list|put` */
export function providerRegisterCommand(): Command {
  const [command, config] = atPlatform('provider-register', 'providers that an issuer platform knows');
  command
    .command('list')
    .description('each with its address, permissions and AIDs')
    .action(async () => {
      for (const { providerId, baseUrl, permissions, aids } of await (await client()).listProviders(config()))
        say(`${providerId.padEnd(24)}${baseUrl}  ${permissions.join(',')}  ${aids.join(',')}`);
    });
  command
    .command('put <id>')
    .description('registers a provider, in the place of what was registered before')
    .requiredOption('--base-url <url>', 'where it carries the issuer’s APDUs; several nodes in quotes, with spaces')
    .option('--permission <name>', 'create-security-domain, install-application, delegated-management', collect, [])
    .option('--aid <aid>', 'what its security domains may be called; may be given again', collect, [])
    .action(
      async (
        id: string,
        { baseUrl, permission, aid }: Record<'permission' | 'aid', string[]> & { baseUrl: string },
      ) => {
        const registration = { baseUrl, permissions: permission, aids: aid.map((one) => one.toUpperCase()) };
        await (await client()).putProvider(config(), id, registration);
      },
    );
  return command;
}

/** `tsm load list` */
export function loadCommand(): Command {
  const [command, config] = atPlatform('load', 'money on its way to purses, at a provider platform');
  paged(command.command('list'))
    .description('loads that are not settled, or done without a TAC')
    .addOption(new Option('--state <state>', 'which').choices(['reserved', 'no-tac']).default('reserved'))
    .action(async (query: Page & { state: string }) => {
      const loads = await (await client()).listLoads(config(), { ...query });
      for (const { loadId, at, serial, amount, state, counter, topUpId } of loads)
        say(`${loadId.padStart(8)}  ${at}  ${serial}  ${cents(amount).padStart(12)}  ${state}  ${counter}  ${topUpId}`);
      more(loads.length, query, loads.at(-1)?.loadId);
    });
  return command;
}

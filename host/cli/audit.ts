// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';

interface ListOptions {
  readonly act?: string;
  readonly subject?: string;
  readonly flow?: string;
  readonly limit: string;
  readonly after?: string;
}

/** `tsm audit list|verify`: the record of acts of an issuer or provider platform. */
export function auditCommand(): Command {
  const audit = new Command('audit')
    .description('what was done to cards, keys, certificates and registers, and by whom')
    .requiredOption('--config <file>', 'JSON file: platform (url, role, id) and tls (key, certificate, authority)');
  audit
    .command('list')
    .description('oldest first')
    .option('--act <act>', 'this act')
    .option('--subject <text>', 'whose subject begins so: iccid:8986')
    .option('--flow <id>', 'of this flow')
    .option('--limit <n>', 'at most so many', '100')
    .option('--after <number>', 'those after this record')
    .action(async (options: ListOptions) => {
      const { act, subject, flow, limit, after } = options;
      const query = { act, subject, flow, limit, after };
      const file = audit.opts<{ config: string }>().config;
      const { listAuditRecords } = await import('./flow-client.ts');
      const records = await listAuditRecords(file, query);
      for (const { number, at, phase, act: done, subject: about, numeral, details } of records) {
        const step = numeral === '' ? '' : `step ${numeral}  `;
        say(`${number}  ${at}  ${phase.padEnd(6)}  ${done}  ${about}  ${step}${JSON.stringify(details)}`);
      }
      if (records.length === Number(limit)) say(`more: --after ${records.at(-1)?.number}`);
    });
  audit
    .command('verify')
    .description('fails unless every record follows from the one before it, from the first to the last')
    .option('--head <number:hash>', 'what an earlier run printed: nothing before it may have been cut off')
    .action(async ({ head }: { readonly head?: string }) => {
      const file = audit.opts<{ config: string }>().config;
      const [{ auditPages }, { notedEnd, verifyAuditChain }] = await Promise.all([
        import('./flow-client.ts'),
        import('./audit-chain.ts'),
      ]);
      const end = await verifyAuditChain(auditPages(file), head === undefined ? undefined : notedEnd(head));
      say(`${end.number}:${end.hash}`);
    });
  return audit;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

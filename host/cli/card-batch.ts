// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import { ConflictError } from '../errors.ts';
import type { CardBatch } from '../wire/message/card-batches.ts';

interface ImportOptions {
  readonly batch: string;
  readonly model: string;
  readonly transportKey?: string;
  readonly storageKey?: string;
  readonly format?: string;
}

/** `tsm card-batch import|show|faults|cancel`: cards as their maker delivers them, at the issuer platform. */
export function cardBatchCommand(): Command {
  const batch = new Command('card-batch')
    .description('take in a card maker’s cards with their keys, a whole file or nothing')
    .requiredOption('--config <file>', 'JSON file: platform (url, role, id) and tls (key, certificate, authority)');
  const client = async () =>
    (await import('./card-batch-client.ts')).CardBatchClient.open(batch.opts<{ config: string }>().config);
  batch
    .command('import <file>')
    .description(
      'CSV with a heading line, or JSON; columns: iccid eid cplc cud, enc mac dek ' +
        'or isdKeyReference isdModulus isdExponent',
    )
    .requiredOption('--batch <id>', 'a new name for this batch')
    .requiredOption('--model <id>', 'the chip model that all cards have')
    .option('--transport-key <label>', 'key of the issuer’s KMS under which enc, mac and dek are')
    .option('--storage-key <label>', 'key of the issuer’s KMS under which they are kept, default card-keys')
    .option('--format <format>', 'csv or json, default by the end of the file’s name')
    .action(
      async (file: string, { batch: batchId, model: modelId, transportKey, storageKey, format }: ImportOptions) => {
        const { formatOf } = await import('./card-batch-file.ts');
        await using issuer = await client();
        const request = {
          file,
          format: formatOf(file, format),
          batchId,
          modelId,
          ...(transportKey === undefined ? {} : { transportKey }),
          ...(storageKey === undefined ? {} : { storageKey }),
        };
        const ended = await issuer.import(request, (rows) => process.stderr.write(`\r${rows} rows`));
        process.stderr.write('\n');
        say(line(ended));
        if (ended.state === 'imported') return;
        for (const fault of await issuer.faults(batchId, 0))
          say(`${file}:${fault.line}: ${fault.message} (${fault.code})`);
        throw new ConflictError('batch-refused', `${ended.badRows} rows are bad: no card of the file was taken`);
      },
    );
  batch
    .command('show <id>')
    .description('how far a batch has come')
    .action(async (id: string) => {
      await using issuer = await client();
      say(line(await issuer.find(id)));
    });
  batch
    .command('faults <id>')
    .description('what is wrong with its rows, by line')
    .option('--after <line>', 'those behind this line', '0')
    .action(async (id: string, { after }: { readonly after: string }) => {
      await using issuer = await client();
      for (const fault of await issuer.faults(id, Number(after)))
        say(`${fault.line}: ${fault.message} (${fault.code})`);
    });
  batch
    .command('cancel <id>')
    .description('forget a batch that was not decided on')
    .action(async (id: string) => {
      await using issuer = await client();
      await issuer.cancel(id);
    });
  return batch;
}

const line = ({ batchId, modelId, state, rows, badRows }: CardBatch): string =>
  `${batchId}  ${modelId}  ${state}  ${rows} rows, ${badRows} bad`;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

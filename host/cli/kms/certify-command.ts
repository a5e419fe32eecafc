// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';

interface CertifyOptions {
  readonly holderReference?: string;
  readonly format?: string;
  readonly json?: true;
}

const COLUMNS = 'card,holderReference,isdModulus,certificate';

/** `tsm kms certify`: `--config` is an operator's of the issuer's KMS. */
export function addCertifyCommand(kms: Command): void {
  kms
    .command('certify <file>')
    .description(
      'CERT.SD.AUT for the ISD of a card that is being made: a public key in PEM, or a file of tsm card-batch ' +
        '(CSV, JSON), which is read to its end first; --config is an operator’s, whose platform is the KMS',
    )
    .option('--holder-reference <hex>', 'CHR of one key, 16 bytes; default from the key')
    .option('--format <format>', 'pem, csv or json, default by the end of the file’s name')
    .option('--json', 'one object for each certificate')
    .action(async (file: string, options: CertifyOptions, command: Command) => {
      const config = String(command.optsWithGlobals().config);
      if (options.format === 'pem' || (options.format === undefined && /\.(pem|pub|key)$/i.test(file)))
        await certifyOne(config, file, options);
      else await certifyBatch(config, file, options);
    });
}

async function certifyOne(config: string, file: string, { holderReference, json }: CertifyOptions): Promise<void> {
  // Loaded only here: a card command does without.
  const { IsdCertificates, readIsdKey } = await import('./isd-certificates.ts');
  if (holderReference !== undefined && !/^[0-9A-Fa-f]{32}$/.test(holderReference))
    throw new UsageError('holder-reference', `${holderReference}: --holder-reference wants 32 hex digits`);
  const publicKey = await readIsdKey(file);
  await using authority = await IsdCertificates.open(config);
  const certified = await authority.one(publicKey, holderReference?.toUpperCase());
  say(json === true ? JSON.stringify(certified) : certified.certificate);
}

async function certifyBatch(config: string, file: string, options: CertifyOptions): Promise<void> {
  const { IsdCertificates, isdFaults, readIsdRows } = await import('./isd-certificates.ts');
  const { formatOf } = await import('../card-batch-file.ts');
  if (options.holderReference !== undefined)
    throw new UsageError('holder-reference', '--holder-reference is for one key: those of a file come from the keys');
  const format = formatOf(file, options.format);
  let bad = 0;
  for await (const { line, message } of isdFaults(file, format)) {
    process.stderr.write(`${file}:${line}: ${message}\n`);
    bad += 1;
  }
  if (bad > 0) throw new UsageError('batch-refused', `${bad} faults: no key of the file was certified`);
  await using authority = await IsdCertificates.open(config);
  if (options.json !== true) say(COLUMNS);
  for await (const certified of authority.all(readIsdRows(file, format))) {
    const { card, holderReference, modulus, certificate } = certified;
    say(options.json === true ? JSON.stringify(certified) : [card, holderReference, modulus, certificate].join(','));
  }
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

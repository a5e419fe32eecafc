// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import { SecureChannelError, UsageError } from '../../errors.ts';
import type { Diversification } from '../../kms/diversification.ts';
import type { KeyFormula } from '../../kms/key-formula.ts';
import { type SecurityLevel, securityLevel } from '../../secure-channel/security-level.ts';
import { type Aid, aid } from '../../wire/gp/aid.ts';
import { fromHex } from '../../wire/hex.ts';
import { kdfOf } from './kdf-config.ts';
import { schemedKey } from './master-keys.ts';

/** What every verb of `tsm card` takes, after parsing. */
export interface CardOptions {
  /** Part of the name of a PC/SC reader, or `tcp:HOST:PORT` for a simulated card on the direct link. */
  readonly reader?: string;
  /** See master-keys.ts; absent: commands in clear. */
  readonly key?: string;
  readonly kdf: Diversification | KeyFormula;
  readonly keyVersion: number;
  readonly scp?: number;
  readonly level?: SecurityLevel;
  /** The domain to select; absent is the card's own. */
  readonly domain?: Aid;
  readonly dryRun: boolean;
  readonly trace: boolean;
  readonly showSecrets: boolean;
  readonly json: boolean;
  readonly confirm?: string;
}

export const hexByte = (text: string): number => {
  if (!/^[0-9A-Fa-f]{1,2}$/.test(text)) throw new UsageError('hex-byte', `${text}: want one byte in hex, 00 to FF`);
  return Number.parseInt(text, 16);
};

export const hexBytes = (text: string): Uint8Array => {
  const digits = text.replaceAll(/[\s:]/g, '').toUpperCase();
  if (!/^([0-9A-F]{2})*$/.test(digits)) throw new UsageError('hex', `${text}: want bytes in hex`);
  return fromHex(digits, 4096);
};

export const aidOption = (text: string): Aid => aid(hexBytes(text));

/** `--key` is taken from TSM_KEY or GP_KEY too, so that it need not stand in a shell's history. */
export function withCardOptions(command: Command, scpOption = '--scp'): Command {
  return command
    .addOption(new Option('-r, --reader <name>', 'part of a reader’s name, or tcp:HOST:PORT').env('TSM_READER'))
    .addOption(
      new Option(
        '-k, --key <hex>',
        'one key, or ENC:MAC:DEK; `test`, `default`: the published test key 40..4F; emv:, visa2:, kdf3: lead as --kdf',
      ).env('TSM_KEY'),
    )
    .addOption(
      new Option(
        '--kdf <scheme>',
        'how the card’s keys come from it: none, visa2, emv, kdf3, a formula, or its name in kdf.json',
      )
        .env('TSM_KDF')
        .default('none'),
    )
    .addOption(
      new Option('--key-version <hex>', 'KVN; 00 is the first set')
        .env('TSM_KEY_VERSION')
        .argParser(hexByte)
        .default(0, '00'),
    )
    .addOption(
      new Option(`${scpOption} <protocol>`, 'secure channel protocol, when the card has both')
        .env('TSM_SCP')
        .choices(['02', '03']),
    )
    .addOption(new Option('--level <hex>', 'security level: 01, 03, 11, 13, 33').env('TSM_LEVEL'))
    .addOption(new Option('--domain <aid>', 'security domain; default the issuer’s').env('TSM_DOMAIN'))
    .option('--dry-run', 'show every command that would change the card, and send none of them', false)
    .option('--trace', 'show all APDUs on standard error', process.env.TSM_TRACE !== undefined)
    .option('--show-secrets', 'show data of PUT KEY, STORE DATA and PIN commands in traces and dry runs', false)
    .option('--json', 'print JSON', false)
    .option('--confirm <card-id>', 'names the card, for what cannot be undone');
}

function levelOption(text: string): SecurityLevel {
  try {
    return securityLevel(hexByte(text));
  } catch (error) {
    if (!(error instanceof SecureChannelError)) throw error;
    throw new UsageError('level', `--level ${text}: want 01, 03, 11, 13 or 33`);
  }
}

interface RawOptions {
  readonly reader?: string;
  readonly key?: string;
  readonly kdf: string;
  readonly keyVersion: number;
  readonly scp?: string;
  readonly channelScp?: string;
  readonly level?: string;
  readonly domain?: string;
  readonly dryRun: boolean;
  readonly trace: boolean;
  readonly showSecrets: boolean;
  readonly json: boolean;
  readonly confirm?: string;
}

/** @throws UsageError */
export function cardOptions(command: Command, { ownScp = false, environment = process.env } = {}): CardOptions {
  const raw = command.optsWithGlobals<RawOptions>();
  const scp = ownScp ? raw.channelScp : raw.scp;
  const reader = raw.reader ?? environment.GP_READER;
  const key = schemedKey(raw.key ?? environment.GP_KEY, raw.kdf);
  const domain = raw.domain ?? environment.GP_AID;
  return {
    kdf: kdfOf(key.kdf, environment),
    keyVersion: raw.keyVersion,
    dryRun: raw.dryRun,
    json: raw.json,
    showSecrets: raw.showSecrets,
    trace: raw.trace || environment.GP_TRACE !== undefined,
    ...(reader === undefined ? {} : { reader }),
    ...(key.key === undefined ? {} : { key: key.key }),
    ...(domain === undefined ? {} : { domain: aidOption(domain) }),
    ...(scp === undefined ? {} : { scp: Number.parseInt(scp, 16) }),
    ...(raw.level === undefined ? {} : { level: levelOption(raw.level) }),
    ...(raw.confirm === undefined ? {} : { confirm: raw.confirm }),
  };
}

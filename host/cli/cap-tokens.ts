// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { loadFileCommands } from '../card/load.ts';
import { UsageError } from '../errors.ts';
import type { GpCommand } from '../wire/gp/command.ts';
import { deleteObject } from '../wire/gp/delete.ts';
import { installApplication, installForExtradition, installForMakeSelectable } from '../wire/gp/install.ts';
import { tokenInput, withTokenNames } from '../wire/gp/token.ts';
import { toHex } from '../wire/hex.ts';
import { DESCRIPTOR, descriptorOf, hashOf, installationOf } from './card/cap-choice.ts';
import { keyOf } from './card/content-authorization.ts';
import { aidOption, hexBytes } from './card/options.ts';
import { print } from './card/print.ts';

/**
 * The issuer's tokens for commands that a provider will send in a domain of his own: made here without a card, given to
 * `tsm card --token hex:..`.
 */

type Options = Readonly<Record<string, unknown>>;

const hexOf = (options: Options, name: string): Uint8Array | undefined =>
  typeof options[name] === 'string' ? hexBytes(options[name]) : undefined;

/** INSTALL [for load] and [for install and make selectable], as `tsm card install` sends them with the same options. */
async function installation(file: string, options: Options): Promise<readonly GpCommand[]> {
  const { cap, module, instance, privileges, parameters } = await installationOf(file, options);
  const domain = hexOf(options, 'domain');
  const hashAlgorithm = hashOf(options.hash);
  const [load] = loadFileCommands(cap, {
    withDescriptor: descriptorOf(options),
    withHash: true,
    ...(hashAlgorithm === undefined ? {} : { hashAlgorithm }),
    ...(domain === undefined ? {} : { securityDomain: aidOption(toHex(domain)) }),
  });
  const install = installApplication({
    loadFile: cap.packageAid,
    module,
    instance,
    privileges,
    applicationParameters: parameters,
  });
  return load === undefined ? [install] : [load, install];
}

const MAKERS: Readonly<Record<string, (name: string, options: Options) => Promise<readonly GpCommand[]>>> = {
  install: installation,
  delete: async (name, options) => [deleteObject(aidOption(name), { related: options.related === true })],
  select: async (name) => [installForMakeSelectable(aidOption(name))],
  extradite: async (name, options) => {
    if (typeof options.to !== 'string') throw new UsageError('extradite', '--to names the new security domain');
    return [installForExtradition(aidOption(name), aidOption(options.to))];
  },
};

async function tokens(act: string, name: string, options: Options) {
  const make = MAKERS[act];
  if (make === undefined) throw new UsageError('token-act', `${act}: want one of ${Object.keys(MAKERS).join(', ')}`);
  const key = await keyOf(options.token);
  if (key === undefined) throw new UsageError('token-key', '--token names the key that signs');
  const names = hexOf(options, 'tokenNames');
  const commands = (await make(name, options)).map((one) => (names === undefined ? one : withTokenNames(one, names)));
  const made = commands.map((command) => ({ label: command.label, token: toHex(key.sign(tokenInput(command))) }));
  return {
    ...Object.fromEntries(made.map(({ label, token }) => [label, token])),
    token: `hex:${made.map(({ token }) => token).join(',')}`,
  };
}

export function addTokenCommand(cap: Command): void {
  const command = cap
    .command('token <act> <name>')
    .description('the issuer’s tokens: install FILE, delete AID, select AID, extradite AID')
    .requiredOption('--token <key>', 'the token key: PEM file, aes:HEX or des:HEX')
    .option('--token-names <hex>', 'contents of B6, signed with the command: whom the token is good for')
    .option('--domain <aid>', 'the domain that the provider loads into, as he names it')
    .option('--module <aid>', 'the applet, where the CAP file has several')
    .option('--create <aid>', 'AID of the instance; default the module’s')
    .option('--privileges <list>', 'of the instance')
    .option('--params <hex>', 'what install() gets')
    .option('--descriptor', DESCRIPTOR)
    .option('--no-descriptor', 'without it')
    .option('--hash <algorithm>', 'of the load file: sha256, or sha1 where the provider loads with it')
    .option('--related', 'delete: with what belongs to it', false)
    .option('--to <aid>', 'extradite: the new domain')
    .option('--json', 'print JSON', false);
  command.action(async (act: string, name: string, options: Options) =>
    print(await tokens(act, name, options), options.json === true),
  );
}

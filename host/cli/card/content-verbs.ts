// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander';
import { ConflictError, UsageError } from '../../errors.ts';
import { aidToHex } from '../../wire/gp/aid.ts';
import { deleteObject } from '../../wire/gp/delete.ts';
import { installForExtradition, installForMakeSelectable, installForRegistryUpdate } from '../../wire/gp/install.ts';
import { encodePrivileges } from '../../wire/gp/privilege.ts';
import { DESCRIPTOR, installationOf, privilegesOf, readCap } from './cap-choice.ts';
import { CardContent } from './card-content.ts';
import { contentAuthorization, receiptsShown } from './content-authorization.ts';
import { privilegeNames } from './describe.ts';
import { installCap, loadCap, requireSameVersion, versionTold } from './install.ts';
import { RESTRICTING, restricts } from './irreversible.ts';
import { aidOption, hexBytes } from './options.ts';
import { replaceCap } from './replace.ts';
import { DELETED_BEFORE, deleteNoted } from './sent-note.ts';
import type { CardWork } from './session.ts';
import type { Verb } from './verb.ts';

/** Verbs that change the card's content. */

type Options = Readonly<Record<string, unknown>>;

async function install(card: CardWork, [file]: readonly string[], options: Options) {
  if (options.replace === true && options.atOnce === true)
    throw new UsageError(
      'install',
      '--replace goes back where the new one is refused, and not every card takes --at-once: leave one out',
    );
  card.requireSecure();
  const wanted = await installationOf(file, options);
  return options.replace === true ? replaceCap(card, wanted, options) : installCap(card, wanted, options);
}

async function load(card: CardWork, [file]: readonly string[], options: Options) {
  card.requireSecure();
  const cap = await readCap(file);
  const loadFile = aidToHex(cap.packageAid);
  const authority = await contentAuthorization(card, options, cap);
  const loaded = (await CardContent.readIfTold(card))?.loadFile(cap.packageAid);
  if (loaded !== undefined) {
    // An earlier run, whose answer was lost, or somebody else: of its code the card tells the version at most.
    requireSameVersion(loaded, { cap }, 'delete it first');
    if (loaded.version === undefined && options.unknownVersion !== true)
      throw new ConflictError(
        'load-file-version',
        `Load file ${loadFile} is on the card, which does not tell its version: delete it first, ` +
          'or take it as it is with --unknown-version',
      );
    return { loadFile, version: versionTold(loaded), was: 'on the card already' };
  }
  await loadCap(card, { cap }, options, authority);
  return { loadFile, version: cap.packageVersion, ...receiptsShown(authority) };
}

async function remove(card: CardWork, [name = '']: readonly string[], options: Options) {
  card.requireSecure();
  const object = aidOption(name);
  const authority = await contentAuthorization(card, options);
  const related = options.related === true;
  const deleted = aidToHex(object);
  const answer = await deleteNoted(card, authority.authorize(deleteObject(object, { related })), {
    what: related ? `${deleted} related` : deleted,
    effect: `${deleted} is gone, with its data`,
    shown: async () => (await CardContent.readIfTold(card))?.shows(object),
  });
  if (answer === undefined) return { deleted, was: DELETED_BEFORE };
  authority.confirmed(answer, { kind: 'delete', object });
  return { deleted, ...receiptsShown(authority) };
}

async function makeSelectable(card: CardWork, [name = '']: readonly string[], options: Options) {
  card.requireSecure();
  const authority = await contentAuthorization(card, options);
  const instance = aidOption(name);
  const command = installForMakeSelectable(instance, { parameters: systemParameters(card, options) });
  const answer = await card.change(authority.authorize(command), `${name.toUpperCase()} can be selected`);
  const loadFile = (await CardContent.read(card)).application(instance)?.loadFile;
  if (loadFile !== undefined) authority.confirmed(answer, { kind: 'make selectable', loadFile, instance });
  return { selectable: name.toUpperCase(), ...receiptsShown(authority) };
}

/** What `--system` says: EF with CF, D9. @throws PolicyError for a restriction without `--confirm` */
function systemParameters(card: CardWork, { system }: Options): Uint8Array {
  const parameters = typeof system === 'string' ? hexBytes(system) : new Uint8Array();
  if (restricts(parameters)) card.requireConfirmed(RESTRICTING);
  return parameters;
}

async function updateRegistry(card: CardWork, [name = '']: readonly string[], options: Options) {
  card.requireSecure();
  const { to, privileges } = options;
  const object = aidOption(name);
  const wanted = typeof privileges === 'string' ? privilegesOf(privileges) : undefined;
  const domain = typeof to === 'string' ? aidOption(to) : undefined;
  const parameters = systemParameters(card, options);
  if (wanted === undefined && domain === undefined && parameters.length === 0)
    throw new UsageError('update-registry', 'Say what changes: --privileges, --to or --system');
  const authority = await contentAuthorization(card, options);
  const from = (await CardContent.read(card)).application(object)?.securityDomain ?? card.domain;
  const command = installForRegistryUpdate({
    application: object,
    parameters,
    ...(domain === undefined ? {} : { securityDomain: domain }),
    ...(wanted === undefined ? {} : { privileges: wanted }),
  });
  const answer = await card.change(authority.authorize(command), `the registry has ${name.toUpperCase()} as wanted`);
  const given = wanted === undefined ? new Uint8Array() : encodePrivileges(wanted);
  authority.confirmed(answer, { kind: 'registry update', from, object, to: domain ?? from, privileges: given });
  return {
    updated: name.toUpperCase(),
    ...(wanted === undefined ? {} : { privileges: privilegeNames(wanted) }),
    ...(domain === undefined ? {} : { to: aidToHex(domain) }),
    ...receiptsShown(authority),
  };
}

async function extradite(card: CardWork, [name = '']: readonly string[], options: Options) {
  card.requireSecure();
  if (typeof options.to !== 'string') throw new UsageError('extradite', '--to names the new security domain');
  const [object, to] = [aidOption(name), aidOption(options.to)];
  const authority = await contentAuthorization(card, options);
  const command = installForExtradition(object, to);
  const answer = await card.change(authority.authorize(command), `${name} belongs to ${options.to}`);
  authority.confirmed(answer, { kind: 'extradite', from: card.domain, object, to });
  return { extradited: name.toUpperCase(), to: options.to.toUpperCase(), ...receiptsShown(authority) };
}

const system = (command: Command): Command =>
  command.option('--system <hex>', 'system parameters: EF with CF (selected by default), D9 (restricted for good)');

const authorized = (command: Command): Command =>
  command
    .option(
      '--token <key>',
      'the issuer’s token key, PEM file or aes:HEX or des:HEX; or hex:TOKEN,TOKEN made elsewhere',
    )
    .option('--token-names <hex>', 'contents of B6, signed with the command: whom the token is good for')
    .option('--receipt-key <key>', 'checks the card’s receipts');

const loading = (command: Command): Command =>
  authorized(command)
    .option('--hash [algorithm]', 'sends the load file’s hash: sha256, or sha1 for cards before GP 2.2.1', false)
    .option('--dap <key>', 'signs the load file: PEM file, aes:HEX or des:HEX')
    .option(
      '--dap-domain <aid>',
      'the domain that verifies the DAP, without --dap the one in the file; default the selected one',
    )
    .option('--descriptor', `loads the file ${DESCRIPTOR}`)
    .option('--no-descriptor', 'loads it without');

export const contentVerbs: readonly Verb[] = [
  {
    usage: 'install <file>',
    about: 'loads a CAP file, makes an instance and makes it selectable',
    examples: [
      'install app.cap --key test --create F00000000101 --params 0102',
      'install app.cap --key test --dry-run',
    ],
    options: (command) =>
      loading(command)
        .option('--create <aid>', 'AID of the instance; default the module’s')
        .option('--module <aid>', 'which applet of the CAP file')
        .option('--privileges <list>', 'names with commas, or three bytes in hex')
        .option('--params <hex>', 'what install() gets, the value of C9')
        .option('--at-once', 'in one INSTALL of two parts: the card keeps load file and instance, or nothing', false)
        .option('--replace', 'takes the place of the application that is there', false)
        .option('--old <file>', 'with --replace: the CAP file to go back to when the new one is refused')
        .option('--old-params <hex>', 'what its install() gets'),
    run: install,
  },
  {
    usage: 'load <file>',
    about: 'loads a CAP file',
    examples: ['load library.cap --key test --hash', 'load signed.cap --key test --dap-domain F0000000025351'],
    options: (command) =>
      loading(command).option(
        '--unknown-version',
        'takes a load file of that name that is there already, on a card that does not tell its version',
        false,
      ),
    run: load,
  },
  {
    usage: 'delete <aid>',
    about: 'deletes an application or a load file',
    examples: ['delete F000000001 --related --key test'],
    options: (command) => authorized(command).option('--related', 'a load file with its instances', false),
    run: remove,
  },
  {
    usage: 'make-selectable <aid>',
    about: 'INSTALL [for make selectable]',
    examples: ['make-selectable F00000000101 --key test'],
    options: (command) => system(authorized(command)),
    run: makeSelectable,
  },
  {
    usage: 'update-registry <aid>',
    about: 'INSTALL [for registry update]: other privileges, implicit selection, restrictions, another domain',
    examples: [
      'update-registry F00000000101 --privileges card-reset --key test',
      'update-registry F00000000101 --system EF03CF0140 --key test',
    ],
    options: (command) =>
      system(authorized(command))
        .option('--privileges <list>', 'all that it has from now on: names with commas, or three bytes in hex')
        .option('--to <aid>', 'the security domain that it belongs to from now on'),
    run: updateRegistry,
  },
  {
    usage: 'extradite <aid>',
    about: 'moves an application to another security domain',
    examples: ['extradite F00000000101 --to F0000000025350 --key test'],
    options: (command) => authorized(command).requiredOption('--to <aid>', 'the new security domain'),
    run: extradite,
  },
];

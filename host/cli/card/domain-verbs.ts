// SPDX-License-Identifier: Apache-2.0
import { CardSession } from '../../card/card-session.ts';
import { secureChannelsOf } from '../../card/discovery.ts';
import { readRegistry } from '../../card/registry.ts';
import { systemRandom } from '../../crypto/random.ts';
import { ConflictError, StatusWordError, UsageError, WireError } from '../../errors.ts';
import { encodeTlv } from '../../wire/ber-tlv.ts';
import { AID, type Aid, aid, aidToHex } from '../../wire/gp/aid.ts';
import type { SecureChannelOption } from '../../wire/gp/card-recognition-data.ts';
import { decodeFci } from '../../wire/gp/fci.ts';
import { REGISTRY, type RegistryEntry } from '../../wire/gp/get-status.ts';
import { installApplication, installForMakeSelectable, installForPersonalization } from '../../wire/gp/install.ts';
import {
  APPLICATION_STATE,
  cardStateName,
  SECURITY_DOMAIN_STATE,
  securityDomainStateName,
} from '../../wire/gp/life-cycle.ts';
import { PRIVILEGE, SUPPLEMENTARY_SECURITY_DOMAIN_PRIVILEGES } from '../../wire/gp/privilege.ts';
import { select } from '../../wire/gp/select.ts';
import { storeDataBlocks } from '../../wire/gp/store-data.ts';
import { concat, fromHex, sameBytes, toHex } from '../../wire/hex.ts';
import { privilegesOf, readInput } from './cap-choice.ts';
import { CardContent } from './card-content.ts';
import { privilegeNames } from './describe.ts';
import { aidOption, hexBytes } from './options.ts';
import type { CardWork } from './session.ts';
import { storeDataForm } from './store-form.ts';
import type { Verb } from './verb.ts';

/** Verbs on security domains, and on an application's data by its domain. */

type Options = Readonly<Record<string, unknown>>;

/** Names of the built-in domain code of most cards, as their logs show them. */
const USUAL = { loadFile: aid(fromHex('A0000001515350')), module: aid(fromHex('A000000151535041')) } as const;

/** Protocol, with the option that cards have most. */
const PROTOCOLS: Readonly<Record<string, string>> = { '02': '0255', '03': '0370', '10': '1002' };

/** '81' of C9: protocol and option, as `03` or `03:60`. */
function protocolParameter(text: unknown): Uint8Array {
  if (typeof text !== 'string') return new Uint8Array();
  const [protocol = '', option] = text.split(':');
  const known = PROTOCOLS[protocol];
  if (known === undefined || (option !== undefined && !/^[0-9A-Fa-f]{2}$/.test(option)))
    throw new UsageError('scp', `--scp ${text}: want 02, 03 or 10, and an option as in 03:60`);
  return encodeTlv(0x81, fromHex((option === undefined ? known : protocol + option).toUpperCase()));
}

/** Our own package where the card has it; else what most cards call theirs. */
function domainCode(content: CardContent | undefined, options: Options): { loadFile: Aid; module: Aid } {
  if (typeof options.loadFile === 'string' && typeof options.module === 'string')
    return { loadFile: aidOption(options.loadFile), module: aidOption(options.module) };
  if (content?.loadFile(AID.SECURITY_DOMAIN_PACKAGE) === undefined) return USUAL;
  return { loadFile: AID.SECURITY_DOMAIN_PACKAGE, module: AID.SUPPLEMENTARY_SECURITY_DOMAIN_MODULE };
}

async function create(card: CardWork, [name = '']: readonly string[], options: Options) {
  card.requireSecure();
  const instance = aidOption(name);
  const provider = typeof options.providerId === 'string' ? encodeTlv(0x5f20, hexBytes(options.providerId)) : undefined;
  const further = typeof options.params === 'string' ? hexBytes(options.params) : new Uint8Array();
  const parameters = concat(protocolParameter(options.scp), provider ?? new Uint8Array(), further);
  const privileges =
    typeof options.privileges === 'string'
      ? privilegesOf(options.privileges)
      : SUPPLEMENTARY_SECURITY_DOMAIN_PRIVILEGES;
  const content = await CardContent.readIfTold(card);
  const there = content?.application(instance);
  if (there !== undefined) return finishDomain(card, there, privileges, options.scp);
  const code = domainCode(content, options);
  const command = installApplication({ ...code, instance, privileges, applicationParameters: parameters });
  await card.change(command, `security domain ${aidToHex(instance)} is on the card, without keys of its own`);
  return { domain: aidToHex(instance), privileges: privilegeNames(privileges) };
}

/** An earlier run came that far, and its answer was lost; or the name is taken. */
async function finishDomain(card: CardWork, there: RegistryEntry, wanted: number, scp: unknown) {
  requireAsWanted(card, there, wanted);
  const domain = aidToHex(there.aid);
  if (there.lifeCycle === APPLICATION_STATE.INSTALLED)
    await card.change(installForMakeSelectable(there.aid), `security domain ${domain} can be selected`);
  const compared = await requireProtocol(card, there.aid, scp);
  const notTold = `whether its ${compared ? 'further' : 'protocol and'} parameters are the ones of this command`;
  return { domain, privileges: privilegeNames(wanted), was: 'on the card already', notTold };
}

/** As this command would have left it, as far as a registry tells. @throws ConflictError that says what is there */
function requireAsWanted(card: CardWork, there: RegistryEntry, wanted: number): void {
  const { aid: instance, lifeCycle, privileges = 0, firstPrivilegesOnly, securityDomain } = there;
  const told = firstPrivilegesOnly ? 0xff0000 : 0xffffff;
  const domain = aidToHex(instance);
  if ((privileges & PRIVILEGE.SECURITY_DOMAIN) === 0)
    throw new ConflictError('instance-of-another', `${domain} is an application on this card: name another AID`);
  const names = (bits: number): string => privilegeNames(bits).join(', ');
  const other = [
    ...(privileges === (wanted & told) ? [] : [`its privileges are ${names(privileges)}, not ${names(wanted)}`]),
    ...(securityDomain === undefined || sameBytes(securityDomain, card.domain)
      ? []
      : [`it belongs to ${aidToHex(securityDomain)}, not to ${aidToHex(card.domain)}`]),
    ...(FRESH.includes(lifeCycle) ? [] : [`it is ${securityDomainStateName(lifeCycle)}`]),
  ];
  if (other.length > 0)
    throw new ConflictError(
      'domain-of-another',
      `Security domain ${domain} is on this card and not as wanted: ${other.join('; ')}. ` +
        'Name another AID, or delete it if it is yours',
    );
}

/**
 * What the domain itself announces in clear, or answers to INITIALIZE UPDATE, which tells no option of SCP02. It is
 * selected for that, which ends the session: nothing comes behind it.
 *
 * @returns false where no protocol is wanted, or the domain does not tell @throws ConflictError for another protocol
 */
async function requireProtocol(card: CardWork, domain: Aid, scp: unknown): Promise<boolean> {
  if (typeof scp !== 'string') return false;
  const [protocol = 0, option] = fromHex(scp.replace(':', ''));
  const told = await spokenBy(card, domain);
  if (told.length === 0) return false;
  const isWanted = (each: SecureChannelOption): boolean =>
    each.protocol === protocol && (option === undefined || protocol === 0x02 || each.option === option);
  if (told.some(isWanted)) return true;
  const names = told.map(({ protocol: has, option: i }) => `SCP${hexOf(has)}${has === 0x02 ? '' : ` i=${hexOf(i)}`}`);
  throw new ConflictError(
    'domain-of-another',
    `Security domain ${aidToHex(domain)} is on this card and not as wanted: it speaks ${names.join(', ')}, ` +
      `not ${scp}. Name another AID, or delete it if it is yours`,
  );
}

const hexOf = (byte: number): string => byte.toString(16).padStart(2, '0').toUpperCase();

async function spokenBy(card: CardWork, domain: Aid): Promise<SecureChannelOption[]> {
  const clear = new CardSession(card.channel);
  try {
    await clear.send(select(domain));
    return await secureChannelsOf(clear, systemRandom);
  } catch (error) {
    if (error instanceof StatusWordError || error instanceof WireError) return [];
    throw error;
  }
}

/** States of a domain that nobody has given keys or data yet. */
const FRESH: readonly number[] = [SECURITY_DOMAIN_STATE.INSTALLED, SECURITY_DOMAIN_STATE.SELECTABLE];

/** Lines of hexadecimal digits, each one STORE DATA; `#` begins a comment. */
async function blocksOf(file: string): Promise<readonly Uint8Array[]> {
  const text = new TextDecoder().decode(await readInput(file));
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim());
  const blocks = lines.filter((line) => line !== '').map(hexBytes);
  if (blocks.length === 0) throw new UsageError('personalize', `${file} has no data`);
  return blocks;
}

async function personalize(card: CardWork, [name = '', file = '']: readonly string[], options: Options) {
  card.requireSecure();
  const form = storeDataForm(options.form);
  const blocks = await blocksOf(file);
  await card.change(installForPersonalization(aidOption(name)), `the next data go to ${name.toUpperCase()}`);
  const commands = storeDataBlocks(blocks, form);
  for (const command of commands)
    await card.change(command, `${name.toUpperCase()} takes ${command.data.length} bytes`);
  return { personalized: name.toUpperCase(), blocks: commands.length };
}

async function selectApplication(card: CardWork, [name = '']: readonly string[]) {
  const wanted = aidOption(name);
  const answer = await card.session.send(select(wanted));
  return { selected: selectedName(answer) ?? aidToHex(wanted), fci: toHex(answer) };
}

/** Applications may answer anything to SELECT. */
function selectedName(answer: Uint8Array): string | undefined {
  try {
    return aidToHex(decodeFci(answer).aid);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

async function status(card: CardWork) {
  card.requireSecure();
  const send = (command: Parameters<CardWork['session']['transmit']>[0]) => card.session.transmit(command);
  const [issuer] = await readRegistry(send, REGISTRY.ISSUER_SECURITY_DOMAIN);
  if (issuer === undefined) return { card: card.cardId ?? card.readerName, state: 'not told' };
  return {
    card: card.cardId ?? card.readerName,
    state: cardStateName(issuer.lifeCycle),
    issuerSecurityDomain: aidToHex(issuer.aid),
    privileges: privilegeNames(issuer.privileges ?? 0),
  };
}

export const domainVerbs: readonly Verb[] = [
  {
    usage: 'create <aid>',
    about: 'makes a supplementary security domain',
    ownScp: true,
    examples: ['domain create F0000000025350 --scp 03 --key test'],
    options: (command) =>
      command
        .option('--scp <protocol>', 'what the new domain speaks: 02, 03 or 10, with an option as in 03:60')
        .option('--privileges <list>', 'default security-domain,trusted-path')
        .option('--provider-id <hex>', 'application provider id, for SCP10')
        .option('--params <hex>', 'further data objects of C9')
        .option('--load-file <aid>', 'code of the domain, with --module; default the card’s own')
        .option('--module <aid>', 'its module'),
    run: create,
  },
];

export const stateVerbs: readonly Verb[] = [
  {
    usage: 'status',
    about: 'the card’s life cycle and its issuer domain',
    examples: ['status --key test'],
    run: status,
  },
  {
    usage: 'select <aid>',
    about: 'selects an application and shows its answer',
    examples: ['select A000000151000000 --json'],
    // in clear: a session would end with it
    withoutDomain: true,
    run: selectApplication,
  },
  {
    usage: 'personalize <aid> <file>',
    about: 'gives data to an application by INSTALL [for personalization]: hex, one STORE DATA a line',
    examples: ['personalize F00000000101 data.txt --form dgi --key test'],
    options: (command) => command.option('--form <form>', 'dgi, tlv or plain', 'dgi'),
    run: personalize,
  },
];

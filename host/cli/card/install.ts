// SPDX-License-Identifier: Apache-2.0
import { loadFileCommands } from '../../card/load.ts';
import { ConflictError, StatusWordError, TsmError } from '../../errors.ts';
import type { CapFile } from '../../wire/cap/cap-file.ts';
import { aidToHex } from '../../wire/gp/aid.ts';
import type { GpCommand } from '../../wire/gp/command.ts';
import { deleteObject } from '../../wire/gp/delete.ts';
import type { RegistryEntry } from '../../wire/gp/get-status.ts';
import { installApplication, installAtOnce, installForMakeSelectable } from '../../wire/gp/install.ts';
import { APPLICATION_STATE } from '../../wire/gp/life-cycle.ts';
import { sameBytes } from '../../wire/hex.ts';
import { descriptorOf, hashOf, type Installation } from './cap-choice.ts';
import { CardContent } from './card-content.ts';
import { type ContentAuthorization, contentAuthorization, receiptsShown } from './content-authorization.ts';
import type { CardWork } from './session.ts';

type Options = Readonly<Record<string, unknown>>;

/** Sends the load file, with hash, DAPs and token as the options want. */
export async function loadCap(
  card: CardWork,
  { cap }: Pick<Installation, 'cap'>,
  options: Options,
  authorization?: ContentAuthorization,
): Promise<ContentAuthorization> {
  const authority = authorization ?? (await contentAuthorization(card, options, cap));
  const [first, ...blocks] = loadCommandsOf(card, cap, options, authority);
  await card.change(authority.authorize(first), `announces load file ${aidToHex(cap.packageAid)}`);
  const answer = await sendBlocks(card, cap, blocks);
  authority.confirmed(answer, { kind: 'load', loadFile: cap.packageAid, domain: card.domain });
  return authority;
}

/** INSTALL [for load], without a token yet, and the LOADs. */
function loadCommandsOf(
  card: CardWork,
  cap: CapFile,
  options: Options,
  authority: ContentAuthorization,
): readonly [GpCommand, ...GpCommand[]] {
  const hashAlgorithm = hashOf(options.hash);
  const withHash = (options.hash ?? false) !== false || options.token !== undefined;
  return loadFileCommands(cap, {
    withDescriptor: descriptorOf(options),
    withHash,
    daps: authority.daps,
    ...(hashAlgorithm === undefined ? {} : { hashAlgorithm }),
    ...(card.domainIsNamed ? { securityDomain: card.domain } : {}),
  });
}

/** Answers what the card says to the last one. */
async function sendBlocks(card: CardWork, cap: CapFile, blocks: readonly GpCommand[]): Promise<Uint8Array> {
  const name = aidToHex(cap.packageAid);
  let answer: Uint8Array = new Uint8Array();
  for (const [index, block] of blocks.entries()) {
    const last = index === blocks.length - 1;
    card.progress(`load file ${name}`, index, blocks.length);
    const effect = last ? `load file ${name} is on the card` : `part of load file ${name}`;
    answer = await card.change(block, effect);
    if (last) card.progress('', blocks.length, blocks.length);
  }
  return answer;
}

/** Load file and instance by one INSTALL in two parts: a card keeps both or nothing, and a token is over both. */
async function installAllAtOnce(
  card: CardWork,
  wanted: Installation,
  options: Options,
  authority: ContentAuthorization,
): Promise<void> {
  const { cap, instance } = wanted;
  const [load, ...blocks] = loadCommandsOf(card, cap, options, authority);
  const { first, last } = installAtOnce(load, instanceCommand(wanted));
  await card.change(first, `announces load file ${aidToHex(cap.packageAid)}`);
  await sendBlocks(card, cap, blocks);
  const effect = `load file ${aidToHex(cap.packageAid)} and application ${aidToHex(instance)} are on the card`;
  const answer = await card.change(authority.authorize(last, first), effect);
  authority.confirmed(answer, { kind: 'load and install', loadFile: cap.packageAid, instance, domain: card.domain });
}

/**
 * Load file and one instance. What an earlier run left on the card is taken up where it stopped: the card's registry
 * says how far it came, and a card drops a load that was cut by itself.
 */
export async function installCap(card: CardWork, wanted: Installation, options: Options) {
  const content = await CardContent.read(card);
  const { cap, instance } = wanted;
  const result = {
    loadFile: aidToHex(cap.packageAid),
    module: aidToHex(wanted.module),
    instance: aidToHex(instance),
  };
  const there = content.application(instance);
  const loaded = content.loadFile(cap.packageAid);
  const code = loaded === undefined ? {} : { version: versionTold(loaded) };
  if (there !== undefined) requireOfSameFile(there, wanted);
  if (loaded !== undefined) requireSameVersion(loaded, wanted, '--replace puts the new one in its place');
  if (there !== undefined) return { ...result, ...code, ...(await finishInstance(card, wanted, there, options)) };
  const authority = await contentAuthorization(card, options, cap);
  if (loaded === undefined && options.atOnce === true) {
    await installAllAtOnce(card, wanted, options, authority);
    return { ...result, ...receiptsShown(authority) };
  }
  if (loaded === undefined) await loadCap(card, wanted, options, authority);
  try {
    await makeInstance(card, wanted, authority);
  } catch (error) {
    if (loaded === undefined && error instanceof StatusWordError) await rollBack(card, wanted, authority, error);
    throw error;
  }
  return { ...result, ...code, ...receiptsShown(authority) };
}

const instanceCommand = ({ cap, module, instance, privileges, parameters }: Installation): GpCommand =>
  installApplication({
    loadFile: cap.packageAid,
    module,
    instance,
    privileges,
    applicationParameters: parameters,
  });

export async function makeInstance(
  card: CardWork,
  wanted: Installation,
  authority: ContentAuthorization,
): Promise<void> {
  const { cap, instance } = wanted;
  const effect = `application ${aidToHex(instance)} is on the card and can be selected`;
  const answer = await card.change(authority.authorize(instanceCommand(wanted)), effect);
  authority.confirmed(answer, { kind: 'install', loadFile: cap.packageAid, instance });
}

/** @throws ConflictError for an instance that somebody made from other code */
function requireOfSameFile(there: RegistryEntry, { cap, instance }: Installation): void {
  if (there.loadFile !== undefined && !sameBytes(there.loadFile, cap.packageAid))
    throw new ConflictError(
      'instance-of-another',
      `${aidToHex(instance)} is on the card, made from ${aidToHex(there.loadFile)}: ` +
        'name another instance with --create, or replace it with --replace',
    );
}

/** The instance is there: an earlier run came that far. */
async function finishInstance(card: CardWork, { cap, instance }: Installation, there: RegistryEntry, options: Options) {
  const authority = await contentAuthorization(card, options);
  if (there.lifeCycle === APPLICATION_STATE.INSTALLED) {
    const command = authority.authorize(installForMakeSelectable(instance));
    const answer = await card.change(command, `application ${aidToHex(instance)} can be selected`);
    authority.confirmed(answer, { kind: 'make selectable', loadFile: cap.packageAid, instance });
  }
  return { was: 'on the card already', ...receiptsShown(authority) };
}

/** Of a load file that was there before, for the result: what the card says, not what the CAP file has. */
export const versionTold = ({ version }: RegistryEntry): string => version ?? 'not told';

/** A card that tells no version passes. @throws ConflictError, which says what to do about the other version */
export function requireSameVersion(loaded: RegistryEntry, { cap }: Pick<Installation, 'cap'>, way: string): void {
  if (loaded.version === undefined || loaded.version === cap.packageVersion) return;
  throw new ConflictError(
    'load-file-version',
    `Load file ${aidToHex(cap.packageAid)} is on the card in version ${loaded.version}, ` +
      `the CAP file has ${cap.packageVersion}: ${way}`,
  );
}

/** install() refused: the load file that this run brought goes again, by a token of its own where one is needed. */
async function rollBack(
  card: CardWork,
  { cap }: Installation,
  authority: ContentAuthorization,
  cause: TsmError,
): Promise<void> {
  try {
    await card.session.send(authority.authorize(deleteObject(cap.packageAid)));
  } catch (error) {
    if (!(error instanceof TsmError)) throw error;
    throw new StatusWordError(
      'install-half-done',
      `${cause.message}; the load file ${aidToHex(cap.packageAid)} stayed on the card: ` +
        'delete it, or run the same command again',
      cause.context,
      cause,
    );
  }
}

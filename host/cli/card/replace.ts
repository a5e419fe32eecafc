// SPDX-License-Identifier: Apache-2.0
import { StatusWordError, TsmError } from '../../errors.ts';
import { type Aid, aidToHex } from '../../wire/gp/aid.ts';
import { deleteObject } from '../../wire/gp/delete.ts';
import { sameBytes } from '../../wire/hex.ts';
import { type Installation, installationOf } from './cap-choice.ts';
import { CardContent } from './card-content.ts';
import { contentAuthorization } from './content-authorization.ts';
import { installCap, loadCap, makeInstance } from './install.ts';
import type { CardWork } from './session.ts';

type Options = Readonly<Record<string, unknown>>;

/**
 * Puts a new application in the place of an old one. The old one stays until the new code is on the card, where that
 * can be: a card holds one load file of a name. Else it says so, and `--old` names what it goes back to.
 */
export async function replaceCap(card: CardWork, wanted: Installation, options: Options) {
  const content = await CardContent.read(card);
  const oldLoadFile = content.application(wanted.instance)?.loadFile;
  if (oldLoadFile !== undefined && !sameBytes(oldLoadFile, wanted.cap.packageAid))
    return replaceByOther(card, wanted, options, oldLoadFile, content);
  if (content.loadFile(wanted.cap.packageAid) === undefined) return installCap(card, wanted, options);
  return replaceBySame(card, wanted, options, content);
}

/** Another load file: new code first, then the instance changes hands, then the old code goes. */
async function replaceByOther(
  card: CardWork,
  wanted: Installation,
  options: Options,
  oldLoadFile: Aid,
  content: CardContent,
) {
  const { cap, instance } = wanted;
  const authority = await contentAuthorization(card, options, cap);
  const old = aidToHex(oldLoadFile);
  if (content.loadFile(cap.packageAid) === undefined) await loadCap(card, wanted, options, authority);
  await card.change(authority.authorize(deleteObject(instance)), `application ${aidToHex(instance)} of ${old} is gone`);
  try {
    await makeInstance(card, wanted, authority);
  } catch (error) {
    if (!(error instanceof StatusWordError)) throw error;
    throw halfDone(
      error,
      `the code of before, ${old}, is still on the card: install ${aidToHex(instance)} from it again`,
    );
  }
  const others = content.instancesOf(oldLoadFile).length - 1;
  if (others === 0) await card.change(authority.authorize(deleteObject(oldLoadFile)), `load file ${old} is gone`);
  return { loadFile: aidToHex(cap.packageAid), instance: aidToHex(instance), replaced: old };
}

/** The same name: the old one must go before the new one comes. */
async function replaceBySame(card: CardWork, wanted: Installation, options: Options, content: CardContent) {
  const name = aidToHex(wanted.cap.packageAid);
  const going = content.instancesOf(wanted.cap.packageAid).map((entry) => aidToHex(entry.aid));
  const old = typeof options.old === 'string' ? await oldInstallation(options, wanted) : undefined;
  card.say(
    `A card holds one load file ${name}: the old one${going.length === 0 ? '' : ` with ${going.join(', ')}`} ` +
      'goes first, its data with it. ' +
      (old === undefined
        ? 'Without --old FILE nothing comes back if the new one is refused.'
        : 'If the new one is refused, the old code comes back.'),
  );
  const authority = await contentAuthorization(card, options);
  const command = deleteObject(wanted.cap.packageAid, { related: true });
  await card.change(authority.authorize(command), `load file ${name} with all its applications is gone`);
  try {
    return card.options.dryRun
      ? await installFresh(card, wanted, options)
      : { ...(await installCap(card, wanted, options)), replaced: name };
  } catch (error) {
    if (!(error instanceof StatusWordError)) throw error;
    if (old === undefined) throw halfDone(error, `the old one is gone and ${name} is not on the card`);
    await goBack(card, old, options, error);
    throw halfDone(error, 'the old code is on the card again, with new data');
  }
}

/** In a dry run the card still shows the old one. */
async function installFresh(card: CardWork, wanted: Installation, options: Options) {
  const authority = await loadCap(card, wanted, options);
  await makeInstance(card, wanted, authority);
  return {};
}

async function oldInstallation(options: Options, wanted: Installation): Promise<Installation> {
  const { instance, module } = wanted;
  const choice = { ...options, params: options.oldParams, module: aidToHex(module), create: aidToHex(instance) };
  return installationOf(String(options.old), choice);
}

async function goBack(card: CardWork, old: Installation, options: Options, cause: TsmError): Promise<void> {
  try {
    await installCap(card, old, options);
  } catch (error) {
    if (!(error instanceof TsmError)) throw error;
    throw halfDone(cause, `and the old one does not come back: ${error.message}`);
  }
}

function halfDone(cause: TsmError, what: string): StatusWordError {
  return new StatusWordError('replace-half-done', `${cause.message}; ${what}`, cause.context, cause);
}

// SPDX-License-Identifier: Apache-2.0
import type { CardMeans } from '../../card/finding.ts';
import { fits } from '../../card/fits.ts';
import { readLoadFiles } from '../../card/registry.ts';
import { StatusWordError, TsmError, UsageError } from '../../errors.ts';
import { JAVA_CARD_RELEASES, type JavaCardRelease } from '../../wire/cap/api-packages.ts';
import { type CardCapabilities, decodeCardCapabilities } from '../../wire/gp/card-capabilities.ts';
import { decodeJavaCardRelease } from '../../wire/gp/card-platform.ts';
import { decodeCardResources, getCardResources } from '../../wire/gp/card-resources.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import type { RegistryEntry } from '../../wire/gp/get-status.ts';
import { fromHex } from '../../wire/hex.ts';
import { readCap } from './cap-choice.ts';
import type { CardWork } from './session.ts';
import type { Verb } from './verb.ts';

type Options = Readonly<Record<string, unknown>>;

/** Will this CAP file run on this card? What the card tells decides; what it does not tell is said so. */
async function fitsVerb(card: CardWork, [file]: readonly string[], options: Options) {
  const cap = await readCap(file);
  const findings = fits(cap, await meansOf(card, options));
  if (findings.some(({ verdict }) => verdict === 'does not fit')) process.exitCode = 1;
  return findings;
}

async function meansOf(card: CardWork, options: Options): Promise<CardMeans> {
  const javaCard = wantedRelease(options.javaCard) ?? (await releaseOf(card));
  const freeMemory = await freeMemoryOf(card);
  const capabilities = await capabilitiesOf(card);
  const loadFiles = card.session.isSecure ? await loadFilesOf(card) : undefined;
  return {
    ...(javaCard === undefined ? {} : { javaCard }),
    ...(freeMemory === undefined ? {} : { freeMemory }),
    ...(loadFiles === undefined ? {} : { loadFiles }),
    ...(capabilities === undefined ? {} : { capabilities }),
  };
}

function wantedRelease(text: unknown): JavaCardRelease | undefined {
  if (text === undefined) return undefined;
  const release = JAVA_CARD_RELEASES.find((known) => known === text);
  if (release === undefined)
    throw new UsageError('java-card', `--java-card is one of ${JAVA_CARD_RELEASES.join(', ')}`);
  return release;
}

/** From the card recognition data. */
async function releaseOf(card: CardWork): Promise<JavaCardRelease | undefined> {
  const response = await card.session.transmit(getData(DATA_OBJECT.CARD_DATA));
  if (response.sw !== '9000') return undefined;
  return orNothing(() => decodeJavaCardRelease(fromHex(response.data, 4096)));
}

/** Undefined on a card that refuses GET STATUS. */
async function loadFilesOf(card: CardWork): Promise<RegistryEntry[] | undefined> {
  try {
    return await readLoadFiles((command) => card.session.transmit(command));
  } catch (error) {
    if (error instanceof StatusWordError) return undefined;
    throw error;
  }
}

async function freeMemoryOf(card: CardWork): Promise<number | undefined> {
  const response = await card.session.transmit(getCardResources());
  if (response.sw !== '9000') return undefined;
  return orNothing(() => decodeCardResources(fromHex(response.data, 4096)).persistent);
}

async function capabilitiesOf(card: CardWork): Promise<CardCapabilities | undefined> {
  const response = await card.session.transmit(getData(DATA_OBJECT.CARD_CAPABILITIES));
  if (response.sw !== '9000') return undefined;
  return orNothing(() => decodeCardCapabilities(fromHex(response.data, 4096)));
}

/** What a card tells out of form tells nothing. */
function orNothing<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof TsmError) return undefined;
    throw error;
  }
}

export const fitsVerbs: readonly Verb[] = [
  {
    usage: 'fits <file>',
    about: 'will this CAP file run on this card: imports, memory, algorithms; exit code 1 when it will not',
    examples: ['fits app.cap --key test', 'fits app.cap --java-card 3.0.4'],
    options: (command) => command.option('--java-card <release>', 'the card’s Java Card, where it does not tell'),
    run: fitsVerb,
  },
];

// SPDX-License-Identifier: Apache-2.0
import {
  API_PACKAGES,
  JAVA_CARD_RELEASES,
  packageName,
  releaseWith,
  versionSatisfies,
} from '../wire/cap/api-packages.ts';
import type { CapFile } from '../wire/cap/cap-file.ts';
import { loadFileDataBlock } from '../wire/cap/cap-file.ts';
import { algorithmsOf, type Import, importsOf, staticFieldBytes } from '../wire/cap/needs.ts';
import { aidToHex } from '../wire/gp/aid.ts';
import { sameBytes } from '../wire/hex.ts';
import { algorithmFinding } from './algorithm-findings.ts';
import type { CardMeans, Finding } from './finding.ts';

/** Whether a CAP file will load and run on a card, as far as the card tells. */
export function fits(cap: CapFile, means: CardMeans): Finding[] {
  return [
    ...importsOf(cap).map((wanted) => importFinding(wanted, means)),
    memoryFinding(cap, means),
    nameFinding(cap, means),
    ...(cap.usesInt ? [INT] : []),
    ...algorithmsOf(cap).map((use) => algorithmFinding(use, means)),
  ];
}

const INT: Finding = {
  need: 'int values',
  verdict: 'not told',
  why: 'many cards have no int: LOAD then ends with 6438 or 6A80',
};

function importFinding({ aid, version }: Import, { javaCard, loadFiles }: CardMeans): Finding {
  const hex = aidToHex(aid);
  const need = `${packageName(hex)} ${version} (${hex})`;
  const loaded = loadFiles?.find((entry) => sameBytes(entry.aid, aid));
  if (loaded?.version !== undefined)
    return versionSatisfies(loaded.version, version)
      ? { need, verdict: 'fits', why: `the card has version ${loaded.version}` }
      : { need, verdict: 'does not fit', why: `the card has version ${loaded.version}` };
  if (loaded !== undefined) return { need, verdict: 'fits', why: 'a load file of that name is on the card' };
  if (!API_PACKAGES.has(hex)) return otherPackage(need, loadFiles !== undefined);
  const release = releaseWith(hex, version);
  if (release === undefined) return { need, verdict: 'does not fit', why: 'no Java Card up to 3.2 has this version' };
  if (javaCard === undefined) return { need, verdict: 'not told', why: `needs Java Card ${release} or newer` };
  return JAVA_CARD_RELEASES.indexOf(javaCard) >= JAVA_CARD_RELEASES.indexOf(release)
    ? { need, verdict: 'fits', why: `Java Card ${javaCard} has it` }
    : { need, verdict: 'does not fit', why: `needs Java Card ${release}, the card has ${javaCard}` };
}

function otherPackage(need: string, registryKnown: boolean): Finding {
  const builtIn = !/a package of its own/.test(need);
  if (builtIn) return { need, verdict: 'not told', why: 'a library that cards bring without naming it' };
  return registryKnown
    ? { need, verdict: 'does not fit', why: 'it is not on the card: load it first' }
    : { need, verdict: 'not told', why: 'only the registry tells: give --key' };
}

function memoryFinding(cap: CapFile, { freeMemory }: CardMeans): Finding {
  const wanted = loadFileDataBlock(cap).length + staticFieldBytes(cap);
  const need = `${wanted} bytes for the load file, and what install() takes`;
  if (freeMemory === undefined) return { need, verdict: 'not told', why: 'the card does not tell its free memory' };
  return freeMemory >= wanted
    ? { need, verdict: 'fits', why: `${freeMemory} bytes are free` }
    : { need, verdict: 'does not fit', why: `${freeMemory} bytes are free` };
}

function nameFinding({ packageAid, packageVersion }: CapFile, { loadFiles }: CardMeans): Finding {
  const need = `the name ${aidToHex(packageAid)} free`;
  if (loadFiles === undefined) return { need, verdict: 'not told', why: 'only the registry tells: give --key' };
  const there = loadFiles.find((entry) => sameBytes(entry.aid, packageAid));
  if (there === undefined) return { need, verdict: 'fits', why: 'nothing of that name is on the card' };
  const version = there.version === undefined ? '' : ` in version ${there.version} (this is ${packageVersion})`;
  return {
    need,
    verdict: 'does not fit',
    why: `it is on the card${version}: install makes an instance, --replace a new one`,
  };
}

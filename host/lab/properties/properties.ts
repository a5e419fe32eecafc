// SPDX-License-Identifier: Apache-2.0
import { InvariantError } from '../../errors.ts';
import { developmentSsdAid } from '../../local/topology-plan.ts';
import { fromRsaPublicKey, type PublicKey } from '../../wire/gp/public-key.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardInReader, MultiProviderLab } from '../multi-provider-lab.ts';
import type { PropertyReport, Run } from '../run-report.ts';
import { breakResumes } from './break-resumes.ts';
import { issuerCannotOpen } from './issuer-cannot-open.ts';
import { type Loot, recordedTraffic, reportedKey, takeFrom } from './loot.ts';
import { noPrivateKeyLeaves } from './no-private-key-leaves.ts';
import { oldPairIsDead } from './old-pair-is-dead.ts';
import { oneRequestOneSsd } from './one-request-one-ssd.ts';
import { providersApart } from './providers-apart.ts';
import { replayGivesNothing } from './replay-gives-nothing.ts';

/** Every row of key-distribution.md section 5, really attempted, after A and B have their SSDs on the first card. */

export interface Played {
  readonly runs: readonly Run[];
  /** Holds the SSDs of A and B. */
  readonly first: CardInReader;
  /** Holds none; it is entered into the issuer's card database here. */
  readonly second: CardInReader;
}

export async function attemptProperties(
  lab: MultiProviderLab,
  played: Played,
  onResult: (property: PropertyReport) => void,
): Promise<PropertyReport[]> {
  const { first, second, runs } = played;
  const { platforms } = lab;
  const names = ['issuer', 'provider-a', 'provider-b'] as const;
  const [issuer, a, b] = await Promise.all(names.map((name) => takeFrom(platforms, name)));
  if (issuer === undefined || a === undefined || b === undefined) throw new InvariantError('loot', 'Nothing was taken');
  try {
    const rows = { a: await rowOf(lab, 'a', first), b: await rowOf(lab, 'b', first) };
    const reported = await reportedKey(issuer, developmentSsdAid('a'));
    const own = fromRsaPublicKey(rows.a.publicKey);
    const results: PropertyReport[] = [];
    const attempt = async (property: Promise<PropertyReport>) => {
      results.push(await property);
      onResult(results.at(-1) as PropertyReport);
    };
    await attempt(issuerCannotOpen(first, { issuer, provider: a, row: rows.a, reported }, lab.range));
    await attempt(oldPairIsDead(first, { provider: a, reported, own }));
    await attempt(
      providersApart(
        first,
        [
          { id: 'a', loot: a, row: rows.a },
          { id: 'b', loot: b, row: rows.b },
        ],
        { issuer, range: lab.range },
      ),
    );
    const traffic = await recordedTraffic(platforms, first.readerName);
    await attempt(replayGivesNothing(first, traffic, [developmentSsdAid('a'), developmentSsdAid('b')]));
    await platforms.registerCard(second.cardId, second.made);
    await attempt(oneRequestOneSsd(lab, second, { issuer }));
    await attempt(breakResumes(lab, second));
    // Last, so that the artefacts of all that went before are searched too.
    await attempt(noPrivateKeyLeaves(platforms, await keysOf(lab, played, [issuer, a, b], reported), runs));
    return results;
  } finally {
    await Promise.all([issuer, a, b].map(({ database }) => database.end()));
  }
}

async function rowOf(lab: MultiProviderLab, provider: string, { cardId }: CardInReader) {
  const rows = await lab.platforms.securityDomains(provider);
  const row = rows.find((candidate) => candidate.cardId.value === cardId.value);
  if (row !== undefined) return row;
  throw new InvariantError('property-setting', `Provider ${provider} has no SSD on the first card: run 1 or 4 failed`);
}

/** Every key pair of cards and platforms whose private half nobody may have. */
async function keysOf(lab: MultiProviderLab, { first, second }: Played, loot: readonly Loot[], reported: PublicKey) {
  const rows = [...(await lab.platforms.securityDomains('a')), ...(await lab.platforms.securityDomains('b'))];
  const images = [first, second].flatMap(({ made }) => [made.image.isd?.keyPair, made.image.casd?.keyPair]);
  const keys = [
    reported,
    ...rows.map(({ publicKey }) => fromRsaPublicKey(publicKey)),
    ...loot.flatMap(({ authority, offCardEntity }) => [authority.publicKey, offCardEntity.publicKey]),
    ...images.flatMap((pair) =>
      pair === undefined || pair === null ? [] : [{ modulus: fromHex(pair.modulus), exponent: fromHex(pair.exponent) }],
    ),
  ];
  return [...new Map(keys.map((key) => [Buffer.from(key.modulus).toString('hex'), key])).values()];
}

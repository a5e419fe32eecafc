// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Type } from 'typebox';
import { readConfig } from '../daemon/config.ts';
import { KmsConfig } from '../daemon/kms.ts';
import { UsageError } from '../errors.ts';
import type { PlatformPlan, TopologyPlan } from './topology-plan.ts';

/** Cards that somebody brings to daemons on his own machine: who made them, and their keys. */
export interface OwnCards {
  /** `test`, the published test keys, or a file `{ enc, mac, dek }`: of an ISD with SCP02 or SCP03. */
  readonly keys?: string;
  /** CAP file of our security domains, which the issuer LOADs onto cards with such an ISD. */
  readonly package?: string;
  /** JSON file `{ "cardMakers": [..] }`, as in the config of a KMS: whose CASDs providers believe. */
  readonly makers?: string;
}

interface KeySet {
  readonly label: string;
  readonly text: string;
}

const Makers = Type.Object({ cardMakers: KmsConfig.properties.cardMakers }, { additionalProperties: false });
const PUBLISHED_LENGTHS = { test: 16, 'test-256': 32 } as const;

/**
 * The plan with what issuer and providers must be given for these cards. Cards whose ISD is their maker's attest
 * nothing, so every provider's KMS then takes its process's word for pairs (`allowWithoutAttestation`).
 *
 * @param stateDir where copies of the keys go: a KMS seals its files and removes what is in clear
 * @throws UsageError for files that are not what they should be
 */
export async function withOwnCards(plan: TopologyPlan, cards: OwnCards, stateDir: string): Promise<TopologyPlan> {
  const made = cards.makers === undefined ? plan : withMakers(plan, await readMakers(cards.makers));
  if (cards.keys === undefined) {
    if (cards.package === undefined) return made;
    throw new UsageError('card-keys', '--package is for cards whose keys --card-keys names');
  }
  return withNativeIssuer(made, cards.keys, cards.package, join(resolve(stateDir), 'card-keys'));
}

async function withNativeIssuer(plan: TopologyPlan, keys: string, cap: string | undefined, folder: string) {
  if (plan.issuer === undefined) throw new UsageError('card-keys', '--card-keys: the topology has no issuer');
  if (cap === undefined)
    throw new UsageError(
      'package-missing',
      '--card-keys wants --package: the CAP file of the security domains, which npx ant-javacard makes ' +
        '(build/cap/securitydomain-3.0.4.cap, or -3.0.5.cap for Java Card 3.0.5)',
    );
  await readable(cap);
  const sets = keys === 'test' ? publishedSets() : [{ label: 'cards', text: await readable(keys) }];
  const { issuer, providers = [] } = plan;
  const kms = {
    cardKeySets: await saveSets(folder, sets),
    ...(keys === 'test' ? { allowPublishedTestKeys: true } : {}),
  };
  return {
    ...plan,
    issuer: {
      ...issuer,
      config: { ...issuer.config, securityDomainPackage: resolve(cap) },
      kms: { ...issuer.kms, ...kms },
    },
    providers: providers.map((provider) => withKms(provider, { allowWithoutAttestation: true })),
  };
}

const withKms = (platform: PlatformPlan, fields: PlatformPlan['kms']): PlatformPlan => ({
  ...platform,
  kms: { ...platform.kms, ...fields },
});

/** Beside those that a topology file names. */
const withMakers = (plan: TopologyPlan, makers: readonly unknown[]): TopologyPlan => ({
  ...plan,
  providers: (plan.providers ?? []).map((provider) =>
    withKms(provider, { cardMakers: [...[provider.kms.cardMakers ?? []].flat(), ...makers] }),
  ),
});

async function readMakers(file: string): Promise<readonly unknown[]> {
  return (await readConfig(file, Makers)).cardMakers ?? [];
}

const publishedSets = (): KeySet[] =>
  Object.entries(PUBLISHED_LENGTHS).map(([label, length]) => {
    const key = Buffer.from(Array.from({ length }, (_, index) => 0x40 + index))
      .toString('hex')
      .toUpperCase();
    return { label, text: JSON.stringify({ enc: key, mac: key, dek: key }) };
  });

/** What an earlier start sealed gives way: the keys may be others now. */
async function saveSets(folder: string, sets: readonly KeySet[]): Promise<{ label: string; file: string }[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return Promise.all(
    sets.map(async ({ label, text }) => {
      const file = join(folder, `${label}.json`);
      await rm(`${file}.sealed`, { force: true });
      await writeFile(file, text, { mode: 0o600 });
      return { label, file };
    }),
  );
}

async function readable(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError('file-unreadable', `${file} cannot be read (${error.code})`, { file }, error);
  });
}

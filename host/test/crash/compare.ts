// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { SimulatedCard } from '../../../simulator/src/index.ts';
import type { Platforms } from '../../lab/platforms.ts';
import type { InsertedCard, SingleProviderLab } from '../../lab/single-provider-lab.ts';
import { developmentSsdAid } from '../../local/topology-plan.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { KeyDistributionState } from '../../wire/message/key-distribution.ts';

/** Card, provider and a repeated request say the same: one SSD, owned, with the certificate that was issued for it. */
export async function expectDistributed(
  lab: SingleProviderLab,
  inserted: InsertedCard,
  state: KeyDistributionState,
): Promise<void> {
  expect(state.state, JSON.stringify(state.problem)).to.equal('done');
  expect(state.outcome).to.equal('distributed');
  const certificate = await expectOwned(lab.platforms, lab.provider, inserted);
  expect(state.ssd?.certificate).to.equal(certificate);
  const again = await lab.distribute(inserted);
  expect([again.outcome, again.foundBy]).to.deep.equal(['already-present', 'database']);
}

/** The card has one SSD, and the provider one row of it, with the same certificate. @returns that */
export async function expectOwned(
  platforms: Platforms,
  provider: string,
  { card, cardId }: Pick<InsertedCard, 'card' | 'cardId'>,
): Promise<string | undefined> {
  const rows = (await platforms.securityDomains(provider)).filter((row) => row.cardId.value === cardId.value);
  expect(rows.map((row) => row.state)).to.deep.equal(['certified']);
  const onCard = await securityDomainsOf(card);
  expect(onCard).to.deep.equal([{ aid: developmentSsdAid(provider), certificate: rows[0]?.certificate }]);
  return rows[0]?.certificate;
}

interface DomainOnCard {
  readonly aid: string;
  readonly certificate: string | undefined;
}

/** Where the card has a proactive command for its terminal, 91XX stands for 9000. @see TS 102 221 14.5 */
const DONE = /(9000|91..)$/;

/** Every SSD of our providers that SELECT finds, by partial AID and "next occurrence", with its certificate. */
async function securityDomainsOf(card: SimulatedCard): Promise<DomainOnCard[]> {
  // By AID: the terminal may reset the card in between, and "next" then starts again at the first.
  const found = new Map<string, DomainOnCard>();
  for (const p2 of ['00', '02', '02', '02']) {
    const fci = toHex(await exchange(card, `00A404${p2}09F06F70656E74736D1000`));
    const [, length, rest = ''] = /^6F..84(..)(.*)/.exec(fci) ?? [];
    if (!DONE.test(fci) || length === undefined) break;
    const certificate = toHex(await exchange(card, '80CA7F2100'));
    const aid = rest.slice(0, 2 * Number.parseInt(length, 16));
    found.set(aid, { aid, certificate: DONE.test(certificate) ? certificate.slice(0, -4) : undefined });
  }
  return [...found.values()];
}

/** One command with its GET RESPONSEs; the last status word stays at the end. */
async function exchange(card: SimulatedCard, command: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let response = await card.transmit(fromHex(command));
  while (response.at(-2) === 0x61 && parts.length < 16) {
    parts.push(response.slice(0, -2));
    response = await card.transmit(Uint8Array.of(0x00, 0xc0, 0x00, 0x00, response.at(-1) ?? 0));
  }
  return Buffer.concat([...parts, response]);
}

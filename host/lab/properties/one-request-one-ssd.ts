// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { PeerError } from '../../errors.ts';
import { developmentSsdAid } from '../../local/topology-plan.ts';
import type { CardId } from '../../wire/message/common.ts';
import { type SecurityDomainRequest, SecurityDomainRequestState } from '../../wire/message/key-distribution.ts';
import type { CardInReader, MultiProviderLab } from '../multi-provider-lab.ts';
import type { PropertyReport } from '../run-report.ts';
import type { Loot } from './loot.ts';
import { Property } from './property.ts';

/**
 * Row 6: the same request twice gives one SSD: repeated, parallel and replayed. The card is new and known to the
 * issuer.
 */
export async function oneRequestOneSsd(
  lab: MultiProviderLab,
  target: CardInReader,
  known: { readonly issuer: Loot; readonly provider: Loot },
): Promise<PropertyReport> {
  const property = new Property('the same request twice gives one SSD');
  const { platforms } = lab;
  const keys = { first: randomUUID(), second: randomUUID() };
  const request = lab.request(target);
  const states = await Promise.all(
    [keys.first, keys.first, keys.second].map((key) => platforms.distribute('a', request, { key })),
  );
  const outcomes = states.map(({ outcome }) => outcome ?? 'failed');
  // Two flows at once for one card: one waits, and finds the SSD of the other.
  property.attempt('repeated and parallel', parallelFault(outcomes));
  const repeated = await platforms.distribute('a', request, { key: keys.first });
  const [first] = states;
  property.attempt(
    'repeated after the end',
    JSON.stringify([repeated.outcome, repeated.ssd]) === JSON.stringify([first?.outcome, first?.ssd])
      ? undefined
      : 'another answer than the first time',
  );
  await tryReplays(property, lab, { keys: [keys.first, keys.second], card: target, provider: known.provider });
  property.attempt('what the issuer installed', await installFault(known.issuer, target.cardId));
  const rows = (await platforms.securityDomains('a')).filter(({ cardId }) => cardId.value === target.cardId.value);
  property.attempt("the provider's database", rows.length === 1 ? undefined : `${rows.length} rows`);
  return property.report();
}

function parallelFault(outcomes: readonly string[]): string | undefined {
  const [same, alike, other] = outcomes;
  const distributed = outcomes.filter((outcome) => outcome === 'distributed').length;
  const allowed = outcomes.every((outcome) => ['distributed', 'already-present', 'refused'].includes(outcome));
  if (same === alike && allowed && distributed >= 1 && !(same === 'distributed' && other === 'distributed'))
    return undefined;
  return `outcomes ${outcomes.join(', ')}`;
}

/** The request of 42 sent to the issuer again, as it was and under a new key, and changed under the old key. */
async function tryReplays(
  property: Property,
  { platforms }: MultiProviderLab,
  { keys, card, provider }: { keys: readonly string[]; card: CardInReader; provider: Loot },
): Promise<void> {
  const issuer = await platforms.topology.client(platforms.topology.peer('provider-a'), 'issuer');
  const body = await recordedRequest(keys, card, provider, platforms.topology.peer('provider-a').id);
  const ask = (idempotencyKey: string, request: SecurityDomainRequest) =>
    issuer
      .call({
        ...({ method: 'POST', path: '/v1/security-domain-requests', idempotencyKey, body: request } as const),
        response: SecurityDomainRequestState,
      })
      .catch((error: unknown) => {
        if (error instanceof PeerError) return error;
        throw error;
      });
  const changed = await ask(body.relayId, { ...body, ssdAid: developmentSsdAid('changed') });
  property.attempt('changed under the same key', changed instanceof PeerError ? undefined : 'the issuer took it');
  const fresh = await ask(randomUUID(), body);
  let state = fresh;
  while (!(state instanceof PeerError) && state.state === 'running') {
    const path = `/v1/security-domain-requests/${state.requestId}`;
    state = await issuer.call({ method: 'GET', path, query: { waitMs: 5_000 }, response: SecurityDomainRequestState });
  }
  const refused = state instanceof PeerError || state.state === 'failed';
  property.attempt('replayed under a new key', refused ? undefined : 'the issuer made the SSD again');
}

/** The body of 42 as the provider sent it, from its own settings. */
async function recordedRequest(
  keys: readonly string[],
  card: CardInReader,
  provider: Loot,
  providerId: string,
): Promise<SecurityDomainRequest> {
  const own = await provider.database.query<{ relay_id: string }>(
    'SELECT relay_id FROM card_relays WHERE relay_id = ANY($1)',
    [keys],
  );
  const certificates = await provider.database.query<{ holder_reference: string }>(
    'SELECT holder_reference FROM certificates',
  );
  const { modulus, exponent } = provider.authority.publicKey;
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex').toUpperCase();
  return {
    ...{ providerId, cardId: card.cardId, ssdAid: developmentSsdAid('a'), keySizeBits: 1024 },
    applicationProviderId: certificates.rows[0]?.holder_reference ?? '',
    trustPoint: { holderReference: '41'.repeat(16), publicKey: { modulus: hex(modulus), exponent: hex(exponent) } },
    relayId: own.rows[0]?.relay_id ?? keys[0] ?? '',
  };
}

/** The audit log has each INSTALL that the card answered. */
async function installFault({ database }: Loot, { value }: CardId): Promise<string | undefined> {
  const installed = await database.query(
    `SELECT 1 FROM audit_log WHERE act = 'INSTALL [for install]' AND phase = 'after' AND subject LIKE $1
       AND details LIKE '%"ssdPresent":false%'`,
    [`%:${value} %`],
  );
  return installed.rowCount === 1 ? undefined : `${installed.rowCount} INSTALLs`;
}

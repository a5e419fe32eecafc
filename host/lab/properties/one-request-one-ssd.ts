// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { InvariantError, PeerError } from '../../errors.ts';
import type { RestClient } from '../../rest/client.ts';
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
  known: { readonly issuer: Loot },
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
  await tryReplays(property, lab, { cardId: target.cardId, issuer: known.issuer });
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

/**
 * The request of 42 sent to the issuer again, byte by byte as the issuer got it: under the old key, changed and as it
 * was, and under a new one. `host/test/attack/replay-negative.test.ts` does so while its relay is open, too.
 */
async function tryReplays(
  property: Property,
  { platforms }: MultiProviderLab,
  { cardId, issuer }: { readonly cardId: CardId; readonly issuer: Loot },
): Promise<void> {
  const client = await platforms.topology.client(platforms.topology.peer('provider-a'), 'issuer');
  const body = await recordedRequest(cardId, issuer);
  const replay = async (what: string, idempotencyKey: string, request: SecurityDomainRequest, refusal: string) => {
    const end = await endOf(client, idempotencyKey, request);
    property.attempt(what, end === refusal ? undefined : `the issuer says ${end}`);
  };
  await replay('changed under the same key', body.relayId, { ...body, keySizeBits: 3072 }, 'idempotency-key-reused');
  await replay('replayed under the same key', body.relayId, body, 'done');
  await replay('replayed under a new key', randomUUID(), body, 'no-such-relay');
}

/** `done`, or the code of the problem. */
async function endOf(client: RestClient, idempotencyKey: string, body: SecurityDomainRequest): Promise<string> {
  const path = '/v1/security-domain-requests';
  const response = SecurityDomainRequestState;
  try {
    let state = await client.call({ method: 'POST', path, idempotencyKey, body, response });
    while (state.state === 'running') {
      const query = { waitMs: 5_000 };
      state = await client.call({ method: 'GET', path: `${path}/${state.requestId}`, query, response });
    }
    return state.problem?.type.replace(/^urn:opentsm:problem:/, '') ?? state.state;
  } catch (error) {
    if (error instanceof PeerError) return error.code;
    throw error;
  }
}

/** As the issuer's journal has it: of the flows for this card one came to 42. */
async function recordedRequest({ value }: CardId, { database }: Loot) {
  const { rows } = await database.query<{ request: SecurityDomainRequest }>(
    `SELECT input->'request' AS request FROM workflows WHERE kind = 'create-security-domain'
       AND input->'request'->'cardId'->>'value' = $1`,
    [value],
  );
  const [asked] = rows;
  if (asked === undefined || rows.length > 1)
    throw new InvariantError('attack-setting', `The issuer has ${rows.length} requests for this card`);
  // Its relay has the name of the flow, which is the key that it came under.
  return asked.request;
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

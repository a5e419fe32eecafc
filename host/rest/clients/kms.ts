// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import type { Static, TSchema } from 'typebox';
import { TranslatedCardKeys } from '../../wire/message/card-batches.ts';
import { ContentKeyInfo, ContentToken, VerifiedReceipt } from '../../wire/message/content-key.ts';
import { DomainKeys } from '../../wire/message/domain-keys.ts';
import {
  AttestationChallenge,
  AttestationFacts,
  CardCertificate,
  CertificateAuthorityInfo,
  KeyPairInfo,
  PlainResponses,
  SecureChannelScript,
} from '../../wire/message/kms.ts';
import { KeyOperationResult } from '../../wire/message/managed-keys.ts';
import { DebitAuthorization, LoadAuthorization, PurseKeySetInfo, Verified } from '../../wire/message/purse.ts';
import type { Kms } from '../../workflow/ports.ts';
import type { RestClient } from '../client.ts';
import { INCARNATION_HEADER } from '../incarnation.ts';
import { EndedFlows } from './ended-flows.ts';

/** Tries more for calls that may safely run twice. */
const RETRIES = 3;
/** Making a key pair and the keys of many cards take their time. */
const LONG_MS = 60_000;

/** The owner's `kms` daemon. @param node name of this process among the owner's nodes */
export function kmsClient(client: RestClient, node: string): Kms {
  // New for each life of this process: what an earlier one holds is freed.
  const headers = { [INCARNATION_HEADER]: `${node}/${randomBytes(16).toString('hex')}` };
  const ended = new EndedFlows((flow, retries) =>
    client.call({ method: 'DELETE', headers, path: `/v1/flows/${encodeURIComponent(flow)}`, retries }),
  );
  const kms: Caller = {
    call: (call) => ended.tell((told) => client.call({ ...call, headers: { ...headers, ...told } })),
  };
  return {
    purse: purseCalls(kms),
    content: contentCalls(client),
    cardKeys: cardKeyCalls(client),
    domainKeys: {
      create: (body) => again(client, '/v1/domain-keys', body, DomainKeys),
      check: async (body) => {
        await client.call({ method: 'POST', path: '/v1/domain-keys/checks', body, retries: RETRIES });
      },
    },
    keys: { use: (body) => again(client, '/v1/key-operations', body, KeyOperationResult) },
    ...authorityCalls(kms),
    ...channelCalls(kms),
    endFlow: async (flow) => ended.note(flow),
  };
}

type Caller = Pick<RestClient, 'call'>;

/** A call that may safely run twice; `timeoutMs` where it may take longer than others. */
const again = <S extends TSchema>(
  caller: Caller,
  path: string,
  body: unknown,
  response: S,
  timeoutMs?: number,
): Promise<Static<S>> => {
  const call = { method: 'POST', path, body, response, retries: RETRIES } as const;
  return caller.call(timeoutMs === undefined ? call : { ...call, timeoutMs });
};

/** A call that may not. */
const once = <S extends TSchema>(caller: Caller, path: string, body: unknown, response: S): Promise<Static<S>> =>
  caller.call({ method: 'POST', path, body, response });

const purseCalls = (kms: Caller): Kms['purse'] => ({
  createKeySet: (body) => again(kms, '/v1/purse-key-sets', body, PurseKeySetInfo),
  authorizeLoad: (body) => again(kms, '/v1/purse/load-authorizations', body, LoadAuthorization),
  queryLoad: (body) => again(kms, '/v1/purse/load-queries', body, Verified),
  verifyLoad: (body) => again(kms, '/v1/purse/load-certificates', body, Verified),
  authorizeDebit: (body) => again(kms, '/v1/purse/debit-authorizations', body, DebitAuthorization),
  verifyPurchase: (body) => again(kms, '/v1/purse/purchase-certificates', body, Verified),
});

const contentCalls = (client: Caller): Kms['content'] => ({
  createKey: (body) => again(client, '/v1/content-keys', body, ContentKeyInfo),
  signToken: (body) => again(client, '/v1/content-tokens', body, ContentToken),
  verifyReceipt: (body) => again(client, '/v1/content-receipts', body, VerifiedReceipt),
});

const cardKeyCalls = (client: Caller): Kms['cardKeys'] => ({
  translate: (body) => again(client, '/v1/card-key-translations', body, TranslatedCardKeys, LONG_MS),
});

const AUTHORITY = '/v1/certificate-authority';

const authorityCalls = (kms: Caller) =>
  ({
    certificateAuthority: () =>
      kms.call({ method: 'GET', path: AUTHORITY, response: CertificateAuthorityInfo, retries: RETRIES }),
    createKeyPair: (body) => again(kms, '/v1/key-pairs', body, KeyPairInfo, LONG_MS),
    issueOffCardEntityCertificate: (body) =>
      again(kms, `${AUTHORITY}/off-card-entity-certificates`, body, CardCertificate),
    issueSecurityDomainCertificate: (body) =>
      once(kms, `${AUTHORITY}/security-domain-certificates`, body, CardCertificate),
    createAttestationChallenge: (body = {}) => again(kms, '/v1/attestation-challenges', body, AttestationChallenge),
    verifyAttestation: (body) => once(kms, '/v1/attestations/verify', body, AttestationFacts),
  }) satisfies Partial<Kms>;

const CHANNELS = '/v1/secure-channels';
const channel = (id: string): string => `${CHANNELS}/${encodeURIComponent(id)}`;

const channelCalls = (kms: Caller) =>
  ({
    openSecureChannel: (body) => again(kms, CHANNELS, body, SecureChannelScript),
    authenticate: (id, body) => once(kms, `${channel(id)}/authenticate`, body, SecureChannelScript),
    wrap: (id, body) => once(kms, `${channel(id)}/wrap`, body, SecureChannelScript),
    unwrap: (id, body) => once(kms, `${channel(id)}/unwrap`, body, PlainResponses),
    closeSecureChannel: async (id) => {
      await kms.call({ method: 'DELETE', path: channel(id) });
    },
  }) satisfies Partial<Kms>;

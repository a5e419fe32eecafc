// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { TranslatedCardKeys } from '../../wire/message/card-batches.ts';
import { ContentKeyInfo, ContentToken, VerifiedReceipt } from '../../wire/message/content-key.ts';
import {
  AttestationChallenge,
  AttestationFacts,
  CardCertificate,
  CertificateAuthorityInfo,
  KeyPairInfo,
  PlainResponses,
  SecureChannelScript,
} from '../../wire/message/kms.ts';
import { LoadAuthorization, PurseKeySetInfo, Verified } from '../../wire/message/purse.ts';
import type { Kms } from '../../workflow/ports.ts';
import type { RestClient } from '../client.ts';
import { INCARNATION_HEADER } from '../incarnation.ts';
import { EndedFlows } from './ended-flows.ts';

/** Tries more for calls that may safely run twice. */
const RETRIES = 3;

/** The owner's `kms` daemon. @param node name of this process among the owner's nodes */
export function kmsClient(client: RestClient, node: string): Kms {
  // New for each life of this process: what an earlier one holds is freed.
  const headers = { [INCARNATION_HEADER]: `${node}/${randomBytes(16).toString('hex')}` };
  const ended = new EndedFlows((flow, retries) =>
    client.call({ method: 'DELETE', headers, path: `/v1/flows/${encodeURIComponent(flow)}`, retries }),
  );
  const kms: Pick<RestClient, 'call'> = {
    call: (call) => ended.tell((told) => client.call({ ...call, headers: { ...headers, ...told } })),
  };
  const post = { method: 'POST' as const };
  const channel = (id: string) => `/v1/secure-channels/${encodeURIComponent(id)}`;
  return {
    purse: {
      createKeySet: (body) =>
        kms.call({ ...post, path: '/v1/purse-key-sets', body, response: PurseKeySetInfo, retries: RETRIES }),
      authorizeLoad: (body) =>
        kms.call({
          ...post,
          path: '/v1/purse/load-authorizations',
          body,
          response: LoadAuthorization,
          retries: RETRIES,
        }),
      queryLoad: (body) =>
        kms.call({ ...post, path: '/v1/purse/load-queries', body, response: Verified, retries: RETRIES }),
      verifyLoad: (body) =>
        kms.call({ ...post, path: '/v1/purse/load-certificates', body, response: Verified, retries: RETRIES }),
      verifyPurchase: (body) =>
        kms.call({ ...post, path: '/v1/purse/purchase-certificates', body, response: Verified, retries: RETRIES }),
    },
    content: {
      createKey: (body) =>
        client.call({ ...post, path: '/v1/content-keys', body, response: ContentKeyInfo, retries: RETRIES }),
      signToken: (body) =>
        client.call({ ...post, path: '/v1/content-tokens', body, response: ContentToken, retries: RETRIES }),
      verifyReceipt: (body) =>
        client.call({ ...post, path: '/v1/content-receipts', body, response: VerifiedReceipt, retries: RETRIES }),
    },
    cardKeys: {
      translate: (body) =>
        client.call({
          ...{ ...post, path: '/v1/card-key-translations', body, response: TranslatedCardKeys },
          ...{ retries: RETRIES, timeoutMs: 60_000 },
        }),
    },
    certificateAuthority: () =>
      kms.call({
        method: 'GET',
        path: '/v1/certificate-authority',
        response: CertificateAuthorityInfo,
        retries: RETRIES,
      }),
    createKeyPair: (body) =>
      kms.call({ ...post, path: '/v1/key-pairs', body, response: KeyPairInfo, retries: RETRIES, timeoutMs: 60_000 }),
    issueOffCardEntityCertificate: (body) =>
      kms.call({
        ...post,
        path: '/v1/certificate-authority/off-card-entity-certificates',
        body,
        response: CardCertificate,
        retries: RETRIES,
      }),
    issueSecurityDomainCertificate: (body) =>
      kms.call({
        ...post,
        path: '/v1/certificate-authority/security-domain-certificates',
        body,
        response: CardCertificate,
      }),
    createAttestationChallenge: (body = {}) =>
      kms.call({
        ...post,
        path: '/v1/attestation-challenges',
        body,
        response: AttestationChallenge,
        retries: RETRIES,
      }),
    verifyAttestation: (body) =>
      kms.call({ ...post, path: '/v1/attestations/verify', body, response: AttestationFacts }),
    openSecureChannel: (body) =>
      kms.call({ ...post, path: '/v1/secure-channels', body, response: SecureChannelScript, retries: RETRIES }),
    authenticate: (id, body) =>
      kms.call({ ...post, path: `${channel(id)}/authenticate`, body, response: SecureChannelScript }),
    wrap: (id, body) => kms.call({ ...post, path: `${channel(id)}/wrap`, body, response: SecureChannelScript }),
    unwrap: (id, body) => kms.call({ ...post, path: `${channel(id)}/unwrap`, body, response: PlainResponses }),
    closeSecureChannel: async (id) => {
      await kms.call({ method: 'DELETE', path: channel(id) });
    },
    endFlow: async (flow) => ended.note(flow),
  };
}

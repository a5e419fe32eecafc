// SPDX-License-Identifier: Apache-2.0
import type { KeyService } from '../../../service/kms/key-service.ts';
import {
  AttestationChallenge,
  AttestationClaim,
  AttestationFacts,
  CreateAttestationChallenge,
} from '../../../wire/message/kms.ts';
import type { RestApp } from '../../app.ts';
import type { Access } from '../../identity.ts';
import { incarnationOf } from '../../incarnation.ts';

/** Challenges for cards, and what cards attest with them. */
export function attestationRoutes(app: RestApp, service: KeyService, access: readonly Access[]): void {
  const config = { access };

  app.post(
    '/v1/attestation-challenges',
    { config, schema: { body: CreateAttestationChallenge, response: { 200: AttestationChallenge } } },
    async (request) => service.createAttestationChallenge(request.body, incarnationOf(request)),
  );

  app.post(
    '/v1/attestations/verify',
    { config, schema: { body: AttestationClaim, response: { 200: AttestationFacts } } },
    async ({ body }) => service.verifyAttestation(body),
  );
}

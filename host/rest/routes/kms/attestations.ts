import { Type } from 'typebox';
import type { KeyService } from '../../../service/kms/key-service.ts';
import { AttestationChallenge, AttestationClaim, AttestationFacts } from '../../../wire/message/kms.ts';
import type { RestApp } from '../../app.ts';
import type { Access } from '../../identity.ts';

const Nothing = Type.Object({}, { additionalProperties: false });

/** Challenges for cards, and what cards attest with them. */
export function attestationRoutes(app: RestApp, service: KeyService, access: readonly Access[]): void {
  const config = { access };

  app.post(
    '/v1/attestation-challenges',
    { config, schema: { body: Nothing, response: { 200: AttestationChallenge } } },
    async () => service.createAttestationChallenge(),
  );

  app.post(
    '/v1/attestations/verify',
    { config, schema: { body: AttestationClaim, response: { 200: AttestationFacts } } },
    async ({ body }) => service.verifyAttestation(body),
  );
}

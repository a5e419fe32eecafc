import type { CardResponse } from '../../wire/message/card-script.ts';
import { type KnownCard, requireRow } from './54-select-security-domain.ts';
import { attestationScript } from './attestation.ts';
import type { ProviderContext } from './provider-context.ts';

/** On what the isolation from the issuer rests (key-distribution.md section 6). */
export type Isolation = 'attested' | 'honest-issuer';

/**
 * Step 54a, ours: the CASD vouches for the SSD's key and trust point with a fresh nonce, before 55 goes on. On a
 * card without CASD the flow runs as in the source, and says so.
 */
export async function* attestSecurityDomain(facts: KnownCard, context: ProviderContext) {
  const { keyReference, publicKey } = await requireRow(facts, context);
  const attestation = await attestationScript(facts, context);
  if (attestation.commands.length === 0) return { isolation: 'honest-issuer' as Isolation };
  const responses: readonly CardResponse[] = yield attestation.commands;
  await attestation.verify(responses, { keyReference, publicKey });
  return { isolation: 'attested' as Isolation };
}

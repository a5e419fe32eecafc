// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { CertificateError, TsmError } from '../../errors.ts';
import { verifyAttestation } from '../../kms/attestation.ts';
import { publicKey } from '../../wire/gp/public-key.ts';
import { fromHex } from '../../wire/hex.ts';
import type { AttestationClaim } from '../../wire/message/kms.ts';
import { type AttestationVector, attestationVectors } from '../wire/attestation-vectors.ts';

const { cardMaker, trustPoint, applicationProviderId, vectors } = attestationVectors;
const makers = [
  {
    holderReference: fromHex(cardMaker.holderReference),
    publicKey: publicKey(fromHex(cardMaker.modulus), fromHex(cardMaker.exponent)),
  },
];

/** What a provider wants of the first pair (before 55) and of its own (58). */
const WANTED = {
  delegated: { keyReference: '1002', owned: false, maker: 'delegated' },
  owner: { keyReference: '1102', owned: true, maker: 'owner' },
} as const;

function claimOf({ content, attestation, casdCertificate }: AttestationVector, pair: keyof typeof WANTED) {
  const { aid, iin, cin, modulus, exponent, keyReference } = content;
  const { holderReference, modulus: authority, exponent: authorityExponent } = trustPoint;
  const claim: AttestationClaim = {
    challengeId: 'vector',
    attestation,
    casdCertificate,
    expected: {
      aid,
      iin,
      cin,
      applicationProviderId,
      publicKey: { modulus, exponent },
      trustPoint: { holderReference, publicKey: { modulus: authority, exponent: authorityExponent } },
      ...WANTED[pair],
      // Vectors are about what is in the domain: which pair is live is told apart by `owned` and `maker`.
      keyReference,
    },
  };
  return claim;
}

function verdict(claim: AttestationClaim, nonce: string): string {
  try {
    const { owned, maker } = verifyAttestation(claim, fromHex(nonce), makers);
    expect({ owned, maker }).to.deep.include({ owned: claim.expected.owned, maker: claim.expected.maker });
    return 'accepted';
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    return /^attestation-(content|own-keys)$/u.test(error.code) ? String(error.context.differs) : error.code;
  }
}

describe('attestations of the vectors', () => {
  for (const vector of vectors) {
    for (const pair of ['delegated', 'owner'] as const) {
      const expected = vector.verdict[pair];
      if (expected === undefined) continue;
      it(`are judged for the ${pair} pair as computed elsewhere: ${vector.name}`, () => {
        expect(verdict(claimOf(vector, pair), vector.content.nonce)).to.equal(expected);
      });
    }
  }

  const own = vectors.find(({ verdict: { owner } }) => owner === 'accepted');
  if (own === undefined) throw new Error('the vectors have an attestation that is accepted');

  it('name the keys that must not be there', () => {
    const vector = vectors.find(({ name }) => name.startsWith('an AES key set'));
    if (vector === undefined) throw new Error('the vectors have an AES key set');
    expect(() => verifyAttestation(claimOf(vector, 'owner'), fromHex(vector.content.nonce), makers))
      .to.throw(CertificateError, 'keys that must not be there: 3001/88, 3002/88, 3003/88')
      .with.property('context')
      .that.deep.equals({ differs: 'keys', keys: '3001/88 3002/88 3003/88' });
  });

  it('are refused with any bit of them changed', () => {
    const bytes = fromHex(own.attestation);
    const claim = claimOf(own, 'owner');
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Uint8Array.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ (1 << (index % 8));
      const attestation = Buffer.from(changed).toString('hex').toUpperCase();
      expect(
        () => verifyAttestation({ ...claim, attestation }, fromHex(own.content.nonce), makers),
        `byte ${index}`,
      ).to.throw(TsmError);
    }
  });

  for (const [name, change, code] of [
    ['another moment', { nonce: '00'.repeat(16) }, 'attestation-subject'],
    ['another domain', { aid: 'F06F70656E74736D1001020305' }, 'attestation-subject'],
    ['another card', { cin: 'C1C2C3C4C5C6C7C9' }, 'attestation-subject'],
    ['another issuer', { iin: '89860078' }, 'attestation-subject'],
  ] as const) {
    it(`are refused for ${name}`, () => {
      const claim = claimOf(own, 'owner');
      const { nonce = own.content.nonce, ...expected } = { ...change } as Record<string, string>;
      const changed = { ...claim, expected: { ...claim.expected, ...expected } };
      expect(verdict(changed, nonce)).to.equal(code);
    });
  }
});

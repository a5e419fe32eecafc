// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { aid } from '../../wire/gp/aid.ts';
import type { AttestationContent, AttestedTrustPoint } from '../../wire/gp/attestation.ts';
import { keyReferenceFromHex } from '../../wire/gp/key-reference.ts';
import { publicKey } from '../../wire/gp/public-key.ts';
import { fromHex } from '../../wire/hex.ts';

/** test/vectors/attestation/attestation-v2.json */

interface KeyText {
  readonly modulus: string;
  readonly exponent: string;
}

interface ContentText extends KeyText {
  readonly aid: string;
  readonly iin: string;
  readonly cin: string;
  readonly casdSerial: string;
  readonly keyReference: string;
  readonly trustPoints: readonly (KeyText & { readonly keyReference: string; readonly holderReference?: string })[];
  readonly keyInformation: string;
  readonly ownerState: string;
  readonly maker: string;
  readonly applicationProviderId: string;
  readonly nonce: string;
}

export interface AttestationVector {
  readonly name: string;
  readonly content: ContentText;
  readonly trustPointsEncoded: string;
  readonly trustPointDigest: string;
  readonly digested: string;
  readonly digest: string;
  readonly toSign: string;
  readonly attestation: string;
  readonly casdCertificate: string;
  readonly verdict: { readonly delegated?: string; readonly owner?: string };
}

export interface AttestationVectors {
  readonly cardMaker: KeyText & { readonly holderReference: string };
  readonly casd: KeyText & { readonly holderReference: string; readonly privateKey: string };
  readonly trustPoint: KeyText & { readonly holderReference: string };
  readonly applicationProviderId: string;
  readonly vectors: readonly AttestationVector[];
}

const file = new URL('../vectors/attestation/attestation-v2.json', import.meta.url);

export const attestationVectors = JSON.parse(readFileSync(file, 'utf8')) as AttestationVectors;

const keyOf = ({ modulus, exponent }: KeyText) => publicKey(fromHex(modulus), fromHex(exponent));

export const trustPointsOf = ({ content }: AttestationVector): AttestedTrustPoint[] =>
  content.trustPoints.map((trustPoint) => ({
    reference: keyReferenceFromHex(trustPoint.keyReference),
    publicKey: keyOf(trustPoint),
    ...(trustPoint.holderReference === undefined ? {} : { holderReference: fromHex(trustPoint.holderReference) }),
  }));

export const contentOf = ({ content, trustPointDigest }: AttestationVector): AttestationContent => ({
  aid: aid(content.aid),
  iin: fromHex(content.iin),
  cin: fromHex(content.cin),
  casdSerial: fromHex(content.casdSerial),
  keyReference: keyReferenceFromHex(content.keyReference),
  publicKey: keyOf(content),
  trustPointDigest: fromHex(trustPointDigest),
  keyInformation: fromHex(content.keyInformation),
  owned: content.ownerState === '01',
  maker: content.maker === '02' ? 'owner' : 'delegated',
  applicationProviderId: fromHex(content.applicationProviderId),
  nonce: fromHex(content.nonce),
});

// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { WireError } from '../../errors.ts';
import {
  decodeAttestation,
  encodeAttestation,
  encodeAttestationToSign,
  encodeAttestedData,
  encodeTrustPoints,
} from '../../wire/gp/attestation.ts';
import { decodeCertificate, encodeCertificate, encodeCertificateBody } from '../../wire/gp/certificate.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { attestationVectors, contentOf, trustPointsOf } from './attestation-vectors.ts';

const sha256 = (text: string): string => createHash('sha256').update(fromHex(text)).digest('hex').toUpperCase();

/** Offset of the object '80' in an FF60 object: behind header, 4F, 42, 45 and 93. */
const versionAt = (attestation: string): number => attestation.indexOf('800102');

describe('attestation, version 2', () => {
  for (const vector of attestationVectors.vectors) {
    it(`is encoded and read as computed elsewhere: ${vector.name}`, () => {
      const content = contentOf(vector);
      expect(toHex(encodeTrustPoints(trustPointsOf(vector)))).to.equal(vector.trustPointsEncoded);
      expect(sha256(vector.trustPointsEncoded)).to.equal(vector.trustPointDigest);
      expect(toHex(encodeAttestedData(content))).to.equal(vector.digested);
      expect(toHex(encodeAttestationToSign(content, fromHex(vector.digest)))).to.equal(vector.toSign);
      const { keys, digested, signature, ...read } = decodeAttestation(fromHex(vector.attestation));
      expect(read).to.deep.equal(content);
      expect(toHex(digested)).to.equal(vector.digested);
      expect(sha256(toHex(digested))).to.equal(vector.digest);
      expect(keys.length).to.be.greaterThan(1);
      expect(toHex(encodeAttestation(content, signature))).to.equal(vector.attestation);
      const certificate = decodeCertificate(fromHex(vector.casdCertificate));
      const body = encodeCertificateBody(certificate);
      expect(toHex(encodeCertificate(body, certificate.signature))).to.equal(vector.casdCertificate);
    });
  }

  it('puts trust points in order of KID, then KVN, whatever order they are given in', () => {
    for (const vector of attestationVectors.vectors) {
      const backwards = [...trustPointsOf(vector)].reverse();
      expect(toHex(encodeTrustPoints(backwards))).to.equal(vector.trustPointsEncoded);
    }
  });

  const [first] = attestationVectors.vectors;
  const good = first?.attestation ?? '';
  for (const { name, change, code } of [
    { name: 'version 1, which has no 80', change: () => withoutVersion(good), code: 'attestation-version' },
    {
      name: 'version 3',
      change: () => splice(good, versionAt(good), '800103'),
      code: 'attestation-version',
    },
    { name: 'an owner state that is none', change: () => good.replace('8A0100', '8A0102'), code: 'attestation-owner' },
    { name: 'a maker that is none', change: () => good.replace('8B0101', '8B0103'), code: 'attestation-owner' },
    {
      name: 'a key list that ends inside an entry',
      change: () => good.replace('C0060110', 'C0160110'),
      code: 'tlv-truncated',
    },
    { name: 'something after the signature', change: () => `${good}00`, code: 'tlv-trailing' },
  ]) {
    it(`refuses ${name}`, () => {
      const changed = change();
      expect(changed).not.to.equal(good);
      expect(() => decodeAttestation(fromHex(changed)))
        .to.throw(WireError)
        .with.property('code', code);
    });
  }
});

const splice = (text: string, at: number, part: string): string =>
  text.slice(0, at) + part + text.slice(at + part.length);

/** The same object without '80' and '93', its length put right: as the applets before this version gave it. */
function withoutVersion(attestation: string): string {
  const body = attestation.slice(10).replace(/9305\w{10}800102/, '');
  const length = (body.length / 2).toString(16).toUpperCase().padStart(4, '0');
  return `FF6082${length}${body}`;
}

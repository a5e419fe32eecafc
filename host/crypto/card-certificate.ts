// SPDX-License-Identifier: Apache-2.0
import { CertificateError } from '../errors.ts';
import {
  type Certificate,
  type CertificateContent,
  decodeCertificate,
  encodeCertificate,
  encodeCertificateBody,
} from '../wire/gp/certificate.ts';
import type { PublicKey } from '../wire/gp/public-key.ts';
import { sameBytes, toHex } from '../wire/hex.ts';
import { type RsaSigner, rsaVerify } from './rsa.ts';

/** A key that certificates are checked against, and the holder reference that they must name as CAR. */
export interface TrustAnchor {
  readonly holderReference: Uint8Array;
  readonly publicKey: PublicKey;
}

/** Signs a card-verifiable certificate: '7F21' (applet README section 3). */
export async function issueCardCertificate(content: CertificateContent, signer: RsaSigner): Promise<Uint8Array> {
  const body = encodeCertificateBody(content);
  return encodeCertificate(body, await signer.signSha1(body));
}

/**
 * Reads a '7F21' and checks that the anchor signed it and that its holder may do what is asked.
 *
 * @param authorization the CHA that the holder must have
 * @throws WireError when malformed
 * @throws CertificateError `certificate-authority`, `certificate-usage`, `certificate-signature`
 */
export function verifyCardCertificate(bytes: Uint8Array, anchor: TrustAnchor, authorization: number): Certificate {
  const certificate = decodeCertificate(bytes);
  const holder = toHex(certificate.holderReference);
  if (!sameBytes(certificate.authorityReference, anchor.holderReference)) {
    throw new CertificateError('certificate-authority', 'Certificate names another authority', {
      holder,
      expected: toHex(anchor.holderReference),
      got: toHex(certificate.authorityReference),
    });
  }
  if (certificate.holderAuthorization !== authorization) {
    throw new CertificateError('certificate-usage', 'Certificate is for another use', {
      holder,
      expected: authorization,
      got: certificate.holderAuthorization,
    });
  }
  if (!rsaVerify(anchor.publicKey, 'sha1', certificate.body, certificate.signature)) {
    throw new CertificateError('certificate-signature', 'Signature of the certificate is wrong', { holder });
  }
  return certificate;
}

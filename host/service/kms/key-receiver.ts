// SPDX-License-Identifier: Apache-2.0
import { type TrustAnchor, verifyCardCertificate } from '../../crypto/card-certificate.ts';
import { CertificateError, PolicyError } from '../../errors.ts';
import { CHA, MAX_CERTIFICATE } from '../../wire/gp/certificate.ts';
import { type PublicKey, samePublicKey } from '../../wire/gp/public-key.ts';
import { fromHex, toHex } from '../../wire/hex.ts';

/**
 * Who gets the keys that a command names. Whoever calls the KMS may open a channel to any public key, and under the DEK
 * of a channel to his own pair he could read them: so they go to a pair that our CA has certified as a card's. None go
 * into SCP02 or SCP03: static keys that this KMS holds are known elsewhere too, to a card maker or a domain's owner.
 *
 * @param peer that the channel is open to; absent where it has no key pair
 * @param certificate CERT.SD.AUT, hex, as the caller shows it
 * @returns the holder of the certificate, for the record
 * @throws PolicyError `channel-uncertified` unless it is ours and for the very pair that the channel is open to
 */
export function requireReceiver(
  peer: PublicKey | undefined,
  certificate: string | undefined,
  authority: TrustAnchor,
): string {
  if (peer === undefined) throw uncertified('goes into one of SCP02 or SCP03, whose keys others may know');
  if (certificate === undefined) throw uncertified('shows no certificate of it');
  try {
    const bytes = fromHex(certificate, 2 * MAX_CERTIFICATE);
    const { publicKey, holderReference } = verifyCardCertificate(bytes, authority, CHA.SECURITY_DOMAIN);
    if (samePublicKey(publicKey, peer)) return toHex(holderReference);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    throw uncertified(`shows one that our CA did not issue for a security domain: ${error.code}`, error);
  }
  throw uncertified('shows the certificate of another pair');
}

const uncertified = (reason: string, cause?: CertificateError): PolicyError =>
  new PolicyError(
    'channel-uncertified',
    `Keys go into channels to domains that this KMS certified, and the command ${reason}: give CERT.SD.AUT as receiver`,
    {},
    cause,
  );

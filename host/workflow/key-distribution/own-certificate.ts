// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { verifyCardCertificate } from '../../crypto/card-certificate.ts';
import { CertificateError } from '../../errors.ts';
import { cardIdText } from '../../store/card-id.ts';
import { CHA } from '../../wire/gp/certificate.ts';
import { KEY_REFERENCE, keyReferenceToHex } from '../../wire/gp/key-reference.ts';
import { fromRsaPublicKey, toRsaPublicKey } from '../../wire/gp/public-key.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardId, RsaPublicKey } from '../../wire/message/common.ts';
import type { ProviderSettings } from './provider-context.ts';

/** CERT.SD.AUT of our own SSDs. */

/** CHR of the SSD on this card, 16 bytes: the same for every flow on it. */
export function holderReferenceOf(cardId: CardId, ssdAid: string): string {
  return createHash('sha256')
    .update(`${cardIdText(cardId)} ${ssdAid}`)
    .digest('hex')
    .slice(0, 32)
    .toUpperCase();
}

/**
 * The key that a certificate found on a card certifies.
 *
 * @throws CertificateError unless our CA issued it for our SSD on this card
 */
export function verifyOwnCertificate(
  certificate: string,
  cardId: CardId,
  { ssdAid, trustPoint }: Pick<ProviderSettings, 'ssdAid' | 'trustPoint'>,
): { readonly keyReference: string; readonly publicKey: RsaPublicKey } {
  const anchor = {
    holderReference: fromHex(trustPoint.holderReference, 16),
    publicKey: fromRsaPublicKey(trustPoint.publicKey),
  };
  try {
    const { holderReference, publicKey } = verifyCardCertificate(
      fromHex(certificate, 2048),
      anchor,
      CHA.SECURITY_DOMAIN,
    );
    if (toHex(holderReference) === holderReferenceOf(cardId, ssdAid)) {
      return { keyReference: keyReferenceToHex(KEY_REFERENCE.OWN_KEY_PAIR), publicKey: toRsaPublicKey(publicKey) };
    }
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
  }
  throw new CertificateError(
    'foreign-security-domain',
    'An SSD with our AID is on the card, but our CA did not certify it: have its owner delete it, or use another AID',
    { aid: ssdAid },
  );
}

/** True for a certificate of our CA, for our SSD on this card, that is for this very pair. */
export function certifiesOwnPair(
  certificate: string,
  pair: RsaPublicKey,
  cardId: CardId,
  settings: Pick<ProviderSettings, 'ssdAid' | 'trustPoint'>,
): boolean {
  try {
    return verifyOwnCertificate(certificate, cardId, settings).publicKey.modulus === pair.modulus;
  } catch (error) {
    if (error instanceof CertificateError) return false;
    throw error;
  }
}

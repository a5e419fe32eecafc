import { createHash, createPublicKey, createVerify } from 'node:crypto';
import { CertificateError } from '../errors.ts';
import { cardIdText } from '../store/card-id.ts';
import { CHA, decodeCertificate } from '../wire/gp/certificate.ts';
import { KEY_REFERENCE, keyReferenceToHex } from '../wire/gp/key-reference.ts';
import { fromRsaPublicKey, toRsaPublicKey } from '../wire/gp/public-key.ts';
import { fromHex, toHex } from '../wire/hex.ts';
import type { CardId, RsaPublicKey } from '../wire/message/common.ts';
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
  certificateHex: string,
  cardId: CardId,
  settings: Pick<ProviderSettings, 'ssdAid' | 'trustPoint'>,
): { readonly keyReference: string; readonly publicKey: RsaPublicKey } {
  const certificate = decodeCertificate(fromHex(certificateHex, 2048));
  const { authorityReference, holderReference, holderAuthorization, body, signature, publicKey } = certificate;
  const ours =
    toHex(authorityReference) === settings.trustPoint.holderReference &&
    toHex(holderReference) === holderReferenceOf(cardId, settings.ssdAid) &&
    holderAuthorization === CHA.SECURITY_DOMAIN &&
    createVerify('RSA-SHA1').update(body).verify(nodeKey(settings.trustPoint.publicKey), signature);
  if (!ours) {
    throw new CertificateError(
      'foreign-security-domain',
      `An SSD with our AID is on the card, but our CA did not certify it: have its owner delete it, or use another AID`,
      { aid: settings.ssdAid },
    );
  }
  return { keyReference: keyReferenceToHex(KEY_REFERENCE.OWN_KEY_PAIR), publicKey: toRsaPublicKey(publicKey) };
}

function nodeKey(key: RsaPublicKey) {
  const { modulus, exponent } = fromRsaPublicKey(key);
  const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
  return createPublicKey({ key: { kty: 'RSA', n: base64url(modulus), e: base64url(exponent) }, format: 'jwk' });
}

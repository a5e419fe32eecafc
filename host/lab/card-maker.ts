// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, generateKeyPair, type KeyObject, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CardImage, KeyPairImage } from '../../simulator/src/index.ts';
import { issueCardCertificate } from '../crypto/card-certificate.ts';
import { publicKeyOf, rsaSigner } from '../crypto/rsa.ts';
import { AID, aidToHex } from '../wire/gp/aid.ts';
import { CHA } from '../wire/gp/certificate.ts';
import { KEY_REFERENCE, keyReferenceToHex } from '../wire/gp/key-reference.ts';
import { toRsaPublicKey } from '../wire/gp/public-key.ts';
import { fromHex, toHex } from '../wire/hex.ts';
import type { RsaPublicKey } from '../wire/message/common.ts';

/**
 * A card maker for simulated cards: it makes the key pairs of ISD and CASD, has the issuer's CA certify the one
 * and certifies the other itself. Its keys are test keys of this machine, outside every platform's reach.
 */

export interface TrustAnchorText {
  readonly holderReference: string;
  readonly publicKey: RsaPublicKey;
}

/** The issuer's side of personalisation. */
export interface IssuerAuthority extends TrustAnchorText {
  /** CHR of the issuer's CERT.OCE.AUT: the ISD's application provider. */
  readonly applicationProviderId: string;
  /** CERT.SD.AUT for an ISD. */
  certify(request: { readonly holderReference: string; readonly publicKey: RsaPublicKey }): Promise<string>;
}

export interface WantedCard {
  readonly name: string;
  readonly iccid: string;
  readonly keySizeBits: 1024 | 2048 | 3072;
  /** False: a card without controlling authority security domain. */
  readonly casd: boolean;
}

/** A card for the simulator and what the issuer writes into its card database. */
export interface MadeCard {
  readonly image: CardImage;
  readonly isdAid: string;
  readonly isdKeyReference: string;
  readonly isdPublicKey: RsaPublicKey;
  readonly casdAid?: string;
}

const generate = promisify(generateKeyPair);
const HOLDER_REFERENCE = toHex(Buffer.from('OPENTSM-CARDMAKR'));
const ATR = '3B9F96801FC78031E073FE211B63E208A8830F900089';

export class CardMaker {
  readonly #key: KeyObject;

  private constructor(key: KeyObject) {
    this.#key = key;
  }

  /** The maker whose CA key is kept in `folder`; made when absent. */
  static async open(folder: string): Promise<CardMaker> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = join(folder, 'card-maker.pem');
    const known = await readFile(file, 'utf8').catch(() => undefined);
    if (known !== undefined) return new CardMaker(createPrivateKey(known));
    const { privateKey } = await generate('rsa', { modulusLength: 2048, publicExponent: 0x10001 });
    await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    return new CardMaker(privateKey);
  }

  /** What the providers' KMSs trust when they verify attestations. */
  get trustAnchor(): TrustAnchorText {
    return { holderReference: HOLDER_REFERENCE, publicKey: toRsaPublicKey(publicKeyOf(this.#key)) };
  }

  async make(wanted: WantedCard, issuer: IssuerAuthority): Promise<MadeCard> {
    const isd = await newPair(wanted.keySizeBits);
    const isdAid = aidToHex(AID.ISSUER_SECURITY_DOMAIN);
    const casdAid = aidToHex(AID.CONTROLLING_AUTHORITY_SECURITY_DOMAIN);
    const certificate = await issuer.certify({ holderReference: toHex(randomBytes(16)), publicKey: isd.publicKey });
    const number = { iin: wanted.iccid.slice(0, 8), cin: toHex(randomBytes(8)) };
    const image: CardImage = {
      name: wanted.name,
      atr: ATR,
      iccid: wanted.iccid,
      cplc: null,
      lifeCycle: 'SECURED',
      ...number,
      isd: {
        aid: isdAid,
        applicationProviderId: issuer.applicationProviderId,
        trustPoint: { holderReference: issuer.holderReference, ...issuer.publicKey },
        keyPair: isd.image,
        certificate,
      },
      casd: wanted.casd ? await this.#casd(casdAid, number) : null,
    };
    return {
      image,
      isdAid,
      isdKeyReference: isd.image.keyReference,
      isdPublicKey: isd.publicKey,
      ...(wanted.casd ? { casdAid } : {}),
    };
  }

  /** The certificate names the card: a key that is taken out of one cannot speak for others. */
  async #casd(aid: string, { iin, cin }: { readonly iin: string; readonly cin: string }) {
    const pair = await newPair(2048);
    const certificate = await issueCardCertificate(
      {
        serial: new Uint8Array(randomBytes(8)),
        authorityReference: fromHex(HOLDER_REFERENCE),
        holderReference: new Uint8Array(randomBytes(16)),
        holderAuthorization: CHA.CONTROLLING_AUTHORITY,
        card: { iin: fromHex(iin, 16), cin: fromHex(cin, 16) },
        publicKey: publicKeyOf(pair.key),
      },
      rsaSigner(this.#key),
    );
    return { aid, keyPair: pair.image, certificate: toHex(certificate) };
  }
}

/** A key pair as a card image holds it. */
async function newPair(keySizeBits: number) {
  const { privateKey: key } = await generate('rsa', { modulusLength: keySizeBits, publicExponent: 0x10001 });
  const jwk = key.export({ format: 'jwk' });
  const half = keySizeBits / 16;
  const hex = (text: string | undefined, bytes: number) =>
    Buffer.from(text ?? '', 'base64url')
      .toString('hex')
      .toUpperCase()
      .padStart(2 * bytes, '0');
  const image: KeyPairImage = {
    keyReference: keyReferenceToHex(KEY_REFERENCE.INITIAL_KEY_PAIR),
    modulus: hex(jwk.n, 2 * half),
    exponent: hex(jwk.e, 3),
    p: hex(jwk.p, half),
    q: hex(jwk.q, half),
    qInv: hex(jwk.qi, half),
    dP: hex(jwk.dp, half),
    dQ: hex(jwk.dq, half),
  };
  return { key, image, publicKey: toRsaPublicKey(publicKeyOf(key)) };
}

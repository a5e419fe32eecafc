// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { SimulatorError, whyUnreadable } from './errors.ts';

/** Hex digits, upper or lower case. */
export type Hex = string;

/** An RSA key pair of a security domain; `keyReference` is KVN and KID. Test keys only. */
export type KeyPairImage = Readonly<
  Record<'keyReference' | 'modulus' | 'exponent' | 'p' | 'q' | 'qInv' | 'dP' | 'dQ', Hex>
>;

/** PK.TP_EX.AUT; without a holder reference any certificate authority reference is taken. */
export interface TrustPointImage {
  readonly holderReference?: Hex | null;
  /** KVN and KID; 1001 when absent. */
  readonly keyReference?: Hex;
  readonly modulus: Hex;
  readonly exponent: Hex;
}

export interface SecurityDomainImage {
  readonly aid: Hex;
  readonly applicationProviderId?: Hex | null;
  readonly trustPoint?: TrustPointImage | null;
  readonly keyPair?: KeyPairImage | null;
  readonly certificate?: Hex | null;
  /** Protocols and options in pairs, `02150370`; absent: all of them, `1002` for a supplementary domain. */
  readonly protocols?: Hex;
  /** Names SCP10 in tag 66 beside SCP02 or SCP03; without it tag 67 alone does. */
  readonly announcesScp10?: boolean;
  /** Ten bytes that INITIALIZE UPDATE answers with, for hosts that diversify keys; zeros when absent. */
  readonly diversification?: Hex;
  readonly keySets?: readonly KeySetImage[];
}

/**
 * A static key set, ENC, MAC and DEK of one length: DES of 16 bytes, AES of 16, 24 or 32; PSK: three pre-shared keys of
 * TLS. Test keys only.
 */
export interface KeySetImage {
  readonly keyVersion: Hex;
  readonly type: 'DES' | 'AES' | 'PSK';
  readonly enc: Hex;
  readonly mac: Hex;
  readonly dek: Hex;
}

/**
 * Applet classes from a folder of class files, or from a CAP file, which knows its AIDs. Paths start at the image file,
 * or at the working directory for an image object.
 */
export type LoadFileImage =
  | {
      readonly aid: Hex;
      readonly path: string;
      readonly modules: readonly { readonly aid: Hex; readonly class: string }[];
    }
  | { readonly cap: string; readonly aid?: Hex };

/** An instance made with the card. */
export interface ApplicationImage {
  readonly module: Hex;
  readonly aid: Hex;
  readonly privileges?: Hex;
  readonly parameters?: Hex;
  /** Contents of INSTALL's EA: what a toolkit application may have. */
  readonly uiccParameters?: Hex;
}

/** An issuer's domain that is the card's own code: see the README, "Cards of the field". Test keys only. */
export interface NativeIssuerImage {
  readonly aid: Hex;
  readonly protocol: '02' | '03';
  /** i: 55 for SCP02; 70 (S8) or 71 (S16) for SCP03. */
  readonly option: Hex;
  readonly keyVersion: Hex;
  readonly enc: Hex;
  readonly mac: Hex;
  readonly dek: Hex;
  readonly diversification?: Hex;
  readonly faults?: Readonly<Record<string, number | boolean | Hex>>;
}

/** A card before its first use: see the README, "Card image". The simulator checks every field. */
export interface CardImage {
  readonly name: string;
  readonly atr: Hex;
  readonly iccid?: string | null;
  readonly iin?: Hex | null;
  readonly cin?: Hex | null;
  readonly cplc?: Hex | null;
  /** null: a card that is only a Java Card. */
  readonly isd: SecurityDomainImage | null;
  /** Constants of Cipher, Signature and KeyBuilder that the card does not have: `Cipher.ALG_RSA_NOPAD`. */
  readonly lacks?: readonly string[];
  /** RSA key pair objects that there is room for. */
  readonly keyPairs?: number;
  /** With it `isd` is null. */
  readonly nativeIsd?: NativeIssuerImage | null;
  readonly casd?: SecurityDomainImage | null;
  readonly ssds?: readonly SecurityDomainImage[];
  readonly lifeCycle?: 'OP_READY' | 'INITIALIZED' | 'SECURED';
  readonly seed?: Hex;
  readonly randomBytes?: Hex;
  /** GET STATUS tells the domains' package by A0000001515350 too, which INSTALL takes in any case. */
  readonly commonDomain?: boolean;
  /** Class bytes C0 to FE go to the selected applet; without it they name logical channels. */
  readonly proprietaryClasses?: boolean;
  /**
   * A UICC's files, and the toolkit commands TERMINAL PROFILE, ENVELOPE, FETCH, TERMINAL RESPONSE; `imports`: where a
   * CAP file imports uicc.* or sim.* packages.
   */
  readonly toolkit?: boolean | 'imports';
  /** PINs of a UICC, which has the files of `toolkit` then, under access rights; needs an ICCID. */
  readonly pins?: { readonly pin1?: PinImage; readonly pin2?: PinImage; readonly adm1?: PinImage };
  /** Files of BER-TLV structure beside the standard ones; needs `toolkit` or `pins`. */
  readonly dataFiles?: readonly DataFileImage[];
  /** AIDs of `applications` that run commands from packets: OPEN gives them domains' keys, and nobody deletes them. */
  readonly remoteManagement?: readonly Hex[];
  /** How responses travel; what the ATR offers when absent, T=1 before T=0. */
  readonly protocol?: 'T=0' | 'T=1';
  /** Bytes of the APDU buffer, 261 to 32767; 261 when absent. */
  readonly apduBuffer?: number;
  /** Bytes that applets have, and that one transaction may write; nothing is refused where it says nothing. */
  readonly memory?: {
    readonly persistent?: number;
    readonly transientReset?: number;
    readonly transientDeselect?: number;
    readonly commit?: number;
  };
  readonly loadFiles?: readonly LoadFileImage[];
  /** Each applet of the CAP files has an instance by its own AID, besides those of `applications`. */
  readonly installAll?: boolean;
  /** Contents of C9 for these instances. */
  readonly installParameters?: Hex;
  readonly applications?: readonly ApplicationImage[];
}

/** A PIN: 4 to 8 digits, the PUK that unblocks it, wrong tries until it is blocked (3; ADM1 10), whether it is on. */
export interface PinImage {
  readonly value: string;
  readonly puk?: string;
  readonly tries?: number;
  readonly enabled?: boolean;
}

/** A file of data objects, under the rules of files that PIN1 opens. */
export interface DataFileImage {
  /** Identifiers from `3F00` on; `7FFF` is the directory of the USIM. */
  readonly path: Hex;
  /** 1 to 30; none when absent. */
  readonly shortIdentifier?: number;
  /** Bytes that its objects may have together, with tags and lengths, up to 65535, which it is when absent. */
  readonly maximumSize?: number;
  /** Tag, length and value, one behind the other. */
  readonly objects?: Hex;
}

/** Folder of the card images that come with the simulator. */
export const cardImageFolder: string = resolve(import.meta.dirname, '../cards');

/** A card image and the folder its relative paths start at. */
export interface LocatedImage {
  readonly image: CardImage;
  readonly folder: string;
}

/** Where an image is, or one of the images in `cards/` by its bare name. */
export const cardImagePath = (file: string): string =>
  /^[\w-]+$/.test(file) ? join(cardImageFolder, `${file}.json`) : resolve(file);

/**
 * Reads a card image.
 * @param file path of a JSON file, or the bare name of an image in `cards/`
 * @throws {SimulatorError} `image-unreadable`
 */
export async function readCardImage(file: string): Promise<LocatedImage> {
  const path = cardImagePath(file);
  try {
    return { image: JSON.parse(await readFile(path, 'utf8')) as CardImage, folder: dirname(path) };
  } catch (cause) {
    throw new SimulatorError('image-unreadable', `cannot read the card image ${path}: ${whyUnreadable(cause)}`, {
      cause,
    });
  }
}

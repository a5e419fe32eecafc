// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { KeyError } from '../../errors.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import { preparePrivateFolder, removeLeftovers } from '../durable-file.ts';
import { FolderKeyProvider } from '../folder-provider.ts';
import type { PrivateKeyHome } from '../private-keys.ts';
import { type Envelope, NONCE_LENGTH, type Sealer } from '../sealing.ts';
import { forgetRefusedPin, noteRefusedPin, type PinSource, readPin } from './pin.ts';
import { Token } from './token.ts';

export interface Pkcs11Options extends PinSource {
  /** Of what names the keys in the token, and of all that rests under its sealing key. */
  readonly folder: string;
  readonly library: string;
  readonly tokenLabel: string;
  /** CKA_LABEL of the AES key that seals. */
  readonly keyLabel: string;
  /** Default 4. */
  readonly sessions?: number;
  /** True makes the sealing key of a new KMS. */
  readonly create: boolean;
}

const SESSIONS = 4;
const ID_LENGTH = 16;

/**
 * Private keys and the sealing key are made in a token and never leave it; all other keys rest sealed under the latter,
 * and are opened for the time of a use (docs/operations.md, Keys in an HSM).
 */
export class Pkcs11KeyProvider extends FolderKeyProvider {
  readonly #token: Token;

  private constructor(folder: string, token: Token) {
    super(folder, sealerOf(token), homeIn(token));
    this.#token = token;
  }

  /**
   * @throws TransportError `token-away`
   * @throws KeyError `token-pin`: the PIN was refused, now or earlier; nothing tries it again
   * @throws UsageError for a library, label, PIN or folder that is not right
   */
  static async open(options: Pkcs11Options): Promise<Pkcs11KeyProvider> {
    const { folder, library, tokenLabel, keyLabel, create, sessions = SESSIONS } = options;
    await preparePrivateFolder(folder);
    await removeLeftovers(folder);
    const pin = await readPin(folder, options);
    const token = await Token.open({ library, tokenLabel, pin, sessions }, () => noteRefusedPin(folder));
    try {
      await token.call({ act: 'sealing-key', label: keyLabel, create });
    } catch (error) {
      token.close();
      throw error;
    }
    await forgetRefusedPin(folder);
    return new Pkcs11KeyProvider(folder, token);
  }

  override async ready(): Promise<void> {
    await this.#token.call({ act: 'check' });
  }

  override close(): void {
    super.close();
    this.#token.close();
  }
}

function sealerOf(token: Token): Sealer {
  return {
    keepsOpened: false,
    seal: async (plain, context): Promise<Envelope> => {
      const nonce = new Uint8Array(randomBytes(NONCE_LENGTH));
      const sealed = await token.call({ act: 'seal', nonce, context, data: plain });
      return { nonce: toHex(nonce), sealed: toHex(concat(...sealed)) };
    },
    unseal: async (envelope, context) => {
      const nonce = fromHex(envelope.nonce);
      const [plain = new Uint8Array()] = await token.call({
        ...({ act: 'unseal', nonce, context } as const),
        data: fromHex(envelope.sealed),
      });
      return plain;
    },
    wipe: () => {},
  };
}

/** The name of a key is its CKA_ID. */
const homeIn = (token: Token): PrivateKeyHome => ({
  generate: async (kind) => {
    const id = new Uint8Array(randomBytes(ID_LENGTH));
    return { name: id, publicKey: publicKeyOf(await token.call({ act: 'generate', kind, id })) };
  },
  open: async (name) => {
    if (name.length !== ID_LENGTH) throw new KeyError('key-unreadable', 'A stored key is none that this provider has');
    const id = name.slice();
    const publicKey = publicKeyOf(await token.call({ act: 'public-key', id }));
    return {
      publicKey,
      sign: async (scheme, data) => {
        const [signature = new Uint8Array()] = await token.call({ act: 'sign', id, scheme, data });
        return signature;
      },
    };
  },
  discard: async (name) => {
    await token.call({ act: 'destroy', id: name.slice() });
  },
});

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

/** Modulus and exponent, or the point of P-256. */
function publicKeyOf([first = new Uint8Array(), second]: readonly Uint8Array[]): KeyObject {
  const key =
    second === undefined
      ? { kty: 'EC', crv: 'P-256', x: base64url(first.slice(1, 33)), y: base64url(first.slice(33)) }
      : { kty: 'RSA', n: base64url(first), e: base64url(second) };
  return createPublicKey({ format: 'jwk', key });
}

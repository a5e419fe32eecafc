// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type pkcs11js from 'pkcs11js';
import type { PrivateKeyKind, SignatureScheme } from '../private-keys.ts';
import { type Pkcs11, reasonOf, TokenConnection, TokenError } from './connection.ts';
import type { TokenCall, TokenSettings } from './token-messages.ts';

const TAG_BITS = 128;
const NONCE_BITS = 96;
const MAX_SIGNATURE = 1_024;
/** OBJECT IDENTIFIER of P-256. */
const P256 = Buffer.from('06082A8648CE3D030107', 'hex');
const EXPONENT = Buffer.of(1, 0, 1);
const NAME = 'opentsm';

/** What tokens answer to a tag that does not fit; SoftHSM says no more than that something failed. */
const UNREADABLE: readonly string[] = [
  ...['CKR_ENCRYPTED_DATA_INVALID', 'CKR_ENCRYPTED_DATA_LEN_RANGE', 'CKR_AEAD_DECRYPT_FAILED', 'CKR_GENERAL_ERROR'],
];

/** What this KMS does in a token. @see PKCS#11 2.40: mechanisms 2.1, 2.3, 2.11 */
export class TokenOperations {
  readonly #p: Pkcs11;
  readonly #connection: TokenConnection;
  #sealingLabel = '';
  /** By class and identifier, good in one life of the sessions. */
  #handles = new Map<string, Buffer>();
  #handlesOf = 0;

  constructor(p: Pkcs11, settings: TokenSettings) {
    this.#p = p;
    this.#connection = new TokenConnection(p, settings);
  }

  async do(call: Exclude<TokenCall, { act: 'open' | 'close' }>): Promise<readonly Uint8Array[]> {
    switch (call.act) {
      case 'sealing-key':
        return this.#useSealingKey(call.label, call.create);
      case 'check':
        return this.#connection.run((module, session) => [this.#sealingKey(module, session, true)]).then(() => []);
      case 'seal':
      case 'unseal':
        return [await this.#cipher(call)];
      case 'generate':
        return this.#generate(call.kind, call.id);
      case 'public-key':
        return this.#connection.run((module, session) =>
          this.#publicPart(module, session, this.#find(module, session, this.#p.CKO_PUBLIC_KEY, call.id)),
        );
      case 'sign':
        return [await this.#sign(call.id, call.scheme, call.data)];
      case 'destroy':
        return this.#destroy(call.id);
    }
  }

  close(): void {
    this.#connection.close();
  }

  async #useSealingKey(label: string, create: boolean): Promise<readonly Uint8Array[]> {
    this.#sealingLabel = label;
    return this.#connection.run(async (module, session) => {
      const p = this.#p;
      const found = this.#objects(module, session, [
        { type: p.CKA_CLASS, value: p.CKO_SECRET_KEY },
        { type: p.CKA_LABEL, value: label },
      ]);
      if (found.length > 1) throw new TokenError('label', label);
      if (found.length === 1) return [];
      if (!create) throw new TokenError('missing', label);
      await module.C_GenerateKeyAsync(session, { mechanism: p.CKM_AES_KEY_GEN }, [
        ...this.#secretFlags(),
        { type: p.CKA_CLASS, value: p.CKO_SECRET_KEY },
        { type: p.CKA_KEY_TYPE, value: p.CKK_AES },
        { type: p.CKA_LABEL, value: label },
        { type: p.CKA_VALUE_LEN, value: 32 },
        { type: p.CKA_ENCRYPT, value: true },
        { type: p.CKA_DECRYPT, value: true },
      ]);
      return [];
    });
  }

  /** AES-GCM under the sealing key; the token's answer has the tag at its end. */
  #cipher({ act, nonce, context, data }: Extract<TokenCall, { act: 'seal' | 'unseal' }>): Promise<Uint8Array> {
    const p = this.#p;
    const parameter = {
      type: p.CK_PARAMS_AES_GCM,
      iv: Buffer.from(nonce),
      ivBits: NONCE_BITS,
      aad: Buffer.from(context),
      tagBits: TAG_BITS,
    };
    return this.#connection.run(async (module, session) => {
      const key = this.#sealingKey(module, session);
      const mechanism = { mechanism: p.CKM_AES_GCM, parameter };
      const input = Buffer.from(data);
      const room = Buffer.alloc(data.length + TAG_BITS / 8);
      if (act === 'seal') {
        module.C_EncryptInit(session, mechanism, key);
        return new Uint8Array(await module.C_EncryptAsync(session, input, room));
      }
      module.C_DecryptInit(session, mechanism, key);
      try {
        return new Uint8Array(await module.C_DecryptAsync(session, input, room));
      } catch (error) {
        if (!UNREADABLE.includes(reasonOf(error))) throw error;
        // A token that went away just now says the same: then looking for the key fails too.
        this.#sealingKey(module, session, true);
        throw new TokenError('unreadable', reasonOf(error));
      } finally {
        room.fill(0);
      }
    });
  }

  async #generate(kind: PrivateKeyKind, id: Uint8Array): Promise<readonly Uint8Array[]> {
    const p = this.#p;
    const names = [
      { type: p.CKA_TOKEN, value: true },
      { type: p.CKA_ID, value: Buffer.from(id) },
      { type: p.CKA_LABEL, value: NAME },
    ];
    const [mechanism, size] =
      kind === 'p-256'
        ? ([p.CKM_EC_KEY_PAIR_GEN, [{ type: p.CKA_EC_PARAMS, value: P256 }]] as const)
        : ([
            p.CKM_RSA_PKCS_KEY_PAIR_GEN,
            [
              { type: p.CKA_MODULUS_BITS, value: kind.rsaBits },
              { type: p.CKA_PUBLIC_EXPONENT, value: EXPONENT },
            ],
          ] as const);
    const publicTemplate = [...names, ...size, { type: p.CKA_VERIFY, value: true }];
    const privateTemplate = [...names, ...this.#secretFlags(), { type: p.CKA_SIGN, value: true }];
    return this.#connection.run(async (module, session) => {
      const pair = await module.C_GenerateKeyPairAsync(session, { mechanism }, publicTemplate, privateTemplate);
      return this.#publicPart(module, session, pair.publicKey);
    });
  }

  #publicPart(module: pkcs11js.PKCS11, session: Buffer, key: Buffer): Uint8Array[] {
    const p = this.#p;
    const values = (...types: number[]) =>
      module
        .C_GetAttributeValue(
          session,
          key,
          types.map((type) => ({ type })),
        )
        .map(({ value }) => Buffer.from(value as Buffer));
    const [type] = values(p.CKA_KEY_TYPE);
    if (type?.[0] !== p.CKK_EC)
      return values(p.CKA_MODULUS, p.CKA_PUBLIC_EXPONENT).map((value) => new Uint8Array(value));
    // An OCTET STRING around the point.
    return values(p.CKA_EC_POINT).map((value) => new Uint8Array(value.subarray(2)));
  }

  #sign(id: Uint8Array, scheme: SignatureScheme, data: Uint8Array): Promise<Uint8Array> {
    const input = scheme === 'ecdsa-sha256' ? createHash('sha256').update(data).digest() : Buffer.from(data);
    return this.#connection.run(async (module, session) => {
      const key = this.#find(module, session, this.#p.CKO_PRIVATE_KEY, id);
      module.C_SignInit(session, this.#mechanism(scheme), key);
      return new Uint8Array(await module.C_SignAsync(session, input, Buffer.alloc(MAX_SIGNATURE)));
    });
  }

  #mechanism(scheme: SignatureScheme): pkcs11js.Mechanism {
    const p = this.#p;
    switch (scheme) {
      case 'rsa-sha1':
        return { mechanism: p.CKM_SHA1_RSA_PKCS };
      case 'rsa-sha256':
        return { mechanism: p.CKM_SHA256_RSA_PKCS };
      case 'rsa-raw':
        return { mechanism: p.CKM_RSA_X_509 };
      case 'ecdsa-sha256':
        return { mechanism: p.CKM_ECDSA };
      case 'rsa-pss-sha256': {
        const parameter = { type: p.CK_PARAMS_RSA_PSS, hashAlg: p.CKM_SHA256, mgf: p.CKG_MGF1_SHA256, saltLen: 32 };
        return { mechanism: p.CKM_SHA256_RSA_PKCS_PSS, parameter };
      }
    }
  }

  #destroy(id: Uint8Array): Promise<readonly Uint8Array[]> {
    return this.#connection.run((module, session) => {
      for (const object of this.#objects(module, session, [{ type: this.#p.CKA_ID, value: Buffer.from(id) }]))
        module.C_DestroyObject(session, object);
      this.#handles.clear();
      return [];
    });
  }

  /** Never leaves the token in clear, nor wrapped. */
  #secretFlags() {
    const p = this.#p;
    return [
      { type: p.CKA_TOKEN, value: true },
      { type: p.CKA_PRIVATE, value: true },
      { type: p.CKA_SENSITIVE, value: true },
      { type: p.CKA_EXTRACTABLE, value: false },
    ];
  }

  #sealingKey(module: pkcs11js.PKCS11, session: Buffer, lookAgain = false): Buffer {
    const { CKA_LABEL, CKO_SECRET_KEY } = this.#p;
    const attribute = { type: CKA_LABEL, value: this.#sealingLabel };
    const found = this.#handle(module, session, CKO_SECRET_KEY, attribute, lookAgain);
    // It was there when the KMS started: what is gone is the token.
    if (found === undefined) throw new TokenError('away', 'CKR_TOKEN_NOT_PRESENT');
    return found;
  }

  #find(module: pkcs11js.PKCS11, session: Buffer, objectClass: number, id: Uint8Array): Buffer {
    const found = this.#handle(module, session, objectClass, { type: this.#p.CKA_ID, value: Buffer.from(id) });
    if (found !== undefined) return found;
    this.#sealingKey(module, session, true);
    throw new TokenError('missing', 'no such key');
  }

  #handle(
    module: pkcs11js.PKCS11,
    session: Buffer,
    objectClass: number,
    attribute: { readonly type: number; readonly value: Buffer | string },
    lookAgain = false,
  ): Buffer | undefined {
    if (this.#handlesOf !== this.#connection.life) this.#handles.clear();
    this.#handlesOf = this.#connection.life;
    const name = `${objectClass} ${attribute.value.toString('hex')}`;
    const known = lookAgain ? undefined : this.#handles.get(name);
    if (known !== undefined) return known;
    const [found] = this.#objects(module, session, [{ type: this.#p.CKA_CLASS, value: objectClass }, attribute]);
    if (found === undefined) this.#handles.delete(name);
    else this.#handles.set(name, found);
    return found;
  }

  #objects(module: pkcs11js.PKCS11, session: Buffer, template: pkcs11js.Template): Buffer[] {
    module.C_FindObjectsInit(session, template);
    try {
      return module.C_FindObjects(session, 4);
    } finally {
      module.C_FindObjectsFinal(session);
    }
  }
}

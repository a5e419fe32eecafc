// SPDX-License-Identifier: Apache-2.0
import type { KeyPairInfo } from '../../wire/message/kms.ts';
import type { IssuerSettings } from '../../workflow/key-distribution/issuer-context.ts';
import type { Kms } from '../../workflow/ports.ts';

/** Key management: which key of the KMS the issuer acts with. The key itself never leaves the KMS. */
export class Keys {
  readonly #kms: Kms;
  readonly #settings: IssuerSettings;

  constructor(kms: Kms, settings: IssuerSettings) {
    this.#kms = kms;
    this.#settings = settings;
  }

  /** PK.OCE.AUT and when its pair was made. */
  async offCardEntity(keySizeBits: 1024 | 2048 | 3072): Promise<KeyPairInfo> {
    return this.#kms.createKeyPair({
      label: this.#settings.offCardEntityLabel,
      purpose: 'off-card-entity',
      keySizeBits,
    });
  }

  /** CERT.OCE.AUT, which the cards get in PSO VERIFY CERTIFICATE. */
  get offCardEntityCertificate(): string {
    return this.#settings.offCardEntityCertificate;
  }

  /** @throws TransportError or PeerError while the KMS cannot work */
  async check(): Promise<void> {
    await this.#kms.certificateAuthority();
  }
}

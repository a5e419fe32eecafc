// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SimulatedCard } from '../../../simulator/src/index.ts';
import { CertificateAuthority } from '../../kms/certificate-authority.ts';
import { SoftwareKeyProvider } from '../../kms/software.ts';
import { CardMaker } from '../../lab/card-maker.ts';
import { KeyService, type KeyServiceOptions } from '../../service/kms/key-service.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import { fromRsaPublicKey } from '../../wire/gp/public-key.ts';
import { fromHex, toHex } from '../../wire/hex.ts';

/** A folder that is gone after the test. */
export class TestFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<TestFolder> {
    return new TestFolder(await mkdtemp(join(tmpdir(), 'opentsm-kms-')));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true });
  }
}

/** A platform's key service with CERT.OCE.AUT, as the daemon builds it. */
export interface TestPlatform {
  readonly folder: string;
  readonly kms: KeyService;
  readonly holderReference: string;
  readonly certificate: string;
  readonly label: string;
}

export const LABEL = 'off-card entity';

export async function openPlatform(
  folder: string,
  more: Partial<KeyServiceOptions> = {},
  keySizeBits: 1024 | 2048 | 3072 = 1024,
): Promise<TestPlatform> {
  const keys = more.keys ?? (await SoftwareKeyProvider.open(folder));
  const authority = await CertificateAuthority.open({
    folder,
    keys,
    commonName: 'test',
    holderReference: toHex(randomBytes(16)),
    keySizeBits,
  });
  const kms = new KeyService({
    keys,
    authority,
    cardMakers: [],
    allowWithoutAttestation: false,
    limits: { maxOpen: 8, idleMs: 60_000 },
    ...more,
  });
  await kms.createKeyPair({ label: LABEL, purpose: 'off-card-entity', keySizeBits });
  const holderReference = toHex(randomBytes(16));
  const { certificate } = await kms.issueOffCardEntityCertificate({ label: LABEL, holderReference });
  return { folder, kms, holderReference, certificate, label: LABEL };
}

/** Issuer and provider, and a card maker whose CASDs the provider believes. */
export async function openWorld(folder: string, keySizeBits: 1024 | 2048 | 3072 = 1024) {
  const maker = await CardMaker.open(join(folder, 'maker'));
  const { trustAnchor } = maker;
  const cardMakers = [
    { holderReference: fromHex(trustAnchor.holderReference), publicKey: fromRsaPublicKey(trustAnchor.publicKey) },
  ];
  const issuer = await openPlatform(join(folder, 'issuer'), { allowWithoutAttestation: true }, keySizeBits);
  const provider = await openPlatform(join(folder, 'provider'), { cardMakers }, keySizeBits);
  const { holderReference, publicKey } = await issuer.kms.certificateAuthority();
  const made = await maker.make(
    // A private key of 3072 bits is longer than what a card takes in clear; it makes such pairs itself.
    {
      name: 'kms-test',
      iccid: '89860012345678900110',
      keySizeBits: keySizeBits === 3072 ? 2048 : keySizeBits,
      casd: true,
    },
    {
      holderReference,
      publicKey,
      applicationProviderId: issuer.holderReference,
      certify: async (request) =>
        (await issuer.kms.issueSecurityDomainCertificate({ ...request, withoutAttestation: true })).certificate,
    },
  );
  return { maker, issuer, provider, made };
}

/** The simulator's control link as a channel. */
export const channelTo = (card: SimulatedCard): CardChannel => ({
  atr: card.atr,
  transmit: (command) => card.transmit(command),
  reset: async () => {
    await card.reset();
    return card.atr;
  },
  close: async () => {},
  [Symbol.asyncDispose]: async () => {},
});

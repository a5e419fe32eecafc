// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { TrustAnchor } from '../../crypto/card-certificate.ts';
import { type RandomSource, systemRandom } from '../../crypto/random.ts';
import { CertificateError, NotFoundError, PolicyError } from '../../errors.ts';
import type { AdministrationKeys } from '../../kms/administration-keys.ts';
import { verifyAttestation } from '../../kms/attestation.ts';
import { CardKeySets } from '../../kms/card-key-sets.ts';
import type { CertificateAuthority } from '../../kms/certificate-authority.ts';
import type { KeyProvider } from '../../kms/key-provider.ts';
import type { PacketKeyMaster } from '../../kms/packet-keys.ts';
import { KEY_REFERENCE, keyReferenceToHex } from '../../wire/gp/key-reference.ts';
import { fromRsaPublicKey, type PublicKey, toRsaPublicKey } from '../../wire/gp/public-key.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { RsaPublicKey } from '../../wire/message/common.ts';
import type * as message from '../../wire/message/kms.ts';
import type { Kms, ManagedKeyKms } from '../../workflow/ports.ts';
import { AttestationChallenges } from './attestation-challenges.ts';
import { CardKeyBlockService } from './card-key-blocks.ts';
import { ContentService } from './content-service.ts';
import { DomainKeySets } from './domain-key-sets.ts';
import { type Incarnation, Incarnations, type Keeper } from './incarnations.ts';
import type { KeyAudit } from './key-audit.ts';
import { KeyCeremonies } from './key-ceremonies.ts';
import { KeyLifeCycle } from './key-life-cycle.ts';
import { PacketService } from './packet-service.ts';
import { PurseService } from './purse-service.ts';
import { type SecureChannelLimits, type SecureChannelPolicy, SecureChannels } from './secure-channels.ts';

export interface KeyServiceOptions extends SecureChannelPolicy {
  readonly keys: KeyProvider;
  readonly authority: CertificateAuthority;
  /** Of issuers' domains with SCP02 or SCP03; default none. */
  readonly cardKeySets?: CardKeySets;
  /** Of remote administration; default none. */
  readonly administrationKeys?: AdministrationKeys;
  /** Of secured packets (SCP80); default none. */
  readonly packetKeys?: PacketKeyMaster;
  /** Card makers whose CASDs are believed. */
  readonly cardMakers: readonly TrustAnchor[];
  /** True: keys of cards without CASD may be certified on the owner's word. */
  readonly allowWithoutAttestation: boolean;
  /** True: cards may come with the published test keys. Default no. */
  readonly allowPublishedTestKeys?: boolean;
  readonly limits: SecureChannelLimits;
  readonly audit?: KeyAudit;
  readonly random?: RandomSource;
  readonly now?: () => number;
  /** Clock of dates that are kept: when a key was made, when a request ends. */
  readonly date?: () => Date;
}

const MIN_BYTES = 128;

/** What the owner may do with its keys (wire/message/kms.ts). */
export class KeyService implements Kms {
  readonly #options: KeyServiceOptions;
  readonly #challenges: AttestationChallenges;
  readonly channels: SecureChannels;
  readonly purse: PurseService;
  readonly managedKeys: KeyLifeCycle;
  readonly ceremonies: KeyCeremonies;
  readonly content: ContentService;
  readonly cardKeys: CardKeyBlockService;
  readonly domainKeys: DomainKeySets;
  readonly keys: ManagedKeyKms;
  readonly packets: PacketService;
  readonly #incarnations = new Incarnations();

  constructor(options: KeyServiceOptions) {
    const { keys, limits, random = systemRandom, now = performance.now.bind(performance) } = options;
    const { cardKeySets = CardKeySets.none } = options;
    this.#options = options;
    this.#challenges = new AttestationChallenges(random, now);
    this.managedKeys = new KeyLifeCycle(keys.managedKeys, options.audit, options.date);
    this.keys = { use: (request) => this.managedKeys.use(request, 'owner') };
    this.ceremonies = new KeyCeremonies({
      lifeCycle: this.managedKeys,
      ...keys.vault,
      audit: options.audit,
      ...(options.date === undefined ? {} : { now: options.date }),
    });
    this.purse = new PurseService(keys.purseKeys, options.audit);
    this.content = new ContentService(keys.contentKeys, options.audit);
    this.packets = new PacketService(options.packetKeys, options.audit);
    this.cardKeys = new CardKeyBlockService(this.managedKeys, {
      allowPublished: options.allowPublishedTestKeys ?? false,
      audit: options.audit,
    });
    this.domainKeys = new DomainKeySets(this.managedKeys, this.cardKeys, options.audit);
    const { purse, content, cardKeys, domainKeys, managedKeys } = this;
    const own = { purse, content, cardKeys, domainKeys, managedKeys };
    const { info, publicKey } = options.authority;
    const authority = { holderReference: fromHex(info.holderReference, 16), publicKey };
    this.channels = new SecureChannels({ keys, authority, cardKeySets, limits, policy: options, random, now, ...own });
  }

  async certificateAuthority(): Promise<message.CertificateAuthorityInfo> {
    const { authority, allowWithoutAttestation } = this.#options;
    return { ...authority.info, certifiesWithoutAttestation: allowWithoutAttestation };
  }

  async createKeyPair(wanted: message.CreateKeyPair): Promise<message.KeyPairInfo> {
    return this.#audited('create key pair', { label: wanted.label, purpose: wanted.purpose }, () =>
      this.#options.keys.createKeyPair(wanted),
    );
  }

  async issueOffCardEntityCertificate(
    request: message.IssueOffCardEntityCertificate,
  ): Promise<message.CardCertificate> {
    const { label, holderReference } = request;
    const { publicKey } = await this.#options.keys.signer(label, 'off-card-entity');
    return this.#audited('issue CERT.OCE.AUT', { label, holderReference }, async () =>
      this.#options.authority.issueForOffCardEntity(holderReference, publicKey),
    );
  }

  /**
   * @param operator whose word will do for a pair that is not attested; absent: the platform's process asks
   * @throws PolicyError `attestation-required`
   * @throws CertificateError unless the attestation shows this key as made by the owner of an owned domain that trusts
   *   our CA alone
   */
  async issueSecurityDomainCertificate(
    request: message.IssueSecurityDomainCertificate,
    operator?: string,
  ): Promise<message.CardCertificate> {
    const { holderReference, claim, withoutAttestation } = request;
    const publicKey = certifiableKey(request.publicKey);
    if (claim !== undefined) this.#requireAttested(publicKey, claim);
    else if (withoutAttestation !== true || !(operator !== undefined || this.#options.allowWithoutAttestation)) {
      throw new PolicyError(
        'attestation-required',
        'This CA certifies no card key without an attestation of it; ' +
          'the key of an ISD is certified by an operator of this KMS: tsm kms certify',
      );
    }
    const basis = claim === undefined ? (operator ?? 'owner') : 'attestation';
    // With the key: who reads the record can tell a pair that no card has.
    const publicKeySha256 = createHash('sha256').update(publicKey.modulus).digest('hex').toUpperCase();
    const details = { holderReference, basis, publicKeySha256 };
    return this.#audited('issue CERT.SD.AUT', details, async () =>
      this.#options.authority.issueForSecurityDomain(holderReference, publicKey),
    );
  }

  async createAttestationChallenge(
    { flow }: message.CreateAttestationChallenge = {},
    holder?: Incarnation,
  ): Promise<message.AttestationChallenge> {
    return this.#challenges.create({ flow, holder });
  }

  async verifyAttestation(claim: message.AttestationClaim): Promise<message.AttestationFacts> {
    return verifyAttestation(
      claim,
      this.#challenges.use(claim.challengeId, claim.attestation),
      this.#options.cardMakers,
    );
  }

  /**
   * A key leaves: its owner ends TLS with it (docs/adr/012-keys-of-remote-administration.md).
   *
   * @throws NotFoundError `key-unknown` where no master key is configured
   */
  async administrationKey({ identity }: message.AdministrationKeyQuery): Promise<message.AdministrationKey> {
    const { administrationKeys } = this.#options;
    if (administrationKeys === undefined)
      throw new NotFoundError(
        'key-unknown',
        'There is no master key: name administrationKeyFile in the config of the KMS',
      );
    const work = async () => {
      const psk = administrationKeys.keyOf(identity);
      const text = toHex(psk);
      psk.fill(0);
      return { psk: text };
    };
    return this.#audited('give administration key', { identity }, work);
  }

  async openSecureChannel(
    request: message.OpenSecureChannel,
    holder?: Incarnation,
  ): Promise<message.SecureChannelScript> {
    const script = await this.channels.open(request, holder);
    const wanted = request.protocol === 'scp10' ? request.challenges : undefined;
    if (wanted === undefined) return script;
    const keeper = { flow: request.flow, holder };
    return { ...script, challenges: Array.from({ length: wanted }, () => this.#challenges.create(keeper)) };
  }

  async endFlow(flow: string): Promise<void> {
    this.#end((keeper) => keeper.flow === flow);
  }

  /**
   * A process of the owner calls: what an earlier life of the same node holds is freed.
   *
   * @throws ConflictError `incarnation-over` for a call of such an earlier life
   */
  meet(holder: Incarnation): void {
    if (this.#incarnations.meet(holder)) {
      this.#end(({ holder: other }) => other?.node === holder.node && other.incarnation !== holder.incarnation);
    }
  }

  #end(ends: (keeper: Keeper) => boolean): void {
    this.channels.end(ends);
    this.#challenges.end(ends);
  }

  async authenticate(
    channelId: string,
    request: message.AuthenticateSecureChannel,
  ): Promise<message.SecureChannelScript> {
    return this.channels.authenticate(channelId, request);
  }

  async wrap(channelId: string, request: message.WrapCommands): Promise<message.SecureChannelScript> {
    return this.channels.wrap(channelId, request);
  }

  async unwrap(channelId: string, request: message.UnwrapResponses): Promise<message.PlainResponses> {
    return this.channels.unwrap(channelId, request);
  }

  async closeSecureChannel(channelId: string): Promise<void> {
    this.channels.close(channelId);
  }

  close(): void {
    this.channels.closeAll();
    this.#options.keys.close();
    this.#options.cardKeySets?.close();
    this.#options.administrationKeys?.[Symbol.dispose]();
    this.#options.packetKeys?.[Symbol.dispose]();
  }

  /**
   * Only the pair that an owned domain made in its owner's own session, with this CA as its one trust point: set here,
   * so that a platform process that asks for less gets no certificate either.
   */
  #requireAttested(publicKey: PublicKey, claim: message.AttestationClaim): void {
    const { authority, cardMakers } = this.#options;
    const expected = {
      ...claim.expected,
      keyReference: keyReferenceToHex(KEY_REFERENCE.OWN_KEY_PAIR),
      publicKey: toRsaPublicKey(publicKey),
      trustPoint: { holderReference: authority.info.holderReference, publicKey: authority.info.publicKey },
      ...({ owned: true, maker: 'owner' } as const),
    };
    const nonce = this.#challenges.use(claim.challengeId, claim.attestation);
    verifyAttestation({ ...claim, expected }, nonce, cardMakers);
  }

  async #audited<T>(act: string, details: Readonly<Record<string, string>>, work: () => Promise<T>): Promise<T> {
    const audit = this.#options.audit;
    await audit?.('before', act, details);
    try {
      const result = await work();
      await audit?.('after', act, details);
      return result;
    } catch (error) {
      await audit?.('failed', act, details);
      throw error;
    }
  }
}

/** @throws CertificateError for a key that no security domain of ours can have */
function certifiableKey(key: RsaPublicKey): PublicKey {
  const publicKey = fromRsaPublicKey(key);
  if (publicKey.modulus.length < MIN_BYTES || key.exponent !== '010001') {
    throw new CertificateError('key-unfit', 'Only RSA keys of 1024 bits or more with exponent 010001 are certified');
  }
  return publicKey;
}

// SPDX-License-Identifier: Apache-2.0
import type { TranslateCardKeys, TranslatedCardKeys } from '../wire/message/card-batches.ts';
import type {
  CardCommand,
  CardPlace,
  CardSessionInfo,
  ExchangeResult,
  GiveBackCard,
  OpenCardSession,
} from '../wire/message/card-script.ts';
import type { CardId } from '../wire/message/common.ts';
import type {
  ContentKeyInfo,
  ContentToken,
  CreateContentKey,
  SignToken,
  VerifiedReceipt,
  VerifyReceipt,
} from '../wire/message/content-key.ts';
import type { CreateDomainKeys, DomainKeys } from '../wire/message/domain-keys.ts';
import type { SecurityDomainRequest, SecurityDomainRequestState } from '../wire/message/key-distribution.ts';
import type {
  AttestationChallenge,
  AttestationClaim,
  AttestationFacts,
  AuthenticateSecureChannel,
  CardCertificate,
  CertificateAuthorityInfo,
  CreateAttestationChallenge,
  CreateKeyPair,
  IssueOffCardEntityCertificate,
  IssueSecurityDomainCertificate,
  KeyPairInfo,
  OpenSecureChannel,
  PlainResponses,
  SecureChannelScript,
  UnwrapResponses,
  WrapCommands,
} from '../wire/message/kms.ts';
import type { KeyOperation, KeyOperationResult } from '../wire/message/managed-keys.ts';
import type {
  AuthorizeDebit,
  AuthorizeLoad,
  CreatePurseKeySet,
  DebitAuthorization,
  LoadAuthorization,
  LoadCertificate,
  LoadQuery,
  PurchaseCertificate,
  PurseKeySetInfo,
  Verified,
} from '../wire/message/purse.ts';

/** What the workflows need from the outside; the services bring it. */

/** One card under a lease, reached through whatever carries APDUs. */
export interface CardLink {
  /**
   * Sends a script in one round trip.
   *
   * @param last nothing follows: whoever may give the card back with it
   * @throws TransportError when the card or a link is gone: the lease is dropped, the next call takes a new one
   */
  exchange(commands: readonly CardCommand[], last?: boolean): Promise<ExchangeResult>;
  /** Gives the lease back. Safe to call twice. */
  close(): Promise<void>;
}

/** Keys of purses, by the name of their set. */
export interface PurseKms {
  createKeySet(request: CreatePurseKeySet): Promise<PurseKeySetInfo>;
  /** @throws SecureChannelError `purse-mac` when MAC1 does not verify */
  authorizeLoad(request: AuthorizeLoad): Promise<LoadAuthorization>;
  queryLoad(request: LoadQuery): Promise<Verified>;
  verifyLoad(request: LoadCertificate): Promise<Verified>;
  /** MAC1 of a purchase of the provider's own. */
  authorizeDebit(request: AuthorizeDebit): Promise<DebitAuthorization>;
  verifyPurchase(request: PurchaseCertificate): Promise<Verified>;
}

/** Keys of content management, by name. */
export interface ContentKms {
  createKey(request: CreateContentKey): Promise<ContentKeyInfo>;
  signToken(request: SignToken): Promise<ContentToken>;
  verifyReceipt(request: VerifyReceipt): Promise<VerifiedReceipt>;
}

/** Keys of single cards, in key blocks. */
export interface CardKeyKms {
  translate(request: TranslateCardKeys): Promise<TranslatedCardKeys>;
}

/** First key sets of domains that are somebody else's. */
export interface DomainKeyKms {
  /** @throws PolicyError `key-owner` for a transport key that is not his */
  create(request: CreateDomainKeys): Promise<DomainKeys>;
  /** Whether that would make them. @throws as it does */
  check(request: CreateDomainKeys): Promise<void>;
}

/** Symmetric keys with a life cycle, used for their owners. */
export interface ManagedKeyKms {
  /** @throws PolicyError, or as PeerError, `key-owner`, `key-usage` @throws KeyError `key-state` */
  use(request: KeyOperation): Promise<KeyOperationResult>;
}

/** The owner's key service. Keys and channels go by name; no key byte comes out. */
export interface Kms {
  readonly purse: PurseKms;
  readonly content: ContentKms;
  readonly cardKeys: CardKeyKms;
  readonly domainKeys: DomainKeyKms;
  readonly keys: ManagedKeyKms;
  certificateAuthority(): Promise<CertificateAuthorityInfo>;
  createKeyPair(request: CreateKeyPair): Promise<KeyPairInfo>;
  issueOffCardEntityCertificate(request: IssueOffCardEntityCertificate): Promise<CardCertificate>;
  issueSecurityDomainCertificate(request: IssueSecurityDomainCertificate): Promise<CardCertificate>;
  createAttestationChallenge(request?: CreateAttestationChallenge): Promise<AttestationChallenge>;
  verifyAttestation(claim: AttestationClaim): Promise<AttestationFacts>;
  openSecureChannel(request: OpenSecureChannel): Promise<SecureChannelScript>;
  authenticate(channelId: string, request: AuthenticateSecureChannel): Promise<SecureChannelScript>;
  wrap(channelId: string, request: WrapCommands): Promise<SecureChannelScript>;
  unwrap(channelId: string, request: UnwrapResponses): Promise<PlainResponses>;
  /** Wipes the session keys. Safe for a channel that is gone. */
  closeSecureChannel(channelId: string): Promise<void>;
  /** Frees what was made for this flow: its channels and challenges. Safe to call twice. */
  endFlow(flow: string): Promise<void>;
}

/** The issuer platform, as the provider sees it. */
export interface IssuerPlatform {
  /**
   * Asks, and waits as `securityDomainRequest` does.
   *
   * @throws PeerError with `numeral` 43 or 44 when the issuer refuses
   */
  requestSecurityDomain(
    idempotencyKey: string,
    request: SecurityDomainRequest,
    wait?: { readonly waitMs: number; readonly afterStep?: number },
  ): Promise<SecurityDomainRequestState>;
  /** Waits until there are more rows than `afterStep`, where given, the request has ended, or the time is over. */
  securityDomainRequest(
    requestId: string,
    wait: { readonly waitMs: number; readonly afterStep?: number },
  ): Promise<SecurityDomainRequestState>;
}

/** The OTA server, as the provider sees it. */
export interface OtaServer {
  /** The answer has the result of the script that came along, unless the server does not take one. */
  openCardSession(request: OpenCardSession): Promise<CardSessionInfo>;
  /** @param last the session ends with it, if the result says so */
  exchange(session: CardSessionInfo, commands: readonly CardCommand[], last?: boolean): Promise<ExchangeResult>;
  closeCardSession(sessionId: string): Promise<void>;
  /** Ends whatever session this owner has on the reader; without one nothing happens. */
  giveBackCard(held: GiveBackCard): Promise<void>;
}

/** One whose sessions are known by id and fence: another process may go on in them. */
export interface SharedOtaServer extends OtaServer {
  exchange(
    session: Pick<CardSessionInfo, 'sessionId' | 'fence'>,
    commands: readonly CardCommand[],
    last?: boolean,
  ): Promise<ExchangeResult>;
  /** Readers that this card may be in, those that say so first. */
  placesOf(cardId: CardId): Promise<readonly CardPlace[]>;
}

/** The provider's relay to a card, as the issuer sees it. */
export interface CardRelays {
  exchange(relayId: string, commands: readonly CardCommand[]): Promise<ExchangeResult>;
}

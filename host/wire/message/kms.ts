// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { StoredCardKeys } from './card-batches.ts';
import { CardCommand, CardResponse } from './card-script.ts';
import { Aid, AnswerHex, CardId, Hex, HolderReference, KeyReference, Name, RsaPublicKey } from './common.ts';
import { DomainKeySet } from './domain-keys.ts';
import { CardKey } from './managed-keys.ts';
import { PurseSerial } from './purse.ts';

/**
 * Interface of the `kms` daemon, called by its owner (issuer or provider) only. Keys are named by
 * label; no private, secret or session key ever appears in a message.
 */

export const KeyPairPurpose = Type.Union([Type.Literal('certificate-authority'), Type.Literal('off-card-entity')]);

/** POST /v1/key-pairs: makes the pair, or returns the one of that label when it is alike. */
export const CreateKeyPair = Type.Object(
  {
    label: Name,
    purpose: KeyPairPurpose,
    keySizeBits: Type.Union([Type.Literal(1024), Type.Literal(2048), Type.Literal(3072)]),
  },
  { additionalProperties: false },
);
export const KeyPairInfo = Type.Object(
  { label: Name, purpose: KeyPairPurpose, publicKey: RsaPublicKey, createdAt: Type.String({ maxLength: 40 }) },
  { additionalProperties: false },
);
export type CreateKeyPair = Static<typeof CreateKeyPair>;
export type KeyPairInfo = Static<typeof KeyPairInfo>;

/** GET /v1/certificate-authority */
export const CertificateAuthorityInfo = Type.Object(
  {
    holderReference: HolderReference,
    publicKey: RsaPublicKey,
    x509Pem: Type.String({ maxLength: 8192 }),
    /** False: this CA certifies no key of a card without CASD, so do not begin with one. */
    certifiesWithoutAttestation: Type.Boolean(),
  },
  { additionalProperties: false },
);
export type CertificateAuthorityInfo = Static<typeof CertificateAuthorityInfo>;

export const CardCertificate = Type.Object(
  { certificate: Hex, holderReference: HolderReference },
  { additionalProperties: false },
);
export type CardCertificate = Static<typeof CardCertificate>;

/** POST /v1/certificate-authority/off-card-entity-certificates: CERT.OCE.AUT for an own key. */
export const IssueOffCardEntityCertificate = Type.Object(
  { label: Name, holderReference: HolderReference },
  { additionalProperties: false },
);
export type IssueOffCardEntityCertificate = Static<typeof IssueOffCardEntityCertificate>;

/** Id of a flow of the owner, or a name that one process gives its work. */
export const FlowId = Type.String({ pattern: '^[A-Za-z0-9._:-]{8,128}$' });

/** POST /v1/attestation-challenges -> a nonce, good for one attestation. */
export const CreateAttestationChallenge = Type.Object(
  {
    /** The challenge ends with this flow. */
    flow: Type.Optional(FlowId),
  },
  { additionalProperties: false },
);
export type CreateAttestationChallenge = Static<typeof CreateAttestationChallenge>;

export const AttestationChallenge = Type.Object(
  { challengeId: Type.String({ maxLength: 64 }), nonce: Type.String({ pattern: '^[0-9A-F]{32}$' }) },
  { additionalProperties: false },
);
export type AttestationChallenge = Static<typeof AttestationChallenge>;

const closed = { additionalProperties: false } as const;

/** `owner`: made in the owner's own session; `delegated`: through another domain's. */
export const PairMaker = Type.Union([Type.Literal('delegated'), Type.Literal('owner')]);

/** An attestation and what it must say (key-distribution.md section 6). */
export const AttestationClaim = Type.Object(
  {
    challengeId: Type.String({ maxLength: 64 }),
    /** The FF60 data object as the SSD gave it. */
    attestation: Hex,
    /** CERT of the CASD (7F21), signed by a card maker that this KMS's configuration trusts. */
    casdCertificate: Hex,
    /** The trust point, KVN 10 KID 01, and the live pair must be all the keys that the domain holds. */
    expected: Type.Object(
      {
        aid: Aid,
        /** Of the live pair; absent: whichever it is. */
        keyReference: Type.Optional(KeyReference),
        publicKey: Type.Optional(RsaPublicKey),
        /** The one trust point of the domain, with the holder reference that certificates must name. */
        trustPoint: Type.Object({ holderReference: HolderReference, publicKey: RsaPublicKey }, closed),
        /** '5F20' */
        applicationProviderId: HolderReference,
        owned: Type.Optional(Type.Boolean()),
        maker: Type.Optional(PairMaker),
        iin: Type.Optional(Hex),
        cin: Type.Optional(Hex),
      },
      closed,
    ),
  },
  closed,
);
export type AttestationClaim = Static<typeof AttestationClaim>;

/** POST /v1/attestations/verify */
export const AttestationFacts = Type.Object(
  {
    aid: Aid,
    iin: Hex,
    cin: Hex,
    keyReference: KeyReference,
    publicKey: RsaPublicKey,
    owned: Type.Boolean(),
    maker: PairMaker,
    casdHolderReference: HolderReference,
  },
  { additionalProperties: false },
);
export type AttestationFacts = Static<typeof AttestationFacts>;

/**
 * POST /v1/certificate-authority/security-domain-certificates: CERT.SD.AUT. The KMS sets what the claim must
 * say of key, trust point and owner itself. Without an attestation it is issued only where the card profile says that
 * the card has no CASD (`withoutAttestation`) and the KMS's configuration allows it, or an operator of the KMS asks.
 */
export const IssueSecurityDomainCertificate = Type.Object(
  {
    holderReference: HolderReference,
    publicKey: RsaPublicKey,
    claim: Type.Optional(AttestationClaim),
    withoutAttestation: Type.Optional(Type.Literal(true)),
  },
  { additionalProperties: false },
);
export type IssueSecurityDomainCertificate = Static<typeof IssueSecurityDomainCertificate>;

/** POST /v1/secure-channels with SCP02 or SCP03: returns INITIALIZE UPDATE. */
export const OpenSymmetricChannel = Type.Object(
  {
    protocol: Type.Union([Type.Literal('scp02'), Type.Literal('scp03')]),
    /** Label of the key set in the KMS's configuration; with `keyBlocks` of the key that protects them. */
    keySet: Name,
    /** The card's own keys, where the issuer keeps them; `derivation` is `none` then. */
    keyBlocks: Type.Optional(StoredCardKeys),
    derivation: Type.Union([Type.Literal('none'), Type.Literal('visa2'), Type.Literal('emv'), Type.Literal('kdf3')]),
    /** KVN; 00 is the card's first set. */
    keyVersion: Type.String({ pattern: '^[0-9A-F]{2}$' }),
    /** i of the card. */
    option: Type.String({ pattern: '^[0-9A-F]{2}$' }),
    securityLevel: Type.String({ pattern: '^(01|03|11|13|33)$' }),
    /** AID of the domain: a pseudo-random card challenge is checked with it. */
    aid: Aid,
    /** The channel ends with this flow. */
    flow: Type.Optional(FlowId),
  },
  { additionalProperties: false },
);
export type OpenSymmetricChannel = Static<typeof OpenSymmetricChannel>;

/** POST /v1/secure-channels with SCP10: returns the script up to GET CHALLENGE. */
export const OpenScp10Channel = Type.Object(
  {
    protocol: Type.Literal('scp10'),
    /**
     * 02 key transport; 01 key agreement, which has no keys before INTERNAL AUTHENTICATE: no commands with
     * `authenticate`.
     */
    options: Type.Union([Type.Literal('01'), Type.Literal('02')]),
    /** 01, 03, 11, 13, 33: scp10.md section 5. */
    securityLevel: Type.String({ pattern: '^(01|03|11|13|33)$' }),
    offCardEntityLabel: Name,
    /** CERT.OCE.AUT, root side first when there is a chain. */
    certificates: Type.Array(Hex, { minItems: 1, maxItems: 4 }),
    /** PK.SD.AUT, already trusted by the caller: attested, from step 52, or from a verified CERT.SD.AUT. */
    securityDomainKey: RsaPublicKey,
    /** CHR of CERT.SD.AUT: key agreement signs over it. */
    securityDomainHolder: Type.Optional(HolderReference),
    /** KVN and KID for MSE 84; absent is the SD's default key. */
    keyReference: Type.Optional(KeyReference),
    /** The channel ends with this flow. */
    flow: Type.Optional(FlowId),
    /** So many attestation challenges come with the script, for commands beside it. */
    challenges: Type.Optional(Type.Integer({ minimum: 1, maximum: 4 })),
  },
  { additionalProperties: false },
);
export type OpenScp10Channel = Static<typeof OpenScp10Channel>;

export const OpenSecureChannel = Type.Union([OpenScp10Channel, OpenSymmetricChannel]);
export const SecureChannelScript = Type.Object(
  {
    channelId: Type.String({ maxLength: 64 }),
    commands: Type.Array(CardCommand, { maxItems: 64 }),
    /** Only of an opening that asks for them. */
    challenges: Type.Optional(Type.Array(AttestationChallenge, { maxItems: 4 })),
  },
  { additionalProperties: false },
);
export type OpenSecureChannel = Static<typeof OpenSecureChannel>;
export type SecureChannelScript = Static<typeof SecureChannelScript>;

/** A command in clear, before wrapping. `data` may be up to 2048 bytes: the KMS cuts it into chained parts. */
export const PlainCommand = Type.Object(
  {
    label: Type.String({ maxLength: 80 }),
    cla: Type.Integer({ minimum: 0, maximum: 255 }),
    ins: Type.Integer({ minimum: 0, maximum: 255 }),
    p1: Type.Integer({ minimum: 0, maximum: 255 }),
    p2: Type.Integer({ minimum: 0, maximum: 255 }),
    data: Hex,
    /** True when response data is wanted (Le 00). */
    le: Type.Boolean(),
    expect: CardCommand.properties.expect,
    timeoutMs: CardCommand.properties.timeoutMs,
    /** The KMS fills in the data: the keys of the purse of this serial, under the session's DEK. With `wrap` only. */
    purseKeys: Type.Optional(Type.Object({ keySet: Name, serial: PurseSerial }, { additionalProperties: false })),
    /**
     * The KMS fills in the data: DGI, length and this key. The key is under the session's DEK, or with P1 `60` the
     * whole field, with zeros up to 16 bytes (GPCS 2.3.1 Table 11-89). With `wrap` only.
     */
    cardKey: Type.Optional(CardKey),
    /** The KMS makes it the PUT KEY of this content key. With `wrap` only. */
    contentKey: Type.Optional(Name),
    /** The KMS makes it the PUT KEY of this key set. With `wrap` only. */
    domainKeys: Type.Optional(DomainKeySet),
    /**
     * CERT.SD.AUT of the domain behind the channel, from this KMS's CA. No command gets a key without it, and so none
     * in SCP02 and SCP03: who opens a channel to a pair or keys of his own could read what is put into it.
     */
    receiver: Type.Optional(Hex),
  },
  { additionalProperties: false },
);
export type PlainCommand = Static<typeof PlainCommand>;

/**
 * POST /v1/secure-channels/{id}/authenticate: takes the responses to the opening script, returns
 * EXTERNAL AUTHENTICATE, INTERNAL AUTHENTICATE and the wrapped commands, to be sent as one script.
 */
export const AuthenticateSecureChannel = Type.Object(
  { responses: Type.Array(CardResponse, { maxItems: 64 }), commands: Type.Array(PlainCommand, { maxItems: 60 }) },
  { additionalProperties: false },
);
export type AuthenticateSecureChannel = Static<typeof AuthenticateSecureChannel>;

/** POST /v1/administration-keys: the pre-shared key of whoever calls under this identity. */
export const AdministrationKeyQuery = Type.Object(
  { identity: Type.String({ pattern: '^[ -~]{1,128}$' }) },
  { additionalProperties: false },
);
export type AdministrationKeyQuery = Static<typeof AdministrationKeyQuery>;
export const AdministrationKey = Type.Object(
  { psk: Type.String({ pattern: '^([0-9A-F]{2}){16,64}$' }) },
  { additionalProperties: false },
);
export type AdministrationKey = Static<typeof AdministrationKey>;

/** What a secured packet says in clear, and whose keys protect it. */
const PacketHeader = {
  card: CardId,
  /** Key version number of its SCP80 keys. */
  keySet: Type.Integer({ minimum: 1, maximum: 15 }),
  spi: Type.String({ pattern: '^[0-9A-F]{4}$' }),
  tar: Type.String({ pattern: '^[0-9A-F]{6}$' }),
  counter: Type.Integer({ minimum: 1, maximum: 0xff_ffff_ffff }),
};
/** POST /v1/packets/wrap: the secured packet of a command, without its user data header. */
export const WrapPacket = Type.Object({ ...PacketHeader, data: Hex }, { additionalProperties: false });
export type WrapPacket = Static<typeof WrapPacket>;
/** None where the card has had this counter before it came here: its next packet has one higher than the one told. */
export const SecuredPacket = Type.Union([
  Type.Object({ packet: Hex }, { additionalProperties: false }),
  Type.Object({ usedBefore: PacketHeader.counter }, { additionalProperties: false }),
]);
export type SecuredPacket = Static<typeof SecuredPacket>;
/** POST /v1/packets/unwrap: what a card's answer says, with its user data header, if it answers this packet. */
export const UnwrapPacket = Type.Object({ ...PacketHeader, answer: AnswerHex }, { additionalProperties: false });
export type UnwrapPacket = Static<typeof UnwrapPacket>;
export const OpenedPacket = Type.Object(
  {
    taken: Type.Boolean(),
    /** Why it is no answer to this packet. */
    reason: Type.Optional(Type.String({ maxLength: 64 })),
    /** Response status code of TS 102 225. */
    status: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })),
    data: Type.Optional(AnswerHex),
    /** A checksum of the card stands behind it. */
    authenticated: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type OpenedPacket = Static<typeof OpenedPacket>;

/** POST /v1/secure-channels/{id}/wrap */
export const WrapCommands = Type.Object(
  { commands: Type.Array(PlainCommand, { minItems: 1, maxItems: 60 }) },
  { additionalProperties: false },
);
export type WrapCommands = Static<typeof WrapCommands>;

/**
 * POST /v1/secure-channels/{id}/unwrap: takes the responses to the last script that was returned,
 * verifies INTERNAL AUTHENTICATE (first time) and each R-MAC, returns the plain responses of the
 * plain commands, in order. A wrong byte closes the channel.
 */
export const UnwrapResponses = Type.Object(
  { responses: Type.Array(CardResponse, { maxItems: 64 }) },
  { additionalProperties: false },
);
export const PlainResponses = Type.Object(
  { responses: Type.Array(CardResponse, { maxItems: 64 }) },
  { additionalProperties: false },
);
export type UnwrapResponses = Static<typeof UnwrapResponses>;
export type PlainResponses = Static<typeof PlainResponses>;

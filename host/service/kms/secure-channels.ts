// SPDX-License-Identifier: Apache-2.0
import type { TrustAnchor } from '../../crypto/card-certificate.ts';
import type { RandomSource } from '../../crypto/random.ts';
import { CertificateError, ConflictError, LifeCycleError, NotFoundError, TransportError } from '../../errors.ts';
import type { CardKeySets } from '../../kms/card-key-sets.ts';
import { diversifiedKeys } from '../../kms/diversification.ts';
import type { KeyProvider } from '../../kms/key-provider.ts';
import { Scp02Channel } from '../../secure-channel/scp02/channel.ts';
import { Scp03Channel } from '../../secure-channel/scp03/channel.ts';
import { Scp10Channel } from '../../secure-channel/scp10/channel.ts';
import type { SecureChannel } from '../../secure-channel/secure-channel.ts';
import { securityLevel } from '../../secure-channel/security-level.ts';
import type { StaticKeyLookup } from '../../secure-channel/symmetric-keys.ts';
import { decodeCertificate, MAX_CERTIFICATE } from '../../wire/gp/certificate.ts';
import { fromPlainCommand, type GpCommand } from '../../wire/gp/command.ts';
import { keyReferenceFromHex } from '../../wire/gp/key-reference.ts';
import { fromRsaPublicKey, type PublicKey, samePublicKey } from '../../wire/gp/public-key.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import type {
  AuthenticateSecureChannel,
  OpenScp10Channel,
  OpenSecureChannel,
  OpenSymmetricChannel,
  PlainCommand,
  PlainResponses,
  SecureChannelScript,
  UnwrapResponses,
  WrapCommands,
} from '../../wire/message/kms.ts';
import type { CardKeyBlockService } from './card-key-blocks.ts';
import type { ContentService, KeyToPut } from './content-service.ts';
import type { DomainKeySets } from './domain-key-sets.ts';
import type { Incarnation, Keeper } from './incarnations.ts';
import type { KeyLifeCycle } from './key-life-cycle.ts';
import { requireReceiver } from './key-receiver.ts';
import type { PurseService } from './purse-service.ts';

export interface SecureChannelLimits {
  readonly maxOpen: number;
  readonly idleMs: number;
}

export interface SecureChannelPolicy {
  /**
   * True: SCP10 by key transport as GPCS has it, for domains whose applet knows no other. What is signed towards one of
   * them opens others of the same owner to whoever has its private key (docs/scp10.md 4.3). Default false.
   */
  readonly allowUnnamedReceiver?: boolean;
}

/** What the KMS puts into a command: the secret part goes under the DEK and is wiped. */
interface FilledIn {
  readonly clear: Uint8Array;
  readonly secret: Uint8Array;
}

/** P1 of STORE DATA: the whole field stands under the DEK. @see GPCS 2.3.1 Table 11-89 */
const STORE_ENCRYPTED = 0x60;
/** Whole blocks of a DEK, of any protocol. */
const DEK_UNIT = 16;

interface OpenChannel {
  readonly channel: SecureChannel;
  /** Absent for SCP02 and SCP03. */
  readonly peer: PublicKey | undefined;
  usedAt: number;
  readonly keeper: Keeper;
  /** The last request and its result: a caller whose answer was lost asks again and gets the same. */
  last: { readonly request: string; readonly result: Promise<unknown> } | undefined;
}

/** The owner's secure channels: a bounded number, wiped when idle, gone with the first wrong byte. */
export class SecureChannels {
  readonly #keys: KeyProvider;
  readonly #authority: TrustAnchor;
  readonly #cardKeySets: CardKeySets;
  readonly #cardKeys: Pick<CardKeyBlockService, 'open'>;
  readonly #limits: SecureChannelLimits;
  readonly #policy: SecureChannelPolicy;
  readonly #random: RandomSource;
  readonly #now: () => number;
  readonly #purse: Pick<PurseService, 'keyObjects'>;
  readonly #content: Pick<ContentService, 'putKey'>;
  readonly #domainKeys: Pick<DomainKeySets, 'putKey'>;
  readonly #managedKeys: Pick<KeyLifeCycle, 'cardKey'>;
  readonly #channels = new Map<string, OpenChannel>();

  constructor(options: {
    keys: KeyProvider;
    /** Whose certificates make a pair one that keys may go to. */
    authority: TrustAnchor;
    cardKeySets: CardKeySets;
    cardKeys: Pick<CardKeyBlockService, 'open'>;
    limits: SecureChannelLimits;
    policy: SecureChannelPolicy;
    random: RandomSource;
    now: () => number;
    purse: Pick<PurseService, 'keyObjects'>;
    content: Pick<ContentService, 'putKey'>;
    domainKeys: Pick<DomainKeySets, 'putKey'>;
    managedKeys: Pick<KeyLifeCycle, 'cardKey'>;
  }) {
    this.#managedKeys = options.managedKeys;
    this.#purse = options.purse;
    this.#content = options.content;
    this.#domainKeys = options.domainKeys;
    this.#keys = options.keys;
    this.#authority = options.authority;
    this.#cardKeySets = options.cardKeySets;
    this.#cardKeys = options.cardKeys;
    this.#limits = options.limits;
    this.#policy = options.policy;
    this.#random = options.random;
    this.#now = options.now;
  }

  get size(): number {
    return this.#channels.size;
  }

  /**
   * @throws TransportError `kms-busy`
   * @throws CertificateError when CERT.OCE.AUT is not for the named key
   * @throws NotFoundError `key-unknown`
   */
  async open(request: OpenSecureChannel, holder?: Incarnation): Promise<SecureChannelScript> {
    const channel = request.protocol === 'scp10' ? await this.#scp10(request) : await this.#symmetric(request);
    const commands = channel.prepare();
    this.expireIdle();
    if (this.#channels.size >= this.#limits.maxOpen) {
      channel.close();
      throw new TransportError('kms-busy', 'Too many secure channels are open: try again later', {
        maxOpen: this.#limits.maxOpen,
      });
    }
    const channelId = toHex(this.#random(16, 'channel-id'));
    this.#channels.set(channelId, {
      channel,
      peer: peerOf(request),
      usedAt: this.#now(),
      last: undefined,
      keeper: { flow: request.flow, holder },
    });
    return { channelId, commands };
  }

  async #symmetric(request: OpenSymmetricChannel): Promise<SecureChannel> {
    const option = Number.parseInt(request.option, 16);
    const common = {
      level: securityLevel(Number.parseInt(request.securityLevel, 16)),
      keys: await this.#staticKeys(request),
      keyVersion: Number.parseInt(request.keyVersion, 16),
      random: this.#random,
    };
    if (request.protocol === 'scp02') return new Scp02Channel({ ...common, option });
    return new Scp03Channel({ ...common, s16: (option & 0x01) !== 0, aid: fromHex(request.aid, 16) });
  }

  async #staticKeys({ keySet, derivation, keyBlocks }: OpenSymmetricChannel): Promise<StaticKeyLookup> {
    if (keyBlocks === undefined) return diversifiedKeys(derivation, this.#cardKeySets.find(keySet));
    if (derivation !== 'none')
      throw new ConflictError('derivation', 'Key blocks hold the card’s own keys: derive nothing');
    const own = await this.#cardKeys.open(keySet, keyBlocks);
    // They are this card's own and asked for once: the channel wipes what it gets.
    return () => own;
  }

  async #scp10(request: OpenScp10Channel): Promise<SecureChannel> {
    const offCardEntity = await this.#keys.signer(request.offCardEntityLabel, 'off-card-entity');
    const certificates = request.certificates.map((text) => fromHex(text, 2 * MAX_CERTIFICATE));
    const own = certificates.at(-1);
    if (own === undefined || !samePublicKey(decodeCertificate(own).publicKey, offCardEntity.publicKey)) {
      throw new CertificateError(
        'certificate-key',
        'CERT.OCE.AUT, the last certificate, does not certify the named key',
      );
    }
    const { keyReference, securityDomainHolder } = request;
    return new Scp10Channel({
      option: request.options === '01' ? 0x01 : 0x02,
      level: securityLevel(Number.parseInt(request.securityLevel, 16)),
      offCardEntity,
      certificates,
      securityDomainKey: fromRsaPublicKey(request.securityDomainKey),
      ...(keyReference === undefined ? {} : { keyReference: keyReferenceFromHex(keyReference) }),
      ...(securityDomainHolder === undefined ? {} : { securityDomainHolder: fromHex(securityDomainHolder, 16) }),
      namesReceiver: this.#policy.allowUnnamedReceiver !== true,
      random: this.#random,
    });
  }

  async authenticate(
    channelId: string,
    { responses, commands }: AuthenticateSecureChannel,
  ): Promise<SecureChannelScript> {
    if (commands.some(namesKey))
      throw new LifeCycleError('keys-before-session', 'Keys go out after the channel was opened: wrap them');
    const plain = commands.map(fromPlainCommand);
    const request = JSON.stringify(['authenticate', responses, commands]);
    const work = (channel: SecureChannel) => channel.authenticate(responses, plain);
    return { channelId, commands: await this.#use(channelId, request, work) };
  }

  /**
   * Keys that a command names are put into it here, under the session's DEK.
   *
   * @throws PolicyError `channel-uncertified` before any key is looked at
   */
  async wrap(channelId: string, { commands }: WrapCommands): Promise<SecureChannelScript> {
    const plain = commands.map(fromPlainCommand);
    const receivers = this.#receivers(channelId, commands);
    const fills = await Promise.allSettled(
      commands.map((command, index) => this.#keysFor(command, receivers[index] ?? '')),
    );
    const putting = await Promise.allSettled(
      commands.map((command, index) => this.#putFor(command, receivers[index] ?? '')),
    );
    const keys = fills.map((fill) => (fill.status === 'fulfilled' ? fill.value : undefined));
    const puts = putting.map((put) => (put.status === 'fulfilled' ? put.value : undefined));
    const request = JSON.stringify(['wrap', commands]);
    const fill = (channel: SecureChannel, command: GpCommand, index: number): GpCommand => {
      const filled = keys[index];
      if (filled === undefined) return puts[index]?.command(channel) ?? command;
      return { ...command, data: concat(filled.clear, channel.encryptSensitive(filled.secret)) };
    };
    const work = async (channel: SecureChannel) =>
      channel.wrap(plain.map((command, index) => fill(channel, command, index)));
    try {
      // One that is refused leaves those of the others to be wiped.
      for (const each of [...fills, ...putting]) if (each.status === 'rejected') throw each.reason;
      return { channelId, commands: await this.#use(channelId, request, work) };
    } finally {
      for (const filled of keys) filled?.secret.fill(0);
      for (const put of puts) put?.[Symbol.dispose]();
    }
  }

  /** For each command that names keys, who gets them. */
  #receivers(channelId: string, commands: readonly PlainCommand[]): (string | undefined)[] {
    if (!commands.some(namesKey)) return [];
    const { peer } = this.#open(channelId);
    return commands.map((command) =>
      namesKey(command) ? requireReceiver(peer, command.receiver, this.#authority) : undefined,
    );
  }

  async #putFor({ contentKey, domainKeys }: PlainCommand, receiver: string): Promise<KeyToPut | undefined> {
    if (domainKeys !== undefined) return this.#domainKeys.putKey(domainKeys, receiver);
    return contentKey === undefined ? undefined : this.#content.putKey(contentKey, receiver);
  }

  async #keysFor({ purseKeys, cardKey, p1 }: PlainCommand, receiver: string): Promise<FilledIn | undefined> {
    if (purseKeys !== undefined)
      return { clear: new Uint8Array(), secret: await this.#purse.keyObjects(purseKeys, receiver) };
    if (cardKey === undefined) return undefined;
    const key = await this.#managedKeys.cardKey(cardKey, `secure channel to ${receiver}`);
    const head = concat(fromHex(cardKey.dgi, 2), Uint8Array.of(key.length));
    if ((p1 & STORE_ENCRYPTED) !== STORE_ENCRYPTED) return { clear: head, secret: key };
    const secret = new Uint8Array(Math.ceil((head.length + key.length) / DEK_UNIT) * DEK_UNIT);
    secret.set(head);
    secret.set(key, head.length);
    key.fill(0);
    return { clear: new Uint8Array(), secret };
  }

  async unwrap(channelId: string, { responses }: UnwrapResponses): Promise<PlainResponses> {
    const request = JSON.stringify(['unwrap', responses]);
    return { responses: await this.#use(channelId, request, (channel) => channel.unwrap(responses)) };
  }

  /** Wipes the keys; a channel that is gone is fine. */
  close(channelId: string): void {
    this.#channels.get(channelId)?.channel.close();
    this.#channels.delete(channelId);
  }

  /** Wipes the channels of whoever has ended. */
  end(ends: (keeper: Keeper) => boolean): void {
    for (const [channelId, { keeper }] of [...this.#channels]) if (ends(keeper)) this.close(channelId);
  }

  closeAll(): void {
    for (const channelId of [...this.#channels.keys()]) this.close(channelId);
  }

  /** Wipes channels that nobody has used for too long. */
  expireIdle(): void {
    const oldest = this.#now() - this.#limits.idleMs;
    for (const [channelId, { usedAt }] of [...this.#channels]) if (usedAt < oldest) this.close(channelId);
  }

  #open(channelId: string): OpenChannel {
    this.expireIdle();
    const open = this.#channels.get(channelId);
    if (open !== undefined) return open;
    throw new NotFoundError('channel-unknown', 'This secure channel is closed: open a new one');
  }

  /** One request at a time; the same one again, also while it is at work, gets the same result. */
  async #use<T>(channelId: string, request: string, work: (channel: SecureChannel) => Promise<T>): Promise<T> {
    const open = this.#open(channelId);
    open.usedAt = this.#now();
    const before = open.last;
    if (before?.request === request) return before.result as Promise<T>;
    const result = work(open.channel);
    const last = { request, result };
    open.last = last;
    try {
      return await result;
    } catch (error) {
      if (open.last === last) open.last = before;
      throw error;
    } finally {
      if (open.channel.state === 'closed') this.close(channelId);
    }
  }
}

const namesKey = ({ purseKeys, cardKey, contentKey, domainKeys }: PlainCommand): boolean =>
  (purseKeys ?? cardKey ?? contentKey ?? domainKeys) !== undefined;

const peerOf = (request: OpenSecureChannel): PublicKey | undefined =>
  request.protocol === 'scp10' ? fromRsaPublicKey(request.securityDomainKey) : undefined;

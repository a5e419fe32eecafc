// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { issueCardCertificate } from '../../crypto/card-certificate.ts';
import { systemRandom } from '../../crypto/random.ts';
import type { RsaSigner } from '../../crypto/rsa.ts';
import { InvariantError, TransportError, TsmError } from '../../errors.ts';
import { Scp10Channel } from '../../secure-channel/scp10/channel.ts';
import { LEVEL, securityLevel } from '../../secure-channel/security-level.ts';
import type { Aid } from '../../wire/gp/aid.ts';
import { CHA } from '../../wire/gp/certificate.ts';
import { type GpCommand, toCardCommand } from '../../wire/gp/command.ts';
import { deleteObject } from '../../wire/gp/delete.ts';
import { decodePublicKey } from '../../wire/gp/generate-key-pair.ts';
import { installForPersonalization, installSecurityDomain } from '../../wire/gp/install.ts';
import type { KeyReference } from '../../wire/gp/key-reference.ts';
import { type PublicKey, toRsaPublicKey } from '../../wire/gp/public-key.ts';
import { select } from '../../wire/gp/select.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import type { RsaPublicKey } from '../../wire/message/common.ts';

/**
 * The hand of an issuer that does what it likes: its own keys and rights, and a way to send any command to the card.
 */

const LEVEL_33 = securityLevel(LEVEL.C_MAC | LEVEL.C_DECRYPTION | LEVEL.R_MAC | LEVEL.R_ENCRYPTION);

/** Sends commands one after the other, going on after each refusal. */
export type SendToCard = (commands: readonly CardCommand[]) => Promise<readonly CardResponse[]>;

/** What the issuer has. */
export interface IssuerSecrets {
  /** SK.OCE.AUT and CERT.OCE.AUT, which the ISD takes. */
  readonly offCardEntity: RsaSigner;
  readonly certificate: Uint8Array;
  /** Its CA, under which it can certify whatever it likes, under any name. */
  readonly authority: RsaSigner;
  readonly authorityReference: Uint8Array;
}

/** Whom it attacks. */
export interface Victim {
  readonly isd: { readonly aid: Aid; readonly publicKey: PublicKey; readonly keyReference: KeyReference };
  readonly ssd: Aid;
  readonly applicationProviderId: Uint8Array;
  /** PK.TP_EX.AUT of the provider. */
  readonly trustPoint: { readonly publicKey: PublicKey; readonly holderReference: Uint8Array };
}

/** A secure channel in the issuer's hand. */
export class HandChannel {
  readonly #channel: Scp10Channel;
  readonly #send: SendToCard;

  constructor(channel: Scp10Channel, send: SendToCard) {
    this.#channel = channel;
    this.#send = send;
  }

  /** The last answer to one command, which may go as several blocks; the bare status word when it is not protected. */
  async send(command: GpCommand): Promise<CardResponse> {
    const answers: CardResponse[] = [];
    for (const block of this.#channel.wrap([command])) {
      answers.push(...(await this.#send([block])));
      if (answers.at(-1)?.sw !== '9000') break;
    }
    const plain = (await this.#channel.unwrap(answers)).at(-1) ?? answers.at(-1);
    if (plain === undefined) throw new InvariantError('attack-setting', `${command.label} was not answered`);
    return plain;
  }

  /** A key as PUT KEY carries it in this session. */
  encrypt(key: Uint8Array): Uint8Array {
    return this.#channel.encryptSensitive(key);
  }
}

export class IssuerHand {
  readonly victim: Victim;
  readonly secrets: IssuerSecrets;
  readonly send: SendToCard;

  constructor(send: SendToCard, secrets: IssuerSecrets, victim: Victim) {
    this.send = send;
    this.secrets = secrets;
    this.victim = victim;
  }

  /** The issuer's own session with its ISD. @throws InvariantError when it cannot be had: nothing would be proven */
  async openIsd(): Promise<HandChannel> {
    const { isd } = this.victim;
    const opened = await this.#open(isd.aid, [this.secrets.certificate], isd.publicKey, isd.keyReference);
    if (opened instanceof HandChannel) return opened;
    throw new InvariantError('attack-setting', `The issuer cannot open its own ISD: ${opened}`);
  }

  /** Status words of these commands in one session with the ISD. */
  async throughIsd(...commands: readonly GpCommand[]): Promise<string[]> {
    const channel = await this.openIsd();
    const words: string[] = [];
    for (const command of commands) words.push((await channel.send(command)).sw);
    return words;
  }

  /** The same, handed to the victim's domain. */
  async personalize(...commands: readonly GpCommand[]): Promise<string[]> {
    const [named, ...words] = await this.throughIsd(installForPersonalization(this.victim.ssd), ...commands);
    return named === '9000' ? words : commands.map(() => named ?? '');
  }

  /** Makes a pair in the victim's domain and says which it is; undefined when the domain refuses. */
  async generate(command: GpCommand): Promise<RsaPublicKey | undefined> {
    const channel = await this.openIsd();
    await channel.send(installForPersonalization(this.victim.ssd));
    const { data, sw } = await channel.send(command);
    return sw === '9000' ? toRsaPublicKey(decodePublicKey(fromHex(data, 1024))) : undefined;
  }

  install(instance = this.victim.ssd, applicationProviderId = this.victim.applicationProviderId): GpCommand {
    return installSecurityDomain({ instance, applicationProviderId, keySizeBits: 1024 });
  }

  delete(instance = this.victim.ssd): GpCommand {
    return deleteObject(instance);
  }

  /** A certificate of the issuer's CA for its own key, under any name. */
  certificateFor(
    holderReference: Uint8Array,
    authorityReference = this.secrets.authorityReference,
  ): Promise<Uint8Array> {
    const { offCardEntity, authority } = this.secrets;
    return issueCardCertificate(
      {
        serial: new Uint8Array(randomBytes(8)),
        authorityReference,
        holderReference,
        holderAuthorization: CHA.OFF_CARD_ENTITY,
        publicKey: offCardEntity.publicKey,
      },
      authority,
    );
  }

  /** A session with the victim's domain under this key; else how far it came. */
  async openDomain(
    key: PublicKey,
    reference: KeyReference | undefined,
    certificates: readonly Uint8Array[],
  ): Promise<HandChannel | string> {
    return this.#open(this.victim.ssd, certificates, key, reference);
  }

  async #open(
    aid: Aid,
    certificates: readonly Uint8Array[],
    securityDomainKey: PublicKey,
    keyReference: KeyReference | undefined,
  ): Promise<HandChannel | string> {
    const channel = new Scp10Channel({
      option: 0x02,
      level: LEVEL_33,
      offCardEntity: this.secrets.offCardEntity,
      certificates,
      securityDomainKey,
      random: systemRandom,
      ...(keyReference === undefined ? {} : { keyReference }),
    });
    await this.send([toCardCommand(select(aid))]);
    try {
      const opening = await this.send(channel.prepare());
      const script = await channel.authenticate(opening, []);
      const answered = await this.send(script);
      await channel.unwrap(answered);
      return new HandChannel(channel, this.send);
    } catch (error) {
      if (error instanceof TransportError || !(error instanceof TsmError)) throw error;
      return `${error.code} ${error.context.sw ?? ''}`;
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CardImage, SimulatedCard, Simulator } from '../../simulator/src/index.ts';
import { startSimulator } from '../../simulator/src/index.ts';
import { UsageError } from '../errors.ts';
import { cardIdText } from '../store/card-id.ts';
import type { KeySizeBits } from '../wire/gp/generate-key-pair.ts';
import { fromRsaPublicKey } from '../wire/gp/public-key.ts';
import { fromHex } from '../wire/hex.ts';
import type { CardId } from '../wire/message/common.ts';
import type { StartKeyDistribution } from '../wire/message/key-distribution.ts';
import { type BipServer, type CallPlace, cardAgentConfigs, makeBipConfigs, smsAfterBip } from './bip.ts';
import { CardMaker, type MadeCard, type WantedCard } from './card-maker.ts';
import { type LabLink, type LabLinkOptions, openLink } from './link.ts';
import { makeNativeCard, type NativeCardKind, type NativeMadeCard } from './native-cards.ts';
import { Platforms, TERMINAL_ID } from './platforms.ts';
import { type SmsCost, SmsLab } from './sms.ts';

/** Everything that a demo plays on: platforms, simulator, cards in readers. */

/** A simulated card in one of the terminal's readers. */
export interface CardInReader {
  readonly cardId: CardId;
  readonly made: MadeCard | NativeMadeCard;
  readonly card: SimulatedCard;
  readonly readerName: string;
}

export const isNative = (made: MadeCard | NativeMadeCard): made is NativeMadeCard => 'isdKeySet' in made;

/** Ways from `ota` to a card. */
export const BEARERS = ['reader', 'bip', 'bip-card', 'sms'] as const;
export type BearerKind = (typeof BEARERS)[number];

export interface MultiProviderLabOptions extends LabLinkOptions {
  /** Cards of the field of this kind; default cards with our issuer's domain. */
  readonly nativeCard?: NativeCardKind;
  /** RSA size of the SSDs' pairs. */
  readonly keySizeBits: KeySizeBits;
  readonly stateDir: string;
  /** Ids; those in `permitted` may have SSDs made. */
  readonly providers: readonly string[];
  readonly permitted: readonly string[];
  readonly platform?: Readonly<Record<string, unknown>>;
  readonly kms?: Readonly<Record<string, unknown>>;
  readonly ota?: Readonly<Record<string, unknown>>;
  /**
   * How scripts go from `ota` to the card; default over the reader link. `bip-then-sms` has an agent that nobody
   * answers where it calls.
   */
  readonly bearer?: BearerKind | 'bip-then-sms';
  /** Where cards and terminals call in place of `ota`, which listens at `calls`: a wire of the test's in between. */
  readonly wire?: CallPlace;
  /** Before a packet without an answer goes again; default 5,000. */
  readonly resendMs?: number;
  /** Added to the config of one provider, by its id. */
  readonly provider?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly keepAlive?: boolean;
  /** An entrance for phone apps; default none. */
  readonly front?: boolean;
  /** Processes of each daemon but the terminal; default 1. */
  readonly nodes?: number;
  /** Called before the daemons start. */
  readonly onLink?: (link: LabLink) => void;
}

export class MultiProviderLab implements AsyncDisposable {
  readonly link: LabLink;
  readonly platforms: Platforms;
  readonly simulator: Simulator;
  readonly #cardMaker: CardMaker;
  readonly #keySizeBits: MultiProviderLabOptions['keySizeBits'];
  readonly #nativeCard: NativeCardKind | undefined;
  /** The short messages of the bearer; undefined for another one. */
  readonly sms: SmsLab | undefined;
  readonly #bip: BipServer | undefined;
  readonly #cardAgents: boolean;

  private constructor(parts: {
    link: LabLink;
    platforms: Platforms;
    simulator: Simulator;
    cardMaker: CardMaker;
    keySizeBits: MultiProviderLabOptions['keySizeBits'];
    nativeCard: NativeCardKind | undefined;
    sms: SmsLab | undefined;
    bip: BipServer | undefined;
    cardAgents: boolean;
  }) {
    this.link = parts.link;
    this.platforms = parts.platforms;
    this.simulator = parts.simulator;
    this.#cardMaker = parts.cardMaker;
    this.#keySizeBits = parts.keySizeBits;
    this.#nativeCard = parts.nativeCard;
    this.sms = parts.sms;
    this.#bip = parts.bip;
    this.#cardAgents = parts.cardAgents;
  }

  static async open(options: MultiProviderLabOptions): Promise<MultiProviderLab> {
    const { stateDir, providers, permitted, keySizeBits } = options;
    await mkdir(stateDir, { recursive: true });
    // Logs and traffic of an earlier run are none of this one's artefacts.
    await rm(join(stateDir, 'log'), { recursive: true, force: true });
    await using parts = new AsyncDisposableStack();
    const link = parts.use(await openLink(options));
    options.onLink?.(link);
    const cardMaker = await CardMaker.open(join(stateDir, 'card-maker'));
    const { platform, provider, kms, ota, keepAlive, nativeCard } = options;
    const readerNames = link.readers.map(({ name }) => name);
    const [kind = 'reader'] = [options.bearer];
    const cardAgents = kind === 'bip-card';
    const resend = options.resendMs === undefined ? {} : { resendMs: options.resendMs };
    const writes = kind.endsWith('sms') || cardAgents;
    const sms = writes ? parts.use(await SmsLab.open(join(stateDir, 'sms'), readerNames, resend)) : undefined;
    const bip = kind.startsWith('bip')
      ? await makeBipConfigs(join(stateDir, 'administration'), TERMINAL_ID, options.wire)
      : undefined;
    const both = cardAgents ? cardAgentConfigs : smsAfterBip;
    const remote = bip !== undefined && sms !== undefined ? await both(bip, sms) : (sms ?? bip);
    const platforms = parts.use(
      await Platforms.start({
        stateDir,
        providers,
        cardMaker,
        terminal: { ...link.terminal, ...remote?.terminal },
        ...(platform === undefined ? {} : { platform }),
        ...(provider === undefined ? {} : { provider }),
        ...(kms === undefined ? {} : { kms }),
        ota: { ...remote?.ota, ...ota },
        ...(remote === undefined ? {} : { otaKms: remote.otaKms }),
        ...(keepAlive === undefined ? {} : { keepAlive }),
        nativeCards: nativeCard !== undefined,
        front: options.front ?? false,
        nodes: options.nodes ?? 1,
      }),
    );
    for (const id of providers) {
      await platforms.registerProvider(
        id,
        permitted.includes(id) ? ['create-security-domain', 'install-application'] : [],
      );
    }
    const simulator = parts.use(await startSimulator());
    parts.move();
    return new MultiProviderLab({
      link,
      platforms,
      simulator,
      cardMaker,
      keySizeBits,
      nativeCard,
      sms,
      bip,
      cardAgents,
    });
  }

  /** Makes a card, plugs it into reader `slot` and, when `known`, enters it into the issuer's card database. */
  async insertCard(
    slot: number,
    options: {
      readonly known: boolean;
      readonly casd?: boolean;
      /** False for a card that has no number, and is reached by its terminal alone. */
      readonly subscribed?: boolean;
      /** False for a card that has lost the agent that it is entered with. */
      readonly agent?: boolean;
    },
  ): Promise<CardInReader> {
    const reader = this.link.readers[slot];
    if (reader?.plug === undefined) throw new UsageError('no-slot', `There is no simulated reader ${slot}`);
    const { made, cardId } =
      this.#nativeCard === undefined
        ? await this.#makeOwn(options.casd ?? true)
        : await makeNativeCard(this.#nativeCard, newIccid()).then((card) => ({ made: card, cardId: card.cardId }));
    if (options.known) await this.platforms.registerCard(cardId, made);
    const subscribed = options.subscribed ?? true;
    const image = subscribed ? this.#imageOf(made.image, cardId, options.agent ?? true) : made.image;
    const agent = this.#cardAgents ? 'opentsm' : undefined;
    if (this.sms !== undefined && subscribed)
      await this.platforms.subscribe(cardId, this.sms.msisdnOf(reader.name), agent);
    const card = await this.simulator.insert(image, reader.plug);
    await this.platforms.cardPresent(reader.name);
    return { cardId, made, card, readerName: reader.name };
  }

  /** Takes a card out: its reader is free for another one. */
  async removeCard({ card, readerName }: CardInReader): Promise<void> {
    await card.remove();
    await this.platforms.cardPresent(readerName, false);
  }

  /** With what its bearer needs of a card. */
  #imageOf(image: CardImage, cardId: CardId, agent: boolean): CardImage {
    if (this.sms === undefined) return image;
    const managed = this.sms.managed(image, cardId);
    return this.#bip === undefined || !this.#cardAgents || !agent
      ? managed
      : this.sms.withAgent(managed, this.#bip.pskOf(cardIdText(cardId)));
  }

  async #makeOwn(casd: boolean): Promise<{ readonly made: MadeCard; readonly cardId: CardId }> {
    const cardId: CardId = { kind: 'iccid', value: newIccid() };
    const keySizeBits = isdKeySizeBits(this.#keySizeBits);
    const wanted: WantedCard = { name: `card-${cardId.value}`, iccid: cardId.value, keySizeBits, casd };
    return { made: await this.#cardMaker.make(wanted, await this.platforms.issuerAuthority()), cardId };
  }

  /** New cards that are in no reader, for whoever has them in his hand. */
  get range() {
    const { holderReference, publicKey } = this.#cardMaker.trustAnchor;
    const makers = [{ holderReference: fromHex(holderReference), publicKey: fromRsaPublicKey(publicKey) }];
    const card = async () => {
      const wanted = { name: 'range', iccid: newIccid(), keySizeBits: 1024, casd: true } as const;
      const made = await this.#cardMaker.make(wanted, await this.platforms.issuerAuthority());
      const inserted = await this.simulator.insert(made.image);
      await inserted.power('on');
      return { made, card: inserted };
    };
    return { card, makers };
  }

  /** Where `ota` takes calls; undefined for a bearer without them. */
  get calls(): CallPlace | undefined {
    return this.#bip?.listen;
  }

  /** What went over the radio network; undefined for another bearer. */
  get smsCost(): SmsCost | undefined {
    return this.sms?.cost;
  }

  /** The request of a flow on this card. */
  request({ readerName }: Pick<CardInReader, 'readerName'>): StartKeyDistribution {
    return { terminalId: 'desk', readerName, keySizeBits: this.#keySizeBits };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.platforms[Symbol.asyncDispose]();
    await this.sms?.[Symbol.asyncDispose]();
    await this.simulator.stop();
    await this.link[Symbol.asyncDispose]();
  }
}

/**
 * A private key of 3072 bits does not fit one PUT KEY of the card maker (applet README 4.1): the ISD's has 2048 at
 * most.
 */
const isdKeySizeBits = (wanted: MultiProviderLabOptions['keySizeBits']) => (wanted === 1024 ? 1024 : 2048);

/** 20 digits under a test issuer's number; new for every card, so that databases of earlier runs do not know it. */
const newIccid = (): string => `89860099${Array.from({ length: 12 }, () => randomInt(10)).join('')}`;

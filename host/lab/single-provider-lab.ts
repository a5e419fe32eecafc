// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SimulatedCard, type Simulator, startSimulator } from '../../simulator/src/index.ts';
import { InvariantError } from '../errors.ts';
import { freePort } from '../local/free-port.ts';
import { VPCD_PORT } from '../local/pcscd.ts';
import type { CardId } from '../wire/message/common.ts';
import type { KeyDistributionState } from '../wire/message/key-distribution.ts';
import { CardMaker, type MadeCard } from './card-maker.ts';
import { Platforms, TERMINAL_ID } from './platforms.ts';

export interface SingleProviderLabOptions {
  readonly link: 'pcsc' | 'direct';
  /** RSA size of the SSDs' pairs; the cards' own are 1024. */
  readonly keySizeBits: 1024 | 2048 | 3072;
  /** Readers on the direct link; default 1. */
  readonly readers?: number;
  /** Added to each round trip between OTA server and terminal. */
  readonly addedDelayMs?: number;
  /** The security domains' CAP file to run on the cards; default their class files. */
  readonly cap?: string;
  /** Added to the provider's config. */
  readonly provider?: Readonly<Record<string, unknown>>;
  /** Starts daemons again that die. */
  readonly keepAlive?: boolean;
  /** An entrance for phone apps; default none. */
  readonly front?: boolean;
  /** Processes of each daemon; default 1. */
  readonly nodes?: number;
}

/** A card in a reader of the lab. */
export interface InsertedCard extends AsyncDisposable {
  readonly card: SimulatedCard;
  readonly cardId: CardId;
  readonly readerName: string;
}

const PROVIDER = 'a';
const VIRTUAL_READER = 'Virtual PCD 00 00';

/** All daemons with one provider, one simulator, and readers into which new cards are put: for tests and the bench. */
export class SingleProviderLab implements AsyncDisposable {
  readonly provider = PROVIDER;
  readonly platforms: Platforms;
  readonly #options: SingleProviderLabOptions;
  readonly #folder: string;
  readonly #simulator: Simulator;
  readonly #ports: readonly number[];
  readonly #template: MadeCard;
  #cards = 0;

  private constructor(parts: {
    readonly options: SingleProviderLabOptions;
    readonly folder: string;
    readonly platforms: Platforms;
    readonly simulator: Simulator;
    readonly ports: readonly number[];
    readonly template: MadeCard;
  }) {
    this.#options = parts.options;
    this.#folder = parts.folder;
    this.platforms = parts.platforms;
    this.#simulator = parts.simulator;
    this.#ports = parts.ports;
    this.#template = parts.template;
  }

  static async open(options: SingleProviderLabOptions): Promise<SingleProviderLab> {
    const folder = await mkdtemp(join(tmpdir(), 'opentsm-lab-'));
    const cardMaker = await CardMaker.open(join(folder, 'card-maker'));
    const count = options.link === 'direct' ? (options.readers ?? 1) : 0;
    const ports = await Promise.all(Array.from({ length: count }, freePort));
    const platforms = await Platforms.start({
      stateDir: join(folder, 'state'),
      providers: [PROVIDER],
      cardMaker,
      keepAlive: options.keepAlive ?? false,
      nodes: options.nodes ?? 1,
      front: options.front ?? false,
      terminal:
        options.link === 'pcsc'
          ? { pcscReaders: { name: VIRTUAL_READER } }
          : { directReaders: ports.map((port, index) => ({ name: readerName(index), host: '127.0.0.1', port })) },
      ...(options.provider === undefined ? {} : { provider: { [PROVIDER]: options.provider } }),
      ...(options.addedDelayMs === undefined ? {} : { ota: { addedDelayMs: options.addedDelayMs } }),
    });
    await platforms.registerProvider(PROVIDER, ['create-security-domain', 'install-application']);
    const wanted = { name: 'template', iccid: '89860000000000000000', keySizeBits: 1024, casd: true } as const;
    const template = await cardMaker.make(wanted, await platforms.issuerAuthority());
    return new SingleProviderLab({ options, folder, platforms, simulator: await startSimulator(), ports, template });
  }

  /** The key pair of every ISD of this lab, as the card image holds it. */
  get isdKeyPair() {
    const pair = this.#template.image.isd?.keyPair;
    if (pair === undefined || pair === null) throw new InvariantError('template', 'The cards have no ISD pair');
    return pair;
  }

  /** Number of readers. */
  get readers(): number {
    return Math.max(1, this.#ports.length);
  }

  /**
   * Puts a new card, known to the issuer by an ICCID of its own, into reader `index`.
   *
   * @param seed of the card's randomness, hex: two cards of one seed make the same key pairs in the same time
   * @param known false: another issuer's, of which ours knows nothing
   */
  async insert(index = 0, seed?: string, known = true): Promise<InsertedCard> {
    this.#cards += 1;
    const iccid = `8986${String(this.#cards).padStart(16, '0')}`;
    const cardId: CardId = { kind: 'iccid', value: iccid };
    // One ISD pair serves all cards: they differ in their ids, and what is tried here does not depend on it.
    const { cap } = this.#options;
    const loadFiles = cap === undefined ? {} : { loadFiles: [{ cap }] };
    const seeded = seed === undefined ? {} : { seed };
    const image = { ...this.#template.image, name: `card-${this.#cards}`, iccid, ...loadFiles, ...seeded };
    if (known) await this.platforms.registerCard(cardId, { ...this.#template, image });
    const port = this.#ports[index];
    const link = port === undefined ? { vpcd: { host: '127.0.0.1', port: VPCD_PORT } } : { tcp: { port } };
    const card = await this.#simulator.insert(image, link);
    const reader = port === undefined ? VIRTUAL_READER : readerName(index);
    const unseat = async () => {
      await card.remove();
      // vpcd does not notice a card that takes the place of another before pcscd has seen that one leave.
      if (port === undefined) await this.platforms.cardPresent(reader, false);
    };
    return { card, cardId, readerName: reader, [Symbol.asyncDispose]: unseat };
  }

  distribute(inserted: InsertedCard): Promise<KeyDistributionState> {
    return this.platforms.distribute(PROVIDER, {
      terminalId: TERMINAL_ID,
      readerName: inserted.readerName,
      keySizeBits: this.#options.keySizeBits,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.platforms[Symbol.asyncDispose]();
    await this.#simulator.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const readerName = (index: number): string => `reader ${index}`;

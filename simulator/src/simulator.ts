// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { type CardImage, type LocatedImage, readCardImage } from './card-image.ts';
import { SimulatedCard } from './simulated-card.ts';
import { type ProcessOptions, SimulatorProcess } from './simulator-process.ts';

export interface SimulatorOptions extends ProcessOptions {
  /** Folder where cards keep their state; without it they are new each time. */
  readonly stateDir?: string | undefined;
}

/** How the card is reached besides the control link. */
export interface CardLinks {
  /** A slot of vpcd, the virtual reader of pcscd. */
  readonly vpcd?: { readonly host: string; readonly port: number } | undefined;
  /** A server on 127.0.0.1; port 0 takes a free one. */
  readonly tcp?: { readonly port: number } | undefined;
}

/** Cards of a simulator; the others of those with a state folder hibernate in their files. */
export interface SimulatorLoad {
  readonly cards: number;
  readonly awake: number;
  readonly heapBytes: number;
  /** What their classes take beside the heap. */
  readonly classBytes: number;
}

/** Of one place in an applet's source. */
export interface SiteCounts {
  /** Of persistent memory and RAM, taken. */
  readonly bytes: number;
  /** To persistent memory. */
  readonly writes: number;
}

/** AIDs of a CAP file, in hex. */
export interface CapSummary {
  readonly aid: string;
  readonly imports: readonly string[];
  readonly applets: readonly string[];
}

/**
 * With OPENTSM_DOMAINS_CAP the security domains of a card that has some are those of that CAP file, as `npx
 * ant-javacard` writes it, in place of the class files: suites of the applets run on what a card would load.
 */
function withDomainsCap(image: CardImage): CardImage {
  const cap = process.env.OPENTSM_DOMAINS_CAP;
  const hasDomains = image.isd != null || image.casd != null || (image.ssds ?? []).length > 0;
  const hasOwn = (image.loadFiles ?? []).some((file) => 'cap' in file && /securitydomain/.test(file.cap));
  if (cap === undefined || cap === '' || !hasDomains || hasOwn) return image;
  return { ...image, loadFiles: [{ cap: resolve(cap) }, ...(image.loadFiles ?? [])] };
}

/** A process of its own with any number of cards. */
export class Simulator {
  readonly #process: SimulatorProcess;
  readonly #stateDir: string | undefined;

  constructor(process: SimulatorProcess, stateDir: string | undefined) {
    this.#process = process;
    this.#stateDir = stateDir === undefined ? undefined : resolve(stateDir);
  }

  /**
   * Makes a card from an image, or takes it up where its saved state left it; it has power.
   * @param image an image, the path of one, or the bare name of one in `cards/`
   * @throws {SimulatorError} `image-invalid` and `image-refused` name the field at fault
   */
  async insert(image: CardImage | string, links: CardLinks = {}): Promise<SimulatedCard> {
    return this.insertLocated(
      typeof image === 'string' ? await readCardImage(image) : { image, folder: process.cwd() },
      links,
    );
  }

  /** Inserts an image whose relative paths start at a folder; its state may be in another folder than the others'. */
  async insertLocated(
    located: LocatedImage,
    links: CardLinks = {},
    stateDir: string | undefined = this.#stateDir,
  ): Promise<SimulatedCard> {
    const image = withDomainsCap(located.image);
    const inserted = await this.#process.call('insert', { ...located, image, ...links, stateDir });
    return new SimulatedCard(this.#process, inserted);
  }

  /** How many cards there are, how many of them are in memory, and what heap and classes hold after a collection. */
  async load(): Promise<SimulatorLoad> {
    return (await this.#process.call('load', {})) as unknown as SimulatorLoad;
  }

  /** How often each source line of applets ran, by source and line; empty unless the process counts them. */
  async coverage(): Promise<Record<string, Record<string, number>>> {
    return (await this.#process.call('coverage', {})) as Record<string, Record<string, number>>;
  }

  /**
   * What applets took of memory and how often they wrote to it, by source line, or by class and method where there are
   * no lines; empty unless the process counts them.
   */
  async sites(): Promise<Record<string, SiteCounts>> {
    return (await this.#process.call('sites', {})) as unknown as Record<string, SiteCounts>;
  }

  /**
   * What a CAP file says of itself, without linking it: AIDs of package, imported packages and applets.
   * @throws {SimulatorError} `load-refused` when it cannot be read
   */
  async inspect(file: string): Promise<CapSummary> {
    return (await this.#process.call('inspect', { file: resolve(file) })) as unknown as CapSummary;
  }

  /** Ends the process at once, as a crash does: nothing is saved on the way out. */
  kill(): void {
    this.#process.kill();
  }

  /** Saves all cards and ends the process. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/**
 * Starts a simulator.
 * @throws {SimulatorError} `not-built`; a missing Java shows at the first insert (`java-unavailable`)
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  return new Simulator(new SimulatorProcess(options), options.stateDir);
}

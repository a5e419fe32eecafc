// SPDX-License-Identifier: Apache-2.0
import { NotFoundError, TransportError } from '../../errors.ts';
import type { Bells } from '../../store/bells.ts';
import { attachedBell, type TerminalRow, type TerminalTable } from '../../store/ota/terminal-table.ts';
import type {
  TerminalExchange,
  TerminalInfo,
  TerminalResult,
  TerminalTrigger,
} from '../../wire/message/card-script.ts';

/** A terminal's connection, as the service sees it. */
export interface TerminalLink {
  readonly terminalId: string;
  /**
   * Sends one script and waits for its result.
   *
   * @throws TransportError `outcome-unknown` when the link ends or the time is over first
   */
  exchange(script: Omit<TerminalExchange, 'type' | 'id'>, timeoutMs: number): Promise<TerminalResult>;
  /** Makes the administration agent call. @throws TransportError when the link has ended */
  trigger(call: Omit<TerminalTrigger, 'type'>): Promise<void>;
  /** Tells that the session of this fence is over. */
  release(readerName: string, fence: number): void;
  /** Ends the connection. */
  close(reason: string): void;
}

export type ReaderInfo = TerminalInfo['readers'][number];

/** A card as it was found: what its terminal said of the reader, and the connection to that terminal. */
export interface ReachedCard {
  readonly link: TerminalLink;
  readonly reader: ReaderInfo;
}

export interface TerminalDirectoryOptions {
  readonly table: TerminalTable;
  readonly bells: Bells;
  /** Where this node answers the others; asked when a terminal connects. */
  readonly address: () => string;
  /** The way to a terminal that is connected to another node. */
  readonly linkTo: (row: TerminalRow) => TerminalLink;
  readonly onError: (error: Error) => void;
  /** Readers that no terminal has; undefined for a terminal id that is not theirs. */
  readonly beyond?: (terminalId: string, readerName: string) => Promise<ReachedCard | undefined>;
}

interface Connected {
  readonly link: TerminalLink;
  readonly connectedAt: string;
  /** Fires when the connection has ended. */
  readonly gone: AbortController;
  readers: readonly ReaderInfo[];
}

/** How often a node looks whether a terminal of its has gone to another one, should it have missed the bell. */
const LOOK_MS = 600_000;

/** Which terminals are connected, to this node and to others, and what is in their readers. */
export class TerminalDirectory {
  readonly #options: TerminalDirectoryOptions;
  readonly #terminals = new Map<string, Connected>();
  /** No other node is there that wants to know of cards that come and go; one that comes is told of all. */
  alone = false;

  constructor(options: TerminalDirectoryOptions) {
    this.#options = options;
  }

  /** Terminals that are connected to this node. */
  get size(): number {
    return this.#terminals.size;
  }

  /** A terminal that connects again replaces its older connection, also one to another node. */
  async attach(link: TerminalLink, readers: readonly ReaderInfo[]): Promise<void> {
    const { terminalId } = link;
    this.#terminals.get(terminalId)?.link.close('replaced by a newer connection');
    const connected = { link, connectedAt: new Date().toISOString(), gone: new AbortController(), readers };
    this.#terminals.set(terminalId, connected);
    await this.#options.table.attach(terminalId, this.#options.address(), [...readers]);
    void this.#watch(connected);
  }

  /** Tells the other nodes again what is connected here. */
  async announce(): Promise<void> {
    for (const { link, readers } of this.#terminals.values()) {
      await this.#options.table.attach(link.terminalId, this.#options.address(), [...readers]);
    }
  }

  async update(link: TerminalLink, readers: readonly ReaderInfo[]): Promise<void> {
    const connected = this.#terminals.get(link.terminalId);
    if (connected?.link !== link) return;
    connected.readers = readers;
    if (!this.alone) await this.#options.table.update(link.terminalId, [...readers]);
  }

  detach(link: TerminalLink): void {
    const connected = this.#terminals.get(link.terminalId);
    if (connected?.link !== link) return;
    connected.gone.abort();
    this.#terminals.delete(link.terminalId);
    this.#options.table.detach(link.terminalId).catch(this.#options.onError);
  }

  /** Ends the connection when the terminal has made a newer one to another node. */
  async #watch({ link, gone }: Connected): Promise<void> {
    const { bells, table, onError } = this.#options;
    while (!gone.signal.aborted) {
      await bells.heard(attachedBell(link.terminalId), LOOK_MS, gone.signal);
      if (gone.signal.aborted) return;
      try {
        const elsewhere = await table.elsewhere(link.terminalId);
        if (elsewhere !== undefined) link.close('replaced by a newer connection to another node');
      } catch (error) {
        onError(error as Error);
      }
    }
  }

  async list(): Promise<TerminalInfo[]> {
    const here = [...this.#terminals].map(([terminalId, { connectedAt, readers }]) => ({
      terminalId,
      connectedAt,
      readers: [...readers],
    }));
    const rows = await this.#options.table.allElsewhere();
    const elsewhere = rows
      .filter(({ terminalId }) => !this.#terminals.has(terminalId))
      .map(({ terminalId, connectedAt, readers }) => ({
        terminalId,
        connectedAt: connectedAt.toISOString(),
        readers: [...readers],
      }));
    return [...here, ...elsewhere];
  }

  /**
   * The connection that this node has.
   *
   * @throws TransportError `terminal-away` when it has none (any more): another node may
   */
  linkHere(terminalId: string): TerminalLink {
    return this.#terminals.get(terminalId)?.link ?? away(terminalId);
  }

  /**
   * The connection, here or at another node, and the reader as it is now.
   *
   * @throws TransportError `terminal-away` when it is not connected (it may come back)
   * @throws NotFoundError `reader-unknown` when it has no such reader
   */
  async reader(terminalId: string, readerName: string): Promise<ReachedCard> {
    const beyond = await this.#options.beyond?.(terminalId, readerName);
    if (beyond !== undefined) return beyond;
    const here = this.#terminals.get(terminalId);
    const row = here === undefined ? await this.#options.table.readerElsewhere(terminalId, readerName) : undefined;
    const readers = here?.readers ?? row?.readers ?? away(terminalId);
    const reader = readers.find((candidate) => candidate.readerName === readerName);
    if (reader === undefined) {
      const known = readers.map((candidate) => candidate.readerName).join(', ');
      throw new NotFoundError(
        'reader-unknown',
        `terminal ${terminalId} has no reader "${readerName}", it has: ${known}`.slice(0, 500),
        {
          terminalId,
          readerName,
        },
      );
    }
    if (here !== undefined) return { link: here.link, reader };
    return { link: row === undefined ? away(terminalId) : this.#options.linkTo(row), reader };
  }
}

function away(terminalId: string): never {
  throw new TransportError('terminal-away', `terminal ${terminalId} is not connected`, { terminalId });
}

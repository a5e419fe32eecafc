import { NotFoundError, TransportError } from '../../errors.ts';
import type { TerminalExchange, TerminalInfo, TerminalResult } from '../../wire/message/card-script.ts';

/** A terminal's connection, as the service sees it. */
export interface TerminalLink {
  readonly terminalId: string;
  /**
   * Sends one script and waits for its result.
   *
   * @throws TransportError `outcome-unknown` when the link ends or the time is over first
   */
  exchange(script: Omit<TerminalExchange, 'type' | 'id'>, timeoutMs: number): Promise<TerminalResult>;
  /** Tells that the session of this fence is over. */
  release(readerName: string, fence: number): void;
  /** Ends the connection. */
  close(reason: string): void;
}

export type ReaderInfo = TerminalInfo['readers'][number];

interface Connected {
  readonly link: TerminalLink;
  readonly connectedAt: string;
  readers: readonly ReaderInfo[];
}

/** Which terminals are connected to this node, and what is in their readers. */
export class TerminalDirectory {
  readonly #terminals = new Map<string, Connected>();

  get size(): number {
    return this.#terminals.size;
  }

  /** A terminal that connects again replaces its older connection. */
  attach(link: TerminalLink, readers: readonly ReaderInfo[]): void {
    this.#terminals.get(link.terminalId)?.link.close('replaced by a newer connection');
    this.#terminals.set(link.terminalId, { link, connectedAt: new Date().toISOString(), readers });
  }

  update(link: TerminalLink, readers: readonly ReaderInfo[]): void {
    const connected = this.#terminals.get(link.terminalId);
    if (connected?.link === link) connected.readers = readers;
  }

  detach(link: TerminalLink): void {
    if (this.#terminals.get(link.terminalId)?.link === link) this.#terminals.delete(link.terminalId);
  }

  list(): TerminalInfo[] {
    return [...this.#terminals].map(([terminalId, { connectedAt, readers }]) => ({
      terminalId,
      connectedAt,
      readers: [...readers],
    }));
  }

  /**
   * The connection and the reader as it is now.
   *
   * @throws TransportError `terminal-away` when it is not connected (it may come back)
   * @throws NotFoundError `reader-unknown` when it has no such reader
   */
  reader(terminalId: string, readerName: string): { readonly link: TerminalLink; readonly reader: ReaderInfo } {
    const connected = this.#terminals.get(terminalId);
    if (connected === undefined) {
      throw new TransportError('terminal-away', `terminal ${terminalId} is not connected`, { terminalId });
    }
    const reader = connected.readers.find((candidate) => candidate.readerName === readerName);
    if (reader === undefined) {
      const known = connected.readers.map((candidate) => candidate.readerName).join(', ');
      throw new NotFoundError(
        'reader-unknown',
        `terminal ${terminalId} has no reader "${readerName}", it has: ${known}`.slice(0, 500),
        {
          terminalId,
          readerName,
        },
      );
    }
    return { link: connected.link, reader };
  }
}

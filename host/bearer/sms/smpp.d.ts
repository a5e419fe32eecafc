// SPDX-License-Identifier: Apache-2.0
/** What is used here of the package `smpp`, which has no types of its own. */
declare module 'smpp' {
  import type { EventEmitter } from 'node:events';
  import type { Server as NetServer, Socket } from 'node:net';

  /** A PDU in its fields; which ones there are depends on the command, and a PDU with an error status has none. */
  export interface Pdu {
    readonly command: string;
    readonly command_status: number;
    readonly sequence_number: number;
    readonly [field: string]: unknown;
    isResponse(): boolean;
    response(fields?: Readonly<Record<string, unknown>>): Pdu;
  }

  export class PDU {
    static maxLength: number;
    static fromBuffer(buffer: Buffer): Pdu;
    constructor(command: string, fields?: Readonly<Record<string, unknown>>);
    toBuffer(): Buffer;
  }

  export interface Session extends EventEmitter {
    readonly socket: Socket;
    /** False when the socket is not writable: nothing was sent then, and nobody is called back. */
    send(pdu: Pdu | PDU, answered?: (answer: Pdu) => void): boolean;
    pause(): void;
    resume(): void;
    destroy(): void;
  }

  export function connect(options: Readonly<Record<string, unknown>>): Session;
  export function createServer(
    options: Readonly<Record<string, unknown>>,
    listener: (session: Session) => void,
  ): NetServer;
}

declare module 'smpp/lib/defs.js' {
  interface Filtered {
    filter?: unknown;
  }

  export const commands: Readonly<Record<string, { readonly params?: Readonly<Record<string, Filtered>> }>>;
  export const tlvs: Readonly<Record<string, Filtered>>;
}

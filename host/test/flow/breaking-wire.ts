// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { InvariantError } from '../../errors.ts';

/** The way from cards to the nodes of a server, of which a test breaks a channel in the middle of its bytes. */

interface Place {
  readonly host: string;
  readonly port: number;
}

/** What comes to pass when the wire has carried so many bytes from now on, both ways together. */
interface Plan {
  left: number;
  /** With the node that the channel went to, from 0. */
  readonly strike: (node: number) => void;
  /** The channel ends there; what fits before goes through. */
  readonly cut: boolean;
}

export class BreakingWire implements AsyncDisposable {
  readonly #server: Server;
  readonly #ends = new Set<Socket>();
  #nodes: readonly Place[] = [];
  #plan: Plan | undefined;

  private constructor() {
    this.#server = createServer((near) => void this.#join(near));
  }

  static async open(): Promise<BreakingWire> {
    const wire = new BreakingWire();
    wire.#server.listen(0, '127.0.0.1');
    await once(wire.#server, 'listening');
    return wire;
  }

  get place(): Place {
    const { port } = this.#server.address() as AddressInfo;
    return { host: '127.0.0.1', port };
  }

  /** Where the nodes listen: a channel goes to the first one that takes it. */
  leadTo(nodes: readonly Place[]): void {
    this.#nodes = nodes;
  }

  /** @returns whether it has come to that */
  after(bytes: number, options: { readonly cut: boolean; readonly strike?: (node: number) => void }): () => boolean {
    let struck = false;
    const strike = (node: number) => {
      struck = true;
      options.strike?.(node);
    };
    this.#plan = { left: bytes, cut: options.cut, strike };
    return () => struck;
  }

  /** What has not come to pass by now does not any more. */
  spare(): void {
    this.#plan = undefined;
  }

  async #join(near: Socket): Promise<void> {
    near.on('error', () => {});
    this.#ends.add(near);
    const found = await this.#reach();
    if (found === undefined) {
      near.destroy();
      return;
    }
    const { far, node } = found;
    this.#ends.add(far);
    far.on('error', () => {});
    for (const [from, to] of [[near, far] as const, [far, near] as const]) {
      from.on('close', () => {
        this.#ends.delete(from);
        to.destroy();
      });
      from.on('data', (part: Buffer) => this.#carry(part, to, node));
    }
    if (near.destroyed) far.destroy();
  }

  #carry(part: Buffer, to: Socket, node: number): void {
    const plan = this.#plan;
    if (plan === undefined || part.length <= plan.left) {
      if (plan !== undefined) plan.left -= part.length;
      to.write(part);
      return;
    }
    this.#plan = undefined;
    if (plan.cut) to.write(part.subarray(0, plan.left), () => to.destroy());
    else to.write(part);
    plan.strike(node);
  }

  async #reach(): Promise<{ readonly far: Socket; readonly node: number } | undefined> {
    for (const [node, place] of this.#nodes.entries()) {
      const far = connect({ ...place, noDelay: true });
      const taken = await new Promise<boolean>((resolve) => {
        far.once('connect', () => resolve(true));
        far.once('error', () => resolve(false));
      });
      if (taken) return { far, node };
    }
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) throw new InvariantError('wire-closed', 'The wire was closed before');
    for (const end of this.#ends) end.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

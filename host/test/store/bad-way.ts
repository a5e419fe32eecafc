// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** The network between a daemon and its PostgreSQL, which loses what it is told to lose. */
export class BadWay implements AsyncDisposable {
  /** Address of the database by this way. */
  readonly url: string;
  readonly #server: Server;
  readonly #pairs: ReadonlySet<Pair>;
  readonly #plan: Plan;

  private constructor(url: string, server: Server, pairs: ReadonlySet<Pair>, plan: Plan) {
    this.url = url;
    this.#server = server;
    this.#pairs = pairs;
    this.#plan = plan;
  }

  static async open(url: string): Promise<BadWay> {
    const { hostname, port } = new URL(url);
    const pairs = new Set<Pair>();
    const plan: Plan = { lost: undefined, when: 'done' };
    const server = createServer((near) => pairs.add(join(near, connect(Number(port), hostname), plan)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const by = new URL(url);
    by.port = String((server.address() as AddressInfo).port);
    return new BadWay(by.href, server, pairs, plan);
  }

  /**
   * The next answer to something that holds this text is lost with its connection: when the server has done it, or
   * while it is still at it.
   */
  loseAnswerTo(text: string, when: 'done' | 'at it' = 'done'): void {
    this.#plan.lost = text;
    this.#plan.when = when;
  }

  /** From here on nothing comes through on the connections that are there, and nobody is told. */
  swallow(): void {
    for (const { near, far } of this.#pairs) {
      near.removeAllListeners('data').removeAllListeners('close').resume();
      far.removeAllListeners('data').removeAllListeners('close').resume();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far.destroy();
    }
    this.#server.close();
    await once(this.#server, 'close');
  }
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

interface Plan {
  lost: string | undefined;
  when: 'done' | 'at it';
}

function join(near: Socket, far: Socket, plan: Plan): Pair {
  near.on('data', (bytes: Buffer) => {
    const { lost } = plan;
    if (lost !== undefined && bytes.includes(lost)) {
      plan.lost = undefined;
      if (plan.when === 'at it') {
        // Nobody tells the server.
        near.removeAllListeners('close').destroy();
        far.write(bytes);
        return;
      }
      // PostgreSQL answers when it has done it.
      far.removeAllListeners('data').once('data', () => near.destroy());
    }
    far.write(bytes);
  });
  far.on('data', (bytes: Buffer) => near.write(bytes));
  for (const [one, other] of [
    [near, far],
    [far, near],
  ] as const)
    one.on('error', () => {}).on('close', () => other.destroy());
  return { near, far };
}

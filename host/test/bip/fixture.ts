// SPDX-License-Identifier: Apache-2.0
import { AdministrationAgent, type AdministrationAgentOptions } from '../../bearer/bip/administration-agent.ts';
import { AdministrationServer, type AdministrationServerOptions } from '../../bearer/bip/administration-server.ts';
import { administrationUri } from '../../bearer/bip/administration-uri.ts';
import { Secret } from '../../crypto/secret.ts';
import { Administration, type AdministrationOptions, type Triggered } from '../../service/ota/administration.ts';
import { BellsByDatabase } from '../../store/bells.ts';
import { openDatabase } from '../../store/database.ts';
import { AdminSessionTable } from '../../store/ota/admin-session-table.ts';
import { OTA_MIGRATIONS } from '../../store/ota/lease-table.ts';
import { toHex } from '../../wire/hex.ts';
import { encodeAdminTrigger } from '../../wire/uicc/admin-trigger.ts';

export const IDENTITY = 'desk';
export const PSK = Uint8Array.from({ length: 16 }, (_, index) => index + 1);
const onError = () => {};
export const silent = { info: onError, warn: onError, error: onError, debug: onError } as never;

/** Keys by identity: each its own, as the KMS would derive it. */
export const findKey = async (identity: string): Promise<Uint8Array> =>
  identity === IDENTITY ? PSK.slice() : new Uint8Array(16).fill(identity.length);

type ServerLimits = Pick<AdministrationServerOptions, 'handshakeMs' | 'lingerMs' | 'silenceMs' | 'idleMs'>;

/** One node: its sessions in the database, and the port that cards call. */
export class TestNode implements AsyncDisposable {
  readonly administration: Administration;
  readonly table: AdminSessionTable;
  readonly #parts: AsyncDisposableStack;
  #server: AdministrationServer;

  private constructor(
    parts: AsyncDisposableStack,
    {
      administration,
      table,
      server,
    }: { administration: Administration; table: AdminSessionTable; server: AdministrationServer },
  ) {
    this.#parts = parts;
    this.administration = administration;
    this.table = table;
    this.#server = server;
  }

  static async open(url: string, more: Partial<AdministrationOptions> & ServerLimits = {}): Promise<TestNode> {
    await using parts = new AsyncDisposableStack();
    const database = await openDatabase<unknown>({ url, migrations: OTA_MIGRATIONS, connections: 4, onError });
    parts.defer(() => database.destroy());
    const bells = parts.use(await BellsByDatabase.listen({ url, onError }));
    const table = new AdminSessionTable(database);
    const administration = new Administration({ table, bells: bells.bells, ...more });
    const listen = { host: '127.0.0.1', port: 0, ...more, administration, findKey, logger: silent };
    const server = await AdministrationServer.listen(listen);
    return new TestNode(parts.move(), { administration, table, server });
  }

  get address() {
    return { host: '127.0.0.1', port: this.#server.port };
  }

  /** Cards that are connected. */
  get size(): number {
    return this.#server.size;
  }

  /** Ends the port and all connections, as a node that is killed. */
  async cut(): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]().catch(onError);
    await this.#parts[Symbol.asyncDispose]();
  }
}

/** The agent of a terminal whose card answers 9000 with the number of the command. */
export function testAgent(
  servers: AdministrationAgentOptions['servers'],
  more: Partial<AdministrationAgentOptions> = {},
): AdministrationAgent {
  return new AdministrationAgent({
    servers,
    pskIdentity: IDENTITY,
    psk: new Secret(PSK.slice()),
    logger: silent,
    retryMs: 10,
    run: async ({ commands }) => ({
      responses: commands.map((_command, index) => ({ data: toHex(Uint8Array.of(index)), sw: '9000' })),
      stopped: false,
      apdus: commands.length,
      bytesOut: 0,
      bytesIn: 0,
    }),
    ...more,
  });
}

export const KEY = { terminalId: IDENTITY, readerName: 'slot 1', fence: 1, pskIdentity: IDENTITY };

/** Starts the agent's session for this fence. */
export const triggerOf =
  (agent: AdministrationAgent, fence = 1) =>
  async (sessionId: string): Promise<Triggered> => {
    const parameters = toHex(encodeAdminTrigger({ session: { http: { uri: administrationUri(sessionId, 0) } } }));
    agent.start({ readerName: KEY.readerName, insertion: 'card-1', fence, parameters });
    return {};
  };

// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { PeerError, TransportError } from '../../errors.ts';
import { Actions } from '../../service/front/actions.ts';
import { SeramSessions } from '../../service/front/seram-sessions.ts';
import { TsmApi } from '../../service/front/tsm-api.ts';
import { Bells } from '../../store/bells.ts';
import { openDatabase } from '../../store/database.ts';
import { FRONT_MIGRATIONS, type FrontTables } from '../../store/front/schema.ts';
import { putUserCard } from '../../store/front/user-cards.ts';
import { requestIdOf } from '../../store/request-log.ts';
import type { FindOnCards, Instance, Process } from '../../wire/message/service-instance.ts';
import { TestDatabase } from '../ota/fixture.ts';

export const SERVICE = '33333333-3333-4333-8333-333333333333';
export const SELF = 'urn:opentsm:front:main';
const seId = '89860000000000000019';
export const alice = { subject: 'alice' };
export const stamp = { actionCode: 'STAMP', productId: SERVICE, seType: 'uicc', seId } as const;

/** A front whose provider says what each test wants. */
export class ScriptFront implements AsyncDisposable {
  /** What the provider says; a number is the status of a refusal. */
  found: Partial<Instance> | number = {};
  running: Partial<Process> = {};
  /** Why nothing is begun. */
  refusal: PeerError | undefined;
  asked: FindOnCards[] = [];
  starts = 0;
  readonly actions: Actions;
  readonly tsmApi: TsmApi;
  readonly #database: Kysely<FrontTables>;
  readonly #postgres: TestDatabase;

  private constructor(postgres: TestDatabase, database: Kysely<FrontTables>) {
    [this.#postgres, this.#database] = [postgres, database];
    const common = {
      database,
      sessions: new SeramSessions({ database, bells: new Bells() }),
      onError: () => {},
      backends: this.#backends(),
      terminalId: 'seram:main',
      raEndpoint: () => 'https://front.invalid/gp/seram',
    };
    this.actions = new Actions({
      ...common,
      route: ({ actionCode }) => ({ name: 'all', when: { actionCode }, pool: 'provider-a', operation: 'execution' }),
    });
    this.tsmApi = new TsmApi({ ...common, pool: 'provider-a', self: SELF });
  }

  static async start(): Promise<ScriptFront> {
    const postgres = await TestDatabase.start();
    const url = await postgres.server.createDatabase('front');
    const database = await openDatabase<FrontTables>({ url, migrations: FRONT_MIGRATIONS });
    await putUserCard(database, 'alice', `iccid:${seId}`);
    return new ScriptFront(postgres, database);
  }

  /** As it was at the start. */
  async forget(): Promise<void> {
    await this.#database.deleteFrom('actions').execute();
    [this.found, this.running, this.asked] = [{ instanceAids: ['F05354414D5001A1'] }, {}, []];
    [this.refusal, this.starts] = [undefined, 0];
  }

  #backends() {
    const away = () => Promise.reject(new TransportError('peer-unreachable', 'nothing is behind'));
    const information = {
      serviceId: SERVICE,
      versionTag: '1.0.0',
      flavorId: SERVICE,
      flavorName: '',
      profileId: SERVICE,
    };
    const cardId = { kind: 'iccid', value: seId } as const;
    const instance: Instance = {
      serviceInstanceId: SERVICE,
      state: 21,
      productState: 'VALID',
      cardId,
      technicalInformation: { ...information, spParameters: {} },
    };
    const begun = new Set<string>();
    const process = async (processId: string): Promise<Process> => {
      if (!begun.has(processId)) throw new PeerError('not-found', 'There is no such process', { status: 404 });
      return {
        processId,
        serviceInstanceId: SERVICE,
        cardId,
        state: 'running',
        progress: 0,
        messages: [],
        values: {},
        steps: [],
        ...this.running,
      };
    };
    const services = {
      contact: away,
      create: away,
      checkDeployment: away,
      checkUpdate: away,
      get: async () => instance,
      find: async (body: FindOnCards) => {
        this.asked.push(body);
        if (typeof this.found === 'number') throw new PeerError('no', 'The provider says no', { status: this.found });
        return [{ ...instance, ...this.found }];
      },
      start: async (key: string) => {
        this.starts += 1;
        if (this.refusal !== undefined) throw this.refusal;
        const processId = requestIdOf(SELF, key);
        begun.add(processId);
        return process(processId);
      },
      process,
    };
    return {
      topUps: () => ({ start: away, state: away }),
      services: () => services,
      lossReports: () => ({ report: away, state: away, open: away, close: away }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.actions.drain();
    this.tsmApi.drain();
    await this.#database.destroy();
    await this.#postgres[Symbol.asyncDispose]();
  }
}

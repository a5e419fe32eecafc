// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import { daemonFields } from '../../daemon/config.ts';
import { defineDaemon } from '../../daemon/daemon.ts';
import { TransportError } from '../../errors.ts';
import type { Peer } from '../../rest/identity.ts';
import { testPki } from '../rest/fixture.ts';

/** A daemon that does nothing but answer, hold or refuse: the nodes behind a pool. */

export const WORKER: Peer = { role: 'provider', id: 'a' };
export const Done = Type.Object({ by: Type.String() }, { additionalProperties: false });

export interface Worker {
  readonly name: string;
  /** Calls that came so far. */
  calls: number;
  /** Says that it is ready. */
  ready: boolean;
  /** Refuses work all the same. */
  fails: boolean;
  /** What a call waits for. */
  held: Promise<void>;
  /** What the end of the daemon waits for. */
  drained: Promise<void>;
  onCall(): void;
}

export const newWorker = (name: string): Worker => ({
  name,
  calls: 0,
  ready: true,
  fails: false,
  onCall: () => {},
  held: Promise.resolve(),
  drained: Promise.resolve(),
});

export const workerDaemon = (worker: Worker) =>
  defineDaemon({
    name: 'provider',
    config: Type.Object(daemonFields, { additionalProperties: false }),
    start: async () => ({
      routes: (app) => {
        const options = { config: { access: ['front'] as const }, schema: { response: { 200: Done } } };
        const work = async () => {
          worker.calls += 1;
          worker.onCall();
          await worker.held;
          if (worker.fails) throw new TransportError('no-database', 'the database is away');
          return { by: worker.name };
        };
        app.get('/v1/work', options, work);
        app.post('/v1/work', options, work);
      },
      ready: async () => {
        if (!worker.ready) throw new TransportError('no-database', 'the database is away');
      },
      drain: () => worker.drained,
    }),
  });

/** @returns the file's path */
export async function workerConfig(folder: string, name: string): Promise<string> {
  const file = join(folder, `${name}.json`);
  const tls = await (await testPki()).issue(WORKER);
  await writeFile(file, JSON.stringify({ listen: { host: '127.0.0.1', port: 0 }, tls, log: { level: 'silent' } }));
  return file;
}

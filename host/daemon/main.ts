// SPDX-License-Identifier: Apache-2.0
import type { TSchema } from 'typebox';
import { errorLine } from '../errors.ts';
import { type DaemonDefinition, startDaemon } from './daemon.ts';

export interface MainOptions {
  readonly config: string;
  /** Under a supervisor: standard input ends when the supervisor is gone, and the daemon with it. */
  readonly supervised: boolean;
}

/**
 * Runs one daemon as this process until SIGTERM, SIGINT or the end of its supervisor. Prints one
 * line `{"ready":true,"port":n}` on standard output when it listens, or `{"ready":false,"error":..}`.
 */
export async function runDaemon<S extends TSchema>(
  definition: DaemonDefinition<S>,
  options: MainOptions,
): Promise<void> {
  let finish: (code: number) => void = (code) => process.exit(code);
  const stopWith = (code: number) => () => finish(code);
  if (options.supervised) {
    process.stdin.on('end', stopWith(0)).on('error', stopWith(0)).resume();
  }
  process.on('SIGTERM', stopWith(0));
  process.on('SIGINT', stopWith(0));
  // Until there is something to read again: the default would end the process.
  process.on('SIGHUP', () => {});
  try {
    const daemon = await startDaemon(definition, options.config);
    let stopping = false;
    finish = (code) => {
      if (stopping) return;
      stopping = true;
      // A part that does not let go must not keep the process: what it held is durable or dies with it.
      setTimeout(() => process.exit(1), 15_000).unref();
      daemon.stop().then(
        () => process.exit(code),
        () => process.exit(1),
      );
    };
    process.on('SIGHUP', () => {
      daemon.reload().catch((error: unknown) => process.stderr.write(`${definition.name}: ${errorLine(error)}\n`));
    });
    process.on('uncaughtException', (error) => fail(error));
    process.on('unhandledRejection', (error) => fail(error));
    say({ ready: true, port: daemon.port });
  } catch (error) {
    say({ ready: false, error: errorLine(error) });
    process.stderr.write(`${definition.name}: ${errorLine(error)}\n`);
    process.exit(1);
  }
}

/** An error nobody awaited: the state is unknown, so the process ends and the supervisor starts a fresh one. */
function fail(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(70);
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
